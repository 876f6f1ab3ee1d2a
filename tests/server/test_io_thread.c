/* test_io_thread.c: an I/O thread rests when its work is busy with nothing, and looks for work
 * where it is told that more is near. SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "server/clock.h"
#include "server/io_thread.h"
#include "tests/support/assert_tensor.h"

Suite *suite_io_thread(void);

/* As many turns as come without a rest, and some that come with one of 2 ms each. */
enum { HOT_TURNS = 1000, RESTS = 50, REST_US = 2000 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int n_turns;

static int at_once(void *context)
{
    (void)context;
    return 0;
}

static bool count_turn(void *context)
{
    (void)context;
    pthread_mutex_lock(&lock);
    n_turns++;
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
    return false;
}

START_TEST(test_io_thread_whose_work_always_goes_on_at_once_rests)
{
    struct io_thread *thread;
    struct lstm_error error = {.text = ""};
    const struct io_work work = {
        .fd = eventfd(0, EFD_CLOEXEC), .timeout_ms = at_once, .run = count_turn};
    const int64_t begin_us = monotonic_us();
    n_turns = 0;
    assert_ok(io_thread_create(&work, &thread, &error), &error);
    pthread_mutex_lock(&lock);
    while (n_turns < HOT_TURNS + RESTS)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
    /* However slow the machine is, rests take their time. */
    ck_assert_int_ge(monotonic_us() - begin_us, (RESTS - 1) * REST_US);
    io_thread_destroy(thread);
    close(work.fd);
}
END_TEST

/* ---- Looking ----------------------------------------------------------------------------------
 */

enum { MINUTE_US = 60 * 1000 * 1000, LOOKS = 1000 };
static int n_looks;

static int never(void *context)
{
    (void)context;
    return -1;
}

/* A thousand times. */
static bool count_look(void *context)
{
    (void)context;
    pthread_mutex_lock(&lock);
    const bool goes_on = ++n_looks < LOOKS;
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
    return goes_on;
}

static bool always(void *context)
{
    (void)context;
    return true;
}

static void wait_until(const int *count, int wanted)
{
    pthread_mutex_lock(&lock);
    while (*count < wanted)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}

static struct io_thread *start(const struct io_work *work)
{
    struct io_thread *thread;
    struct lstm_error error = {.text = ""};
    n_turns = n_looks = 0;
    assert_ok(io_thread_create(work, &thread, &error), &error);
    return thread;
}

START_TEST(test_io_thread_looks_after_a_short_wait_until_it_may_no_longer)
{
    const struct io_work work = {.fd = eventfd(0, EFD_CLOEXEC),
                                 .timeout_ms = never,
                                 .may_look = count_look,
                                 .look_us = MINUTE_US,
                                 .run = count_turn};
    struct io_thread *thread = start(&work);
    io_thread_wake(thread); /* from its first wait, in which it sleeps */
    wait_until(&n_looks, LOOKS);
    ck_assert_int_eq(n_turns, 1);
    io_thread_wake(thread);
    wait_until(&n_turns, 2);
    io_thread_destroy(thread);
    close(work.fd);
}
END_TEST

START_TEST(test_io_thread_that_looks_finds_work)
{
    const struct io_work work = {.fd = eventfd(0, EFD_CLOEXEC | EFD_SEMAPHORE),
                                 .timeout_ms = never,
                                 .may_look = always,
                                 .look_us = MINUTE_US,
                                 .run = count_turn};
    struct io_thread *thread = start(&work);
    io_thread_wake(thread);
    wait_until(&n_turns, 1);
    ck_assert_int_eq(eventfd_write(work.fd, 1), 0);
    wait_until(&n_turns, 3); /* the descriptor stays readable */
    io_thread_destroy(thread);
    close(work.fd);
}
END_TEST

static bool count_turn_that_works(void *context)
{
    (void)count_turn(context);
    return true;
}

/* A rest would be a wait, and behind a short wait the thread looks. */
START_TEST(test_io_thread_whose_turns_do_something_never_rests)
{
    const struct io_work work = {.fd = eventfd(0, EFD_CLOEXEC),
                                 .timeout_ms = at_once,
                                 .may_look = count_look,
                                 .look_us = MINUTE_US,
                                 .run = count_turn_that_works};
    struct io_thread *thread = start(&work);
    wait_until(&n_turns, 10 * HOT_TURNS);
    io_thread_destroy(thread);
    ck_assert_int_eq(n_looks, 0);
    close(work.fd);
}
END_TEST

Suite *suite_io_thread(void)
{
    Suite *suite = suite_create("io_thread");
    TCase *tcase = tcase_create("io_thread");
    tcase_add_test(tcase, test_io_thread_whose_work_always_goes_on_at_once_rests);
    tcase_add_test(tcase, test_io_thread_whose_turns_do_something_never_rests);
    tcase_add_test(tcase, test_io_thread_looks_after_a_short_wait_until_it_may_no_longer);
    tcase_add_test(tcase, test_io_thread_that_looks_finds_work);
    suite_add_tcase(suite, tcase);
    return suite;
}
