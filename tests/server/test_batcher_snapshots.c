/* test_batcher_snapshots.c: weights are replaced while jobs run, and each job sees one set of them.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>

#include "tests/support/assert_tensor.h"
#include "tests/support/batcher_fixture.h"
#include "tests/support/model_builder.h"
#include "tests/support/model_store.h"

Suite *suite_batcher_snapshots(void);

static void publish(struct batch_queue *to, uint64_t seed)
{
    struct lstm_error error = {.text = ""};
    assert_ok(batch_queue_publish(to, create_model(model_any, seed), &error), &error);
}

START_TEST(test_batcher_published_snapshot_runs_jobs_that_come_later)
{
    struct test_job before, after;
    batcher_fixture_start(
        (struct batcher_options){.n_workers = 2, .max_batch = 8, .max_queued = 100});
    batcher_fixture_init_jobs(&before, 1, 3);
    batcher_fixture_init_jobs(&after, 1, 3);
    test_job_submit(&before, queue);
    job_watch_wait(&watch, 1);
    publish(queue, 2);
    test_job_submit(&after, queue);
    job_watch_wait(&watch, 2);
    ck_assert(test_job_is_of(&before, model) && !test_job_is_of(&before, other_model));
    ck_assert(test_job_is_of(&after, other_model) && !test_job_is_of(&after, model));
    batcher_fixture_release_jobs(&before, 1);
    batcher_fixture_release_jobs(&after, 1);
    batcher_fixture_stop();
}
END_TEST

/* The first batch holds the gate and the first half of `cut`, whose second half runs after the
 * snapshot was replaced, in a batch that has room for `later`. */
START_TEST(test_batcher_cut_job_sees_one_snapshot_and_a_later_job_the_new_one)
{
    struct test_job hold, gate, cut, later;
    struct job_watch hold_watch;
    batcher_fixture_start(
        (struct batcher_options){.n_workers = 1, .max_batch = 16, .max_queued = 100});
    job_watch_init(&hold_watch);
    test_job_init(&hold, &hold_watch, model, 1, 0);
    batcher_fixture_init_jobs(&gate, 1, 1);
    batcher_fixture_init_jobs(&cut, 1, 24);
    batcher_fixture_init_jobs(&later, 1, 3);
    test_gate_submit(&hold, queue);
    test_gate_wait(&hold_watch);
    test_gate_submit(&gate, queue);
    test_job_submit(&cut, queue);
    test_gate_open(&hold_watch);
    test_gate_wait(&watch);
    ck_assert_uint_eq(batch_queue_depth(queue), 9);
    publish(queue, 2);
    test_job_submit(&later, queue);
    test_gate_open(&watch);
    job_watch_wait(&watch, 3);
    ck_assert(test_job_is_of(&cut, model));
    ck_assert(test_job_is_of(&later, other_model));
    batcher_stop(batcher);
    batcher_fixture_release_jobs(&hold, 1);
    batcher_fixture_release_jobs(&gate, 1);
    batcher_fixture_release_jobs(&cut, 1);
    batcher_fixture_release_jobs(&later, 1);
    job_watch_release(&hold_watch);
    batcher_fixture_stop();
}
END_TEST

START_TEST(test_batcher_snapshot_of_another_architecture_is_refused)
{
    struct test_job job;
    struct lstm_error error;
    batcher_fixture_start(
        (struct batcher_options){.n_workers = 1, .max_batch = 8, .max_queued = 100});
    assert_failure(batch_queue_publish(queue, create_model(model_rows, 1), &error), LSTM_INVALID,
                   &error, "architecture");
    batcher_fixture_init_jobs(&job, 1, 1);
    test_job_submit(&job, queue);
    job_watch_wait(&watch, 1);
    ck_assert(test_job_is_of(&job, model));
    batcher_fixture_release_jobs(&job, 1);
    batcher_fixture_stop();
}
END_TEST

enum { STORM_THREADS = 8, STORM_JOBS = 25 };

struct storm {
    pthread_t thread;
    struct batch_queue *queue;
    struct job_watch watch;
    bool failed;
    struct test_job jobs[STORM_JOBS];
};

/* A job at a time, as a client would. */
static void *submit_storm(void *argument)
{
    struct storm *storm = argument;
    for (size_t i = 0; i < STORM_JOBS && !storm->failed; i++)
        storm->failed = batch_queue_submit(storm->queue, &storm->jobs[i].job) != BATCH_QUEUED ||
                        !job_watch_try(&storm->watch, i + 1);
    return NULL;
}

START_TEST(test_batcher_storm_of_threads_and_snapshots_gives_each_job_one_of_them)
{
    static struct storm storms[STORM_THREADS];
    batcher_fixture_start(
        (struct batcher_options){.n_workers = 2, .max_batch = 16, .max_queued = 1000});
    struct batch_queue *second = batcher_fixture_queue(model_any, 1, "second");
    for (size_t t = 0; t < STORM_THREADS; t++) {
        struct storm *storm = &storms[t];
        storm->failed = false;
        storm->queue = t % 2 == 0 ? queue : second;
        job_watch_init(&storm->watch);
        for (size_t i = 0; i < STORM_JOBS; i++)
            test_job_init(&storm->jobs[i], &storm->watch, model, 1 + (i + t) % 20, 100 * t + i);
        ck_assert_int_eq(pthread_create(&storm->thread, NULL, submit_storm, storm), 0);
    }
    for (uint64_t k = 0; k < 50; k++)
        publish(k % 3 == 0 ? second : queue, 1 + k % 2);
    for (size_t t = 0; t < STORM_THREADS; t++) {
        pthread_join(storms[t].thread, NULL);
        ck_assert(!storms[t].failed);
        for (size_t i = 0; i < STORM_JOBS; i++)
            ck_assert(test_job_is_of(&storms[t].jobs[i], model) ||
                      test_job_is_of(&storms[t].jobs[i], other_model));
        batcher_fixture_release_jobs(storms[t].jobs, STORM_JOBS);
    }
    batcher_stop(batcher);
    for (size_t t = 0; t < STORM_THREADS; t++)
        job_watch_release(&storms[t].watch);
    batch_queue_release(second);
    batcher_fixture_stop();
}
END_TEST

Suite *suite_batcher_snapshots(void)
{
    Suite *suite = suite_create("batcher_snapshots");
    TCase *tcase = tcase_create("batcher_snapshots");
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, test_batcher_published_snapshot_runs_jobs_that_come_later);
    tcase_add_test(tcase, test_batcher_cut_job_sees_one_snapshot_and_a_later_job_the_new_one);
    tcase_add_test(tcase, test_batcher_snapshot_of_another_architecture_is_refused);
    tcase_add_test(tcase, test_batcher_storm_of_threads_and_snapshots_gives_each_job_one_of_them);
    suite_add_tcase(suite, tcase);
    return suite;
}
