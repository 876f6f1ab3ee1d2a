/* replicas.h: several daemons that share their sessions in Redis, and a client of each.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef REPLICAS_H
#define REPLICAS_H

#include <jansson.h>

#include "tests/support/client.h"
#include "tests/support/daemon.h"
#include "tests/support/redis_server.h"
#include "tests/support/temp_folder.h"

enum { N_REPLICAS = 3 };

#define SESSIONS "/v1/models/any/sessions"

struct replica {
    struct daemon server;
    struct client client;
    bool is_up;
};

extern struct redis_server redis_server;
extern struct temp_folder replicas_folder; /* of the models: "any", version 1 */
extern struct replica replicas[N_REPLICAS];

/* Starts Redis and the folder; daemons follow. */
void replicas_open(void);
/* Starts daemon i with the store at `url` and more options, NULL-ended; NULL: none. */
void replica_start(size_t i, const char *url, const char *const *options);
/* All of that, with Redis' own url. */
void replicas_start(const char *const *options);
void replicas_stop(void);

/* Asks replica i and expects the status; the answer's text, valid until the next call. */
const char *replica_ask(size_t i, const char *method, const char *path, const char *body,
                        int status);

/* The same whatever the status, which it returns; < 0: no answer. Any thread, any client. */
int replica_try(struct client *client, const char *method, const char *path, const char *body,
                char *text, size_t room);

/* Asks until the answer has the status and the words, or the patience is over. */
void replica_await(size_t i, const char *method, const char *path, const char *body, int status,
                   const char *words);

/* "steps" of the session, as replica i tells it. */
long replica_steps(size_t i, const char *id);

double replica_metric(size_t i, const char *series);

#endif
