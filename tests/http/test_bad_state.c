/* test_bad_state.c: a daemon refuses every bad state request with a sentence that helps.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <string.h>

#include "server/buf.h"
#include "tests/support/cases.h"
#include "tests/support/state_fixture.h"

Suite *suite_bad_state(void);

#define ONE        "\"instances\":[[[1,2]]]"
#define LSTM       "/v1/models/lstm:state"
#define STACK      "/v1/models/stack:state"
#define PROJECTION "/v1/models/projection:state"
#define FIXED      "/v1/models/fixed:state"
#define BYTES      "\1\2\3\4\5\6"

static const char json[] = "application/json", octets[] = "application/octet-stream";

static const struct {
    const char *path, *content_type, *body;
    int status;
    const char *words;
} cases[] = {
    {LSTM, json, "{" ONE ",\"trace\":1}", 400, "trace: expected true or false, found a number"},
    {LSTM, json, "{" ONE ",\"gates\":\"yes\"}", 400,
     "gates: expected true or false, found a string"},
    {LSTM, json, "{" ONE ",\"predictions\":null}", 400,
     "predictions: expected true or false, found null"},
    {LSTM, json, "{" ONE ",\"state_is_tuple\":[true]}", 400,
     "state_is_tuple: expected true or false, found an array"},
    {LSTM, json, "{" ONE ",\"layers\":0}", 400,
     "layers: expected an array of one or more numbers of recurrent layers, found a number"},
    {LSTM, json, "{" ONE ",\"layers\":[]}", 400, "recurrent layers, found an empty array"},
    {LSTM, json, "{" ONE ",\"layers\":[[0]]}", 400,
     "recurrent layers, found arrays within an array"},
    {LSTM, json, "{" ONE ",\"layers\":[\"a\"]}", 400, "found an array of other things"},
    {LSTM, json, "{" ONE ",\"layers\":[1]}", 400,
     "layers[0]: expected the number of a recurrent layer, 0 to 0, found 1"},
    {STACK, json, "{" ONE ",\"layers\":[0,1.5]}", 400,
     "layers[1]: expected the number of a recurrent layer, 0 to 2, found 1.5"},
    {STACK, json, "{" ONE ",\"layers\":[-1]}", 400, "0 to 2, found -1"},
    {STACK, json, "{" ONE ",\"layers\":[0,1,2,0]}", 400, "layers[3]: layer 0 is there already"},
    {LSTM, json, "{" ONE ",\"time_major\":true}", 400, "time_major: goes with inputs"},
    {LSTM, json, "{\"trace\":true}", 400, "expected one of instances and inputs, found neither"},
    {LSTM, json, "{\"instances\":[[[1,2,3]]]}", 400,
     "instances[0][0]: expected 2 numbers, found 3"},
    {STACK, json,
     "{\"instances\":[{\"input\":[[1,2]],\"initial_state\":[{\"c\":[1,2,3],\"h\":[1,2,3]},"
     "{\"h\":[1]},{\"c\":[1,2,3,4],\"h\":[1,2,3,4]}]}]}",
     400, "instances[0].initial_state[1].h: expected 2 numbers, found 1"},
    /* c has 5 numbers, h the 2 of num_proj. */
    {PROJECTION, json,
     "{\"instances\":[{\"input\":[[1,2]],\"initial_state\":{\"c\":[1,2,3,4,5],"
     "\"h\":[1,2,3,4,5]}}]}",
     400, "instances[0].initial_state.h: expected 2 numbers, found 5"},
    {PROJECTION, json,
     "{\"instances\":[{\"input\":[[1,2]],\"initial_state\":{\"c\":[1,2],\"h\":[1,2]}}]}", 400,
     "instances[0].initial_state.c: expected 5 numbers, found 2"},
    {FIXED "?dtype=uint8&trace=1", octets, BYTES, 400, "trace: expected true or false, found '1'"},
    {FIXED "?dtype=uint8&state_is_tuple=", octets, BYTES, 400,
     "state_is_tuple: expected true or false, found ''"},
    {FIXED "?dtype=uint8&layers=0,", octets, BYTES, 400,
     "layers: expected numbers of recurrent layers with commas between them, found '0,'"},
    {FIXED "?dtype=uint8&layers=", octets, BYTES, 400, "commas between them, found ''"},
    {FIXED "?dtype=uint8&layers=a", octets, BYTES, 400, "commas between them, found 'a'"},
    {FIXED "?dtype=uint8&layers=0,0", octets, BYTES, 400, "layers[1]: layer 0 is there already"},
    {FIXED "?dtype=uint8&layers=99999999999999999999", octets, BYTES, 400,
     "layers[0]: expected the number of a recurrent layer, 0 to 0, found 1e+20"},
    {FIXED "?dtype=uint8", octets, "\1", 400, "expected a multiple of 6 bytes"},
    {LSTM, "image/gif", "GIF", 415, "Content-Type 'image/gif': expected application/json"},
    {"/v1/models/none:state", json, "{" ONE "}", 404, "none"},
    {"/v1/models/lstm/versions/9:state", json, "{" ONE "}", 404, "9"},
    {"/v1/models/lstm/labels/none:state", json, "{" ONE "}", 404, "none"},
};

static void assert_refused(const struct client_request *request, int status, const char *words)
{
    struct client_answer answer;
    state_try(request, &answer);
    ck_assert_msg(answer.status == status, "%s: expected %d with '%s', found %d %s", request->path,
                  status, words, answer.status, answer.body);
    ck_assert_msg(strncmp(answer.body, "{\"error\":\"", 10) == 0 &&
                      strstr(answer.body, words) != NULL,
                  "%s: expected '%s' in %s", request->path, words, answer.body);
    client_answer_release(&answer);
}

START_TEST(test_state_bad_requests_are_refused_with_a_sentence)
{
    const struct client_request request = {.path = cases[_i].path,
                                           .content_type = cases[_i].content_type,
                                           .body = cases[_i].body,
                                           .body_bytes = strlen(cases[_i].body)};
    assert_refused(&request, cases[_i].status, cases[_i].words);
}
END_TEST

START_TEST(test_state_of_a_get_is_not_possible)
{
    struct client_answer answer;
    state_try(&(struct client_request){.path = LSTM}, &answer);
    ck_assert_int_eq(answer.status, 405);
    ck_assert_str_eq(client_answer_field(&answer, "Allow"), "POST");
    client_answer_release(&answer);
}
END_TEST

START_TEST(test_state_keys_that_nobody_knows_are_ignored)
{
    static const char body[] = "{" ONE ",\"tracing\":1,\"other\":[[1],[2,3]]}";
    json_decref(state_ask(
        &(struct client_request){.path = LSTM, .body = body, .body_bytes = sizeof body - 1}));
}
END_TEST

/* 4000 instances, of which one has 1200 steps: its rows are few, the zeros past the others' lengths
 * are not. */
START_TEST(test_state_answer_that_zeros_would_make_too_large_is_refused)
{
    enum { INSTANCES = 4000, STEPS = 1200 };
    struct buf body;
    buf_init(&body, 1 << 20);
    buf_text(&body, "{\"trace\":true,\"gates\":true,\"instances\":[[");
    for (size_t t = 0; t < STEPS; t++)
        buf_text(&body, t > 0 ? ",[1,2]" : "[1,2]");
    buf_text(&body, "]");
    for (size_t i = 1; i < INSTANCES; i++)
        buf_text(&body, ",[]");
    buf_text(&body, "]}");
    const struct client_request request = {.path = LSTM, .body = body.data, .body_bytes = body.n};
    assert_refused(&request, 400,
                   "the answer would have 100824000 numbers, and making it could take more than");
    buf_release(&body);
}
END_TEST

Suite *suite_bad_state(void)
{
    Suite *suite = suite_create("bad_state");
    TCase *tcase = tcase_create("bad_state");
    tcase_set_timeout(tcase, 60);
    tcase_add_unchecked_fixture(tcase, state_fixture_start, state_fixture_stop);
    tcase_add_loop_test(tcase, test_state_bad_requests_are_refused_with_a_sentence, 0,
                        N_CASES(cases));
    tcase_add_test(tcase, test_state_of_a_get_is_not_possible);
    tcase_add_test(tcase, test_state_keys_that_nobody_knows_are_ignored);
    tcase_add_test(tcase, test_state_answer_that_zeros_would_make_too_large_is_refused);
    suite_add_tcase(suite, tcase);
    return suite;
}
