/* batcher_fixture.h: a batcher with one queue, as the tests of the batcher share it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BATCHER_FIXTURE_H
#define BATCHER_FIXTURE_H

#include "tests/support/test_job.h"

extern struct batcher *batcher;
extern struct batch_queue *queue;              /* of model_any, seed 1; "m" in metrics */
extern struct lstm_model *model, *other_model; /* the queue's; and that of seed 2 */
extern struct job_watch watch;

/* Starts all of it, and forgets all metrics. */
void batcher_fixture_start(struct batcher_options options);
void batcher_fixture_stop(void);

/* One more queue, of the model of this description. */
struct batch_queue *batcher_fixture_queue(const char *json, uint64_t seed, const char *label);

/* n jobs for `model`, of n_sequences each. */
void batcher_fixture_init_jobs(struct test_job *jobs, size_t n, size_t n_sequences);
void batcher_fixture_release_jobs(struct test_job *jobs, size_t n);

#endif
