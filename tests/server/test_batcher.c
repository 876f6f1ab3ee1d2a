/* test_batcher.c: jobs become batches, and get what each would get alone.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <string.h>

#include "server/metrics.h"
#include "tests/support/answer_text.h"
#include "tests/support/batcher_fixture.h"
#include "tests/support/cases.h"
#include "tests/support/model_store.h"

Suite *suite_batcher(void);

static double read_metric(const char *series)
{
    struct buf text;
    buf_init(&text, SIZE_MAX);
    metrics_write(&text);
    const double value = answer_metric(text.data, series);
    buf_release(&text);
    return value;
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
    batcher_fixture_start(sizes[_i].options);
    batcher_fixture_init_jobs(jobs, n, sizes[_i].n_sequences);
    for (size_t i = 0; i < n; i++)
        test_job_submit(&jobs[i], queue);
    job_watch_wait(&watch, n);
    for (size_t i = 0; i < n; i++)
        ck_assert_msg(test_job_is_of(&jobs[i], model), "job %zu: %s", i, jobs[i].job.error.text);
    ck_assert_uint_eq(batch_queue_depth(queue), 0);
    batcher_fixture_release_jobs(jobs, n);
    batcher_fixture_stop();
}
END_TEST

START_TEST(test_batcher_jobs_that_wait_for_a_worker_run_as_one_batch)
{
    struct test_job gate, jobs[10];
    batcher_fixture_start(
        (struct batcher_options){.n_workers = 1, .max_batch = 32, .max_queued = 100});
    batcher_fixture_init_jobs(&gate, 1, 1);
    batcher_fixture_init_jobs(jobs, 10, 1);
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
    batcher_fixture_release_jobs(&gate, 1);
    batcher_fixture_release_jobs(jobs, 10);
    batcher_fixture_stop();
}
END_TEST

START_TEST(test_batcher_delay_ends_when_the_batch_is_full)
{
    struct test_job jobs[4];
    batcher_fixture_start((struct batcher_options){
        .n_workers = 2, .max_batch = 4, .max_queued = 100, .delay_us = 3600000000});
    batcher_fixture_init_jobs(jobs, 4, 1);
    for (size_t i = 0; i < 4; i++)
        test_job_submit(&jobs[i], queue);
    job_watch_wait(&watch, 4);
    batcher_stop(batcher);
    ck_assert(read_metric("lstmd_batch_size_count{model=\"m\"}") == 1);
    ck_assert(read_metric("lstmd_batch_size_sum{model=\"m\"}") == 4);
    batcher_fixture_release_jobs(jobs, 4);
    batcher_fixture_stop();
}
END_TEST

/* The second worker idles, and half of the batch is left to it. */
START_TEST(test_batcher_delay_is_over_for_all_workers_that_share_a_full_batch)
{
    struct test_job job;
    batcher_fixture_start((struct batcher_options){
        .n_workers = 2, .max_batch = 64, .max_queued = 100, .delay_us = 3600000000});
    batcher_fixture_init_jobs(&job, 1, 64);
    test_job_submit(&job, queue);
    job_watch_wait(&watch, 1);
    ck_assert(test_job_is_of(&job, model));
    batcher_fixture_release_jobs(&job, 1);
    batcher_fixture_stop();
}
END_TEST

START_TEST(test_batcher_delay_ends_when_the_batcher_stops)
{
    struct test_job job;
    batcher_fixture_start((struct batcher_options){
        .n_workers = 2, .max_batch = 4, .max_queued = 100, .delay_us = 3600000000});
    batcher_fixture_init_jobs(&job, 1, 1);
    test_job_submit(&job, queue);
    batcher_stop(batcher);
    ck_assert_uint_eq(watch.n_done, 1);
    ck_assert(test_job_is_of(&job, model));
    batcher_fixture_release_jobs(&job, 1);
    batcher_fixture_stop();
}
END_TEST

/* A queue that waits for a fuller batch must not keep one that has a full batch from running. */
START_TEST(test_batcher_delay_of_one_queue_does_not_hold_another)
{
    struct test_job waiting, ready[4];
    batcher_fixture_start((struct batcher_options){
        .n_workers = 1, .max_batch = 4, .max_queued = 100, .delay_us = 3600000000});
    struct batch_queue *second = batcher_fixture_queue(model_any, 1, "second");
    batcher_fixture_init_jobs(&waiting, 1, 1);
    batcher_fixture_init_jobs(ready, 4, 1);
    test_job_submit(&waiting, queue);
    for (size_t i = 0; i < 4; i++)
        test_job_submit(&ready[i], second);
    job_watch_wait(&watch, 4);
    batcher_stop(batcher);
    ck_assert_uint_eq(watch.n_done, 5);
    ck_assert_ptr_eq(watch.order[4], &waiting.job);
    batcher_fixture_release_jobs(&waiting, 1);
    batcher_fixture_release_jobs(ready, 4);
    batch_queue_release(second);
    batcher_fixture_stop();
}
END_TEST

START_TEST(test_batcher_full_queue_refuses_and_takes_again_when_it_has_room)
{
    struct test_job gate, jobs[6];
    batcher_fixture_start(
        (struct batcher_options){.n_workers = 1, .max_batch = 8, .max_queued = 4});
    batcher_fixture_init_jobs(&gate, 1, 1);
    batcher_fixture_init_jobs(jobs, 6, 1);
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
    batcher_fixture_release_jobs(&gate, 1);
    batcher_fixture_release_jobs(jobs, 6);
    batcher_fixture_stop();
}
END_TEST

START_TEST(test_batcher_job_beyond_the_bound_is_taken_when_nothing_else_waits)
{
    struct test_job gate, large, small;
    batcher_fixture_start(
        (struct batcher_options){.n_workers = 1, .max_batch = 8, .max_queued = 4});
    batcher_fixture_init_jobs(&gate, 1, 1);
    batcher_fixture_init_jobs(&large, 1, 20);
    batcher_fixture_init_jobs(&small, 1, 1);
    test_gate_submit(&gate, queue);
    test_gate_wait(&watch);
    test_job_submit(&large, queue);
    ck_assert_int_eq(batch_queue_submit(queue, &small.job), BATCH_FULL);
    test_gate_open(&watch);
    job_watch_wait(&watch, 2);
    ck_assert(test_job_is_of(&large, model));
    batcher_fixture_release_jobs(&gate, 1);
    batcher_fixture_release_jobs(&large, 1);
    batcher_fixture_release_jobs(&small, 1);
    batcher_fixture_stop();
}
END_TEST

START_TEST(test_batcher_stop_runs_what_is_queued_and_refuses_what_comes_later)
{
    struct test_job gate, jobs[20], late;
    batcher_fixture_start(
        (struct batcher_options){.n_workers = 1, .max_batch = 2, .max_queued = 100});
    batcher_fixture_init_jobs(&gate, 1, 1);
    batcher_fixture_init_jobs(jobs, 20, 3);
    batcher_fixture_init_jobs(&late, 1, 1);
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
    batcher_fixture_release_jobs(&gate, 1);
    batcher_fixture_release_jobs(jobs, 20);
    batcher_fixture_release_jobs(&late, 1);
    batcher_fixture_stop();
}
END_TEST

START_TEST(test_batcher_queue_released_while_its_jobs_wait_still_runs_them)
{
    struct test_job gate, job;
    batcher_fixture_start(
        (struct batcher_options){.n_workers = 1, .max_batch = 2, .max_queued = 100});
    struct batch_queue *second = batcher_fixture_queue(model_any, 1, "second");
    batcher_fixture_init_jobs(&gate, 1, 1);
    batcher_fixture_init_jobs(&job, 1, 5);
    test_gate_submit(&gate, queue);
    test_gate_wait(&watch);
    test_job_submit(&job, second);
    batch_queue_release(second);
    test_gate_open(&watch);
    job_watch_wait(&watch, 2);
    ck_assert(test_job_is_of(&job, model));
    batcher_fixture_release_jobs(&gate, 1);
    batcher_fixture_release_jobs(&job, 1);
    batcher_fixture_stop();
}
END_TEST

START_TEST(test_batcher_failed_batch_gives_its_job_the_error)
{
    static const char json[] =
        "{\"format\":\"lstmd-model-1\",\"input\":{\"features\":1},\"layers\":["
        "{\"type\":\"embedding\",\"vocabulary\":4,\"units\":2},{\"type\":\"lstm\",\"units\":2}]}";
    struct test_job job;
    batcher_fixture_start(
        (struct batcher_options){.n_workers = 1, .max_batch = 2, .max_queued = 100});
    struct batch_queue *tokens = batcher_fixture_queue(json, 1, "tokens");
    test_job_init(&job, &watch, batch_queue_model(tokens), 1, 0);
    job.inputs[0] = 4;
    test_job_submit(&job, tokens);
    job_watch_wait(&watch, 1);
    ck_assert_int_eq(job.job.status, LSTM_INVALID);
    ck_assert_ptr_nonnull(strstr(job.job.error.text, "token"));
    batcher_fixture_release_jobs(&job, 1);
    batch_queue_release(tokens);
    batcher_fixture_stop();
}
END_TEST

START_TEST(test_batcher_two_queues_take_turns)
{
    struct test_job gate, first[3], second[3];
    batcher_fixture_start(
        (struct batcher_options){.n_workers = 1, .max_batch = 1, .max_queued = 100});
    struct batch_queue *other = batcher_fixture_queue(model_any, 2, "other");
    batcher_fixture_init_jobs(&gate, 1, 1);
    batcher_fixture_init_jobs(first, 3, 1);
    batcher_fixture_init_jobs(second, 3, 1);
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
    batcher_fixture_release_jobs(&gate, 1);
    batcher_fixture_release_jobs(first, 3);
    batcher_fixture_release_jobs(second, 3);
    batch_queue_release(other);
    batcher_fixture_stop();
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
    tcase_add_test(tcase, test_batcher_delay_is_over_for_all_workers_that_share_a_full_batch);
    tcase_add_test(tcase, test_batcher_delay_ends_when_the_batcher_stops);
    tcase_add_test(tcase, test_batcher_delay_of_one_queue_does_not_hold_another);
    tcase_add_test(tcase, test_batcher_full_queue_refuses_and_takes_again_when_it_has_room);
    tcase_add_test(tcase, test_batcher_job_beyond_the_bound_is_taken_when_nothing_else_waits);
    tcase_add_test(tcase, test_batcher_stop_runs_what_is_queued_and_refuses_what_comes_later);
    tcase_add_test(tcase, test_batcher_queue_released_while_its_jobs_wait_still_runs_them);
    tcase_add_test(tcase, test_batcher_failed_batch_gives_its_job_the_error);
    tcase_add_test(tcase, test_batcher_two_queues_take_turns);
    suite_add_tcase(suite, tcase);
    return suite;
}
