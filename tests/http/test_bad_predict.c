/* test_bad_predict.c: a daemon refuses every bad predict body with a sentence that helps, and
 * neither falls nor grows. SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/sanitizers.h"
#include "tests/support/answer_text.h"
#include "tests/support/assert_tensor.h"
#include "tests/support/cases.h"
#include "tests/support/client.h"
#include "tests/support/daemon.h"
#include "tests/support/daemon_metrics.h"
#include "tests/support/model_builder.h"
#include "tests/support/model_store.h"
#include "tests/support/raw_client.h"
#include "tests/support/refusals.h"
#include "tests/support/temp_folder.h"

Suite *suite_bad_predict(void);

#define DIGITS "/v1/models/digits:predict"
#define ANY    "/v1/models/any:predict"

enum { MAX_BODY = 65536 };

/* One daemon gets all of it. */
static struct temp_folder folder;
static struct daemon server;
static struct client client;

static void start(void)
{
    static const char *const options[] = {
        "--max-body-bytes", "65536", "--max-instances", "100", "--idle-timeout-seconds", "1", NULL};
    temp_folder_create(&folder);
    model_store_add(folder.path, "digits", "1", model_digits, 1);
    model_store_add(folder.path, "any", "1", model_any, 1);
    daemon_start(&server, folder.path, options);
}

static void stop(void)
{
    ck_assert_int_eq(daemon_stop(&server), 0);
    temp_folder_remove(&folder);
}

static void open_client(void)
{
    client_init(&client, server.url);
}

static void close_client(void)
{
    client_release(&client);
}

static void post(const char *path, const char *content_type, const void *body, size_t n,
                 struct client_answer *answer)
{
    const struct client_request request = {
        .path = path, .content_type = content_type, .body = body, .body_bytes = n};
    client_ask(&client, &request, answer);
}

/* The daemon still answers a good request, and answers it well. */
static void assert_alive(void)
{
    static const char body[] = "{\"instances\":[[[1,2],[3,4]]]}";
    static const float input[] = {1, 2, 3, 4};
    const struct lstm_sequence sequence = {.input = input, .steps = 2};
    struct lstm_model *model = create_model(model_any, 1);
    struct client_answer answer;
    float found[3], expected[3];
    post(ANY, "application/json", body, sizeof body - 1, &answer);
    ck_assert_msg(answer.status == 200, "%d: %s", answer.status, answer.body);
    ck_assert_uint_eq(answer_numbers(answer.body, "predictions", found, 3), 3);
    model_store_run_alone(model, &sequence, expected);
    assert_tensor_float("predictions", found, expected, 3, 1e-5, 0);
    client_answer_release(&answer);
    lstm_model_destroy(model);
}

#define GOOD     "{\"instances\":[[[1,2]]]}"
#define JSON     "application/json"
#define OCTETS   "application/octet-stream"
#define EIGHT    "12345678"
#define SIXTEEN  EIGHT EIGHT
#define LONGNAME SIXTEEN SIXTEEN SIXTEEN SIXTEEN SIXTEEN SIXTEEN SIXTEEN SIXTEEN

static const struct {
    const char *method, *path, *content_type, *body;
    int status;
    const char *words;
    const char *allow; /* NULL: no such field */
} bad_requests[] = {
    {"GET", ANY, NULL, NULL, 405, "GET is not possible on " ANY, "POST"},
    {"PUT", ANY, JSON, GOOD, 405, "PUT is not possible", "POST"},
    {"DELETE", "/v1/models", NULL, NULL, 405, "DELETE is not possible", "GET"},
    {"POST", "/v1/models/any", JSON, GOOD, 405, "POST is not possible", "GET"},
    {"POST", "/v1/models/none:predict", JSON, GOOD, 404, "there is no model 'none'", NULL},
    {"POST", "/v1/models/any/versions/9:predict", JSON, GOOD, 404,
     "version 9 of model 'any' is not served", NULL},
    {"POST", "/v1/models/any/versions/x:predict", JSON, GOOD, 404, "no such route", NULL},
    {"POST", "/v1/models/any/labels/canary:predict", JSON, GOOD, 404, "canary", NULL},
    {"POST", "/v1/models/any:classify", JSON, GOOD, 404, "no such route", NULL},
    {"POST", "/v1/models/:predict", JSON, GOOD, 404, "no such route", NULL},
    {"POST", "/v1/models/" LONGNAME ":predict", JSON, GOOD, 404, "no such route", NULL},
    {"GET", "/nothing", NULL, NULL, 404, "no such route", NULL},
    {"GET", "/v1/models/../any", NULL, NULL, 404, "no such route", NULL},
    {"POST", ANY, "image/gif", GOOD, 415, "application/octet-stream", NULL},
    {"POST", ANY, "application/jsonl", GOOD, 415, "application/json", NULL},
    {"POST", "/v1/models/digits:predict", OCTETS, EIGHT, 400, "3136", NULL},
    {"POST", "/v1/models/digits:predict?dtype=uint8", OCTETS, EIGHT, 400, "784", NULL},
    {"POST", "/v1/models/digits:predict", OCTETS, "", 400, "3136", NULL},
    {"POST", "/v1/models/digits:predict?dtype=int8", OCTETS, EIGHT, 400,
     "dtype: expected float32 or uint8, found 'int8'", NULL},
    {"POST", "/v1/models/digits:predict?dtype=", OCTETS, EIGHT, 400, "found ''", NULL},
    {"POST", ANY, OCTETS, EIGHT, 400, "steps", NULL},
    {"POST", ANY, JSON, "", 400, "the body is empty", NULL},
};

static void check_bad_requests(void)
{
    for (int i = 0; i < N_CASES(bad_requests); i++) {
        struct client_answer answer;
        char what[400];
        const char *body = bad_requests[i].body;
        const struct client_request request = {.method = bad_requests[i].method,
                                               .path = bad_requests[i].path,
                                               .content_type = bad_requests[i].content_type,
                                               .body = body,
                                               .body_bytes = body == NULL ? 0 : strlen(body)};
        client_ask(&client, &request, &answer);
        snprintf(what, sizeof what, "%s %s", request.method, request.path);
        assert_refused(what, &answer, bad_requests[i].status, bad_requests[i].words);
        const char *allow = client_answer_field(&answer, "Allow");
        ck_assert_str_eq(allow == NULL ? "none" : allow,
                         bad_requests[i].allow == NULL ? "none" : bad_requests[i].allow);
        client_answer_release(&answer);
    }
}

static void check_too_long(bool chunked)
{
    struct client_answer answer;
    char *body = malloc(MAX_BODY + 1);
    ck_assert_ptr_nonnull(body);
    memset(body, ' ', MAX_BODY + 1);
    const struct client_request request = {
        .path = ANY, .body = body, .body_bytes = MAX_BODY + 1, .chunked = chunked};
    client_ask(&client, &request, &answer);
    assert_refused(chunked ? "chunked" : "with a length", &answer, 413, "65536 bytes");
    client_answer_release(&answer);
    post(ANY, JSON, body, MAX_BODY, &answer);
    assert_refused("just short enough", &answer, 400, "empty");
    client_answer_release(&answer);
    free(body);
}

static void check_nesting(const char *opening, const char *words)
{
    enum { DEPTH = 10000 };
    struct client_answer answer;
    const size_t n = strlen(opening);
    char *body = malloc(DEPTH * n);
    ck_assert_ptr_nonnull(body);
    for (size_t i = 0; i < DEPTH; i++)
        memcpy(body + i * n, opening, n);
    post(ANY, JSON, body, DEPTH * n, &answer);
    assert_refused(opening, &answer, 400, words);
    client_answer_release(&answer);
    free(body);
}

static void check_many_instances(void)
{
    enum { N = 101 };
    struct client_answer answer;
    char body[8 * N + 32];
    size_t n = (size_t)snprintf(body, sizeof body, "{\"instances\":[");
    for (size_t i = 0; i < N; i++)
        n += (size_t)snprintf(body + n, sizeof body - n, "%s[[1,2]]", i > 0 ? "," : "");
    n += (size_t)snprintf(body + n, sizeof body - n, "]}");
    post(ANY, JSON, body, n, &answer);
    assert_refused("many instances", &answer, 400, "at most 100 instances, found 101");
    client_answer_release(&answer);
}

static const char whole[] =
    "{\"instances\":[{\"input\":[[1,2.5e0]],\"initial_state\":"
    "{\"c\":[0,0,0,0,0],\"h\":[0,0,0,0,0]}}],\"signature_name\":\"\\u00e9\"}";

static void check_truncations(void)
{
    struct client_answer answer;
    post(ANY, JSON, whole, sizeof whole - 1, &answer);
    ck_assert_msg(answer.status == 200, "%s", answer.body);
    client_answer_release(&answer);
    for (size_t n = 0; n < sizeof whole - 1; n++) {
        char what[32];
        snprintf(what, sizeof what, "%zu bytes", n);
        post(ANY, JSON, whole, n, &answer);
        assert_refused(what, &answer, 400, "");
        client_answer_release(&answer);
    }
}

/* Each client announces the whole body, sends a part of it and hangs up. */
static void hang_up(void)
{
    static struct raw_client broken;
    char head[160];
    snprintf(head, sizeof head, "POST " ANY " HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n",
             sizeof whole - 1);
    for (size_t n = 0; n < sizeof whole - 1; n += 7) {
        raw_client_connect(&broken, server.port);
        raw_client_send_text(&broken, head);
        raw_client_send(&broken, whole, n);
        raw_client_close(&broken);
    }
}

START_TEST(test_bad_predict_each_file_is_refused_with_its_sentence)
{
    assert_bad_bodies_refused(&client, DIGITS);
    assert_alive();
}
END_TEST

START_TEST(test_bad_predict_wrong_routes_methods_and_types_are_refused)
{
    check_bad_requests();
    assert_alive();
}
END_TEST

START_TEST(test_bad_predict_body_beyond_the_limit_is_refused_however_it_is_sent)
{
    check_too_long(_i == 1);
    assert_alive();
}
END_TEST

START_TEST(test_bad_predict_deep_nesting_is_refused)
{
    check_nesting("[", "nest deeper");
    check_nesting("{\"a\":", "nest deeper");
    check_nesting("{\"i\":[", "nest deeper");
    assert_alive();
}
END_TEST

START_TEST(test_bad_predict_more_instances_than_allowed_are_refused)
{
    check_many_instances();
    assert_alive();
}
END_TEST

START_TEST(test_bad_predict_body_cut_at_any_byte_is_refused)
{
    check_truncations();
    assert_alive();
}
END_TEST

START_TEST(test_bad_predict_client_that_hangs_up_within_its_body_leaves_nothing_behind)
{
    hang_up();
    assert_alive();
    daemon_wait_in_flight(&client, 0);
}
END_TEST

START_TEST(test_bad_predict_does_not_grow_the_daemon)
{
    size_t resident[2];
    for (size_t pass = 0; pass < 2; pass++) {
        assert_bad_bodies_refused(&client, DIGITS);
        check_bad_requests();
        check_too_long(false);
        check_too_long(true);
        check_nesting("[", "nest deeper");
        check_many_instances();
        check_truncations();
        hang_up();
        assert_alive();
        resident[pass] = daemon_resident_bytes(&server);
    }
    const size_t most = resident[0] + resident[0] / 10 + ((size_t)4 << 20);
    ck_assert_msg(IS_SANITIZED || resident[1] <= most, "%zu bytes, then %zu", resident[0],
                  resident[1]);
}
END_TEST

Suite *suite_bad_predict(void)
{
    Suite *suite = suite_create("bad_predict");
    TCase *tcase = tcase_create("bad_predict");
    tcase_set_timeout(tcase, 120);
    tcase_add_unchecked_fixture(tcase, start, stop);
    tcase_add_checked_fixture(tcase, open_client, close_client);
    tcase_add_test(tcase, test_bad_predict_each_file_is_refused_with_its_sentence);
    tcase_add_test(tcase, test_bad_predict_wrong_routes_methods_and_types_are_refused);
    tcase_add_loop_test(tcase, test_bad_predict_body_beyond_the_limit_is_refused_however_it_is_sent,
                        0, 2);
    tcase_add_test(tcase, test_bad_predict_deep_nesting_is_refused);
    tcase_add_test(tcase, test_bad_predict_more_instances_than_allowed_are_refused);
    tcase_add_test(tcase, test_bad_predict_body_cut_at_any_byte_is_refused);
    tcase_add_test(tcase,
                   test_bad_predict_client_that_hangs_up_within_its_body_leaves_nothing_behind);
    tcase_add_test(tcase, test_bad_predict_does_not_grow_the_daemon);
    suite_add_tcase(suite, tcase);
    return suite;
}
