/* test_clock.c: waiting by the clock that only goes forward. SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <pthread.h>

#include "server/clock.h"

Suite *suite_clock(void);

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition;
static bool is_told; /* under the lock */

static void setup(void)
{
    clock_condition_init(&condition);
    is_told = false;
}

static void teardown(void)
{
    pthread_cond_destroy(&condition);
}

START_TEST(test_clock_goes_forward)
{
    const int64_t before = monotonic_us();
    ck_assert_double_ge(seconds_since(before), 0);
    ck_assert_int_ge(monotonic_us(), before);
    /* A second is one, whatever the units within. */
    ck_assert_double_ge(seconds_since(before - 1000000), 1);
    ck_assert_double_lt(seconds_since(before - 1000000), 100);
}
END_TEST

START_TEST(test_clock_wait_ends_not_before_its_time)
{
    const int64_t until_us = monotonic_us() + 20000;
    pthread_mutex_lock(&lock);
    while (clock_wait(&condition, &lock, until_us)) {}
    pthread_mutex_unlock(&lock);
    ck_assert_int_ge(monotonic_us(), until_us);
}
END_TEST

START_TEST(test_clock_wait_for_what_is_over_does_not_wait)
{
    pthread_mutex_lock(&lock);
    ck_assert(!clock_wait(&condition, &lock, monotonic_us() - 1));
    pthread_mutex_unlock(&lock);
}
END_TEST

static void *tell(void *argument)
{
    pthread_mutex_lock(&lock);
    is_told = true;
    pthread_cond_signal(&condition);
    pthread_mutex_unlock(&lock);
    return argument;
}

/* Whether there is a limit or not; the lock is held when it starts, so that it cannot tell early.
 */
START_TEST(test_clock_wait_ends_when_it_is_told)
{
    const int64_t hour_us = INT64_C(3600) * 1000000;
    const int64_t until_us = _i == 0 ? CLOCK_NEVER : monotonic_us() + hour_us;
    pthread_t thread;
    pthread_mutex_lock(&lock);
    ck_assert_int_eq(pthread_create(&thread, NULL, tell, NULL), 0);
    bool in_time = true;
    while (in_time && !is_told)
        in_time = clock_wait(&condition, &lock, until_us);
    ck_assert(in_time);
    pthread_mutex_unlock(&lock);
    pthread_join(thread, NULL);
}
END_TEST

Suite *suite_clock(void)
{
    Suite *suite = suite_create("clock");
    TCase *tcase = tcase_create("clock");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, test_clock_goes_forward);
    tcase_add_test(tcase, test_clock_wait_ends_not_before_its_time);
    tcase_add_test(tcase, test_clock_wait_for_what_is_over_does_not_wait);
    tcase_add_loop_test(tcase, test_clock_wait_ends_when_it_is_told, 0, 2);
    suite_add_tcase(suite, tcase);
    return suite;
}
