/* test_state_cells.c: what a daemon tells of states, traces and gates agrees with the definitions
 * of the cells. SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/assert_tensor.h"
#include "tests/support/state_fixture.h"
#include "tests/support/tensor_json.h"

Suite *suite_state_cells(void);

enum { VALUES = STATE_LONGEST * STATE_UNITS }; /* of one sequence's part */

/* The state of a network after the first sequence's steps, and the gates of each. new. */
static json_t *ask_first(size_t network)
{
    char path[64];
    json_t *body = state_body(network, STATE_ROW);
    json_object_set_new(body, "trace", json_true());
    json_object_set_new(body, "gates", json_true());
    snprintf(path, sizeof path, "/v1/models/%s:state", state_names[network]);
    return state_ask_json(path, body);
}

/* The first sequence's part of an array: [STATE_LONGEST, STATE_UNITS]. */
static void read_first(const json_t *answer, const char *path, float values[VALUES])
{
    float all[STATE_BATCH * VALUES];
    tensor_json_read(answer, path, 3, (size_t[]){STATE_BATCH, STATE_LONGEST, STATE_UNITS}, all);
    for (size_t k = 0; k < VALUES; k++)
        values[k] = all[k];
}

/* The state before each step: the initial one, then the trace. */
static void shift(const float *initial, const float trace[VALUES], float before[VALUES])
{
    for (size_t k = 0; k < VALUES; k++)
        before[k] = k < STATE_UNITS ? initial[k] : trace[k - STATE_UNITS];
}

START_TEST(test_state_gates_of_an_lstm_make_its_c_and_h)
{
    float i[VALUES], j[VALUES], f[VALUES], o[VALUES], c[VALUES], h[VALUES];
    float before[VALUES], want_c[VALUES], want_h[VALUES];
    const struct {
        const char *path;
        float *values;
    } parts[] = {{"gates/i", i}, {"gates/j", j}, {"gates/f", f},
                 {"gates/o", o}, {"trace/c", c}, {"trace/h", h}};
    json_t *answer = ask_first(STATE_LSTM);
    for (size_t p = 0; p < sizeof parts / sizeof *parts; p++)
        read_first(answer, parts[p].path, parts[p].values);
    shift(state_batches[STATE_LSTM].sequences[0].initial_state, c, before);
    for (size_t k = 0; k < VALUES; k++) {
        want_c[k] = f[k] * before[k] + i[k] * j[k];
        want_h[k] = o[k] * tanhf(c[k]);
    }
    assert_tensor_float("c", c, want_c, VALUES, 1e-6, 0);
    assert_tensor_float("h", h, want_h, VALUES, 1e-6, 0);
    json_decref(answer);
}
END_TEST

START_TEST(test_state_gates_of_a_gru_make_its_h)
{
    float u[VALUES], candidate[VALUES], h[VALUES], before[VALUES], want[VALUES];
    json_t *answer = ask_first(STATE_GRU);
    read_first(answer, "gates/u", u);
    read_first(answer, "gates/c", candidate);
    read_first(answer, "trace/h", h);
    shift(state_batches[STATE_GRU].sequences[0].initial_state, h, before);
    for (size_t k = 0; k < VALUES; k++)
        want[k] = u[k] * before[k] + (1 - u[k]) * candidate[k];
    assert_tensor_float("h", h, want, VALUES, 1e-6, 0);
    json_decref(answer);
}
END_TEST

static const char *const parts[] = {"c", "h"};

START_TEST(test_state_trace_of_a_sequence_is_the_states_of_its_prefixes)
{
    enum { PREFIXES = STATE_LONGEST };
    float trace[PREFIXES * VALUES], states[PREFIXES * STATE_UNITS];
    char path[16];
    const float *input = state_batches[STATE_LSTM].sequences[0].input;
    json_t *instances = json_array();
    for (size_t n = 1; n <= PREFIXES; n++)
        json_array_append_new(instances, tensor_json(input, 2, (size_t[]){n, STATE_FEATURES}));
    json_t *answer = state_ask_json("/v1/models/lstm:state",
                                    json_pack("{s:o,s:b}", "instances", instances, "trace", 1));
    snprintf(path, sizeof path, "trace/%s", parts[_i]);
    tensor_json_read(answer, path, 3, (size_t[]){PREFIXES, STATE_LONGEST, STATE_UNITS}, trace);
    snprintf(path, sizeof path, "state/%s", parts[_i]);
    tensor_json_read(answer, path, 2, (size_t[]){PREFIXES, STATE_UNITS}, states);
    assert_tensor_float("states", states, trace + (PREFIXES - 1) * VALUES, VALUES, 1e-6, 0);
    for (size_t n = 0; n < PREFIXES; n++)
        assert_tensor_identical("last row", trace + (n + 1) * VALUES - STATE_UNITS,
                                states + n * STATE_UNITS, STATE_UNITS);
    json_decref(answer);
}
END_TEST

/* The state after one piece, as the initial state of the next. */
START_TEST(test_state_goes_on_where_another_request_ended)
{
    const struct lstm_sequence *sequence = &state_batches[STATE_LSTM].sequences[0];
    const size_t head[] = {1, 1, STATE_FEATURES}, tail[] = {1, STATE_LONGEST - 1, STATE_FEATURES};
    const size_t shape[] = {1, STATE_UNITS};
    float pieces[STATE_UNITS], whole[STATE_UNITS];
    json_t *first =
        state_ask_json("/v1/models/lstm:state",
                       json_pack("{s:o}", "inputs", tensor_json(sequence->input, 3, head)));
    json_t *second = state_ask_json(
        "/v1/models/lstm:state", json_pack("{s:{s:o,s:O}}", "inputs", "input",
                                           tensor_json(sequence->input + STATE_FEATURES, 3, tail),
                                           "initial_state", json_object_get(first, "state")));
    json_t *all = state_ask_json(
        "/v1/models/lstm:state",
        json_pack("{s:o}", "inputs",
                  tensor_json(sequence->input, 3, (size_t[]){1, STATE_LONGEST, STATE_FEATURES})));
    tensor_json_read(second, "state/h", 2, shape, pieces);
    tensor_json_read(all, "state/h", 2, shape, whole);
    assert_tensor_float("h", pieces, whole, STATE_UNITS, 1e-6, 0);
    json_decref(first);
    json_decref(second);
    json_decref(all);
}
END_TEST

/* Sends a request of a session of the projected LSTM; the answer is new, NULL if it is not JSON. */
static json_t *ask_session(const char *method, const char *action, const char *body, int status)
{
    char path[96];
    struct client_answer answer;
    snprintf(path, sizeof path, "/v1/models/projection/sessions%s", action);
    const struct client_request request = {
        .method = method, .path = path, .body = body, .body_bytes = body ? strlen(body) : 0};
    state_try(&request, &answer);
    ck_assert_msg(answer.status == status, "%s: %d %s", action, answer.status, answer.body);
    json_t *root = json_loads(answer.body, 0, NULL);
    client_answer_release(&answer);
    return root;
}

/* c has the units, h the projection's: in pieces as in one, and when a state is set. */
START_TEST(test_state_of_a_projected_session_has_c_and_h_of_their_own_sizes)
{
    enum { U = 5, H = 2 };
    float c[U], h[H], want_c[U], want_h[H];
    json_decref(ask_session("POST", "", "{\"id\":\"p\"}", 201));
    json_decref(ask_session("POST", "/p:predict", "{\"instances\":[[[1,2]]]}", 200));
    json_decref(ask_session("POST", "/p:predict", "{\"instances\":[[[3,4],[5,6]]]}", 200));
    json_t *pieces = ask_session("GET", "/p/state", NULL, 200);
    json_t *whole =
        state_ask_json("/v1/models/projection:state",
                       json_pack("{s:[[[ii],[ii],[ii]]]}", "instances", 1, 2, 3, 4, 5, 6));
    tensor_json_read(pieces, "state/c", 1, (size_t[]){U}, c);
    tensor_json_read(pieces, "state/h", 1, (size_t[]){H}, h);
    tensor_json_read(whole, "state/c", 2, (size_t[]){1, U}, want_c);
    tensor_json_read(whole, "state/h", 2, (size_t[]){1, H}, want_h);
    assert_tensor_float("c", c, want_c, U, 1e-6, 0);
    assert_tensor_float("h", h, want_h, H, 1e-6, 0);
    json_decref(pieces);
    json_decref(whole);
    json_decref(ask_session("PUT", "/p/state", "{\"state\":{\"c\":[1,2,3,4,5],\"h\":[6,7]}}", 200));
    json_t *set = ask_session("GET", "/p/state", NULL, 200);
    tensor_json_read(set, "state/h", 1, (size_t[]){H}, h);
    ck_assert(h[0] == 6 && h[1] == 7);
    json_decref(set);
    json_t *refused =
        ask_session("PUT", "/p/state", "{\"state\":{\"c\":[1,2,3,4,5],\"h\":[6,7,8]}}", 400);
    ck_assert_ptr_nonnull(strstr(json_string_value(json_object_get(refused, "error")),
                                 "state.h: expected 2 numbers, found 3"));
    json_decref(refused);
}
END_TEST

Suite *suite_state_cells(void)
{
    Suite *suite = suite_create("state_cells");
    TCase *tcase = tcase_create("state_cells");
    tcase_set_timeout(tcase, 60);
    tcase_add_unchecked_fixture(tcase, state_fixture_start, state_fixture_stop);
    tcase_add_test(tcase, test_state_gates_of_an_lstm_make_its_c_and_h);
    tcase_add_test(tcase, test_state_gates_of_a_gru_make_its_h);
    tcase_add_loop_test(tcase, test_state_trace_of_a_sequence_is_the_states_of_its_prefixes, 0, 2);
    tcase_add_test(tcase, test_state_goes_on_where_another_request_ended);
    tcase_add_test(tcase, test_state_of_a_projected_session_has_c_and_h_of_their_own_sizes);
    suite_add_tcase(suite, tcase);
    return suite;
}
