/* train_daemon.h: a daemon that a model "m" learns in, and a client of it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TRAIN_DAEMON_H
#define TRAIN_DAEMON_H

#include "tests/support/client.h"
#include "tests/support/daemon.h"
#include "tests/support/train_fixture.h"

#define M "/v1/models/m"

/* What the functions below work on; answer: to the last request. */
struct train_daemon {
    struct train_site site;
    struct daemon server;
    struct client client;
    struct client_answer answer;
};
extern struct train_daemon learner_daemon;

/* Starts the daemon on the site, which exists. options: NULL-ended. */
void train_daemon_start(const char *const *options);
/* With --state-dir and this --train-sync. */
void train_daemon_start_sync(const char *sync);
/* SIGTERM, and SIGKILL. */
void train_daemon_stop(void);
void train_daemon_kill(void);

void train_post(const char *path, const char *body);
void train_put(const char *path, const char *body);
void train_get(const char *path);

/* Sends batch k as a train-step and expects this status. */
void train_step(unsigned k, int status);

void assert_answer_status(int status);

/* The number under a key of the answer; NaN: there is none. */
double answer_number(const char *key);
void assert_answer_number(const char *key, double value);

/* That what is asked predicts as the trainer's weights do. */
void assert_predicts_as(const char *path, const struct lstm_trainer *trainer);

/* That the checkpoint of version 1 holds what the trainer does. */
void assert_checkpoint_holds(const struct lstm_trainer *want);

#endif
