/* test_session_routes.c: each route of sessions, and what it refuses. SPDX-License-Identifier:
 * Apache-2.0 */
#include <check.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "server/clock.h"
#include "tests/support/assert_tensor.h"
#include "tests/support/cases.h"
#include "tests/support/model_builder.h"
#include "tests/support/model_store.h"
#include "tests/support/session_client.h"
#include "tests/support/tensor_json.h"

Suite *suite_session_routes(void);

enum { UNITS = 5, OUTPUTS = 3 };

#define ZEROS "[0,0,0,0,0]"
#define ONES  "[1,1,1,1,1]"
#define STATE "{\"c\":" ONES ",\"h\":" ZEROS "}"

static void start(void)
{
    session_server_start(NULL);
}

static void stop(void)
{
    session_server_stop();
}

static json_int_t number_of(const json_t *root, const char *key)
{
    const json_t *value = json_object_get(root, key);
    ck_assert_msg(json_is_integer(value), "no number '%s'", key);
    return json_integer_value(value);
}

static const char *text_of(const json_t *root, const char *key)
{
    const char *text = json_string_value(json_object_get(root, key));
    ck_assert_msg(text != NULL, "no text '%s'", key);
    return text;
}

START_TEST(test_session_routes_begin_tells_the_session)
{
    json_t *root = session_ask("POST", SESSIONS, "{\"id\":\"a.b_c~d-1\"}", 201);
    ck_assert_str_eq(text_of(root, "id"), "a.b_c~d-1");
    ck_assert_str_eq(text_of(root, "model"), "any");
    ck_assert_str_eq(text_of(root, "version"), "1");
    ck_assert_int_eq(number_of(root, "steps"), 0);
    ck_assert(json_is_false(json_object_get(root, "busy")));
    json_decref(root);
    root = session_ask("POST", SESSIONS, "", 201);
    ck_assert_uint_eq(strlen(text_of(root, "id")), 32);
    json_decref(root);
    session_expect("POST", "/v1/models/any/versions/1/sessions", "{}", 201);
    session_refused("POST", SESSIONS, "{\"id\":\"a.b_c~d-1\"}", 409, "lives already");
}
END_TEST

static const struct {
    const char *method, *path, *body;
    int status;
    const char *words;
} refusals[] = {
    {"POST", "/v1/models/back/sessions", "", 400, "reads it backwards"},
    {"POST", "/v1/models/pooled/sessions", "", 400, "of all its steps"},
    {"POST", SESSIONS, "{\"id\":\"\"}", 400, "1 to 64 characters"},
    {"POST", SESSIONS, "{\"id\":7}", 400, "expected a string"},
    {"POST", SESSIONS, "{\"id\":\"a/b\"}", 400, "letters"},
    {"POST", SESSIONS, "{\"id\":\"a:b\"}", 400, "letters"},
    {"POST", SESSIONS, "{\"id\":\"\\u00e4\"}", 400, "letters"},
    {"POST", SESSIONS, "{\"id\":\"..\"}", 400, "folder"},
    {"POST", SESSIONS,
     "{\"id\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}", 400,
     "found 65"},
    {"POST", SESSIONS, "{\"name\":\"a\"}", 400, "unknown key 'name'"},
    {"POST", SESSIONS, "[]", 400, "expected an object"},
    {"POST", SESSIONS, "{", 400, "JSON"},
    {"POST", SESSIONS, "{\"initial_state\":{\"c\":[1],\"h\":[1]}}", 400, "initial_state"},
    {"POST", "/v1/models/none/sessions", "", 404, "none"},
    {"POST", "/v1/models/any/versions/9/sessions", "", 404, "version 9"},
    {"POST", "/v1/models/any/labels/x/sessions", "", 404, "label"},
    {"GET", SESSIONS "?limit=0", NULL, 400, "limit"},
    {"GET", SESSIONS "?limit=1001", NULL, 400, "limit"},
    {"GET", SESSIONS "?after=x", NULL, 400, "after"},
    {"GET", "/v1/models/none/sessions", NULL, 404, "none"},
    {"GET", SESSIONS "/none", NULL, 404, "does not exist"},
    {"DELETE", SESSIONS "/none", NULL, 404, "does not exist"},
    {"PUT", SESSIONS "/none", "{\"version\":\"1\"}", 404, "does not exist"},
    {"POST", SESSIONS "/none:fork", "", 404, "does not exist"},
    {"POST", SESSIONS "/none:predict", "{\"instances\":[[[1,2]]]}", 404, "does not exist"},
    {"GET", SESSIONS "/none/state", NULL, 404, "does not exist"},
    {"PUT", SESSIONS "/none/state", "{\"state\":" STATE "}", 404, "does not exist"},
    {"PUT", SESSIONS "/s", "", 400, "version"},
    {"PUT", SESSIONS "/s", "{\"version\":1}", 400, "version"},
    {"PUT", SESSIONS "/s", "{\"version\":\"-1\"}", 400, "version"},
    {"PUT", SESSIONS "/s", "{\"version\":\"9\"}", 404, "version 9"},
    {"PUT", SESSIONS "/s/state", "", 400, "state: missing"},
    {"PUT", SESSIONS "/s/state", "{\"state\":{\"c\":" ONES "}}", 400, "state"},
    {"PUT", SESSIONS "/s/state", "{\"state\":" STATE ",\"steps\":-1}", 400, "steps"},
    {"PUT", SESSIONS "/s/state", "{\"state\":" STATE ",\"steps\":0.5}", 400, "steps"},
    {"POST", SESSIONS "/s:fork", "{\"id\":\"s\"}", 409, "lives already"},
    {"POST", SESSIONS "/s:fork", "{\"initial_state\":" STATE "}", 400, "unknown key"},
    {"POST", SESSIONS "/s:predict", "{\"instances\":[[[1,2]],[[1,2]]]}", 400, "one instance"},
    {"POST", SESSIONS "/s:predict", "{\"instances\":[[[1]]]}", 400, "instances[0]"},
    {"POST", SESSIONS "/s:predict",
     "{\"instances\":[{\"input\":[[1,2]],\"initial_state\":" STATE "}]}", 400, "initial_state"},
    {"PATCH", SESSIONS "/s", "{}", 405, "PATCH"},
};

START_TEST(test_session_routes_refuse_with_a_reason_and_change_nothing)
{
    session_expect("POST", SESSIONS, "{\"id\":\"s\"}", 201);
    session_refused(refusals[_i].method, refusals[_i].path, refusals[_i].body, refusals[_i].status,
                    refusals[_i].words);
    ck_assert(session_metric("lstmd_sessions_live") == 1);
    json_t *root = session_ask("GET", SESSIONS "/s", NULL, 200);
    ck_assert_int_eq(number_of(root, "steps"), 0);
    json_decref(root);
    session_expect("DELETE", SESSIONS "/s", NULL, 200);
}
END_TEST

START_TEST(test_session_routes_list_gives_pages)
{
    char body[32], path[64] = SESSIONS "?limit=2";
    size_t n = 0;
    for (int i = 0; i < 5; i++) {
        snprintf(body, sizeof body, "{\"id\":\"%d\"}", i);
        session_expect("POST", SESSIONS, body, 201);
    }
    for (;;) {
        json_t *root = session_ask("GET", path, NULL, 200);
        const json_t *list = json_object_get(root, "sessions"),
                     *next = json_object_get(root, "next");
        for (size_t k = 0; k < json_array_size(list); k++, n++) {
            const char id[] = {(char)('0' + n), '\0'};
            ck_assert_str_eq(text_of(json_array_get(list, k), "id"), id);
        }
        if (json_is_null(next)) {
            json_decref(root);
            break;
        }
        ck_assert_uint_eq(json_array_size(list), 2);
        snprintf(path, sizeof path, SESSIONS "?limit=2&after=%" JSON_INTEGER_FORMAT,
                 json_integer_value(next));
        json_decref(root);
    }
    ck_assert_uint_eq(n, 5);
}
END_TEST

static void read_state(const char *path, float state[2 * UNITS])
{
    static const size_t shape[] = {UNITS};
    json_t *root = session_ask("GET", path, NULL, 200);
    tensor_json_read(root, "state/c", 1, shape, state);
    tensor_json_read(root, "state/h", 1, shape, state + UNITS);
    json_decref(root);
}

START_TEST(test_session_routes_state_is_written_read_forked_and_ended)
{
    static const float given[2 * UNITS] = {1, 1, 1, 1, 1, 0, 0, 0, 0, 0};
    float state[2 * UNITS];
    session_expect("POST", SESSIONS, "{\"id\":\"a\",\"initial_state\":" STATE "}", 201);
    read_state(SESSIONS "/a/state", state);
    assert_tensor_identical("state", state, given, 2 * UNITS);
    session_expect("PUT", SESSIONS "/a/state",
                   "{\"state\":{\"c\":" ZEROS ",\"h\":" ZEROS "},\"steps\":3,\"version\":\"1\"}",
                   200);
    json_t *root = session_ask("POST", SESSIONS "/a:fork", "{\"id\":\"b\"}", 201);
    ck_assert_str_eq(text_of(root, "id"), "b");
    ck_assert_int_eq(number_of(root, "steps"), 3);
    json_decref(root);
    session_expect("PUT", SESSIONS "/a/state", "{\"state\":" STATE "}", 200);
    read_state(SESSIONS "/b/state", state);
    for (size_t i = 0; i < 2 * UNITS; i++)
        ck_assert(state[i] == 0);
    session_expect("DELETE", SESSIONS "/a", NULL, 200);
    session_refused("DELETE", SESSIONS "/a", NULL, 404, "does not exist");
    session_expect("GET", SESSIONS "/b", NULL, 200);
}
END_TEST

START_TEST(test_session_routes_pieces_of_both_kinds_equal_the_whole)
{
    static const float input[] = {1, 2, 3, 4, 5, 6, 7, 8};
    static const size_t shape[] = {1, OUTPUTS}, state_shape[] = {1, UNITS};
    const struct lstm_sequence whole = {.input = input, .steps = 4};
    float expected[OUTPUTS], found[OUTPUTS], h[UNITS], state[2 * UNITS];
    struct lstm_model *model = create_model(model_any, 1);
    session_expect("POST", SESSIONS, "{\"id\":\"a\"}", 201);
    session_expect("POST", SESSIONS "/a:predict", "{\"instances\":[[[1,2]]]}", 200);
    json_t *root = session_ask("POST", SESSIONS "/a:state", "{\"instances\":[[[3,4],[5,6]]]}", 200);
    tensor_json_read(root, "state/h", 2, state_shape, h);
    json_decref(root);
    read_state(SESSIONS "/a/state", state);
    assert_tensor_identical("h", state + UNITS, h, UNITS);
    root = session_ask("POST", SESSIONS "/a:predict", "{\"instances\":[[[7,8]]]}", 200);
    tensor_json_read(root, "predictions", 2, shape, found);
    json_decref(root);
    model_store_run_alone(model, &whole, expected);
    assert_tensor_float("predictions", found, expected, OUTPUTS, 1e-5, 0);
    root = session_ask("GET", SESSIONS "/a", NULL, 200);
    ck_assert_int_eq(number_of(root, "steps"), 4);
    json_decref(root);
    lstm_model_destroy(model);
}
END_TEST

/* Sends a piece of raw bytes, and expects the status. */
static void send_octets(const void *octets, size_t n, int status)
{
    const struct client_request request = {.path = SESSIONS "/a:predict",
                                           .content_type = "application/octet-stream",
                                           .body = octets,
                                           .body_bytes = n};
    struct client_answer answer;
    client_ask(&session_client, &request, &answer);
    ck_assert_msg(answer.status == status, "%d %s", answer.status, answer.body);
    client_answer_release(&answer);
}

START_TEST(test_session_routes_pieces_may_be_raw_bytes)
{
    static const float input[] = {1, 2, 3, 4, 5, 6, 7, 8}, infinite[] = {1, INFINITY};
    float octets[2 * UNITS], json[2 * UNITS];
    session_expect("POST", SESSIONS, "{\"id\":\"a\"}", 201);
    session_expect("POST", SESSIONS, "{\"id\":\"b\"}", 201);
    send_octets(input, 2 * sizeof *input, 200);
    send_octets(input + 2, 6 * sizeof *input, 200);
    send_octets(input, 3 * sizeof *input, 400);
    send_octets(infinite, sizeof infinite, 400);
    send_octets("", 0, 400);
    session_expect("POST", SESSIONS "/b:predict", "{\"instances\":[[[1,2],[3,4],[5,6],[7,8]]]}",
                   200);
    read_state(SESSIONS "/a/state", octets);
    read_state(SESSIONS "/b/state", json);
    assert_tensor_float("state", octets, json, 2 * UNITS, 1e-5, 0);
}
END_TEST

static void assert_version(const char *path, const char *version)
{
    json_t *root = session_ask("GET", path, NULL, 200);
    ck_assert_str_eq(text_of(root, "version"), version);
    json_decref(root);
}

START_TEST(test_session_routes_session_keeps_its_version_until_it_is_moved)
{
    session_expect("POST", SESSIONS, "{\"id\":\"a\"}", 201);
    session_server_add_version();
    session_expect("POST", SESSIONS, "{\"id\":\"b\"}", 201);
    assert_version(SESSIONS "/a", "1");
    assert_version(SESSIONS "/b", "2");
    model_store_remove(session_folder.path, "any", "1");
    session_expect("POST", "/v1/models/any:load", "", 200);
    session_refused("POST", "/v1/models/any/versions/1/sessions", "", 404, "version 1");
    session_expect("POST", SESSIONS "/a:predict", "{\"instances\":[[[1,2]]]}", 200);
    session_expect("POST", SESSIONS "/a:fork", "{\"id\":\"c\"}", 201);
    assert_version(SESSIONS "/c", "1");
    session_expect("PUT", SESSIONS "/a", "{\"version\":\"2\"}", 200);
    assert_version(SESSIONS "/a", "2");
    session_expect("POST", SESSIONS "/a:predict", "{\"instances\":[[[1,2]]]}", 200);
    json_t *root = session_ask("GET", SESSIONS "/a", NULL, 200);
    ck_assert_int_eq(number_of(root, "steps"), 2);
    json_decref(root);
}
END_TEST

START_TEST(test_session_routes_expired_session_says_so)
{
    static const char *const options[] = {"--session-ttl-seconds", "1", NULL};
    const int64_t until_us = monotonic_us() + PATIENCE_US;
    session_server_start(options);
    session_expect("POST", SESSIONS, "{\"id\":\"a\"}", 201);
    while (session_metric("lstmd_sessions_expired_total") == 0) {
        ck_assert_int_lt(monotonic_us(), until_us);
        sched_yield();
    }
    session_refused("GET", SESSIONS "/a", NULL, 404, "expired");
    session_refused("POST", SESSIONS "/a:predict", "{\"instances\":[[[1,2]]]}", 404, "expired");
    ck_assert(session_metric("lstmd_sessions_live") == 0);
    session_server_stop();
}
END_TEST

START_TEST(test_session_routes_too_many_answer_503)
{
    static const char *const options[] = {"--max-sessions", "1", NULL};
    session_server_start(options);
    session_expect("POST", SESSIONS, "{\"id\":\"a\"}", 201);
    session_refused("POST", SESSIONS, "{\"id\":\"b\"}", 503, "--max-sessions");
    session_refused("POST", SESSIONS "/a:fork", "", 503, "--max-sessions");
    session_expect("DELETE", SESSIONS "/a", NULL, 200);
    session_expect("POST", SESSIONS, "{\"id\":\"b\"}", 201);
    session_server_stop();
}
END_TEST

START_TEST(test_session_routes_too_many_evict_if_so_chosen)
{
    static const char *const options[] = {"--max-sessions", "1", "--session-full", "evict", NULL};
    session_server_start(options);
    session_expect("POST", SESSIONS, "{\"id\":\"a\"}", 201);
    session_expect("POST", SESSIONS, "{\"id\":\"b\"}", 201);
    session_refused("GET", SESSIONS "/a", NULL, 404, "evicted");
    ck_assert(session_metric("lstmd_sessions_evicted_total") == 1);
    session_server_stop();
}
END_TEST

Suite *suite_session_routes(void)
{
    Suite *suite = suite_create("session_routes");
    TCase *shared = tcase_create("shared"), *checked = tcase_create("checked"),
          *own = tcase_create("own");
    tcase_set_timeout(shared, 60);
    tcase_add_unchecked_fixture(shared, start, stop);
    tcase_add_loop_test(shared, test_session_routes_refuse_with_a_reason_and_change_nothing, 0,
                        N_CASES(refusals));
    suite_add_tcase(suite, shared);
    tcase_set_timeout(checked, 60);
    tcase_add_checked_fixture(checked, start, stop);
    tcase_add_test(checked, test_session_routes_begin_tells_the_session);
    tcase_add_test(checked, test_session_routes_list_gives_pages);
    tcase_add_test(checked, test_session_routes_state_is_written_read_forked_and_ended);
    tcase_add_test(checked, test_session_routes_pieces_of_both_kinds_equal_the_whole);
    tcase_add_test(checked, test_session_routes_pieces_may_be_raw_bytes);
    tcase_add_test(checked, test_session_routes_session_keeps_its_version_until_it_is_moved);
    suite_add_tcase(suite, checked);
    tcase_set_timeout(own, 60);
    tcase_add_test(own, test_session_routes_expired_session_says_so);
    tcase_add_test(own, test_session_routes_too_many_answer_503);
    tcase_add_test(own, test_session_routes_too_many_evict_if_so_chosen);
    suite_add_tcase(suite, own);
    return suite;
}
