/* test_state.c: a daemon gives states, traces and gates of every model in every form.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/assert_tensor.h"
#include "tests/support/batch.h"
#include "tests/support/client.h"
#include "tests/support/daemon.h"
#include "tests/support/golden.h"
#include "tests/support/model_builder.h"
#include "tests/support/model_store.h"
#include "tests/support/temp_folder.h"
#include "tests/support/tensor_json.h"

Suite *suite_state(void);

enum { LSTM, GRU, STACK, N_NETWORKS };
enum form { ROW, COLUMN, TIME_MAJOR, N_FORMS };

/* PADDED: the steps of inputs in column form, more than any sequence has. */
enum { BATCH = 3, LONGEST = 4, PADDED = 5, FEATURES = 2, MOST_NUMBERS = 256 };

static const char *const names[N_NETWORKS] = {"lstm", "gru", "stack"};
static const size_t lengths[BATCH] = {LONGEST, 1, 0};

static struct temp_folder folder;
static struct daemon server;
static struct lstm_model *models[N_NETWORKS];
static struct batch batches[N_NETWORKS]; /* with what the library gives for them */

static void describe(struct reference_network networks[N_NETWORKS])
{
    networks[LSTM] = (struct reference_network){
        .n_layers = 2,
        .layers = {{.kind = REFERENCE_LSTM, .name = "a", .units = 3, .forget_bias = 1},
                   {.kind = REFERENCE_DENSE, .name = "b", .units = 2, .activation = "softmax"}}};
    networks[GRU] = (struct reference_network){
        .n_layers = 1, .layers = {{.kind = REFERENCE_GRU, .name = "a", .units = 3}}};
    networks[STACK] = (struct reference_network){
        .n_layers = 3,
        .layers = {{.kind = REFERENCE_LSTM, .name = "a", .units = 3, .return_sequences = true},
                   {.kind = REFERENCE_GRU, .name = "b", .units = 2, .return_sequences = true},
                   {.kind = REFERENCE_LSTM, .name = "c", .units = 4, .return_sequences = true}}};
}

static void start(void)
{
    struct reference_network networks[N_NETWORKS];
    describe(networks);
    temp_folder_create(&folder);
    for (size_t k = 0; k < N_NETWORKS; k++) {
        networks[k].features = FEATURES;
        reference_init(&networks[k], 10 + k);
        models[k] = build_model(&networks[k], NULL);
        model_store_save(folder.path, names[k], "1", models[k]);
        struct lstm_runner *runner = create_runner(models[k], BATCH, 0);
        batch_init(&batches[k], &networks[k], BATCH, lengths, true, 20 + k);
        batch_run(&batches[k], runner, models[k]);
        lstm_runner_destroy(runner);
        reference_release(&networks[k]);
    }
    model_store_add(folder.path, "fixed", "1", model_fixed, 3);
    daemon_start(&server, folder.path, NULL);
}

static void stop(void)
{
    ck_assert_int_eq(daemon_stop(&server), 0);
    for (size_t k = 0; k < N_NETWORKS; k++) {
        batch_release(&batches[k]);
        lstm_model_destroy(models[k]);
    }
    temp_folder_remove(&folder);
}

/* ---- Asking ---------------------------------------------------------------------------------- */

/* The answer is new. */
static json_t *ask(const struct client_request *request)
{
    struct client client;
    struct client_answer answer;
    client_init(&client, server.url);
    client_ask(&client, request, &answer);
    ck_assert_msg(answer.status == 200, "%d: %s", answer.status, answer.body);
    json_t *root = json_loads(answer.body, 0, NULL);
    ck_assert_ptr_nonnull(root);
    client_answer_release(&answer);
    client_release(&client);
    return root;
}

/* Takes the body. */
static json_t *ask_json(const char *path, json_t *body)
{
    char *text = json_dumps(body, 0);
    json_t *answer =
        ask(&(struct client_request){.path = path, .body = text, .body_bytes = strlen(text)});
    free(text);
    json_decref(body);
    return answer;
}

/* A leaf of the initial states of `n` sequences, or of one of them without the batch. */
static json_t *leaf_json(const struct lstm_sequence *sequences, size_t n, size_t offset,
                         size_t units)
{
    if (n == 1)
        return tensor_json(sequences->initial_state + offset, 1, &units);
    json_t *rows = json_array();
    for (size_t b = 0; b < n; b++)
        json_array_append_new(rows, tensor_json(sequences[b].initial_state + offset, 1, &units));
    return rows;
}

static json_t *state_json(const struct lstm_model *model, const struct lstm_sequence *sequences,
                          size_t n)
{
    const size_t n_recurrent = lstm_model_info(model)->n_recurrent;
    json_t *list = json_array();
    for (size_t k = 0; k < n_recurrent; k++) {
        const struct lstm_state_info *info = lstm_model_state(model, k);
        json_t *parts =
            json_pack("{s:o}", "h", leaf_json(sequences, n, info->h_offset, info->units));
        if (info->has_c)
            json_object_set_new(parts, "c", leaf_json(sequences, n, info->c_offset, info->units));
        json_array_append_new(list, parts);
    }
    if (n_recurrent > 1)
        return list;
    json_t *only = json_incref(json_array_get(list, 0));
    json_decref(list);
    return only;
}

static json_t *row_body(size_t k)
{
    json_t *instances = json_array();
    for (size_t b = 0; b < BATCH; b++) {
        const struct lstm_sequence *sequence = &batches[k].sequences[b];
        const size_t shape[] = {sequence->steps, FEATURES};
        json_array_append_new(
            instances, json_pack("{s:o,s:o}", "input", tensor_json(sequence->input, 2, shape),
                                 "initial_state", state_json(models[k], sequence, 1)));
    }
    return json_pack("{s:o}", "instances", instances);
}

static json_t *column_body(size_t k, bool time_major)
{
    float inputs[BATCH * PADDED * FEATURES] = {0};
    const struct lstm_sequence *sequences = batches[k].sequences;
    const size_t shape[] = {time_major ? PADDED : BATCH, time_major ? BATCH : PADDED, FEATURES};
    for (size_t b = 0; b < BATCH; b++)
        for (size_t t = 0; t < lengths[b]; t++)
            memcpy(inputs + FEATURES * (time_major ? t * BATCH + b : b * PADDED + t),
                   sequences[b].input + t * FEATURES, FEATURES * sizeof *inputs);
    return json_pack("{s:b,s:{s:o,s:[i,i,i],s:o}}", "time_major", time_major, "inputs", "input",
                     tensor_json(inputs, 3, shape), "sequence_length", (int)lengths[0],
                     (int)lengths[1], (int)lengths[2], "initial_state",
                     state_json(models[k], sequences, BATCH));
}

/* ---- Comparing ------------------------------------------------------------------------------- */

/* An answer, and what it answers. */
struct asked {
    size_t network;
    enum form form;
    json_t *answer;
};

static struct asked ask_state(size_t network, enum form form, bool state_is_tuple)
{
    char path[64];
    json_t *body = form == ROW ? row_body(network) : column_body(network, form == TIME_MAJOR);
    json_object_set_new(body, "trace", json_true());
    json_object_set_new(body, "gates", json_true());
    json_object_set_new(body, "predictions", json_true());
    json_object_set_new(body, "state_is_tuple", json_boolean(state_is_tuple));
    snprintf(path, sizeof path, "/v1/models/%s:state", names[network]);
    return (struct asked){network, form, ask_json(path, body)};
}

/* What stands past a sequence's length, or from where a row of an array comes. */
enum kind { OUTPUTS, FINAL, TRACE, GATES, PREDICTIONS };

static const float *want_row(const struct asked *asked, enum kind kind, size_t b, size_t t)
{
    static const float zeros[MOST_NUMBERS];
    const struct lstm_sequence *sequence = &batches[asked->network].sequences[b];
    const struct lstm_model_info *info = lstm_model_info(models[asked->network]);
    if (kind == PREDICTIONS && !info->output_is_sequence)
        return sequence->output;
    if (kind == FINAL || (kind == TRACE && t >= lengths[b]))
        return sequence->final_state;
    if (t >= lengths[b])
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
    const bool is_sequence = lstm_model_info(models[asked->network])->output_is_sequence;
    const bool has_steps = kind != FINAL && (kind != PREDICTIONS || is_sequence);
    const size_t steps = !has_steps ? 1 : asked->form == ROW ? LONGEST : PADDED;
    const size_t flat[] = {BATCH, width}, major[] = {steps, BATCH, width},
                 minor[] = {BATCH, steps, width};
    const size_t *shape = !has_steps ? flat : asked->form == TIME_MAJOR ? major : minor;
    tensor_json_read(asked->answer, path, has_steps ? 3 : 2, shape, found);
    for (size_t b = 0; b < BATCH; b++) {
        for (size_t t = 0; t < steps; t++) {
            const size_t row = asked->form == TIME_MAJOR ? t * BATCH + b : b * steps + t;
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
    const bool is_list = lstm_model_info(models[asked->network])->n_recurrent > 1;
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
    const struct lstm_model *model = models[asked->network];
    for (size_t k = 0; k < lstm_model_info(model)->n_recurrent; k++) {
        const struct lstm_state_info *layer = lstm_model_state(model, k);
        const size_t units = layer->units;
        for (size_t i = 0; i < 2; i++) {
            if (!state_is_tuple) {
                assert_array(asked, part_path(asked, keys[i], k, ""), kinds[i],
                             layer->has_c ? layer->c_offset : layer->h_offset,
                             layer->has_c ? 2 * units : units);
                continue;
            }
            assert_array(asked, part_path(asked, keys[i], k, "h"), kinds[i], layer->h_offset,
                         units);
            if (layer->has_c)
                assert_array(asked, part_path(asked, keys[i], k, "c"), kinds[i], layer->c_offset,
                             units);
            ck_assert_uint_eq(
                json_object_size(golden_at(asked->answer, part_path(asked, keys[i], k, ""))),
                layer->has_c ? 2 : 1);
        }
    }
}

static void assert_gates(const struct asked *asked)
{
    const struct lstm_model *model = models[asked->network];
    for (size_t k = 0; k < lstm_model_info(model)->n_recurrent; k++) {
        const struct lstm_state_info *layer = lstm_model_state(model, k);
        for (size_t g = 0; g < layer->n_gates; g++)
            assert_array(asked, part_path(asked, "gates", k, layer->gate_names[g]), GATES,
                         layer->gates_offset + g * layer->units, layer->units);
    }
}

START_TEST(test_state_every_model_and_form_gets_what_the_library_gives)
{
    const size_t network = (size_t)_i % N_NETWORKS;
    const enum form form = (enum form)((size_t)_i / N_NETWORKS % N_FORMS);
    const bool state_is_tuple = _i < N_NETWORKS * N_FORMS;
    const struct lstm_model_info *info = lstm_model_info(models[network]);
    const struct asked asked = ask_state(network, form, state_is_tuple);
    assert_array(&asked, "outputs", OUTPUTS, 0, info->rnn_output_size);
    assert_array(&asked, "predictions", PREDICTIONS, 0, info->output_size);
    assert_states(&asked, state_is_tuple);
    assert_gates(&asked);
    json_decref(asked.answer);
}
END_TEST

/* ---- What TensorFlow's definitions say ------------------------------------------------------- */

/* A part of the first sequence's trace or gates: [LONGEST, units]. */
static void read_part(const struct asked *asked, const char *path, size_t units, float *values)
{
    float all[MOST_NUMBERS];
    tensor_json_read(asked->answer, path, 3, (size_t[]){BATCH, LONGEST, units}, all);
    memcpy(values, all, LONGEST * units * sizeof *values);
}

enum { UNITS = 3, VALUES = LONGEST * UNITS };

START_TEST(test_state_gates_of_an_lstm_make_its_c_and_h)
{
    float i[VALUES], j[VALUES], f[VALUES], o[VALUES], c[VALUES], h[VALUES];
    const struct asked asked = ask_state(LSTM, ROW, true);
    const struct {
        const char *path;
        float *values;
    } parts[] = {{"gates/i", i}, {"gates/j", j}, {"gates/f", f},
                 {"gates/o", o}, {"trace/c", c}, {"trace/h", h}};
    for (size_t p = 0; p < sizeof parts / sizeof *parts; p++)
        read_part(&asked, parts[p].path, UNITS, parts[p].values);
    const float *initial = batches[LSTM].sequences[0].initial_state;
    for (size_t k = 0; k < VALUES; k++) {
        const float before = k < UNITS ? initial[k] : c[k - UNITS];
        ck_assert_float_eq_tol(c[k], f[k] * before + i[k] * j[k], 1e-6f);
        ck_assert_float_eq_tol(h[k], o[k] * tanhf(c[k]), 1e-6f);
    }
    json_decref(asked.answer);
}
END_TEST

START_TEST(test_state_gates_of_a_gru_make_its_h)
{
    float u[VALUES], candidate[VALUES], h[VALUES];
    const struct asked asked = ask_state(GRU, ROW, true);
    read_part(&asked, "gates/u", UNITS, u);
    read_part(&asked, "gates/c", UNITS, candidate);
    read_part(&asked, "trace/h", UNITS, h);
    const float *initial = batches[GRU].sequences[0].initial_state;
    for (size_t k = 0; k < VALUES; k++) {
        const float before = k < UNITS ? initial[k] : h[k - UNITS];
        ck_assert_float_eq_tol(h[k], u[k] * before + (1 - u[k]) * candidate[k], 1e-6f);
    }
    json_decref(asked.answer);
}
END_TEST

START_TEST(test_state_trace_of_a_sequence_is_the_states_of_its_prefixes)
{
    enum { PREFIXES = LONGEST };
    json_t *instances = json_array();
    for (size_t n = 1; n <= PREFIXES; n++)
        json_array_append_new(
            instances, tensor_json(batches[LSTM].sequences[0].input, 2, (size_t[]){n, FEATURES}));
    json_t *answer = ask_json("/v1/models/lstm:state",
                              json_pack("{s:o,s:b}", "instances", instances, "trace", 1));
    static const char *const parts[] = {"c", "h"};
    for (size_t p = 0; p < 2; p++) {
        float trace[PREFIXES * VALUES], states[PREFIXES * UNITS];
        char path[16];
        snprintf(path, sizeof path, "trace/%s", parts[p]);
        tensor_json_read(answer, path, 3, (size_t[]){PREFIXES, LONGEST, UNITS}, trace);
        snprintf(path, sizeof path, "state/%s", parts[p]);
        tensor_json_read(answer, path, 2, (size_t[]){PREFIXES, UNITS}, states);
        assert_tensor_float(path, states, trace + (PREFIXES - 1) * VALUES, VALUES, 1e-6, 0);
        for (size_t n = 0; n < PREFIXES; n++) /* the last row is the state */
            assert_tensor_identical(path, trace + (n + 1) * VALUES - UNITS, states + n * UNITS,
                                    UNITS);
    }
    json_decref(answer);
}
END_TEST

/* ---- Choices --------------------------------------------------------------------------------- */

START_TEST(test_state_layers_come_as_a_list_in_the_order_asked)
{
    json_t *body = row_body(STACK);
    json_object_set_new(body, "layers", json_pack("[i,i]", 2, 1));
    json_object_set_new(body, "gates", json_true());
    const struct asked asked = {STACK, ROW, ask_json("/v1/models/stack:state", body)};
    const struct lstm_state_info *second = lstm_model_state(models[STACK], 1),
                                 *third = lstm_model_state(models[STACK], 2);
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
    json_t *body = row_body(GRU);
    json_object_set_new(body, "layers", json_pack("[i]", 0));
    const struct asked asked = {GRU, ROW, ask_json("/v1/models/gru/versions/1:state", body)};
    assert_array(&asked, "state/0/h", FINAL, 0, UNITS);
    ck_assert_uint_eq(json_object_size(asked.answer), 2); /* outputs and state */
    json_decref(asked.answer);
}
END_TEST

START_TEST(test_state_of_octets_takes_its_options_from_the_query)
{
    static const float numbers[] = {1, 2, 3, 4, 5, 6};
    static const char path[] = "/v1/models/fixed:state?trace=true&gates=true&state_is_tuple=false"
                               "&predictions=true&layers=0&dtype=float32";
    json_t *octets = ask(&(struct client_request){.path = path,
                                                  .content_type = "application/octet-stream",
                                                  .body = numbers,
                                                  .body_bytes = sizeof numbers});
    json_t *wanted = ask_json("/v1/models/fixed:state",
                              json_pack("{s:[[i,i,i,i,i,i]],s:b,s:b,s:b,s:b,s:[i]}", "instances", 1,
                                        2, 3, 4, 5, 6, "trace", 1, "gates", 1, "state_is_tuple", 0,
                                        "predictions", 1, "layers", 0));
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
    tcase_add_unchecked_fixture(tcase, start, stop);
    tcase_add_loop_test(tcase, test_state_every_model_and_form_gets_what_the_library_gives, 0,
                        2 * N_NETWORKS * N_FORMS);
    tcase_add_test(tcase, test_state_gates_of_an_lstm_make_its_c_and_h);
    tcase_add_test(tcase, test_state_gates_of_a_gru_make_its_h);
    tcase_add_test(tcase, test_state_trace_of_a_sequence_is_the_states_of_its_prefixes);
    tcase_add_test(tcase, test_state_layers_come_as_a_list_in_the_order_asked);
    tcase_add_test(tcase, test_state_one_layer_that_was_named_comes_as_a_list);
    tcase_add_test(tcase, test_state_of_octets_takes_its_options_from_the_query);
    suite_add_tcase(suite, tcase);
    return suite;
}
