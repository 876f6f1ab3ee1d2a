/* test_batcher_here.c: a job that is alone is computed by the thread that submits it.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <pthread.h>
#include <sched.h>

#include "server/batcher_internal.h"
#include "tests/support/batcher_fixture.h"

Suite *suite_batcher_here(void);

static const struct batcher_options options = {.n_workers = 2, .max_batch = 8, .max_queued = 100};

static pthread_t done_on;
static unsigned n_done;

static void note_thread(struct batch_job *job)
{
    (void)job;
    done_on = pthread_self();
    n_done++;
}

/* Until the workers have started, or finished what they had, and rest. */
static void wait_until_free(void)
{
    bool is_free = false;
    while (!is_free) {
        pthread_mutex_lock(&batcher->lock);
        is_free = batcher_is_free(batcher);
        pthread_mutex_unlock(&batcher->lock);
        sched_yield();
    }
}

static void setup(void)
{
    n_done = 0;
    batcher_fixture_start(options);
    wait_until_free();
}

/* A job that may be computed here, whose done() says where it was. */
static void init(struct test_job *job, size_t n_sequences)
{
    batcher_fixture_init_jobs(job, 1, n_sequences);
    job->job.may_run_here = true;
    job->job.done = note_thread;
}

START_TEST(test_batcher_here_lone_job_is_done_when_submit_returns)
{
    struct test_job job;
    for (unsigned k = 1; k <= 20; k++) {
        init(&job, 1);
        ck_assert_int_eq(batch_queue_submit(queue, &job.job), BATCH_QUEUED);
        ck_assert_uint_eq(n_done, k);
        ck_assert(pthread_equal(done_on, pthread_self()));
        ck_assert_int_eq(job.job.fate, BATCH_COMPUTED);
        ck_assert(test_job_is_of(&job, model));
        ck_assert_uint_eq(batch_queue_depth(queue), 0);
        batcher_fixture_release_jobs(&job, 1);
    }
}
END_TEST

/* Submits a second job from within the first one's done(), when the place is taken. */
static struct test_job second;

static void submit_second(struct batch_job *job)
{
    note_thread(job);
    test_job_submit(&second, queue);
}

START_TEST(test_batcher_here_job_beside_another_goes_to_a_worker)
{
    struct test_job first;
    init(&first, 1);
    first.job.done = submit_second;
    batcher_fixture_init_jobs(&second, 1, 1);
    second.job.may_run_here = true;
    ck_assert_int_eq(batch_queue_submit(queue, &first.job), BATCH_QUEUED);
    job_watch_wait(&watch, 1);
    ck_assert(test_job_is_of(&first, model));
    ck_assert(test_job_is_of(&second, model));
    batcher_fixture_release_jobs(&first, 1);
    batcher_fixture_release_jobs(&second, 1);
}
END_TEST

START_TEST(test_batcher_here_late_job_is_not_computed)
{
    struct test_job job;
    init(&job, 1);
    job.job.deadline_us = 1;
    ck_assert_int_eq(batch_queue_submit(queue, &job.job), BATCH_QUEUED);
    ck_assert_uint_eq(n_done, 1);
    ck_assert_int_eq(job.job.fate, BATCH_EXPIRED);
    batcher_fixture_release_jobs(&job, 1);
}
END_TEST

START_TEST(test_batcher_here_stopped_batcher_refuses)
{
    struct test_job job;
    init(&job, 1);
    batcher_stop(batcher);
    ck_assert_int_eq(batch_queue_submit(queue, &job.job), BATCH_STOPPING);
    ck_assert_uint_eq(n_done, 0);
    batcher_fixture_release_jobs(&job, 1);
}
END_TEST

START_TEST(test_batcher_here_job_of_several_sequences_goes_to_a_worker)
{
    struct test_job job;
    batcher_fixture_init_jobs(&job, 1, 2);
    job.job.may_run_here = true;
    test_job_submit(&job, queue);
    job_watch_wait(&watch, 1);
    ck_assert(test_job_is_of(&job, model));
    batcher_fixture_release_jobs(&job, 1);
}
END_TEST

Suite *suite_batcher_here(void)
{
    Suite *suite = suite_create("batcher_here");
    TCase *tcase = tcase_create("batcher_here");
    tcase_add_checked_fixture(tcase, setup, batcher_fixture_stop);
    tcase_add_test(tcase, test_batcher_here_lone_job_is_done_when_submit_returns);
    tcase_add_test(tcase, test_batcher_here_job_beside_another_goes_to_a_worker);
    tcase_add_test(tcase, test_batcher_here_late_job_is_not_computed);
    tcase_add_test(tcase, test_batcher_here_stopped_batcher_refuses);
    tcase_add_test(tcase, test_batcher_here_job_of_several_sequences_goes_to_a_worker);
    suite_add_tcase(suite, tcase);
    return suite;
}
