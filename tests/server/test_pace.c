/* test_pace.c: refusals that wait for their turn. SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdlib.h>

#include "server/pace.h"
#include "tests/support/http_fixture.h"

Suite *suite_pace(void);

enum { INTERVAL_US = 1000000 / PACE_RATE, N_TURNS = 3 * PACE_RATE, NOW_US = 1000000000 };

static struct pace pace;
static struct pace_turn turns[N_TURNS];

static void setup(void)
{
    pace = (struct pace){0};
}

/* So many come at once; the number of those that pass. */
static size_t come(size_t n, int64_t now_us)
{
    size_t n_passed = 0;
    for (size_t i = 0; i < n; i++)
        n_passed += pace_pass(&pace, &turns[i], now_us);
    return n_passed;
}

START_TEST(test_pace_burst_passes_and_what_follows_waits)
{
    ck_assert_uint_eq(come(PACE_BURST, NOW_US), PACE_BURST);
    ck_assert_int_eq(pace_due_us(&pace), INT64_MAX);
    ck_assert_uint_eq(come(1, NOW_US), 0);
    ck_assert_int_eq(pace_due_us(&pace), NOW_US + INTERVAL_US);
    ck_assert_ptr_null(pace_next(&pace, NOW_US + INTERVAL_US - 1));
    ck_assert_ptr_eq(pace_next(&pace, NOW_US + INTERVAL_US), &turns[0]);
    ck_assert_ptr_null(pace_next(&pace, INT64_MAX));
}
END_TEST

START_TEST(test_pace_those_that_wait_go_in_order_at_the_rate)
{
    const size_t n = PACE_BURST + 50;
    come(n, NOW_US);
    for (size_t i = PACE_BURST; i < n; i++) {
        const int64_t due_us = NOW_US + (int64_t)(i - PACE_BURST + 1) * INTERVAL_US;
        ck_assert_int_eq(pace_due_us(&pace), due_us);
        ck_assert_ptr_eq(pace_next(&pace, due_us), &turns[i]);
    }
    ck_assert_int_eq(pace_due_us(&pace), INT64_MAX);
}
END_TEST

START_TEST(test_pace_slower_ones_than_the_rate_never_wait)
{
    for (int64_t i = 0; i < N_TURNS; i++)
        ck_assert(pace_pass(&pace, &turns[i], NOW_US + i * INTERVAL_US));
}
END_TEST

START_TEST(test_pace_burst_passes_again_after_a_quiet_time)
{
    come(PACE_BURST + 1, NOW_US);
    ck_assert_ptr_eq(pace_next(&pace, INT64_MAX), &turns[PACE_BURST]);
    ck_assert_uint_eq(come(2 * PACE_BURST, NOW_US + 10000000), PACE_BURST);
}
END_TEST

START_TEST(test_pace_nobody_waits_longer_than_the_most)
{
    size_t n_late = 0;
    come(N_TURNS, NOW_US);
    while (pace_next(&pace, NOW_US + PACE_MOST_WAIT_US) != NULL)
        n_late++;
    ck_assert_uint_eq(n_late, N_TURNS - PACE_BURST);
}
END_TEST

START_TEST(test_pace_one_that_comes_behind_others_waits_for_them)
{
    come(PACE_BURST + 2, NOW_US);
    ck_assert(!pace_pass(&pace, &turns[0], NOW_US + 10000000));
    ck_assert_ptr_eq(pace_next(&pace, INT64_MAX), &turns[PACE_BURST]);
    ck_assert_ptr_eq(pace_next(&pace, INT64_MAX), &turns[PACE_BURST + 1]);
    ck_assert_ptr_eq(pace_next(&pace, INT64_MAX), &turns[0]);
}
END_TEST

/* ---- Through the front ---------------------------------------------------------------------- */

enum { N_CLIENTS = 4 * PACE_BURST };

static struct raw_client *crowd; /* [N_CLIENTS] */

/* More are refused at once than pass at once on both I/O threads. */
static void crowd_start(void)
{
    struct http_options options = fixture_options();
    options.max_connections = N_CLIENTS + 10;
    fixture_start_with(options);
    crowd = calloc(N_CLIENTS, sizeof *crowd);
    ck_assert_ptr_nonnull(crowd);
    for (size_t i = 0; i < N_CLIENTS; i++)
        raw_client_connect(&crowd[i], http_port);
    for (size_t i = 0; i < N_CLIENTS; i++)
        raw_client_send_text(&crowd[i], "POST /busy/m HTTP/1.1\r\nHost: x\r\n"
                                        "Content-Length: 0\r\n\r\n");
}

static void crowd_stop(void)
{
    for (size_t i = 0; i < N_CLIENTS; i++)
        raw_client_close(&crowd[i]);
    free(crowd);
    fixture_stop();
}

START_TEST(test_pace_crowd_of_refused_clients_is_answered_and_served_again)
{
    for (size_t i = 0; i < N_CLIENTS; i++) {
        raw_client_receive(&crowd[i], &answer, false);
        assert_answer(503, "{\"error\":\"the queue of \\\"m\\\" is full\"}");
        ck_assert_str_eq(raw_answer_field(&answer, "Retry-After"), "2");
    }
    for (size_t i = 0; i < N_CLIENTS; i += 40) {
        raw_client_ask(&crowd[i], "GET /fixed HTTP/1.1\r\nHost: x\r\n\r\n", &answer);
        assert_answer(200, "<p>");
    }
}
END_TEST

START_TEST(test_pace_others_are_served_while_refusals_wait)
{
    assert_alive();
}
END_TEST

/* The fixture stops the server. */
START_TEST(test_pace_server_stops_while_refusals_wait)
{
    raw_client_receive(&crowd[0], &answer, false);
    http_quiesce(http);
}
END_TEST

Suite *suite_pace(void)
{
    Suite *suite = suite_create("pace");
    TCase *tcase = tcase_create("pace");
    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_add_test(tcase, test_pace_burst_passes_and_what_follows_waits);
    tcase_add_test(tcase, test_pace_those_that_wait_go_in_order_at_the_rate);
    tcase_add_test(tcase, test_pace_slower_ones_than_the_rate_never_wait);
    tcase_add_test(tcase, test_pace_burst_passes_again_after_a_quiet_time);
    tcase_add_test(tcase, test_pace_nobody_waits_longer_than_the_most);
    tcase_add_test(tcase, test_pace_one_that_comes_behind_others_waits_for_them);
    suite_add_tcase(suite, tcase);
    TCase *front = tcase_create("front");
    tcase_add_checked_fixture(front, crowd_start, crowd_stop);
    tcase_set_timeout(front, 60);
    tcase_add_test(front, test_pace_crowd_of_refused_clients_is_answered_and_served_again);
    tcase_add_test(front, test_pace_others_are_served_while_refusals_wait);
    tcase_add_test(front, test_pace_server_stops_while_refusals_wait);
    suite_add_tcase(suite, front);
    return suite;
}
