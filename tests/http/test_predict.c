/* test_predict.c: a daemon answers predict requests of every form with what the model gives.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/answer_text.h"
#include "tests/support/assert_tensor.h"
#include "tests/support/cases.h"
#include "tests/support/client.h"
#include "tests/support/daemon.h"
#include "tests/support/model_builder.h"
#include "tests/support/model_store.h"
#include "tests/support/raw_client.h"
#include "tests/support/temp_folder.h"

Suite *suite_predict(void);

/* One daemon serves all tests of this file. */
static struct temp_folder folder;
static struct daemon server;

static void start(void)
{
    temp_folder_create(&folder);
    model_store_add(folder.path, "any", "1", model_any, 1);
    model_store_add(folder.path, "any", "2", model_any, 2);
    model_store_add(folder.path, "fixed", "1", model_fixed, 3);
    model_store_add(folder.path, "rows", "1", model_rows, 4);
    daemon_start(&server, folder.path, NULL);
}

static void stop(void)
{
    ck_assert_int_eq(daemon_stop(&server), 0);
    temp_folder_remove(&folder);
}

enum { MOST_NUMBERS = 64 };

/* What a model is to give for two sequences of the numbers 1, 2, 3, ... */
struct expectation {
    const char *json;
    uint64_t seed;
    size_t steps[2];
    const float *initial_state; /* of both; NULL: zeros */
};

static size_t expect(const struct expectation *expected, float *out)
{
    static const float numbers[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    struct lstm_model *model = create_model(expected->json, expected->seed);
    const struct lstm_model_info *info = lstm_model_info(model);
    const float *input = numbers;
    size_t n = 0;
    for (size_t i = 0; i < 2 && expected->steps[i] > 0; i++) {
        const struct lstm_sequence sequence = {
            .input = input, .steps = expected->steps[i], .initial_state = expected->initial_state};
        model_store_run_alone(model, &sequence, out + n);
        n += (info->output_is_sequence ? sequence.steps : 1) * info->output_size;
        input += sequence.steps * info->features;
    }
    lstm_model_destroy(model);
    return n;
}

/* Asserts that the answer has these numbers under the key. */
static void assert_numbers(const struct client_answer *answer, const char *key,
                           const struct expectation *expected)
{
    float found[MOST_NUMBERS], want[MOST_NUMBERS];
    const size_t n = expect(expected, want);
    ck_assert_msg(answer->status == 200, "%d: %s", answer->status, answer->body);
    ck_assert_str_eq(client_answer_field(answer, "Content-Type"), "application/json");
    ck_assert_uint_eq(answer_numbers(answer->body, key, found, MOST_NUMBERS), n);
    assert_tensor_float(key, found, want, n, 1e-5, 0);
}

#define ANY    "/v1/models/any:predict"
#define FIXED  "/v1/models/fixed:predict"
#define ROWS   "/v1/models/rows:predict"
#define STATES "{\"c\":[1,2,3,4,5],\"h\":[0.1,0.2,0.3,0.4,0.5]}"

static const float state[] = {1, 2, 3, 4, 5, 0.1F, 0.2F, 0.3F, 0.4F, 0.5F};
static const struct expectation any = {model_any, 2, {2, 1}, NULL};
static const struct expectation from_state = {model_any, 2, {2, 1}, state};
static const struct expectation equal = {model_any, 2, {2, 2}, NULL};
static const struct expectation one = {model_any, 2, {2, 0}, NULL};
static const struct expectation fixed = {model_fixed, 3, {3, 3}, NULL};
static const struct expectation fixed_one = {model_fixed, 3, {3, 0}, NULL};
static const struct expectation rows = {model_rows, 4, {3, 1}, NULL};

static const struct {
    const char *path, *key, *body;
    const struct expectation *expected;
} forms[] = {
    {ANY, "predictions", "{\"instances\":[[[1,2],[3,4]],[[5,6]]]}", &any},
    {ANY, "predictions", " {\n\"instances\" : [ [[1e0,2.0],[3,4]],\t[[5,6]] ] } ", &any},
    {ANY, "predictions", "{\"signature_name\":\"x\",\"instances\":[[[1,2],[3,4]],[[5,6]]]}", &any},
    {ANY, "predictions", "{\"instances\":[{\"input\":[[1,2],[3,4]]},{\"input\":[[5,6]]}]}", &any},
    {ANY, "predictions", "{\"instances\":[[[1,2],[3,4]]]}", &one},
    {ANY, "outputs", "{\"inputs\":[[[1,2],[3,4]],[[5,6]]]}", &any},
    {ANY, "outputs", "{\"inputs\":{\"input\":[[[1,2],[3,4]],[[5,6]]]}}", &any},
    {ANY, "outputs",
     "{\"inputs\":{\"input\":[[[1,2],[3,4]],[[5,6],[9,9]]],\"sequence_length\":[2,1]}}", &any},
    {ANY, "outputs", "{\"time_major\":true,\"inputs\":[[[1,2],[5,6]],[[3,4],[7,8]]]}", &equal},
    {ANY, "predictions",
     "{\"instances\":[{\"input\":[[1,2],[3,4]],\"initial_state\":" STATES
     "},{\"input\":[[5,6]],\"initial_state\":" STATES "}]}",
     &from_state},
    {ANY, "outputs",
     "{\"inputs\":{\"input\":[[[1,2],[3,4]],[[5,6]]],\"initial_state\":"
     "{\"c\":[[1,2,3,4,5],[1,2,3,4,5]],\"h\":[[0.1,0.2,0.3,0.4,0.5],[0.1,0.2,0.3,0.4,0.5]]}}}",
     &from_state},
    {FIXED, "predictions", "{\"instances\":[[[1,2],[3,4],[5,6]],[[7,8],[9,10],[11,12]]]}", &fixed},
    {FIXED, "predictions", "{\"instances\":[[1,2,3,4,5,6],[7,8,9,10,11,12]]}", &fixed},
    {FIXED, "outputs", "{\"inputs\":[[1,2,3,4,5,6],[7,8,9,10,11,12]]}", &fixed},
    {ROWS, "predictions", "{\"instances\":[[[1,2],[3,4],[5,6]],[[7,8]]]}", &rows},
    {"/v1/models/any/versions/2:predict", "predictions", "{\"instances\":[[[1,2],[3,4]],[[5,6]]]}",
     &any},
    {"/v1/models/any/versions/002:predict", "predictions",
     "{\"instances\":[[[1,2],[3,4]],[[5,6]]]}", &any},
    {"/v1/models/%61ny:predict", "predictions", "{\"instances\":[[[1,2],[3,4]],[[5,6]]]}", &any},
};

START_TEST(test_predict_every_form_gets_what_each_instance_gets_alone)
{
    struct client client;
    struct client_answer answer;
    client_init(&client, server.url);
    client_post(&client, forms[_i].path, forms[_i].body, &answer);
    assert_numbers(&answer, forms[_i].key, forms[_i].expected);
    client_answer_release(&answer);
    client_release(&client);
}
END_TEST

START_TEST(test_predict_float32_octets_get_what_numbers_get)
{
    static const float numbers[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    static const char *const paths[] = {FIXED, FIXED "?dtype=float32"};
    struct client client;
    struct client_answer answer;
    client_init(&client, server.url);
    for (size_t i = 0; i < 2; i++) {
        const struct client_request request = {.path = paths[i],
                                               .content_type = "application/octet-stream",
                                               .body = numbers,
                                               .body_bytes = sizeof numbers};
        client_ask(&client, &request, &answer);
        assert_numbers(&answer, "predictions", &fixed);
        client_answer_release(&answer);
    }
    client_release(&client);
}
END_TEST

START_TEST(test_predict_uint8_octets_are_scaled)
{
    static const unsigned char bytes[] = {2, 4, 6, 8, 10, 12}; /* times 0.5 */
    const struct client_request request = {.path = FIXED "?dtype=uint8",
                                           .content_type = "application/octet-stream",
                                           .body = bytes,
                                           .body_bytes = sizeof bytes};
    struct client client;
    struct client_answer answer;
    client_init(&client, server.url);
    client_ask(&client, &request, &answer);
    assert_numbers(&answer, "predictions", &fixed_one);
    client_answer_release(&answer);
    client_release(&client);
}
END_TEST

static const char *const content_types[] = {
    "application/json", "application/json; charset=utf-8",   "Application/JSON;charset=UTF-8",
    "text/plain",       "application/x-www-form-urlencoded", "",
};

START_TEST(test_predict_content_types_that_mean_json_are_taken)
{
    static const char body[] = "{\"instances\":[[[1,2],[3,4]],[[5,6]]]}";
    const struct client_request request = {.path = ANY,
                                           .content_type = content_types[_i],
                                           .body = body,
                                           .body_bytes = sizeof body - 1};
    struct client client;
    struct client_answer answer;
    client_init(&client, server.url);
    client_ask(&client, &request, &answer);
    assert_numbers(&answer, "predictions", &any);
    client_answer_release(&answer);
    client_release(&client);
}
END_TEST

START_TEST(test_predict_chunked_body_is_taken)
{
    static const char body[] = "{\"instances\":[[[1,2],[3,4]],[[5,6]]]}";
    const struct client_request request = {
        .path = ANY, .body = body, .body_bytes = sizeof body - 1, .chunked = true};
    struct client client;
    struct client_answer answer;
    client_init(&client, server.url);
    client_ask(&client, &request, &answer);
    assert_numbers(&answer, "predictions", &any);
    client_answer_release(&answer);
    client_release(&client);
}
END_TEST

START_TEST(test_predict_requests_of_one_client_share_its_connection)
{
    struct client client;
    struct client_answer answer;
    client_init(&client, server.url);
    for (size_t i = 0; i < 5; i++) {
        client_post(&client, ANY, "{\"instances\":[[[1,2],[3,4]],[[5,6]]]}", &answer);
        assert_numbers(&answer, "predictions", &any);
        ck_assert(answer.reconnected == (i == 0));
        client_answer_release(&answer);
        client_post(&client, ANY, "{\"instances\":1}", &answer);
        ck_assert_int_eq(answer.status, 400);
        ck_assert(!answer.reconnected);
        client_answer_release(&answer);
    }
    client_release(&client);
}
END_TEST

START_TEST(test_predict_pipelined_requests_are_answered_in_order)
{
    static struct raw_client client;
    static struct raw_answer answer;
    static const char body[] = "{\"instances\":[[[1,2]]]}";
    char text[512];
    raw_client_connect(&client, server.port);
    snprintf(text, sizeof text,
             "POST " ANY " HTTP/1.1\r\nHost: a\r\nX-Request-Id: first\r\nContent-Length: %zu\r\n"
             "\r\n%sGET /v2/health/live HTTP/1.1\r\nHost: a\r\nX-Request-Id: second\r\n\r\n",
             sizeof body - 1, body);
    raw_client_send_text(&client, text);
    raw_client_receive(&client, &answer, false);
    ck_assert_int_eq(answer.status, 200);
    ck_assert_str_eq(raw_answer_field(&answer, "X-Request-Id"), "first");
    raw_client_receive(&client, &answer, false);
    ck_assert_str_eq(raw_answer_field(&answer, "X-Request-Id"), "second");
    ck_assert_str_eq(answer.body, "{\"live\":true}");
    raw_client_close(&client);
}
END_TEST

START_TEST(test_predict_head_has_the_fields_of_get_and_no_body)
{
    struct client client;
    struct client_answer get, head;
    client_init(&client, server.url);
    client_get(&client, "/v1/models/any", &get);
    client_ask(&client, &(struct client_request){.method = "HEAD", .path = "/v1/models/any"},
               &head);
    ck_assert_int_eq(head.status, 200);
    ck_assert_uint_eq(head.body_bytes, 0);
    char length[24];
    snprintf(length, sizeof length, "%zu", get.body_bytes);
    ck_assert_str_eq(client_answer_field(&head, "Content-Length"), length);
    client_answer_release(&head);
    client_get(&client, "/v1/models/any", &head);
    ck_assert(!head.reconnected);
    client_answer_release(&get);
    client_answer_release(&head);
    client_release(&client);
}
END_TEST

START_TEST(test_predict_answers_carry_the_request_id_and_timings)
{
    static const char body[] = "{\"instances\":[[[1,2]]]}";
    struct client_request request = {.path = ANY, .body = body, .body_bytes = sizeof body - 1};
    struct client client;
    struct client_answer answer;
    char made[2][80];
    client_init(&client, server.url);
    for (size_t i = 0; i < 2; i++) {
        client_ask(&client, &request, &answer);
        ck_assert_ptr_nonnull(client_answer_field(&answer, "X-Request-Id"));
        snprintf(made[i], sizeof made[i], "%s", client_answer_field(&answer, "X-Request-Id"));
        client_answer_release(&answer);
    }
    ck_assert_uint_ge(strlen(made[0]), 8);
    ck_assert_str_ne(made[0], made[1]);

    request.field = "X-Request-Id: my-request-17";
    client_ask(&client, &request, &answer);
    ck_assert_str_eq(client_answer_field(&answer, "X-Request-Id"), "my-request-17");
    const char *timing = client_answer_field(&answer, "Server-Timing");
    ck_assert_ptr_nonnull(timing);
    ck_assert_ptr_nonnull(strstr(timing, "compute;dur="));
    ck_assert_ptr_nonnull(strstr(timing, "total;dur="));
    client_answer_release(&answer);
    client_release(&client);
}
END_TEST

Suite *suite_predict(void)
{
    Suite *suite = suite_create("predict");
    TCase *tcase = tcase_create("predict");
    tcase_set_timeout(tcase, 60);
    tcase_add_unchecked_fixture(tcase, start, stop);
    tcase_add_loop_test(tcase, test_predict_every_form_gets_what_each_instance_gets_alone, 0,
                        N_CASES(forms));
    tcase_add_test(tcase, test_predict_float32_octets_get_what_numbers_get);
    tcase_add_test(tcase, test_predict_uint8_octets_are_scaled);
    tcase_add_loop_test(tcase, test_predict_content_types_that_mean_json_are_taken, 0,
                        N_CASES(content_types));
    tcase_add_test(tcase, test_predict_chunked_body_is_taken);
    tcase_add_test(tcase, test_predict_requests_of_one_client_share_its_connection);
    tcase_add_test(tcase, test_predict_pipelined_requests_are_answered_in_order);
    tcase_add_test(tcase, test_predict_head_has_the_fields_of_get_and_no_body);
    tcase_add_test(tcase, test_predict_answers_carry_the_request_id_and_timings);
    suite_add_tcase(suite, tcase);
    return suite;
}
