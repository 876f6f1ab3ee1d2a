/* test_reaper.c: connections that are late, on socket pairs. SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/clock.h"
#include "server/metrics.h"
#include "server/reaper.h"
#include "tests/support/patience.h"

Suite *suite_reaper(void);

enum { INTERVAL_MS = 5 };

static struct reaper *reaper;
static struct watch watch;
static int ends[2]; /* the server's, the client's */

static void set_up(void)
{
    struct lstm_error error;
    metrics_reset();
    ck_assert_int_eq(reaper_create(INTERVAL_MS, &reaper, &error), LSTM_OK);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    reaper_add(reaper, &watch, ends[0]);
}

static void tear_down(void)
{
    reaper_remove(reaper, &watch);
    close(ends[0]);
    close(ends[1]);
    reaper_destroy(reaper);
    metrics_reset();
}

/* All that the client gets until the connection ends, as a text. */
static const char *receive_all(void)
{
    static char text[1024];
    size_t n = 0;
    ssize_t more;
    do {
        struct pollfd waiting = {.fd = ends[1], .events = POLLIN};
        ck_assert_msg(poll(&waiting, 1, PATIENCE_MS) == 1, "the connection was not cut");
        more = recv(ends[1], text + n, sizeof text - 1 - n, 0);
        ck_assert_int_ge(more, 0);
        n += (size_t)more;
    } while (more > 0);
    text[n] = '\0';
    return text;
}

START_TEST(test_reaper_late_connection_is_cut_and_told_408)
{
    ck_assert(watch_until(&watch, monotonic_us() + 1000, true));
    const char *text = receive_all();
    ck_assert_int_eq(strncmp(text, "HTTP/1.1 408 ", 13), 0);
    const char *body = strstr(text, "\r\n\r\n"), *length = strstr(text, "Content-Length: ");
    ck_assert_ptr_nonnull(body);
    ck_assert_ptr_nonnull(length);
    ck_assert_uint_eq(strtoul(length + 16, NULL, 10), strlen(body + 4));
    ck_assert(!watch_until(&watch, 0, false));
}
END_TEST

START_TEST(test_reaper_late_connection_within_an_answer_is_cut_without_a_word)
{
    ck_assert(watch_until(&watch, monotonic_us() + 1000, false));
    ck_assert_str_eq(receive_all(), "");
}
END_TEST

START_TEST(test_reaper_connection_in_time_or_without_a_limit_stays)
{
    int other[2];
    struct watch late;
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, other), 0);
    ck_assert(watch_until(&watch, monotonic_us() + 3600 * INT64_C(1000000), true));
    reaper_add(reaper, &late, other[0]);
    ck_assert(watch_until(&late, monotonic_us(), false));
    /* When this one was cut, all were looked at. */
    char byte;
    ck_assert_int_eq(recv(other[1], &byte, 1, 0), 0);
    ck_assert(watch_until(&watch, 0, true));
    ck_assert_int_eq(recv(ends[1], &byte, 1, MSG_DONTWAIT), -1);
    reaper_remove(reaper, &late);
    close(other[0]);
    close(other[1]);
}
END_TEST

START_TEST(test_reaper_connection_that_left_is_not_cut_by_its_number)
{
    int other[2];
    struct watch left, late;
    char byte;
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, other), 0);
    /* The same socket: under the watch that left, and under one that stays. */
    reaper_add(reaper, &left, ends[0]);
    reaper_remove(reaper, &left);
    ck_assert(watch_until(&left, monotonic_us(), false));
    reaper_add(reaper, &late, other[0]);
    ck_assert(watch_until(&late, monotonic_us(), false));
    ck_assert_int_eq(recv(other[1], &byte, 1, 0), 0);
    ck_assert_int_eq(recv(ends[1], &byte, 1, MSG_DONTWAIT), -1);
    reaper_remove(reaper, &late);
    close(other[0]);
    close(other[1]);
}
END_TEST

Suite *suite_reaper(void)
{
    Suite *suite = suite_create("reaper");
    TCase *tcase = tcase_create("reaper");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_set_timeout(tcase, 20);
    tcase_add_test(tcase, test_reaper_late_connection_is_cut_and_told_408);
    tcase_add_test(tcase, test_reaper_late_connection_within_an_answer_is_cut_without_a_word);
    tcase_add_test(tcase, test_reaper_connection_in_time_or_without_a_limit_stays);
    tcase_add_test(tcase, test_reaper_connection_that_left_is_not_cut_by_its_number);
    suite_add_tcase(suite, tcase);
    return suite;
}
