/* test_batcher.c: jobs become batches, and get what each would get alone.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <string.h>

#include "server/batcher.h"
#include "server/metrics.h"
#include "tests/support/answer_text.h"
#include "tests/support/assert_tensor.h"
#include "tests/support/cases.h"
#include "tests/support/model_builder.h"
#include "tests/support/model_store.h"
#include "tests/support/test_job.h"

Suite *suite_batcher(void);

/* One batcher, and a queue of one model. */
static struct batcher *batcher;
static struct batch_queue *queue;
static struct lstm_model *model, *other_model; /* the queue's, and one of the same architecture */
static struct job_watch watch;

static struct batch_queue *make_queue(const char *json, uint64_t seed, const char *label)
{
    struct lstm_error error = {.text = ""};
    struct batch_queue *made;
    assert_ok(batch_queue_create(batcher, create_model(json, seed), label, &made, &error), &error);
    return made;
}

static void start(struct batcher_options options)
{
    struct lstm_error error = {.text = ""};
    metrics_reset();
    job_watch_init(&watch);
    assert_ok(batcher_create(&options, &batcher, &error), &error);
    queue = make_queue(model_any, 1, "m");
    model = create_model(model_any, 1);
    other_model = create_model(model_any, 2);
}

static void stop(void)
{
    batch_queue_release(queue);
    batcher_destroy(batcher);
    lstm_model_destroy(model);
    lstm_model_destroy(other_model);
    job_watch_release(&watch);
}

static void publish(struct batch_queue *to, uint64_t seed)
{
    struct lstm_error error = {.text = ""};
    assert_ok(batch_queue_publish(to, create_model(model_any, seed), &error), &error);
}

static double read_metric(const char *series)
{
    struct buf text;
    buf_init(&text, SIZE_MAX);
    metrics_write(&text);
    const double value = answer_metric(text.data, series);
    buf_release(&text);
    return value;
}

static void init_jobs(struct test_job *jobs, size_t n, size_t n_sequences)
{
    for (size_t i = 0; i < n; i++)
        test_job_init(&jobs[i], &watch, model, n_sequences, 10 * i);
}

static void release_jobs(struct test_job *jobs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        test_job_release(&jobs[i]);
}

static const struct {
    struct batcher_options options;
    size_t n_jobs, n_sequences; /* of each job */
} sizes[] = {
    {{.n_workers = 1, .max_batch = 16, .max_queued = 1000}, 40, 1},
    {{.n_workers = 2, .max_batch = 16, .max_queued = 1000}, 40, 3},
    {{.n_workers = 3, .max_batch = 1, .max_queued = 1000}, 20, 2},
    {{.n_workers = 2, .max_batch = 8, .max_queued = 1000}, 1, 100},
    {{.n_workers = 2, .max_batch = 7, .max_queued = 1000}, 5, 50},
    {{.n_workers = 2, .max_batch = 64, .max_queued = 1000, .delay_us = 1000}, 40, 1},
};

START_TEST(test_batcher_jobs_of_any_size_get_what_each_sequence_gets_alone)
{
    struct test_job jobs[40];
    const size_t n = sizes[_i].n_jobs;
    start(sizes[_i].options);
    init_jobs(jobs, n, sizes[_i].n_sequences);
    for (size_t i = 0; i < n; i++)
        test_job_submit(&jobs[i], queue);
    job_watch_wait(&watch, n);
    for (size_t i = 0; i < n; i++)
        ck_assert_msg(test_job_is_of(&jobs[i], model), "job %zu: %s", i, jobs[i].job.error.text);
    ck_assert_uint_eq(batch_queue_depth(queue), 0);
    release_jobs(jobs, n);
    stop();
}
END_TEST

START_TEST(test_batcher_jobs_that_wait_for_a_worker_run_as_one_batch)
{
    struct test_job gate, jobs[10];
    start((struct batcher_options){.n_workers = 1, .max_batch = 32, .max_queued = 100});
    init_jobs(&gate, 1, 1);
    init_jobs(jobs, 10, 1);
    test_gate_submit(&gate, queue);
    test_gate_wait(&watch);
    for (size_t i = 0; i < 10; i++)
        test_job_submit(&jobs[i], queue);
    ck_assert_uint_eq(batch_queue_depth(queue), 10);
    test_gate_open(&watch);
    job_watch_wait(&watch, 11);
    batcher_stop(batcher);
    ck_assert(read_metric("lstmd_batch_size_count{model=\"m\"}") == 2);
    ck_assert(read_metric("lstmd_batch_size_sum{model=\"m\"}") == 11);
    release_jobs(&gate, 1);
    release_jobs(jobs, 10);
    stop();
}
END_TEST

START_TEST(test_batcher_delay_ends_when_the_batch_is_full)
{
    struct test_job jobs[4];
    start((struct batcher_options){
        .n_workers = 2, .max_batch = 4, .max_queued = 100, .delay_us = 3600000000});
    init_jobs(jobs, 4, 1);
    for (size_t i = 0; i < 4; i++)
        test_job_submit(&jobs[i], queue);
    job_watch_wait(&watch, 4);
    batcher_stop(batcher);
    ck_assert(read_metric("lstmd_batch_size_count{model=\"m\"}") == 1);
    ck_assert(read_metric("lstmd_batch_size_sum{model=\"m\"}") == 4);
    release_jobs(jobs, 4);
    stop();
}
END_TEST

START_TEST(test_batcher_delay_ends_when_the_batcher_stops)
{
    struct test_job job;
    start((struct batcher_options){
        .n_workers = 2, .max_batch = 4, .max_queued = 100, .delay_us = 3600000000});
    init_jobs(&job, 1, 1);
    test_job_submit(&job, queue);
    batcher_stop(batcher);
    ck_assert_uint_eq(watch.n_done, 1);
    ck_assert(test_job_is_of(&job, model));
    release_jobs(&job, 1);
    stop();
}
END_TEST

/* A queue that waits for a fuller batch must not keep one that has a full batch from running. */
START_TEST(test_batcher_delay_of_one_queue_does_not_hold_another)
{
    struct test_job waiting, ready[4];
    start((struct batcher_options){
        .n_workers = 1, .max_batch = 4, .max_queued = 100, .delay_us = 3600000000});
    struct batch_queue *second = make_queue(model_any, 1, "second");
    init_jobs(&waiting, 1, 1);
    init_jobs(ready, 4, 1);
    test_job_submit(&waiting, queue);
    for (size_t i = 0; i < 4; i++)
        test_job_submit(&ready[i], second);
    job_watch_wait(&watch, 4);
    batcher_stop(batcher);
    ck_assert_uint_eq(watch.n_done, 5);
    ck_assert_ptr_eq(watch.order[4], &waiting.job);
    release_jobs(&waiting, 1);
    release_jobs(ready, 4);
    batch_queue_release(second);
    stop();
}
END_TEST

START_TEST(test_batcher_full_queue_refuses_and_takes_again_when_it_has_room)
{
    struct test_job gate, jobs[6];
    start((struct batcher_options){.n_workers = 1, .max_batch = 8, .max_queued = 4});
    init_jobs(&gate, 1, 1);
    init_jobs(jobs, 6, 1);
    test_gate_submit(&gate, queue);
    test_gate_wait(&watch);
    for (size_t i = 0; i < 4; i++)
        test_job_submit(&jobs[i], queue);
    ck_assert_int_eq(batch_queue_submit(queue, &jobs[4].job), BATCH_FULL);
    ck_assert_uint_eq(batch_queue_depth(queue), 4);
    test_gate_open(&watch);
    job_watch_wait(&watch, 5);
    test_job_submit(&jobs[5], queue);
    job_watch_wait(&watch, 6);
    ck_assert(test_job_is_of(&jobs[5], model));
    release_jobs(&gate, 1);
    release_jobs(jobs, 6);
    stop();
}
END_TEST

START_TEST(test_batcher_job_beyond_the_bound_is_taken_when_nothing_else_waits)
{
    struct test_job gate, large, small;
    start((struct batcher_options){.n_workers = 1, .max_batch = 8, .max_queued = 4});
    init_jobs(&gate, 1, 1);
    init_jobs(&large, 1, 20);
    init_jobs(&small, 1, 1);
    test_gate_submit(&gate, queue);
    test_gate_wait(&watch);
    test_job_submit(&large, queue);
    ck_assert_int_eq(batch_queue_submit(queue, &small.job), BATCH_FULL);
    test_gate_open(&watch);
    job_watch_wait(&watch, 2);
    ck_assert(test_job_is_of(&large, model));
    release_jobs(&gate, 1);
    release_jobs(&large, 1);
    release_jobs(&small, 1);
    stop();
}
END_TEST

START_TEST(test_batcher_stop_runs_what_is_queued_and_refuses_what_comes_later)
{
    struct test_job gate, jobs[20], late;
    start((struct batcher_options){.n_workers = 1, .max_batch = 2, .max_queued = 100});
    init_jobs(&gate, 1, 1);
    init_jobs(jobs, 20, 3);
    init_jobs(&late, 1, 1);
    test_gate_submit(&gate, queue);
    test_gate_wait(&watch);
    for (size_t i = 0; i < 20; i++)
        test_job_submit(&jobs[i], queue);
    test_gate_open(&watch);
    batcher_stop(batcher);
    ck_assert_uint_eq(watch.n_done, 21);
    for (size_t i = 0; i < 20; i++)
        ck_assert(test_job_is_of(&jobs[i], model));
    ck_assert_int_eq(batch_queue_submit(queue, &late.job), BATCH_STOPPING);
    release_jobs(&gate, 1);
    release_jobs(jobs, 20);
    release_jobs(&late, 1);
    stop();
}
END_TEST

START_TEST(test_batcher_queue_released_while_its_jobs_wait_still_runs_them)
{
    struct test_job gate, job;
    start((struct batcher_options){.n_workers = 1, .max_batch = 2, .max_queued = 100});
    struct batch_queue *second = make_queue(model_any, 1, "second");
    init_jobs(&gate, 1, 1);
    init_jobs(&job, 1, 5);
    test_gate_submit(&gate, queue);
    test_gate_wait(&watch);
    test_job_submit(&job, second);
    batch_queue_release(second);
    test_gate_open(&watch);
    job_watch_wait(&watch, 2);
    ck_assert(test_job_is_of(&job, model));
    release_jobs(&gate, 1);
    release_jobs(&job, 1);
    stop();
}
END_TEST

START_TEST(test_batcher_failed_batch_gives_its_job_the_error)
{
    static const char json[] =
        "{\"format\":\"lstmd-model-1\",\"input\":{\"features\":1},\"layers\":["
        "{\"type\":\"embedding\",\"vocabulary\":4,\"units\":2},{\"type\":\"lstm\",\"units\":2}]}";
    struct test_job job;
    start((struct batcher_options){.n_workers = 1, .max_batch = 2, .max_queued = 100});
    struct batch_queue *tokens = make_queue(json, 1, "tokens");
    test_job_init(&job, &watch, batch_queue_model(tokens), 1, 0);
    job.inputs[0] = 4;
    test_job_submit(&job, tokens);
    job_watch_wait(&watch, 1);
    ck_assert_int_eq(job.job.status, LSTM_INVALID);
    ck_assert_ptr_nonnull(strstr(job.job.error.text, "token"));
    release_jobs(&job, 1);
    batch_queue_release(tokens);
    stop();
}
END_TEST

START_TEST(test_batcher_two_queues_take_turns)
{
    struct test_job gate, first[3], second[3];
    start((struct batcher_options){.n_workers = 1, .max_batch = 1, .max_queued = 100});
    struct batch_queue *other = make_queue(model_any, 2, "other");
    init_jobs(&gate, 1, 1);
    init_jobs(first, 3, 1);
    init_jobs(second, 3, 1);
    test_gate_submit(&gate, queue);
    test_gate_wait(&watch);
    for (size_t i = 0; i < 3; i++)
        test_job_submit(&first[i], queue);
    for (size_t i = 0; i < 3; i++)
        test_job_submit(&second[i], other);
    test_gate_open(&watch);
    job_watch_wait(&watch, 7);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_ptr_eq(watch.order[1 + 2 * i], &first[i].job);
        ck_assert_ptr_eq(watch.order[2 + 2 * i], &second[i].job);
        ck_assert(test_job_is_of(&first[i], model));
        ck_assert(test_job_is_of(&second[i], other_model));
    }
    release_jobs(&gate, 1);
    release_jobs(first, 3);
    release_jobs(second, 3);
    batch_queue_release(other);
    stop();
}
END_TEST

START_TEST(test_batcher_published_snapshot_runs_jobs_that_come_later)
{
    struct test_job before, after;
    start((struct batcher_options){.n_workers = 2, .max_batch = 8, .max_queued = 100});
    init_jobs(&before, 1, 3);
    init_jobs(&after, 1, 3);
    test_job_submit(&before, queue);
    job_watch_wait(&watch, 1);
    publish(queue, 2);
    test_job_submit(&after, queue);
    job_watch_wait(&watch, 2);
    ck_assert(test_job_is_of(&before, model) && !test_job_is_of(&before, other_model));
    ck_assert(test_job_is_of(&after, other_model) && !test_job_is_of(&after, model));
    release_jobs(&before, 1);
    release_jobs(&after, 1);
    stop();
}
END_TEST

/* The first batch holds the gate and the first half of `cut`, whose second half runs after the
 * snapshot was replaced, in a batch that has room for `later`. */
START_TEST(test_batcher_cut_job_sees_one_snapshot_and_a_later_job_the_new_one)
{
    struct test_job hold, gate, cut, later;
    struct job_watch hold_watch;
    start((struct batcher_options){.n_workers = 1, .max_batch = 16, .max_queued = 100});
    job_watch_init(&hold_watch);
    test_job_init(&hold, &hold_watch, model, 1, 0);
    init_jobs(&gate, 1, 1);
    init_jobs(&cut, 1, 24);
    init_jobs(&later, 1, 3);
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
    release_jobs(&hold, 1);
    release_jobs(&gate, 1);
    release_jobs(&cut, 1);
    release_jobs(&later, 1);
    job_watch_release(&hold_watch);
    stop();
}
END_TEST

START_TEST(test_batcher_snapshot_of_another_architecture_is_refused)
{
    struct test_job job;
    struct lstm_error error;
    start((struct batcher_options){.n_workers = 1, .max_batch = 8, .max_queued = 100});
    assert_failure(batch_queue_publish(queue, create_model(model_rows, 1), &error), LSTM_INVALID,
                   &error, "architecture");
    init_jobs(&job, 1, 1);
    test_job_submit(&job, queue);
    job_watch_wait(&watch, 1);
    ck_assert(test_job_is_of(&job, model));
    release_jobs(&job, 1);
    stop();
}
END_TEST

enum { STORM_THREADS = 8, STORM_JOBS = 25 };

struct storm {
    pthread_t thread;
    struct batch_queue *queue;
    struct job_watch watch;
    struct test_job jobs[STORM_JOBS];
};

/* A job at a time, as a client would. */
static void *submit_storm(void *argument)
{
    struct storm *storm = argument;
    for (size_t i = 0; i < STORM_JOBS; i++) {
        test_job_submit(&storm->jobs[i], storm->queue);
        job_watch_wait(&storm->watch, i + 1);
    }
    return NULL;
}

START_TEST(test_batcher_storm_of_threads_and_snapshots_gives_each_job_one_of_them)
{
    static struct storm storms[STORM_THREADS];
    start((struct batcher_options){.n_workers = 2, .max_batch = 16, .max_queued = 1000});
    struct batch_queue *second = make_queue(model_any, 1, "second");
    for (size_t t = 0; t < STORM_THREADS; t++) {
        struct storm *storm = &storms[t];
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
        for (size_t i = 0; i < STORM_JOBS; i++)
            ck_assert(test_job_is_of(&storms[t].jobs[i], model) ||
                      test_job_is_of(&storms[t].jobs[i], other_model));
        release_jobs(storms[t].jobs, STORM_JOBS);
    }
    batcher_stop(batcher);
    for (size_t t = 0; t < STORM_THREADS; t++)
        job_watch_release(&storms[t].watch);
    batch_queue_release(second);
    stop();
}
END_TEST

Suite *suite_batcher(void)
{
    Suite *suite = suite_create("batcher");
    TCase *tcase = tcase_create("batcher");
    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, test_batcher_jobs_of_any_size_get_what_each_sequence_gets_alone, 0,
                        N_CASES(sizes));
    tcase_add_test(tcase, test_batcher_jobs_that_wait_for_a_worker_run_as_one_batch);
    tcase_add_test(tcase, test_batcher_delay_ends_when_the_batch_is_full);
    tcase_add_test(tcase, test_batcher_delay_ends_when_the_batcher_stops);
    tcase_add_test(tcase, test_batcher_delay_of_one_queue_does_not_hold_another);
    tcase_add_test(tcase, test_batcher_full_queue_refuses_and_takes_again_when_it_has_room);
    tcase_add_test(tcase, test_batcher_job_beyond_the_bound_is_taken_when_nothing_else_waits);
    tcase_add_test(tcase, test_batcher_stop_runs_what_is_queued_and_refuses_what_comes_later);
    tcase_add_test(tcase, test_batcher_queue_released_while_its_jobs_wait_still_runs_them);
    tcase_add_test(tcase, test_batcher_failed_batch_gives_its_job_the_error);
    tcase_add_test(tcase, test_batcher_two_queues_take_turns);
    tcase_add_test(tcase, test_batcher_published_snapshot_runs_jobs_that_come_later);
    tcase_add_test(tcase, test_batcher_cut_job_sees_one_snapshot_and_a_later_job_the_new_one);
    tcase_add_test(tcase, test_batcher_snapshot_of_another_architecture_is_refused);
    suite_add_tcase(suite, tcase);
    tcase = tcase_create("storm");
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, test_batcher_storm_of_threads_and_snapshots_gives_each_job_one_of_them);
    suite_add_tcase(suite, tcase);
    return suite;
}
