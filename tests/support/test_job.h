/* test_job.h: jobs for a batcher, and ways to wait for them. SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_JOB_H
#define TEST_JOB_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/batcher.h"

enum { WATCH_JOBS = 64 };

/* What is seen of jobs by who submits them. */
struct job_watch {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t n_done;
    const struct batch_job *order[WATCH_JOBS]; /* as they were done, the first of them */
    bool gate_reached, gate_is_open;           /* of the job that stops at the gate */
};
void job_watch_init(struct job_watch *watch);
void job_watch_release(struct job_watch *watch);

/* Waits until that many jobs are done; aborts the test if it takes too long. job_watch_try() is
 * false then, and may be called by any thread. */
void job_watch_wait(struct job_watch *watch, size_t n_done);
bool job_watch_try(struct job_watch *watch, size_t n_done);

/* A job of sequences of 1 to 7 steps. */
struct test_job {
    struct batch_job job; /* first: a pointer to it points to the whole */
    struct job_watch *watch;
    struct lstm_sequence *sequences;
    float *inputs, *outputs;
};
void test_job_init(struct test_job *test, struct job_watch *watch, const struct lstm_model *model,
                   size_t n, uint64_t seed);
void test_job_release(struct test_job *test);

/* Submits the job, which is expected to be queued. */
void test_job_submit(struct test_job *test, struct batch_queue *queue);

/* Submits a job that keeps its worker from going on, when it is done, until test_gate_open(). */
void test_gate_submit(struct test_job *test, struct batch_queue *queue);
/* Waits until the worker is held. */
void test_gate_wait(struct job_watch *watch);
void test_gate_open(struct job_watch *watch);

/* Whether every sequence has, within 1e-5, what the model gives for it alone. */
bool test_job_is_of(const struct test_job *test, const struct lstm_model *model);

#endif
