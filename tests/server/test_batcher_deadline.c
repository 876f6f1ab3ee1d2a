/* test_batcher_deadline.c: what nobody waits for any more is not computed.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <sched.h>

#include "server/clock.h"
#include "server/metrics.h"
#include "tests/support/answer_text.h"
#include "tests/support/batcher_fixture.h"
#include "tests/support/cases.h"

Suite *suite_batcher_deadline(void);

/* Of a time long past. */
enum { LONG_AGO_US = 1, LONG_WAIT_US = 50000 };

static double read_metric(const char *series)
{
    struct buf text;
    buf_init(&text, SIZE_MAX);
    metrics_write(&text);
    const double value = answer_metric(text.data, series);
    buf_release(&text);
    return value;
}

static bool say_yes(const struct batch_job *job)
{
    (void)job;
    return true;
}

static bool say_no(const struct batch_job *job)
{
    (void)job;
    return false;
}

static const size_t job_sizes[] = {1, 8, 50}; /* of batches of 8 */

START_TEST(test_batcher_deadline_passed_job_of_any_size_is_not_computed)
{
    struct test_job late, next;
    const size_t n = job_sizes[_i];
    batcher_fixture_start(
        (struct batcher_options){.n_workers = 2, .max_batch = 8, .max_queued = 100});
    batcher_fixture_init_jobs(&late, 1, n);
    batcher_fixture_init_jobs(&next, 1, 3);
    late.job.deadline_us = LONG_AGO_US;
    next.job.deadline_us = INT64_MAX;
    test_job_submit(&late, queue);
    test_job_submit(&next, queue);
    job_watch_wait(&watch, 2);
    batcher_stop(batcher);
    ck_assert_int_eq(late.job.fate, BATCH_EXPIRED);
    ck_assert_int_eq(next.job.fate, BATCH_COMPUTED);
    ck_assert(test_job_is_of(&next, model));
    ck_assert(read_metric("lstmd_batch_size_sum{model=\"m\"}") == 3);
    ck_assert_uint_eq(batch_queue_depth(queue), 0);
    batcher_fixture_release_jobs(&late, 1);
    batcher_fixture_release_jobs(&next, 1);
    batcher_fixture_stop();
}
END_TEST

START_TEST(test_batcher_deadline_others_of_the_batch_get_what_is_theirs)
{
    enum { N = 9 };
    struct test_job gate, jobs[N];
    batcher_fixture_start(
        (struct batcher_options){.n_workers = 1, .max_batch = 64, .max_queued = 100});
    batcher_fixture_init_jobs(&gate, 1, 1);
    batcher_fixture_init_jobs(jobs, N, 3);
    test_gate_submit(&gate, queue);
    test_gate_wait(&watch);
    for (size_t i = 0; i < N; i++) {
        jobs[i].job.deadline_us = i % 3 == 0 ? LONG_AGO_US : 0;
        jobs[i].job.is_gone = i % 3 == 1 ? say_yes : say_no;
        test_job_submit(&jobs[i], queue);
    }
    while (monotonic_us() - jobs[N - 1].job.submitted_us < LONG_WAIT_US)
        sched_yield();
    test_gate_open(&watch);
    job_watch_wait(&watch, N + 1);
    batcher_stop(batcher);
    static const enum batch_fate fates[] = {BATCH_EXPIRED, BATCH_GONE, BATCH_COMPUTED};
    for (size_t i = 0; i < N; i++) {
        ck_assert_int_eq(jobs[i].job.fate, fates[i % 3]);
        ck_assert(i % 3 != 2 || test_job_is_of(&jobs[i], model));
    }
    ck_assert(read_metric("lstmd_batch_size_sum{model=\"m\"}") == 1 + N);
    batcher_fixture_release_jobs(&gate, 1);
    batcher_fixture_release_jobs(jobs, N);
    batcher_fixture_stop();
}
END_TEST

START_TEST(test_batcher_deadline_accepted_job_goes_into_a_full_queue)
{
    struct test_job gate, jobs[3];
    batcher_fixture_start(
        (struct batcher_options){.n_workers = 1, .max_batch = 8, .max_queued = 1});
    batcher_fixture_init_jobs(&gate, 1, 1);
    batcher_fixture_init_jobs(jobs, 3, 1);
    test_gate_submit(&gate, queue);
    test_gate_wait(&watch);
    test_job_submit(&jobs[0], queue);
    ck_assert(batch_queue_is_full(queue));
    ck_assert_int_eq(batch_queue_submit(queue, &jobs[1].job), BATCH_FULL);
    jobs[2].job.is_accepted = true;
    test_job_submit(&jobs[2], queue);
    test_gate_open(&watch);
    job_watch_wait(&watch, 3);
    ck_assert(test_job_is_of(&jobs[2], model));
    batcher_stop(batcher);
    batcher_fixture_release_jobs(&gate, 1);
    batcher_fixture_release_jobs(jobs, 3);
    batcher_fixture_stop();
}
END_TEST

Suite *suite_batcher_deadline(void)
{
    Suite *suite = suite_create("batcher_deadline");
    TCase *tcase = tcase_create("batcher_deadline");
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, test_batcher_deadline_passed_job_of_any_size_is_not_computed, 0,
                        N_CASES(job_sizes));
    tcase_add_test(tcase, test_batcher_deadline_others_of_the_batch_get_what_is_theirs);
    tcase_add_test(tcase, test_batcher_deadline_accepted_job_goes_into_a_full_queue);
    suite_add_tcase(suite, tcase);
    return suite;
}
