/* test_http_abuse.c: bytes that no proper client sends, and what a daemon answers.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Each case is sent on a connection of its own. Then the daemon answers as before, and holds as
 * many file descriptors as before. */
#include <check.h>
#include <microhttpd.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/clock.h"
#include "server/sanitizers.h"
#include "tests/support/cases.h"
#include "tests/support/daemon.h"
#include "tests/support/model_store.h"
#include "tests/support/raw_client.h"
#include "tests/support/temp_folder.h"

Suite *suite_http_abuse(void);

enum { MAX_BYTES = 256 * 1024 };

static struct temp_folder folder;
static struct daemon server;
static size_t n_descriptors; /* of the daemon while nobody is connected */
static bool is_patient;      /* the daemon */
static struct raw_client client;
static struct raw_answer answer;

static void start_with(const char *seconds)
{
    const char *const options[] = {"--max-body-bytes",
                                   "100000",
                                   "--body-timeout-seconds",
                                   seconds,
                                   "--header-timeout-seconds",
                                   seconds,
                                   "--idle-timeout-seconds",
                                   seconds,
                                   "--model-poll-seconds",
                                   "0",
                                   NULL};
    temp_folder_create(&folder);
    model_store_add(folder.path, "any", "1", model_any, 1);
    model_store_add(folder.path, "digits", "1", model_digits, 1);
    daemon_start(&server, folder.path, options);
    n_descriptors = daemon_descriptors(&server);
}

/* A busy machine makes a slow client of the test. Those who come to an end are given all the time
 * they need; those who do not, whose going the library may overlook, end by the daemon's limits. */
static void start_patient(void)
{
    is_patient = true;
    start_with("3600");
}

static void start_impatient(void)
{
    is_patient = false;
    start_with("3");
}

static void stop(void)
{
    ck_assert_int_eq(daemon_stop(&server), 0);
    temp_folder_remove(&folder);
}

/* ---- Cases ------------------------------------------------------------------------------------
 */

#define LIVE    "GET /v2/health/live HTTP/1.1\r\nHost: x\r\n"
#define PREDICT "POST /v1/models/any:predict HTTP/1.1\r\nHost: x\r\n"
#define BODY    "{\"instances\":[[[1,2]]]}" /* 23 bytes, 0x17 */
#define SIZED   PREDICT "Content-Length: 23\r\n\r\n" BODY
#define CHUNKED PREDICT "Transfer-Encoding: chunked\r\n\r\n"

/* What becomes of the connection behind the last answer. */
enum end {
    STAYS,  /* a further request is answered */
    CLOSES, /* the daemon closes it */
    WAITS   /* the daemon waits for more, until a deadline or the client's end */
};

static const struct abuse {
    const char *name;
    const char *bytes;
    size_t n;             /* of the bytes; 0: a text */
    const char *statuses; /* "200,400": of the answers, in order */
    enum end end;
    const char *filler; /* put in `times` for a '@' of the bytes; NULL: there is none */
    size_t times;
} cases[] = {
    /* Requests that are cut. */
    {"nothing", "", 0, "", WAITS, NULL, 0},
    {"half a request line", "GET /v2/he", 0, "", WAITS, NULL, 0},
    {"half a header", "GET /v2/health/live HTTP/1.1\r\nHost: x", 0, "", WAITS, NULL, 0},
    {"half a body", PREDICT "Content-Length: 23\r\n\r\n{\"inst", 0, "", WAITS, NULL, 0},
    {"half a chunk", CHUNKED "17\r\n{\"inst", 0, "", WAITS, NULL, 0},

    /* Request lines. */
    {"no version", "GET /v2/health/live\r\n\r\n", 0, "400", CLOSES, NULL, 0},
    {"a TLS hello", "\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03\r\n\r\n", 15, "", CLOSES, NULL, 0},
    {"HTTP/2's preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 0, "505", CLOSES, NULL, 0},
    {"HTTP/1.0", "GET /v2/health/live HTTP/1.0\r\n\r\n", 0, "200", CLOSES, NULL, 0},
    {"HTTP/1.0 that stays", "GET /v2/health/live HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 0,
     "200", STAYS, NULL, 0},
    {"HTTP/9.9", "GET /v2/health/live HTTP/9.9\r\n\r\n", 0, "505", CLOSES, NULL, 0},
    {"blank lines in front", "\r\n\r\n" LIVE "\r\n", 0, "200", STAYS, NULL, 0},
    {"an absolute URI", "GET http://x:80/v2/health/live HTTP/1.1\r\nHost: x\r\n\r\n", 0, "200",
     STAYS, NULL, 0},
    {"an absolute URI of nothing", "GET http:// HTTP/1.1\r\nHost: x\r\n\r\n", 0, "404", STAYS, NULL,
     0},
    {"OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 0, "404", STAYS, NULL, 0},
    {"CONNECT", "CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n", 0, "404", STAYS, NULL, 0},
    {"TRACE", "TRACE / HTTP/1.1\r\nHost: x\r\n\r\n", 0, "405", STAYS, NULL, 0},
    {"an unknown method", "BREW / HTTP/1.1\r\nHost: x\r\n\r\n", 0, "405", STAYS, NULL, 0},
    {"a method in small letters", "get / HTTP/1.1\r\nHost: x\r\n\r\n", 0, "405", STAYS, NULL, 0},
    {"a long method", "@ / HTTP/1.1\r\nHost: x\r\n\r\n", 0, "405", STAYS, "G", 5000},
    {"bad UTF-8 in a path", "GET /v1/models/\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n", 0, "404", STAYS,
     NULL, 0},
    {"a bad escape", "GET /v1/models/%zz HTTP/1.1\r\nHost: x\r\n\r\n", 0, "404", STAYS, NULL, 0},
    {"an escaped NUL", "GET /v1/models/any%00x HTTP/1.1\r\nHost: x\r\n\r\n", 0, "404", STAYS, NULL,
     0},
    {"a path out of the page", "GET /web/..%2f..%2fetc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", 0,
     "404", STAYS, NULL, 0},
    {"a long path", "GET /@ HTTP/1.1\r\nHost: x\r\n\r\n", 0, "414", CLOSES, "x", 40000},

    /* Header fields. */
    {"a field without a colon", LIVE "nonsense\r\n\r\n", 0, "400", CLOSES, NULL, 0},
    {"a space in a field's name", LIVE "A b: x\r\n\r\n", 0, "400", CLOSES, NULL, 0},
    {"a NUL in a field's name", LIVE "A\0b: x\r\n\r\n", sizeof(LIVE "A\0b: x\r\n\r\n") - 1, "400",
     CLOSES, NULL, 0},
    {"a long field", LIVE "A: @\r\n\r\n", 0, "431", CLOSES, "x", 40000},
    {"10,000 fields", LIVE "@\r\n", 0, "431", CLOSES, "A: b\r\n", 10000},
    {"64 fields", LIVE "@\r\n", 0, "200", STAYS, "A: b\r\n", 64},
    {"100 fields", LIVE "@\r\n", 0, "431", CLOSES, "A: b\r\n", 100},
    {"a folded field", LIVE "A: a\r\n b\r\n\r\n", 0, "200", STAYS, NULL, 0},
    {"an upgrade", LIVE "Upgrade: h2c\r\nConnection: Upgrade\r\n\r\n", 0, "200", STAYS, NULL, 0},
    {"a range", LIVE "Range: bytes=0-18446744073709551615\r\n\r\n", 0, "200", STAYS, NULL, 0},

    /* Lengths. libmicrohttpd 0.9.75 sends the header of some of its refusals twice. */
    {"a negative length", PREDICT "Content-Length: -1\r\n\r\n", 0, "400,400", CLOSES, NULL, 0},
    {"a length with a sign", PREDICT "Content-Length: +23\r\n\r\n" BODY, 0, "400,400", CLOSES, NULL,
     0},
    {"a length of 2^63", PREDICT "Content-Length: 9223372036854775808\r\n\r\n", 0, "413", CLOSES,
     NULL, 0},
    {"a length of 2^64", PREDICT "Content-Length: 18446744073709551616\r\n\r\n", 0, "413,413",
     CLOSES, NULL, 0},
    {"a list of lengths", PREDICT "Content-Length: 23, 23\r\n\r\n" BODY, 0, "400,400", CLOSES, NULL,
     0},
    {"a GET with a body", LIVE "Content-Length: 3\r\n\r\nabc" LIVE "\r\n", 0, "200,200", STAYS,
     NULL, 0},

    {"a body that is compressed",
     PREDICT "Content-Encoding: gzip\r\nContent-Length: 23\r\n\r\n" BODY, 0, "415", STAYS, NULL, 0},

    /* Chunks. */
    {"chunks", CHUNKED "10\r\n{\"instances\":[[[\r\n7\r\n1,2]]]}\r\n0\r\n\r\n", 0, "200", STAYS,
     NULL, 0},
    {"a chunk's extension", CHUNKED "17;a=b;c=\"d\"\r\n" BODY "\r\n0\r\n\r\n", 0, "200", STAYS,
     NULL, 0},
    {"trailers", CHUNKED "17\r\n" BODY "\r\n0\r\nContent-Length: 5\r\nA: b\r\n\r\n", 0, "200",
     STAYS, NULL, 0},
    {"leading zeros", CHUNKED "00000000017\r\n" BODY "\r\n0\r\n\r\n", 0, "200", STAYS, NULL, 0},
    {"a negative chunk", CHUNKED "-17\r\n" BODY "\r\n0\r\n\r\n", 0, "400", CLOSES, NULL, 0},
    {"a chunk of no number", CHUNKED "xyz\r\n" BODY "\r\n0\r\n\r\n", 0, "400", CLOSES, NULL, 0},
    {"a chunk that is longer", CHUNKED "10\r\n" BODY "\r\n0\r\n\r\n", 0, "400", CLOSES, NULL, 0},
    {"a chunk that is shorter", CHUNKED "27\r\n" BODY "\r\n0\r\n\r\n", 0, "", WAITS, NULL, 0},
    {"a chunk beyond 2^64", CHUNKED "fffffffffffffffff\r\n" BODY "\r\n0\r\n\r\n", 0, "413", CLOSES,
     NULL, 0},
    {"a chunk of 2^64 - 1", CHUNKED "ffffffffffffffff\r\n" BODY, 0, "", WAITS, NULL, 0},
    {"two encodings", PREDICT "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 0, "400", CLOSES,
     NULL, 0},
    {"a length and chunks",
     PREDICT "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 0, "400", CLOSES,
     NULL, 0},

    /* 100 Continue. */
    {"a client that asks first", PREDICT "Content-Length: 23\r\nExpect: 100-continue\r\n\r\n", 0,
     "100", WAITS, NULL, 0},
    {"a client that does not wait",
     PREDICT "Content-Length: 23\r\nExpect: 100-continue\r\n\r\n" BODY, 0, "100,200", STAYS, NULL,
     0},
    {"an unknown expectation", PREDICT "Content-Length: 23\r\nExpect: tea\r\n\r\n" BODY, 0, "200",
     STAYS, NULL, 0},

    /* Many requests in one segment. */
    {"three with bodies", SIZED SIZED SIZED, 0, "200,200,200", STAYS, NULL, 0},
    {"chunked and sized in turn", SIZED CHUNKED "17\r\n" BODY "\r\n0\r\n\r\n" SIZED LIVE "\r\n", 0,
     "200,200,200,200", STAYS, NULL, 0},
    {"garbage behind two", LIVE "\r\n" LIVE "\r\n\x01\x02 bad\r\n\r\n" LIVE "\r\n", 0,
     "200,200,400", CLOSES, NULL, 0},
    {"bad JSON between two", LIVE "\r\n" PREDICT "Content-Length: 2\r\n\r\n{]" LIVE "\r\n", 0,
     "200,400,200", STAYS, NULL, 0},
    {"an endless chunk extension", CHUNKED "17;@\r\n" BODY "\r\n0\r\n\r\n", 0, "", WAITS, "a",
     40000},
};

#if MHD_VERSION >= 0x01000000
/* What libmicrohttpd answers otherwise since 1.0: it has become stricter, and says nothing twice.
 */
static const struct {
    const char *name;
    const char *statuses;
    enum end end;
} changed[] = {
    {"a negative length", "400", CLOSES},     {"a length with a sign", "400", CLOSES},
    {"a length of 2^64", "413", CLOSES},      {"a list of lengths", "400", CLOSES},
    {"a chunk's extension", "400", CLOSES},   {"a client that does not wait", "200", STAYS},
    {"garbage behind two", "200,200", WAITS},
};
#endif

/* A case as the library at hand answers it. */
static struct abuse case_at(int i)
{
    struct abuse abuse = cases[i];
#if MHD_VERSION >= 0x01000000
    for (size_t k = 0; k < N_CASES(changed); k++) {
        if (strcmp(changed[k].name, abuse.name) == 0) {
            abuse.statuses = changed[k].statuses;
            abuse.end = changed[k].end;
        }
    }
#endif
    return abuse;
}

/* The bytes of a case, its '@' filled; new. */
static char *compose(const struct abuse *abuse, size_t *n)
{
    const size_t given = abuse->n > 0 ? abuse->n : strlen(abuse->bytes);
    const char *at = abuse->filler != NULL ? memchr(abuse->bytes, '@', given) : NULL;
    const size_t before = at != NULL ? (size_t)(at - abuse->bytes) : given;
    const size_t piece = abuse->filler != NULL ? strlen(abuse->filler) : 0;
    char *bytes = malloc(given + abuse->times * piece + 1);
    ck_assert_ptr_nonnull(bytes);
    memcpy(bytes, abuse->bytes, before);
    *n = before;
    for (size_t k = 0; k < abuse->times; k++, *n += piece)
        memcpy(bytes + *n, abuse->filler, piece);
    if (at != NULL) {
        memcpy(bytes + *n, at + 1, given - before - 1);
        *n += given - before - 1;
    }
    return bytes;
}

/* ---- What must hold ---------------------------------------------------------------------------
 */

static void assert_alive(void)
{
    static struct raw_client other;
    raw_client_connect(&other, server.port);
    raw_client_ask(&other, SIZED, &answer);
    ck_assert_int_eq(answer.status, 200);
    raw_client_close(&other);
}

/* Waits until no connection is open any more. */
static void await_descriptors(void)
{
    const int64_t until_us = monotonic_us() + PATIENCE_US;
    while (daemon_descriptors(&server) != n_descriptors && monotonic_us() < until_us)
        poll(NULL, 0, 5);
    ck_assert_uint_eq(daemon_descriptors(&server), n_descriptors);
}

/* Receives until the connection ends or `enough` says so; a silence that is too long is an end,
 * too. A connection that is reset has ended. */
static size_t receive_all(char *out, size_t room, bool (*enough)(const char *), bool *is_closed)
{
    struct pollfd waiting = {.fd = client.fd, .events = POLLIN};
    size_t n = 0;
    out[0] = '\0';
    *is_closed = false;
    while (!*is_closed && !(enough != NULL && enough(out)) && poll(&waiting, 1, PATIENCE_MS) == 1) {
        const ssize_t got = recv(client.fd, out + n, room - 1 - n, 0);
        *is_closed = got <= 0;
        n += got > 0 ? (size_t)got : 0;
        out[n] = '\0';
    }
    return n;
}

static const char *expected_statuses;

/* "200,400" of the status lines in a text. */
static void list_statuses(const char *text, char *list, size_t room)
{
    size_t n = 0;
    list[0] = '\0';
    for (const char *at = text; (at = strstr(at, "HTTP/1.")) != NULL; at += 8)
        if (at == text || at[-1] == '\n' || at[-1] == '}')
            n += (size_t)snprintf(list + n, room - n, "%s%.3s", n > 0 ? "," : "", at + 9);
}

static bool has_statuses(const char *text)
{
    char list[256];
    list_statuses(text, list, sizeof list);
    return strcmp(list, expected_statuses) == 0;
}

static void send_all(const char *bytes, size_t n)
{
    while (n > 0) {
        const ssize_t sent = send(client.fd, bytes, n, MSG_NOSIGNAL);
        if (sent <= 0)
            return; /* the daemon need not read to the end */
        bytes += sent;
        n -= (size_t)sent;
    }
}

START_TEST(test_http_abuse_is_answered_as_the_table_says)
{
    static char text[MAX_BYTES];
    const struct abuse fitting = case_at(_i), *const abuse = &fitting;
    char list[256];
    size_t n;
    bool is_closed = false;
    if (is_patient == (abuse->end == WAITS))
        return;
    char *bytes = compose(abuse, &n);
    raw_client_connect(&client, server.port);
    send_all(bytes, n);
    expected_statuses = abuse->statuses;
    receive_all(text, sizeof text, abuse->end == CLOSES ? NULL : has_statuses, &is_closed);
    list_statuses(text, list, sizeof list);
    ck_assert_msg(strcmp(list, abuse->statuses) == 0, "%s: expected %s, found %s", abuse->name,
                  abuse->statuses, text);
    ck_assert_msg(is_closed == (abuse->end == CLOSES), "%s: closed %d", abuse->name, is_closed);
    if (abuse->end == STAYS) {
        raw_client_send_text(&client, SIZED);
        expected_statuses = "200";
        receive_all(text, sizeof text, has_statuses, &is_closed);
        ck_assert_msg(!is_closed, "%s: nothing goes on", abuse->name);
    }
    assert_alive();
    raw_client_close(&client);
    await_descriptors();
    free(bytes);
}
END_TEST

/* ---- Connections ------------------------------------------------------------------------------
 */

START_TEST(test_http_abuse_identifier_never_makes_a_header)
{
    static const char *const ids[] = {"a%0d%0aSet-Cookie: b", "a\rSet-Cookie: b", "a\tb",
                                      "\xff\xfe\"\\'<script>", "a\x7f\x01"};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        char text[256];
        raw_client_connect(&client, server.port);
        snprintf(text, sizeof text, LIVE "X-Request-Id: %s\r\n\r\n", ids[i]);
        raw_client_ask(&client, text, &answer);
        ck_assert_ptr_null(raw_answer_field(&answer, "Set-Cookie"));
        const char *const id = raw_answer_field(&answer, "X-Request-Id");
        /* Since 1.0 the library refuses a carriage return by itself, without an identifier. */
        ck_assert(id != NULL ? answer.status == 200 : answer.status == 400);
        for (const char *c = id; c != NULL && *c != '\0'; c++)
            ck_assert(*c > ' ' && *c <= '~' && *c != '"' && *c != '\'' && *c != '\\');
        raw_client_close(&client);
    }
}
END_TEST

START_TEST(test_http_abuse_10000_requests_on_one_connection_cost_nothing)
{
    raw_client_connect(&client, server.port);
    raw_client_ask(&client, SIZED, &answer);
    const size_t before = daemon_resident_bytes(&server);
    for (int k = 0; k < 10000; k++) {
        raw_client_ask(&client, k % 2 == 0 ? LIVE "\r\n" : SIZED, &answer);
        ck_assert_int_eq(answer.status, 200);
    }
    if (!IS_SANITIZED) /* which keep freed memory for a while */
        ck_assert_uint_lt(daemon_resident_bytes(&server), before + (1 << 20));
    raw_client_close(&client);
}
END_TEST

/* While the server has nothing else to do. The library may overlook the end, which came with the
 * request, so that the connection stays for as long as an idle one may. */
START_TEST(test_http_abuse_half_closed_client_gets_its_answer)
{
    await_descriptors();
    raw_client_connect(&client, server.port);
    raw_client_send_text(&client, SIZED);
    ck_assert_int_eq(shutdown(client.fd, SHUT_WR), 0);
    raw_client_receive(&client, &answer, false);
    ck_assert_int_eq(answer.status, 200);
    raw_client_close(&client);
}
END_TEST

static void reset(void)
{
    const struct linger now = {.l_onoff = 1, .l_linger = 0};
    ck_assert_int_eq(setsockopt(client.fd, SOL_SOCKET, SO_LINGER, &now, sizeof now), 0);
    raw_client_close(&client);
}

/* A trace of all gates, more than the kernel keeps of an answer. */
static void send_for_large_answer(void)
{
    static char body[100000], head[256];
    size_t n =
        (size_t)snprintf(body, sizeof body, "{\"trace\":true,\"gates\":true,\"instances\":[[");
    for (int k = 0; k < 15000; k++)
        n += (size_t)snprintf(body + n, sizeof body - n, "%s[1,%d]", k > 0 ? "," : "", k % 9);
    n += (size_t)snprintf(body + n, sizeof body - n, "]]}");
    snprintf(head, sizeof head,
             "POST /v1/models/any:state HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n", n);
    send_all(head, strlen(head));
    send_all(body, n);
}

START_TEST(test_http_abuse_resets_leave_nothing)
{
    char bytes[16];
    for (int k = 0; k < 8; k++) {
        raw_client_connect(&client, server.port); /* within an upload */
        raw_client_send_text(&client, PREDICT "Content-Length: 90000\r\n\r\n{\"instances\":[[[1");
        reset();
        raw_client_connect(&client, server.port); /* while it is computed */
        send_for_large_answer();
        reset();
        raw_client_connect(&client, server.port); /* within the answer */
        send_for_large_answer();
        ck_assert_int_gt(recv(client.fd, bytes, sizeof bytes, 0), 0);
        reset();
    }
    assert_alive();
    await_descriptors();
}
END_TEST

/* Until --body-timeout-seconds. */
START_TEST(test_http_abuse_clients_that_never_read_are_cut_and_disturb_nobody)
{
    enum { N = 4 };
    int sockets[N];
    const int room = 4096;
    for (int k = 0; k < N; k++) {
        raw_client_connect(&client, server.port);
        setsockopt(client.fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
        send_for_large_answer();
        sockets[k] = client.fd;
    }
    for (int k = 0; k < 100; k++)
        assert_alive();
    await_descriptors();
    for (int k = 0; k < N; k++)
        close(sockets[k]);
    assert_alive();
}
END_TEST

Suite *suite_http_abuse(void)
{
    Suite *suite = suite_create("http_abuse");
    TCase *patient = tcase_create("patient"), *impatient = tcase_create("impatient");
    tcase_add_unchecked_fixture(patient, start_patient, stop);
    tcase_set_timeout(patient, 60);
    tcase_add_loop_test(patient, test_http_abuse_is_answered_as_the_table_says, 0, N_CASES(cases));
    tcase_add_test(patient, test_http_abuse_identifier_never_makes_a_header);
    tcase_add_test(patient, test_http_abuse_10000_requests_on_one_connection_cost_nothing);
    tcase_add_test(patient, test_http_abuse_half_closed_client_gets_its_answer);
    suite_add_tcase(suite, patient);
    tcase_add_unchecked_fixture(impatient, start_impatient, stop);
    tcase_set_timeout(impatient, 60);
    tcase_add_loop_test(impatient, test_http_abuse_is_answered_as_the_table_says, 0,
                        N_CASES(cases));
    tcase_add_test(impatient, test_http_abuse_resets_leave_nothing);
    tcase_add_test(impatient, test_http_abuse_clients_that_never_read_are_cut_and_disturb_nobody);
    suite_add_tcase(suite, impatient);
    return suite;
}
