/* test_http_header.c: headers of every length: each request is answered, and carried out only if
 * it is answered as carried out. SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/cases.h"
#include "tests/support/http_fixture.h"

Suite *suite_http_header(void);

enum { MAX_TEXT = 128 * 1024, LONG_BODY = 256 * 1024 + 1 };

#define POST    "POST /resume_first HTTP/1.1\r\nHost: x\r\n"
#define SIZED   "Content-Length: 2\r\n\r\nok"
#define NAME    "a-name-as-long-as-the-system-of-domain-names-allows-one-to-be."
#define ORIGIN  "https://" NAME NAME NAME NAME "example"
#define CHUNKED "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n"

/* Asks with `piece` so many times between the texts, on a connection of its own. */
static int ask(const char *head, const char *piece, size_t times, const char *tail)
{
    static char text[MAX_TEXT];
    size_t n = strlen(head);
    const size_t length = strlen(piece);
    ck_assert_uint_lt(n + times * length + strlen(tail), sizeof text);
    memcpy(text, head, n);
    for (; times > 0; times--, n += length)
        memcpy(text + n, piece, length);
    memcpy(text + n, tail, strlen(tail) + 1);
    raw_client_close(&client);
    raw_client_connect(&client, http_port);
    raw_client_ask(&client, text, &answer);
    return answer.status;
}

/* What grows from 0 by steps, past what a connection has room for. */
static const struct {
    const char *name, *head, *piece, *tail;
    size_t step, most;
} growths[] = {
    {"a field", POST "A: ", "a", "\r\n" SIZED, 37, 13000},
    {"a field before chunks", POST "A: ", "a", "\r\n" CHUNKED "\r\n", 37, 13000},
    {"fields", POST, "A: b\r\n", SIZED, 1, 400},
    {"a trailer", POST CHUNKED "A: ", "a", "\r\n\r\n", 37, 13000},
    {"trailers", POST CHUNKED, "A: b\r\n", "\r\n", 1, 400},
    {"a trailer of a refusal", "POST /silent HTTP/1.1\r\nHost: x\r\n" CHUNKED "A: ", "a",
     "\r\n\r\n", 37, 13000},
    {"a query", "POST /resume_first?a=", "a", " HTTP/1.1\r\nHost: x\r\n" SIZED, 37, 11500},
    {"a field from a page", POST "Origin: " ORIGIN "\r\nA: ", "a", "\r\n" SIZED, 37, 13000},
    {"a trailer from a page", POST "Origin: " ORIGIN "\r\n" CHUNKED "A: ", "a", "\r\n\r\n", 37,
     13000},
};

START_TEST(test_http_header_of_any_length_is_answered_and_carried_out_only_if_that_is_told)
{
    unsigned n_done = 0;
    bool is_refused = false;
    for (size_t k = 0; k < growths[_i].most; k += growths[_i].step) {
        const int status = ask(growths[_i].head, growths[_i].piece, k, growths[_i].tail);
        const bool is_served = status == 200 || status == 405;
        ck_assert_msg(is_refused ? status == 431 || status == 414 : is_served || status == 431,
                      "%s, %zu: %d", growths[_i].name, k, status);
        n_done += status == 200;
        is_refused |= status == 431;
    }
    ck_assert(is_refused);
    pthread_mutex_lock(&app.lock);
    ck_assert_uint_eq(app.n_finished, n_done);
    pthread_mutex_unlock(&app.lock);
}
END_TEST

static struct cors *cors;

static void start(void)
{
    struct lstm_error error;
    struct http_options options = fixture_options();
    ck_assert_int_eq(cors_create(ORIGIN, &cors, &error), LSTM_OK);
    options.rules.cors = cors;
    options.rules.max_body_bytes = LONG_BODY;
    fixture_start_with(options);
}

static void stop(void)
{
    fixture_stop();
    cors_destroy(cors);
}

/* A header's bytes, the body's, and what becomes of it. */
static const struct {
    size_t header_bytes, body_bytes;
    int status;
} bodies[] = {{100, LONG_BODY, 200},      {3900, LONG_BODY, 200},     {4500, LONG_BODY, 200},
              {5632, LONG_BODY, 200},     {5633, LONG_BODY, 431},     {5633, LONG_BODY - 1, 200},
              {6100, LONG_BODY - 1, 200}, {7000, LONG_BODY - 1, 200}, {10000, LONG_BODY - 1, 200},
              {10000, LONG_BODY, 431}};

START_TEST(test_http_header_that_is_long_leaves_room_for_the_body)
{
    static char field[12 * 1024];
    char head[128], *const body = malloc(LONG_BODY + 1);
    ck_assert_ptr_nonnull(body);
    memset(body, 'x', bodies[_i].body_bytes);
    body[bodies[_i].body_bytes] = '\0';
    const size_t n = (size_t)snprintf(head, sizeof head,
                                      "POST /busy/m HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n"
                                      "A: ",
                                      bodies[_i].body_bytes);
    memset(field, 'a', bodies[_i].header_bytes - n - 4);
    strcpy(field + bodies[_i].header_bytes - n - 4, "\r\n\r\n");
    raw_client_send(&client, head, n);
    raw_client_send_text(&client, field);
    /* What is refused need not be taken. */
    if (bodies[_i].status == 200)
        raw_client_send(&client, body, bodies[_i].body_bytes);
    raw_client_receive(&client, &answer, false);
    ck_assert_int_eq(answer.status, bodies[_i].status == 200 ? 503 : 431);
    free(body);
}
END_TEST

START_TEST(test_http_header_refused_says_what_counts_and_ends_the_connection)
{
    ck_assert_int_eq(ask(POST, "A: b\r\n", 80, SIZED), 431);
    ck_assert_ptr_nonnull(strstr(answer.body, "count as 6144 at least, and 5248 for its fields"));
    ck_assert(raw_client_is_closed(&client));
    ck_assert_int_eq(ask(POST "Cookie: a=", "a", 5000, "\r\n" SIZED), 431);
    ck_assert_int_eq(ask(POST "A: ", "a", 6000, "\r\nTransfer-Encoding: chunked\r\n\r\n"), 431);
    ck_assert_ptr_nonnull(strstr(answer.body, "at most 5632 where more than 262144 of a body"));
    ck_assert(raw_client_is_closed(&client));
}
END_TEST

/* What SECURITY.md promises. */
START_TEST(test_http_header_within_the_promise_is_served)
{
    ck_assert_int_eq(ask(POST "A: ", "a", 10 * 1024 - 100, "\r\n" SIZED), 200);
    ck_assert_int_eq(ask(POST, "A: b\r\n", 64, SIZED), 200);
    ck_assert_int_eq(ask(POST,
                         "A: 0123456789012345678901234567890123456789012345678901234567890123"
                         "456789012345678901234567890123456789\r\n",
                         40, SIZED),
                     200);
    ck_assert_int_eq(ask(POST "Cookie: a=", "a", 4096, "\r\n" SIZED), 200);
}
END_TEST

Suite *suite_http_header(void)
{
    Suite *suite = suite_create("http_header");
    TCase *tcase = tcase_create("http_header");
    tcase_add_checked_fixture(tcase, start, stop);
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(
        tcase, test_http_header_of_any_length_is_answered_and_carried_out_only_if_that_is_told, 0,
        N_CASES(growths));
    tcase_add_loop_test(tcase, test_http_header_that_is_long_leaves_room_for_the_body, 0,
                        N_CASES(bodies));
    tcase_add_test(tcase, test_http_header_refused_says_what_counts_and_ends_the_connection);
    tcase_add_test(tcase, test_http_header_within_the_promise_is_served);
    suite_add_tcase(suite, tcase);
    return suite;
}
