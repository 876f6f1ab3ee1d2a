/* test_onnx.c: ONNX files give what their graphs compute (tests/data/onnx, made by
 * tests/tools/make_onnx_goldens.py). SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/assert_tensor.h"
#include "tests/support/cases.h"
#include "tests/support/golden.h"
#include "tests/support/import_golden.h"
#include "tests/support/suites.h"
#include "tests/support/temp_folder.h"

Suite *suite_onnx(void);

enum { BATCH = 2, MAX_VALUES = 64 };

static const char *const cases[] = {
    "lstm_defaults",
    "lstm_bias",
    "lstm_batchwise",
    "lstm_state",
    "lstm_peepholes",
    "lstm_reverse",
    "lstm_reverse_sequence",
    "lstm_bidirectional",
    "lstm_bidirectional_final",
    "lstm_bidirectional_state",
    "lstm_halves",
    "lstm_sum",
    "lstm_product",
    "lstm_mean",
    "lstm_activations",
    "gru_defaults",
    "gru_bias",
    "gru_batchwise",
    "gru_state",
    "gru_reset_after",
    "gru_activations",
    "gru_bidirectional",
    "classifier",
    "classifier_opset_9",
    "half",
    "typed",
    "rows",
    "embedding",
    "branch",
    "stacked",
    "pair_lstm",
    "pair_lstm_layers",
    "pair_gru_reverse_first",
    "classifier_opset_17",
    "classifier_opset_24",
    "lstm_mean_opset_18",
    "lstm_halved",
    "states",
    "external",
    "given",
    "torch_lstm_9",
    "torch_lstm_11",
    "torch_lstm_13",
    "torch_lstm_16",
    "torch_lstm_layers_11",
    "torch_lstm_layers_16",
    "torch_gru_9",
    "torch_gru_13",
    "torch_gru_layers_16",
    "torch_lstm_both_9",
    "torch_lstm_both_13",
    "torch_lstm_halves_16",
    "torch_gru_both_11",
    "torch_lstm_both_last_11",
    "torch_gru_mean_9",
    "torch_lstm_both_max_13",
    "torch_gru_pool_16",
    "torch_lstm_average_16",
    "torch_gru_log_11",
    "torch_lstm_norm_13",
    "torch_lstm_window_13",
};

static void case_path(char path[128], const char *name)
{
    snprintf(path, 128, "tests/data/onnx/%s.onnx", name);
}

static struct lstm_source *open_case(const char *name)
{
    char path[128];
    struct lstm_source *source;
    struct lstm_error error;
    case_path(path, name);
    assert_ok(lstm_source_open(path, NULL, &source, &error), &error);
    ck_assert_str_eq(lstm_source_name(source), "onnx");
    return source;
}

/* What a case expects, as the runner takes and gives it. */
struct golden {
    json_t *all;
    const char *name;
    size_t steps, features, values, n_state;
    size_t lengths[BATCH];
    float inputs[MAX_VALUES], initial[MAX_VALUES];
    double outputs[MAX_VALUES], final[MAX_VALUES];
};

static const json_t *member(const struct golden *golden, const char *key)
{
    return json_object_get(json_object_get(golden->all, golden->name), key);
}

static void read_values(const struct golden *golden, const char *key, double *values, size_t n)
{
    char path[128];
    ck_assert_uint_le(n, MAX_VALUES);
    snprintf(path, sizeof path, "%s/%s", golden->name, key);
    golden_values(golden->all, path, values, n);
}

static void to_floats(const double *from, size_t n, float *to)
{
    for (size_t k = 0; k < n; k++)
        to[k] = (float)from[k];
}

static void read_golden(struct golden *golden, const char *name)
{
    double numbers[MAX_VALUES];
    *golden = (struct golden){.all = golden_load("../onnx/goldens.json"), .name = name};
    ck_assert_ptr_nonnull(member(golden, "steps"));
    golden->steps = (size_t)json_integer_value(member(golden, "steps"));
    golden->features = (size_t)json_integer_value(member(golden, "features"));
    golden->values = (size_t)json_integer_value(member(golden, "values"));
    read_values(golden, "inputs", numbers, BATCH * golden->steps * golden->features);
    to_floats(numbers, BATCH * golden->steps * golden->features, golden->inputs);
    read_values(golden, "outputs", golden->outputs, BATCH * golden->values);
    read_values(golden, "lengths", numbers, BATCH);
    for (size_t b = 0; b < BATCH; b++)
        golden->lengths[b] = (size_t)numbers[b];
    golden->n_state = json_array_size(member(golden, "final")) / BATCH;
    if (golden->n_state > 0)
        read_values(golden, "final", golden->final, BATCH * golden->n_state);
    if (member(golden, "initial") != NULL) {
        read_values(golden, "initial", numbers, BATCH * golden->n_state);
        to_floats(numbers, BATCH * golden->n_state, golden->initial);
    }
}

/* Runs the golden's inputs through the model: every output and state within 1e-5. */
static void compare(const struct lstm_model *model, const char *name)
{
    const struct lstm_model_info *info = lstm_model_info(model);
    struct golden golden;
    float outputs[MAX_VALUES] = {0}, final[MAX_VALUES];
    struct lstm_sequence sequences[BATCH];
    struct lstm_runner *runner;
    struct lstm_error error;
    read_golden(&golden, name);
    ck_assert_uint_eq(info->features, golden.features);
    ck_assert_uint_eq(info->output_size * (info->output_is_sequence ? golden.steps : 1),
                      golden.values);
    ck_assert(golden.n_state == 0 || golden.n_state == info->state_size);
    for (size_t b = 0; b < BATCH; b++)
        sequences[b] = (struct lstm_sequence){
            .input = golden.inputs + b * golden.steps * golden.features,
            .steps = golden.lengths[b],
            .initial_state = golden.n_state > 0 ? golden.initial + b * golden.n_state : NULL,
            .output = outputs + b * golden.values,
            .final_state = golden.n_state > 0 ? final + b * golden.n_state : NULL};
    assert_ok(lstm_runner_create(model, NULL, &runner, &error), &error);
    assert_ok(lstm_runner_run(runner, model, sequences, BATCH, &error), &error);
    assert_tensor(name, outputs, golden.outputs, BATCH * golden.values, 1e-5, 0);
    assert_tensor(name, final, golden.final, BATCH * golden.n_state, 1e-5, 0);
    lstm_runner_destroy(runner);
    json_decref(golden.all);
}

START_TEST(test_graph_becomes_a_model_that_computes_the_same)
{
    struct lstm_source *source = open_case(cases[_i]);
    struct lstm_model *model;
    struct lstm_error error;
    const struct lstm_import_options options = {
        .forget_bias = (double)NAN,
        .inputs = strcmp(cases[_i], "given") == 0 ? "given_data" : NULL};
    assert_ok(lstm_source_model(source, &options, &model, &error), &error);
    compare(model, cases[_i]);
    lstm_model_destroy(model);
    lstm_source_destroy(source);
}
END_TEST

/* What a sentence about each must say: who, and what is the matter. */
static const struct {
    const char *name, *who, *why;
} refused[] = {
    {"cell_state", "output 'Y_c'", "`:state`"},
    {"clip", "LSTM node 'lstm'", "clip"},
    {"constant_state", "LSTM node 'lstm'", "not zero"},
    {"feed_forward", "no LSTM or GRU", "recurrent"},
    {"foreign", "Magic node 'spell'", "domain"},
    {"input_forget", "LSTM node 'lstm'", "input_forget"},
    {"first_of_both", "layer 'lstm'", "Y_h"},
    {"leaky", "LSTM node 'lstm'", "LeakyRelu"},
    {"logits_too", "several outputs", "extract_model"},
    {"loop", "Loop node 'unrolled'", "GRU"},
    {"no_weights", "LSTM node 'lstm'", "--inputs"},
    {"one_direction", "output 'Z'", "directions"},
    {"opset", "operator set 99", "opset_version=24"},
    {"output_activation", "LSTM node 'lstm'", "differ"},
    {"outside", "weights.bin", "tensor"},
    {"quantized", "LSTM node 'lstm'", "int8"},
    {"residual", "Add node 'skip'", "two directions"},
    {"shape", "LSTM node 'lstm'", "input 1"},
    {"two_activations", "LSTM node 'lstm'", "different activations"},
    {"two_heads", "MatMul node 'b'", "layer 'a' comes between"},
    {"unequal_pair", "LSTM node 'back_lstm'", "one kind of cell"},
    {"unknown", "LayerNormalization node 'norm'", "lstmd"},
    {"merged_again", "Add node 'again'", "two directions"},
    {"merged_mixed", "output 'out'", "something else of the one direction"},
    {"divided_by", "Div node 'two_by'", "scale inputs"},
    {"last_with_lengths", "output 'out'", "without lengths"},
    {"normalises_batch", "BatchNormalization node 'norm'", "or is to train"},
};

START_TEST(test_graph_that_cannot_be_served_is_refused_by_name)
{
    char path[128], name[64];
    struct lstm_source *source = NULL;
    struct lstm_model *model = NULL;
    struct lstm_error error = {.text = ""};
    const struct lstm_import_options none = {.forget_bias = (double)NAN};
    snprintf(name, sizeof name, "refused/%s", refused[_i].name);
    case_path(path, name);
    enum lstm_status status = lstm_source_open(path, NULL, &source, &error);
    if (status == LSTM_OK)
        status = lstm_source_model(source, &none, &model, &error);
    ck_assert(status != LSTM_OK && model == NULL);
    ck_assert_msg(strstr(error.text, refused[_i].who) != NULL &&
                      strstr(error.text, refused[_i].why) != NULL,
                  "%s", error.text);
    lstm_source_destroy(source);
}
END_TEST

static const struct {
    const char *name, *words;
} notes[] = {
    {"lstm_batchwise", "output 'Y_h'"},
    {"lstm_state", "initial_state"},
    {"lstm_state", "sequence_lens"},
    {"lstm_bias", "time on axis 0"},
};

START_TEST(test_what_a_request_brings_is_noted)
{
    struct lstm_source *source = open_case(notes[_i].name);
    struct lstm_model *model;
    struct lstm_error error;
    assert_ok(lstm_source_model(source, NULL, &model, &error), &error);
    ck_assert_msg(import_golden_has_note(source, notes[_i].words), "no note has '%s'",
                  notes[_i].words);
    lstm_model_destroy(model);
    lstm_source_destroy(source);
}
END_TEST

START_TEST(test_steps_are_those_that_the_graph_fixes)
{
    static const struct {
        const char *name;
        size_t asked, steps;
    } steps[] = {{"rows", 0, 4}, {"rows", 7, 7}, {"lstm_bias", 0, 0}, {"lstm_bias", 3, 3}};
    for (size_t k = 0; k < N_CASES(steps); k++) {
        const struct lstm_import_options asked = {.forget_bias = (double)NAN,
                                                  .steps = steps[k].asked};
        struct lstm_source *source = open_case(steps[k].name);
        struct lstm_model *model;
        struct lstm_error error;
        assert_ok(lstm_source_model(source, &asked, &model, &error), &error);
        ck_assert_uint_eq(lstm_model_info(model)->steps, steps[k].steps);
        lstm_model_destroy(model);
        lstm_source_destroy(source);
    }
}
END_TEST

/* ---- Damage -----------------------------------------------------------------------------------
 */

static const char *const damaged[] = {"classifier", "branch",        "typed",
                                      "embedding",  "torch_lstm_11", "lstm_peepholes"};

/* Whatever becomes of these bytes, an error has a sentence. */
static enum lstm_status try_bytes(const char *bytes, size_t n)
{
    const struct lstm_source_file file = {"model.onnx", bytes, n};
    struct lstm_source *source = NULL;
    struct lstm_model *model = NULL;
    struct lstm_error error = {.text = ""};
    enum lstm_status status = lstm_source_parse(&file, 1, "onnx", &source, &error);
    if (status == LSTM_OK)
        status = lstm_source_model(source, NULL, &model, &error);
    ck_assert(status == LSTM_OK || (model == NULL && error.text[0] != '\0'));
    lstm_model_destroy(model);
    lstm_source_destroy(source);
    return status;
}

/* What follows the graph is the operator set alone: without it the oldest one holds. */
START_TEST(test_file_cut_within_its_graph_is_refused)
{
    enum { OPERATOR_SET_BYTES = 16 };
    char path[128];
    size_t n;
    case_path(path, damaged[_i]);
    char *bytes = temp_file_read(path, &n);
    for (size_t cut = 0; cut < n; cut++) {
        char *part = malloc(cut + 1); /* so that sanitizers see where it ends */
        memcpy(part, bytes, cut);
        const enum lstm_status status = try_bytes(part, cut);
        ck_assert_msg(status != LSTM_OK || cut + OPERATOR_SET_BYTES > n,
                      "%zu of %zu bytes are taken", cut, n);
        free(part);
    }
    free(bytes);
}
END_TEST

START_TEST(test_file_with_a_changed_byte_crashes_nothing)
{
    static const unsigned char flips[] = {0x01, 0x10, 0x80, 0xff};
    char path[128];
    size_t n;
    case_path(path, damaged[_i]);
    char *bytes = temp_file_read(path, &n);
    for (size_t k = 0; k < n; k++)
        for (size_t i = 0; i < sizeof flips; i++) {
            bytes[k] = (char)(bytes[k] ^ (char)flips[i]);
            (void)try_bytes(bytes, n);
            bytes[k] = (char)(bytes[k] ^ (char)flips[i]);
        }
    free(bytes);
}
END_TEST

Suite *suite_onnx(void)
{
    Suite *suite = suite_create("onnx");
    TCase *goldens = tcase_create("goldens"), *damage = tcase_create("damage");
    suite_add_tcase(suite, goldens);
    suite_add_tcase(suite, damage);
    tcase_add_loop_test(goldens, test_graph_becomes_a_model_that_computes_the_same, 0,
                        N_CASES(cases));
    tcase_add_loop_test(goldens, test_graph_that_cannot_be_served_is_refused_by_name, 0,
                        N_CASES(refused));
    tcase_add_loop_test(goldens, test_what_a_request_brings_is_noted, 0, N_CASES(notes));
    tcase_add_test(goldens, test_steps_are_those_that_the_graph_fixes);
    tcase_set_timeout(damage, 120);
    tcase_add_loop_test(damage, test_file_cut_within_its_graph_is_refused, 0, N_CASES(damaged));
    tcase_add_loop_test(damage, test_file_with_a_changed_byte_crashes_nothing, 0, N_CASES(damaged));
    return suite;
}
