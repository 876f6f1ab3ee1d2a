/* test_slow_clients.c: clients that trickle, through the HTTP front with limits of seconds.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A busy machine makes a slow client of the test itself. Where it has to be faster than a limit,
 * the limit is LONG or more; where it may be as slow as it likes, it is SHORT. */
#include <check.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/support/cases.h"
#include "tests/support/http_fixture.h"

Suite *suite_slow_clients(void);

enum { SHORT_S = 1, LONG_S = 4, NEVER_S = 3600 };
enum { PACE_MS = 20, MANY = 6000 /* bytes that nobody has patience for */ };

static void start(unsigned header_s, unsigned body_s, unsigned idle_s)
{
    struct http_options options = fixture_options();
    options.header_timeout_s = header_s;
    options.body_timeout_s = body_s;
    options.idle_timeout_s = idle_s;
    fixture_start_with(options);
}

/* Sends a byte now and then, never so rarely that the connection is idle, until the server says or
 * does something. */
static void trickle(void)
{
    struct pollfd waiting = {.fd = client.fd, .events = POLLIN};
    for (int k = 0; k < MANY; k++) {
        if (poll(&waiting, 1, PACE_MS) != 0)
            return;
        send(client.fd, "x", 1, MSG_NOSIGNAL);
    }
    ck_abort_msg("the server had the patience for %d bytes", MANY);
}

static void assert_cut_with_408(void)
{
    raw_client_receive(&client, &answer, false);
    ck_assert_int_eq(answer.status, 408);
    ck_assert_str_eq(raw_answer_field(&answer, "Connection"), "close");
    ck_assert_ptr_nonnull(strstr(answer.body, "{\"error\":\""));
    ck_assert(raw_client_is_closed(&client));
}

/* Until the server closes it, with a 408 or, because it is idle, without. */
static void await_end(struct raw_client *quiet)
{
    while (!raw_client_is_closed(quiet))
        quiet->n = 0;
}

/* The server serves others, who may be slow, too, once or twice, and forgets the connection. */
static void assert_well(void)
{
    do {
        raw_client_close(&client);
        raw_client_connect(&client, http_port);
        raw_client_ask(&client, "GET /echo/m HTTP/1.1\r\nHost: x\r\n\r\n", &answer);
    } while (answer.status == 408);
    assert_answer(200, "GET|m||none|");
    /* I/O threads may be about to end what was cut, and to finish what was answered. */
    while (http_in_flight(http) > 0)
        sched_yield();
}

static const char *const beginnings[] = {
    "G",
    "GET /echo/",
    "GET /echo/m HTTP/1.1\r\nHost: x\r\nX-Slow: ",
    "POST /echo/m HTTP/1.1\r\nHost: x\r\nContent-Length: 9000\r\n\r\n",
    "POST /echo/m HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2000\r\n",
    "POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 9000\r\n\r\n",
};

START_TEST(test_slow_client_is_cut_with_408_wherever_it_trickles)
{
    start(SHORT_S, SHORT_S, NEVER_S);
    raw_client_send_text(&client, beginnings[_i]);
    trickle();
    assert_cut_with_408();
    assert_well();
    fixture_stop();
}
END_TEST

START_TEST(test_slow_client_that_was_fast_once_is_cut_too)
{
    start(LONG_S, LONG_S, LONG_S);
    assert_alive();
    raw_client_send_text(&client, "GET /echo/");
    trickle();
    assert_cut_with_408();
    assert_well();
    fixture_stop();
}
END_TEST

static const struct {
    unsigned header_s, idle_s;
} silences[] = {{SHORT_S, NEVER_S}, {NEVER_S, SHORT_S}};

START_TEST(test_slow_client_that_sends_nothing_is_closed)
{
    start(silences[_i].header_s, NEVER_S, silences[_i].idle_s);
    await_end(&client);
    assert_well();
    fixture_stop();
}
END_TEST

START_TEST(test_slow_handler_is_not_the_clients_fault)
{
    start(LONG_S, LONG_S, LONG_S);
    post_bytes("/later", 10);
    struct request *request = take_waiting();
    /* When a connection that came later has been closed, this one's time is over, too. */
    static struct raw_client second;
    raw_client_connect(&second, http_port);
    await_end(&second);
    raw_client_close(&second);
    request_resume(request);
    raw_client_receive(&client, &answer, false);
    assert_answer(200, "finished");
    fixture_stop();
}
END_TEST

Suite *suite_slow_clients(void)
{
    Suite *suite = suite_create("slow_clients");
    TCase *tcase = tcase_create("slow_clients");
    tcase_set_timeout(tcase, 30);
    tcase_add_loop_test(tcase, test_slow_client_is_cut_with_408_wherever_it_trickles, 0,
                        N_CASES(beginnings));
    tcase_add_test(tcase, test_slow_client_that_was_fast_once_is_cut_too);
    tcase_add_loop_test(tcase, test_slow_client_that_sends_nothing_is_closed, 0, N_CASES(silences));
    tcase_add_test(tcase, test_slow_handler_is_not_the_clients_fault);
    suite_add_tcase(suite, tcase);
    return suite;
}
