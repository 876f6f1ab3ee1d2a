/* test_http_life.c: the HTTP front over real sockets: requests put off, clients that hang up,
 * counting, start and stop. SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "server/metrics.h"
#include "tests/support/http_fixture.h"

Suite *suite_http_life(void);

static void *resume_waiting(void *unused)
{
    request_resume(take_waiting());
    return unused;
}

START_TEST(test_http_request_put_off_is_finished_after_resume_from_another_thread)
{
    pthread_t thread;
    for (unsigned k = 1; k <= 20; k++) {
        ck_assert_int_eq(pthread_create(&thread, NULL, resume_waiting, NULL), 0);
        post_bytes("/later", 10);
        raw_client_receive(&client, &answer, false);
        assert_answer(200, "finished");
        ck_assert_int_eq(pthread_join(thread, NULL), 0);
        wait_until_discarded(k);
        ck_assert_uint_eq(app.n_finished, k);
    }
}
END_TEST

START_TEST(test_http_request_resumed_before_its_handler_returned_is_finished)
{
    post_bytes("/resume_first", 10);
    raw_client_receive(&client, &answer, false);
    assert_answer(200, "finished");
    wait_until_discarded(1);
}
END_TEST

START_TEST(test_http_client_that_hangs_up_while_put_off_is_discarded_after_resume)
{
    post_bytes("/later", 10);
    struct request *request = take_waiting();
    ck_assert_uint_eq(http_in_flight(http), 1);
    raw_client_close(&client);
    raw_client_connect(&client, http_port);
    assert_alive();
    ck_assert_uint_eq(app.n_discarded, 0);
    request_resume(request);
    wait_until_discarded(1);
    /* The other I/O thread may not have finished yet with what it answered. */
    while (http_in_flight(http) > 0)
        sched_yield();
    assert_alive();
}
END_TEST

START_TEST(test_http_request_put_off_tells_that_its_client_has_gone)
{
    post_bytes("/later", 10);
    struct request *request = take_waiting();
    ck_assert(!request_is_gone(request));
    raw_client_close(&client);
    while (!request_is_gone(request))
        sched_yield();
    request_resume(request);
    wait_until_discarded(1);
    raw_client_connect(&client, http_port);
}
END_TEST

START_TEST(test_http_client_that_sends_on_while_put_off_is_not_gone)
{
    post_bytes("/later", 10);
    struct request *request = take_waiting();
    raw_client_send_text(&client, "GET /echo/m HTTP/1.1\r\nHost: x\r\n\r\n");
    ck_assert(!request_is_gone(request));
    request_resume(request);
    raw_client_receive(&client, &answer, false);
    assert_answer(200, "finished");
    raw_client_receive(&client, &answer, false);
    assert_answer(200, "GET|m||none|");
}
END_TEST

START_TEST(test_http_client_that_hangs_up_within_its_header_harms_nobody)
{
    raw_client_send_text(&client, "GET /echo/m HTTP/1.1\r\nHost: ");
    raw_client_close(&client);
    raw_client_connect(&client, http_port);
    assert_alive();
}
END_TEST

START_TEST(test_http_client_that_hangs_up_within_its_body_harms_nobody)
{
    raw_client_send_text(&client, "POST /echo/m HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx");
    raw_client_close(&client);
    raw_client_connect(&client, http_port);
    assert_alive();
}
END_TEST

START_TEST(test_http_quiesced_server_finishes_what_it_has)
{
    post_bytes("/later", 10);
    struct request *request = take_waiting();
    http_quiesce(http);
    http_quiesce(http);
    ck_assert_uint_eq(http_in_flight(http), 1);
    request_resume(request);
    raw_client_receive(&client, &answer, false);
    assert_answer(200, "finished");
    wait_until_discarded(1);
}
END_TEST

/* Whether the metrics have this line. */
static bool metrics_have(const char *line)
{
    struct buf text;
    buf_init(&text, 1 << 20);
    metrics_write(&text);
    bool found = strstr(text.data, line) != NULL;
    buf_release(&text);
    return found;
}

START_TEST(test_http_answers_are_counted_by_route_and_model)
{
    post_bytes("/busy/m1", 10);
    raw_client_receive(&client, &answer, false);
    raw_client_ask(&client, "DELETE /busy/m2 HTTP/1.1\r\nHost: x\r\n\r\n", &answer);
    post_bytes("/busy/m3", MAX_BODY + 1);
    raw_client_receive(&client, &answer, false);
    post_bytes("/busy/unknown", 10);
    raw_client_receive(&client, &answer, false);
    assert_alive();
    ck_assert(metrics_have("requests_total{model=\"m1\",route=\"busy\",code=\"503\"} 1\n"));
    ck_assert(metrics_have("requests_total{model=\"\",route=\"none\",code=\"405\"} 1\n"));
    ck_assert(metrics_have("requests_total{model=\"\",route=\"busy\",code=\"413\"} 1\n"));
    ck_assert(metrics_have("requests_total{model=\"\",route=\"busy\",code=\"503\"} 1\n"));
    ck_assert(metrics_have("request_duration_seconds_count{route=\"busy\"} 3\n"));
    ck_assert(metrics_have("received_bytes_total 100021\n"));
    ck_assert(!metrics_have("unknown"));
    ck_assert(!metrics_have("m2"));
    ck_assert(!metrics_have("m3"));
}
END_TEST

Suite *suite_http_life(void)
{
    Suite *suite = suite_create("http_life");
    TCase *tcase = tcase_create("http_life");
    tcase_add_checked_fixture(tcase, fixture_start, fixture_stop);
    tcase_set_timeout(tcase, 20);
    tcase_add_test(tcase, test_http_request_put_off_is_finished_after_resume_from_another_thread);
    tcase_add_test(tcase, test_http_request_resumed_before_its_handler_returned_is_finished);
    tcase_add_test(tcase, test_http_client_that_hangs_up_while_put_off_is_discarded_after_resume);
    tcase_add_test(tcase, test_http_request_put_off_tells_that_its_client_has_gone);
    tcase_add_test(tcase, test_http_client_that_sends_on_while_put_off_is_not_gone);
    tcase_add_test(tcase, test_http_client_that_hangs_up_within_its_header_harms_nobody);
    tcase_add_test(tcase, test_http_client_that_hangs_up_within_its_body_harms_nobody);
    tcase_add_test(tcase, test_http_quiesced_server_finishes_what_it_has);
    tcase_add_test(tcase, test_http_answers_are_counted_by_route_and_model);
    suite_add_tcase(suite, tcase);
    return suite;
}
