/* test_http.c: the HTTP front over real sockets: requests, answers, bodies.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/cases.h"
#include "tests/support/http_fixture.h"

Suite *suite_http(void);

/* Sends a POST of n_chunks chunks of 1000 bytes. */
static void post_chunks(const char *path, size_t n_chunks)
{
    char text[1100];
    snprintf(text, sizeof text, "POST %s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
             path);
    raw_client_send_text(&client, text);
    for (size_t k = 0; k < n_chunks; k++) {
        snprintf(text, sizeof text, "3e8\r\n%01000d\r\n", (int)k);
        raw_client_send_text(&client, text);
    }
    raw_client_send_text(&client, "0\r\n\r\n");
}

START_TEST(test_http_request_reaches_its_handler_with_all_that_was_asked)
{
    raw_client_ask(
        &client,
        "POST /echo/a%20b?dtype=ui%6et8 HTTP/1.1\r\nHost: x\r\n"
        "Content-Type: Application/JSON; charset=utf-8\r\nContent-Length: 5\r\n\r\nhello",
        &answer);
    assert_answer(200, "POST|a b|application/json|uint8|hello");
    ck_assert_str_eq(raw_answer_field(&answer, "Content-Type"), "application/json");
    ck_assert_uint_eq(strlen(raw_answer_field(&answer, "X-Request-Id")), 16);
    const char *timing = raw_answer_field(&answer, "Server-Timing");
    ck_assert_int_eq(strncmp(timing, "total;dur=", 10), 0);
}
END_TEST

START_TEST(test_http_connection_serves_many_requests)
{
    char first[32];
    for (int k = 0; k < 50; k++) {
        assert_alive();
        if (k == 0)
            snprintf(first, sizeof first, "%s", raw_answer_field(&answer, "X-Request-Id"));
        else
            ck_assert_str_ne(raw_answer_field(&answer, "X-Request-Id"), first);
    }
}
END_TEST

START_TEST(test_http_pipelined_requests_are_answered_in_order)
{
    raw_client_send_text(&client, "GET /echo/a HTTP/1.1\r\nHost: x\r\n\r\n"
                                  "GET /echo/b HTTP/1.1\r\nHost: x\r\n\r\n");
    raw_client_receive(&client, &answer, false);
    assert_answer(200, "GET|a||none|");
    raw_client_receive(&client, &answer, false);
    assert_answer(200, "GET|b||none|");
}
END_TEST

START_TEST(test_http_request_id_is_echoed_without_what_is_not_printable)
{
    raw_client_ask(&client,
                   "GET /echo/m HTTP/1.1\r\nHost: x\r\nX-Request-Id: a\"b\\c \xC3\xA9-1\r\n\r\n",
                   &answer);
    ck_assert_str_eq(raw_answer_field(&answer, "X-Request-Id"), "abc-1");
}
END_TEST

START_TEST(test_http_long_request_id_is_cut)
{
    char text[256];
    snprintf(text, sizeof text, "GET /echo/m HTTP/1.1\r\nHost: x\r\nX-Request-Id: %0100d\r\n\r\n",
             7);
    raw_client_ask(&client, text, &answer);
    ck_assert_uint_eq(strlen(raw_answer_field(&answer, "X-Request-Id")), 64);
}
END_TEST

START_TEST(test_http_head_is_answered_like_get_without_the_body)
{
    raw_client_send_text(&client, "HEAD /echo/m HTTP/1.1\r\nHost: x\r\n\r\n");
    raw_client_receive(&client, &answer, true);
    ck_assert_int_eq(answer.status, 200);
    ck_assert_str_eq(raw_answer_field(&answer, "Content-Length"), "13"); /* HEAD|m||none| */
    assert_alive();
}
END_TEST

START_TEST(test_http_static_body_and_content_type_are_sent)
{
    raw_client_ask(&client, "GET /fixed HTTP/1.1\r\nHost: x\r\n\r\n", &answer);
    assert_answer(200, "<p>");
    ck_assert_str_eq(raw_answer_field(&answer, "Content-Type"), "text/html");
}
END_TEST

START_TEST(test_http_handler_without_an_answer_gives_500)
{
    raw_client_ask(&client, "GET /silent HTTP/1.1\r\nHost: x\r\n\r\n", &answer);
    assert_answer(500, "{\"error\":\"the request was not answered\"}");
}
END_TEST

START_TEST(test_http_error_has_retry_after_timing_and_escaped_sentence)
{
    post_bytes("/busy/m", 10);
    raw_client_receive(&client, &answer, false);
    assert_answer(503, "{\"error\":\"the queue of \\\"m\\\" is full\"}");
    ck_assert_str_eq(raw_answer_field(&answer, "Retry-After"), "2");
    const char *timing = raw_answer_field(&answer, "Server-Timing");
    ck_assert_int_eq(strncmp(timing, "queue;dur=1.250, compute;dur=0.030, total;dur=", 46), 0);
}
END_TEST

START_TEST(test_http_unknown_path_gives_404_that_names_it)
{
    raw_client_ask(&client, "GET /a\"b HTTP/1.1\r\nHost: x\r\n\r\n", &answer);
    assert_answer(404, "{\"error\":\"no such route: GET /a\\\"b\"}");
    ck_assert_ptr_null(raw_answer_field(&answer, "Allow"));
}
END_TEST

START_TEST(test_http_long_unknown_path_is_cut_in_the_error)
{
    char text[4096];
    snprintf(text, sizeof text, "GET /%03000d HTTP/1.1\r\nHost: x\r\n\r\n", 0);
    raw_client_ask(&client, text, &answer);
    ck_assert_int_eq(answer.status, 404);
    ck_assert_uint_lt(answer.body_bytes, 300);
}
END_TEST

START_TEST(test_http_wrong_method_gives_405_with_allow_and_keeps_the_connection)
{
    raw_client_ask(&client, "PUT /echo/m HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody",
                   &answer);
    assert_answer(405, "{\"error\":\"PUT is not possible on /echo/m; allowed: GET, POST\"}");
    ck_assert_str_eq(raw_answer_field(&answer, "Allow"), "GET, POST");
    assert_alive();
}
END_TEST

START_TEST(test_http_chunked_body_is_put_together)
{
    post_chunks("/echo/m", 20);
    raw_client_receive(&client, &answer, false);
    ck_assert_int_eq(answer.status, 200);
    ck_assert_uint_eq(answer.body_bytes, strlen("POST|m||none|") + 20000);
    ck_assert_str_eq(answer.body + answer.body_bytes - 4, "0019");
}
END_TEST

START_TEST(test_http_body_of_exactly_the_limit_is_accepted)
{
    post_bytes("/busy/m", MAX_BODY);
    raw_client_receive(&client, &answer, false);
    ck_assert_int_eq(answer.status, 503);
}
END_TEST

static const char too_long[] = "{\"error\":\"the body is longer than the limit of 100000 bytes\"}";

START_TEST(test_http_body_beyond_the_limit_gives_413_and_keeps_the_connection)
{
    post_bytes("/echo/m", MAX_BODY + 1);
    raw_client_receive(&client, &answer, false);
    assert_answer(413, too_long);
    assert_alive();
}
END_TEST

START_TEST(test_http_chunked_body_beyond_the_limit_gives_413_and_keeps_the_connection)
{
    post_chunks("/echo/m", MAX_BODY / 1000 + 1);
    raw_client_receive(&client, &answer, false);
    assert_answer(413, too_long);
    assert_alive();
}
END_TEST

START_TEST(test_http_huge_announced_body_gives_413_before_it_is_sent)
{
    raw_client_ask(&client,
                   "POST /echo/m HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n",
                   &answer);
    assert_answer(413, too_long);
    ck_assert(raw_client_is_closed(&client));
}
END_TEST

START_TEST(test_http_client_that_asks_first_gets_413_instead_of_continue)
{
    raw_client_ask(&client,
                   "POST /echo/m HTTP/1.1\r\nHost: x\r\nContent-Length: 100001\r\n"
                   "Expect: 100-continue\r\n\r\n",
                   &answer);
    assert_answer(413, too_long);
}
END_TEST

START_TEST(test_http_client_that_asks_first_may_continue)
{
    raw_client_ask(&client,
                   "POST /echo/m HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n"
                   "Expect: 100-continue\r\n\r\n",
                   &answer);
    ck_assert_int_eq(answer.status, 100);
    raw_client_ask(&client, "ok", &answer);
    assert_answer(200, "POST|m||none|ok");
}
END_TEST

static const char *const unclear[] = {
    "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "Content-Length: 2\r\nContent-Length: 0\r\n\r\nok",
    "Content-Length : 2\r\n\r\nok",
    "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
};

START_TEST(test_http_unclear_end_of_a_body_gives_400_and_ends_the_connection)
{
    raw_client_send_text(&client, "POST /echo/m HTTP/1.1\r\nHost: x\r\n");
    raw_client_send_text(&client, unclear[_i]);
    raw_client_receive(&client, &answer, false);
    ck_assert_int_eq(answer.status, 400);
    /* Since 1.0 the library refuses some of them itself, with a page of its own. */
    ck_assert(strstr(answer.body, "where the body ends") != NULL ||
              strncmp(answer.body, "<html>", 6) == 0);
    ck_assert_str_eq(raw_answer_field(&answer, "Connection"), "close");
    ck_assert(raw_client_is_closed(&client));
}
END_TEST

Suite *suite_http(void)
{
    Suite *suite = suite_create("http");
    TCase *tcase = tcase_create("http");
    tcase_add_checked_fixture(tcase, fixture_start, fixture_stop);
    tcase_set_timeout(tcase, 20);
    tcase_add_test(tcase, test_http_request_reaches_its_handler_with_all_that_was_asked);
    tcase_add_test(tcase, test_http_connection_serves_many_requests);
    tcase_add_test(tcase, test_http_pipelined_requests_are_answered_in_order);
    tcase_add_test(tcase, test_http_request_id_is_echoed_without_what_is_not_printable);
    tcase_add_test(tcase, test_http_long_request_id_is_cut);
    tcase_add_test(tcase, test_http_head_is_answered_like_get_without_the_body);
    tcase_add_test(tcase, test_http_static_body_and_content_type_are_sent);
    tcase_add_test(tcase, test_http_handler_without_an_answer_gives_500);
    tcase_add_test(tcase, test_http_error_has_retry_after_timing_and_escaped_sentence);
    tcase_add_test(tcase, test_http_unknown_path_gives_404_that_names_it);
    tcase_add_test(tcase, test_http_long_unknown_path_is_cut_in_the_error);
    tcase_add_test(tcase, test_http_wrong_method_gives_405_with_allow_and_keeps_the_connection);
    tcase_add_test(tcase, test_http_chunked_body_is_put_together);
    tcase_add_test(tcase, test_http_body_of_exactly_the_limit_is_accepted);
    tcase_add_test(tcase, test_http_body_beyond_the_limit_gives_413_and_keeps_the_connection);
    tcase_add_test(tcase,
                   test_http_chunked_body_beyond_the_limit_gives_413_and_keeps_the_connection);
    tcase_add_test(tcase, test_http_huge_announced_body_gives_413_before_it_is_sent);
    tcase_add_test(tcase, test_http_client_that_asks_first_gets_413_instead_of_continue);
    tcase_add_test(tcase, test_http_client_that_asks_first_may_continue);
    tcase_add_loop_test(tcase, test_http_unclear_end_of_a_body_gives_400_and_ends_the_connection, 0,
                        N_CASES(unclear));
    suite_add_tcase(suite, tcase);
    return suite;
}
