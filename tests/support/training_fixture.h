/* training_fixture.h: a training thread of a test's own, and tasks for it.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Tasks that are submitted before the thread runs are one group, so that nothing depends on timing.
 */
#ifndef TRAINING_FIXTURE_H
#define TRAINING_FIXTURE_H

#include "server/training.h"
#include "tests/support/batcher_fixture.h"
#include "tests/support/registry_fixture.h"
#include "tests/support/toy_task.h"
#include "tests/support/train_fixture.h"

enum { MAX_QUEUED = 6, MAX_BYTES = 1 << 20 };

extern struct train_site site;
extern struct model_watcher *watcher;
extern struct training *training;
extern struct lstm_error error;

/* A checked fixture: all but the thread, with the model "m" and these bounds. */
void training_fixture_start(void);
void training_fixture_stop(void);

/* Starts the thread. */
void training_fixture_run(void);

/* How many tasks are done; and waits until n are. */
unsigned training_fixture_n_done(void);
void training_fixture_wait(unsigned n);

/* The shape that examples are read for; *version is to be released. */
const struct lstm_model *training_fixture_shape(const struct served_version **version);

/* A task with batch k. */
struct training_task {
    struct train_batch batch;
    struct train_task task;
};
struct train_task *training_fixture_task(struct training_task *task, enum train_action action,
                                         unsigned k, const struct lstm_model *shape);

/* The same, submitted: there is room for it. */
void training_fixture_submit(struct training_task *task, enum train_action action, unsigned k,
                             const struct lstm_model *shape);

#endif
