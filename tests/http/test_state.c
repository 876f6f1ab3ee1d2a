/* test_state.c: a daemon gives states, traces and gates of every model in every form.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdio.h>

#include "tests/support/assert_tensor.h"
#include "tests/support/golden.h"
#include "tests/support/state_fixture.h"
#include "tests/support/tensor_json.h"

Suite *suite_state(void);

enum { MOST_NUMBERS = 256 };

/* An answer, and what it answers. */
struct asked {
    size_t network;
    enum state_form form;
    json_t *answer;
};

static struct asked ask_state(size_t network, enum state_form form, bool state_is_tuple)
{
    char path[64];
    json_t *body = state_body(network, form);
    json_object_set_new(body, "trace", json_true());
    json_object_set_new(body, "gates", json_true());
    json_object_set_new(body, "predictions", json_true());
    json_object_set_new(body, "state_is_tuple", json_boolean(state_is_tuple));
    snprintf(path, sizeof path, "/v1/models/%s:state", state_names[network]);
    return (struct asked){network, form, state_ask_json(path, body)};
}

/* What an array is made of. */
enum kind { OUTPUTS, FINAL, TRACE, GATES, PREDICTIONS };

static const float *want_row(const struct asked *asked, enum kind kind, size_t b, size_t t)
{
    static const float zeros[MOST_NUMBERS];
    const struct lstm_sequence *sequence = &state_batches[asked->network].sequences[b];
    const struct lstm_model_info *info = lstm_model_info(state_models[asked->network]);
    if (kind == PREDICTIONS && !info->output_is_sequence)
        return sequence->output;
    if (kind == FINAL || (kind == TRACE && t >= state_lengths[b]))
        return sequence->final_state;
    if (t >= state_lengths[b])
        return zeros;
    switch (kind) {
    case OUTPUTS:
        return sequence->rnn_output + t * info->rnn_output_size;
    case TRACE:
        return sequence->state_trace + t * info->state_size;
    case GATES:
        return sequence->gates_trace + t * info->gates_size;
    default:
        return sequence->output + t * info->output_size;
    }
}

/* The array at the path is made of `width` numbers of each row, from `offset`. */
static void assert_array(const struct asked *asked, const char *path, enum kind kind, size_t offset,
                         size_t width)
{
    float found[MOST_NUMBERS];
    const bool is_sequence = lstm_model_info(state_models[asked->network])->output_is_sequence;
    const bool has_steps = kind != FINAL && (kind != PREDICTIONS || is_sequence);
    const size_t steps = !has_steps ? 1 : asked->form == STATE_ROW ? STATE_LONGEST : STATE_PADDED;
    const size_t flat[] = {STATE_BATCH, width}, major[] = {steps, STATE_BATCH, width},
                 minor[] = {STATE_BATCH, steps, width};
    const size_t *shape = !has_steps ? flat : asked->form == STATE_TIME_MAJOR ? major : minor;
    tensor_json_read(asked->answer, path, has_steps ? 3 : 2, shape, found);
    for (size_t b = 0; b < STATE_BATCH; b++) {
        for (size_t t = 0; t < steps; t++) {
            const size_t row =
                asked->form == STATE_TIME_MAJOR ? t * STATE_BATCH + b : b * steps + t;
            assert_tensor_float(path, found + row * width, want_row(asked, kind, b, t) + offset,
                                width, 1e-5, 0);
        }
    }
}

/* The path of a recurrent layer's part. */
static const char *part_path(const struct asked *asked, const char *key, size_t layer,
                             const char *part)
{
    static char path[64];
    const bool is_list = lstm_model_info(state_models[asked->network])->n_recurrent > 1;
    int n = snprintf(path, sizeof path, "%s", key);
    if (is_list)
        n += snprintf(path + n, sizeof path - (size_t)n, "/%zu", layer);
    if (part[0] != '\0')
        snprintf(path + n, sizeof path - (size_t)n, "/%s", part);
    return path;
}

static void assert_states(const struct asked *asked, bool state_is_tuple)
{
    static const char *const keys[] = {"state", "trace"};
    static const enum kind kinds[] = {FINAL, TRACE};
    const struct lstm_model *model = state_models[asked->network];
    for (size_t k = 0; k < lstm_model_info(model)->n_recurrent; k++) {
        const struct lstm_state_info *layer = lstm_model_state(model, k);
        for (size_t i = 0; i < 2; i++) {
            if (!state_is_tuple) {
                assert_array(asked, part_path(asked, keys[i], k, ""), kinds[i],
                             layer->has_c ? layer->c_offset : layer->h_offset,
                             (layer->has_c ? layer->units : 0) + layer->h_units);
                continue;
            }
            assert_array(asked, part_path(asked, keys[i], k, "h"), kinds[i], layer->h_offset,
                         layer->h_units);
            if (layer->has_c)
                assert_array(asked, part_path(asked, keys[i], k, "c"), kinds[i], layer->c_offset,
                             layer->units);
            ck_assert_uint_eq(
                json_object_size(golden_at(asked->answer, part_path(asked, keys[i], k, ""))),
                layer->has_c ? 2 : 1);
        }
    }
}

static void assert_gates(const struct asked *asked)
{
    const struct lstm_model *model = state_models[asked->network];
    for (size_t k = 0; k < lstm_model_info(model)->n_recurrent; k++) {
        const struct lstm_state_info *layer = lstm_model_state(model, k);
        for (size_t g = 0; g < layer->n_gates; g++)
            assert_array(asked, part_path(asked, "gates", k, layer->gate_names[g]), GATES,
                         layer->gates_offset + g * layer->units, layer->units);
    }
}

START_TEST(test_state_every_model_and_form_gets_what_the_library_gives)
{
    const size_t network = (size_t)_i % N_STATE_NETWORKS;
    const enum state_form form = (enum state_form)((size_t)_i / N_STATE_NETWORKS % N_STATE_FORMS);
    const bool state_is_tuple = _i < N_STATE_NETWORKS * N_STATE_FORMS;
    const struct lstm_model_info *info = lstm_model_info(state_models[network]);
    const struct asked asked = ask_state(network, form, state_is_tuple);
    assert_array(&asked, "outputs", OUTPUTS, 0, info->rnn_output_size);
    assert_array(&asked, "predictions", PREDICTIONS, 0, info->output_size);
    assert_states(&asked, state_is_tuple);
    assert_gates(&asked);
    json_decref(asked.answer);
}
END_TEST

START_TEST(test_state_layers_come_as_a_list_in_the_order_asked)
{
    json_t *body = state_body(STATE_STACK, STATE_ROW);
    json_object_set_new(body, "layers", json_pack("[i,i]", 2, 1));
    json_object_set_new(body, "gates", json_true());
    const struct asked asked = {STATE_STACK, STATE_ROW,
                                state_ask_json("/v1/models/stack:state", body)};
    const struct lstm_state_info *second = lstm_model_state(state_models[STATE_STACK], 1),
                                 *third = lstm_model_state(state_models[STATE_STACK], 2);
    assert_array(&asked, "state/0/c", FINAL, third->c_offset, third->units);
    assert_array(&asked, "state/1/h", FINAL, second->h_offset, second->units);
    assert_array(&asked, "gates/1/r", GATES, second->gates_offset, second->units);
    ck_assert_uint_eq(json_array_size(golden_at(asked.answer, "state")), 2);
    ck_assert_uint_eq(json_array_size(golden_at(asked.answer, "gates")), 2);
    json_decref(asked.answer);
}
END_TEST

START_TEST(test_state_one_layer_that_was_named_comes_as_a_list)
{
    json_t *body = state_body(STATE_GRU, STATE_ROW);
    json_object_set_new(body, "layers", json_pack("[i]", 0));
    const struct asked asked = {STATE_GRU, STATE_ROW,
                                state_ask_json("/v1/models/gru/versions/1:state", body)};
    assert_array(&asked, "state/0/h", FINAL, 0, STATE_UNITS);
    ck_assert_uint_eq(json_object_size(asked.answer), 2); /* outputs and state */
    json_decref(asked.answer);
}
END_TEST

START_TEST(test_state_of_octets_takes_its_options_from_the_query)
{
    static const float numbers[] = {1, 2, 3, 4, 5, 6};
    static const char path[] = "/v1/models/fixed:state?trace=true&gates=true&state_is_tuple=false"
                               "&predictions=true&layers=0&dtype=float32";
    json_t *octets = state_ask(&(struct client_request){.path = path,
                                                        .content_type = "application/octet-stream",
                                                        .body = numbers,
                                                        .body_bytes = sizeof numbers});
    json_t *wanted = state_ask_json("/v1/models/fixed:state",
                                    json_pack("{s:[[i,i,i,i,i,i]],s:b,s:b,s:b,s:b,s:[i]}",
                                              "instances", 1, 2, 3, 4, 5, 6, "trace", 1, "gates", 1,
                                              "state_is_tuple", 0, "predictions", 1, "layers", 0));
    ck_assert_uint_eq(json_object_size(octets), 5);
    ck_assert(json_equal(octets, wanted));
    json_decref(octets);
    json_decref(wanted);
}
END_TEST

Suite *suite_state(void)
{
    Suite *suite = suite_create("state");
    TCase *tcase = tcase_create("state");
    tcase_set_timeout(tcase, 60);
    tcase_add_unchecked_fixture(tcase, state_fixture_start, state_fixture_stop);
    tcase_add_loop_test(tcase, test_state_every_model_and_form_gets_what_the_library_gives, 0,
                        2 * N_STATE_NETWORKS * N_STATE_FORMS);
    tcase_add_test(tcase, test_state_layers_come_as_a_list_in_the_order_asked);
    tcase_add_test(tcase, test_state_one_layer_that_was_named_comes_as_a_list);
    tcase_add_test(tcase, test_state_of_octets_takes_its_options_from_the_query);
    suite_add_tcase(suite, tcase);
    return suite;
}
