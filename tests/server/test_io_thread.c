/* test_io_thread.c: an I/O thread rests when its work is busy with nothing.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "server/io_thread.h"
#include "server/request.h"
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

static void count_turn(void *context)
{
    (void)context;
    pthread_mutex_lock(&lock);
    n_turns++;
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
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

Suite *suite_io_thread(void)
{
    Suite *suite = suite_create("io_thread");
    TCase *tcase = tcase_create("io_thread");
    tcase_add_test(tcase, test_io_thread_whose_work_always_goes_on_at_once_rests);
    suite_add_tcase(suite, tcase);
    return suite;
}
