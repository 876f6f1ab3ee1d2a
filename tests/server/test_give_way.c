/* test_give_way.c: a long computation steps aside while predicts come, and only then.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>

#include "server/clock.h"
#include "server/give_way.h"
#include "tests/support/batcher_fixture.h"

Suite *suite_give_way(void);

static unsigned n_predicts;

static void setup(void)
{
    n_predicts = 0;
    batcher_fixture_start(
        (struct batcher_options){.n_workers = 1, .max_batch = 8, .max_queued = 100});
}

static void predict(void)
{
    struct test_job job;
    batcher_fixture_init_jobs(&job, 1, 1);
    test_job_submit(&job, queue);
    job_watch_wait(&watch, ++n_predicts);
    batcher_fixture_release_jobs(&job, 1);
}

/* Until a turn is over. */
static void use_up_turn(struct give_way *own)
{
    const int64_t before_us = own->rested_us;
    while (own->rested_us == before_us)
        give_way(own);
}

START_TEST(test_give_way_jobs_time_is_that_of_the_last_one)
{
    ck_assert_int_eq(batcher_submitted_us(batcher), 0);
    const int64_t before_us = monotonic_us();
    predict();
    ck_assert_int_ge(batcher_submitted_us(batcher), before_us);
    ck_assert_int_le(batcher_submitted_us(batcher), monotonic_us());
}
END_TEST

START_TEST(test_give_way_thread_rests_again_and_again_while_predicts_come)
{
    struct give_way own = {.batcher = batcher};
    for (int k = 0; k < 5; k++) {
        const int64_t before_us = monotonic_us();
        predict();
        use_up_turn(&own);
        ck_assert_int_ge(own.rested_us, before_us);
    }
}
END_TEST

START_TEST(test_give_way_turn_that_has_just_begun_goes_on)
{
    struct give_way own = {.batcher = batcher, .rested_us = INT64_MAX};
    predict();
    give_way(&own);
    ck_assert_int_eq(own.rested_us, INT64_MAX);
}
END_TEST

START_TEST(test_give_way_to_nobody_never_rests)
{
    struct give_way own = {.batcher = NULL};
    give_way(&own);
    ck_assert_int_eq(own.rested_us, 0);
}
END_TEST

Suite *suite_give_way(void)
{
    Suite *suite = suite_create("give_way");
    TCase *tcase = tcase_create("give_way");
    tcase_add_checked_fixture(tcase, setup, batcher_fixture_stop);
    tcase_add_test(tcase, test_give_way_jobs_time_is_that_of_the_last_one);
    tcase_add_test(tcase, test_give_way_thread_rests_again_and_again_while_predicts_come);
    tcase_add_test(tcase, test_give_way_turn_that_has_just_begun_goes_on);
    tcase_add_test(tcase, test_give_way_to_nobody_never_rests);
    suite_add_tcase(suite, tcase);
    return suite;
}
