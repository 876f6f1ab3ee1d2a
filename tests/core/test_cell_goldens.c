/* test_cell_goldens.c: the numbers of PyTorch for cells beyond BasicLSTMCell and GRUCell
 * (tests/data/golden/cell_golden.json). SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/assert_tensor.h"
#include "tests/support/cases.h"
#include "tests/support/golden.h"
#include "tests/support/model_builder.h"

Suite *suite_cell_goldens(void);

enum { BATCH = 3, TIME = 4, FEATURES = 3, UNITS = 4, MAX_VALUES = 256 };

static const size_t lengths[BATCH] = {4, 2, 3};

static const char *const case_names[] = {"torch_lstm_proj_size", "torch_gru", "peepholes",
                                         "everything"};

/* One case of the file: its network with its weights, and what it was asked. Release it. */
struct golden_cell {
    json_t *root;
    const json_t *values;
    struct reference_network network;
    float x[BATCH * TIME * FEATURES], initial[MAX_VALUES], targets[MAX_VALUES];
    struct lstm_sequence sequences[BATCH];
};

static double number_or_zero(const json_t *layer, const char *key)
{
    return json_number_value(json_object_get(layer, key)); /* 0 if there is none */
}

static struct reference_network read_network(const json_t *values)
{
    const json_t *layer = golden_at(values, "layer");
    const bool lstm = strcmp(json_string_value(golden_at(layer, "type")), "lstm") == 0;
    struct reference_network network = {
        .features = FEATURES,
        .n_layers = 1,
        .layers = {{.kind = lstm ? REFERENCE_LSTM : REFERENCE_GRU,
                    .name = "cell",
                    .units = UNITS,
                    .forget_bias = number_or_zero(layer, "forget_bias"),
                    .use_peepholes = json_is_true(json_object_get(layer, "use_peepholes")),
                    .num_proj = (size_t)number_or_zero(layer, "num_proj"),
                    .cell_clip = number_or_zero(layer, "cell_clip"),
                    .proj_clip = number_or_zero(layer, "proj_clip"),
                    .reset_after = json_is_true(json_object_get(layer, "reset_after"))}},
    };
    reference_init(&network, 1);
    for (size_t t = 0; t < network.layers[0].n_tensors; t++) {
        struct reference_tensor *tensor = &network.layers[0].tensors[t];
        const json_t *array = json_object_get(golden_at(values, "tensors"), tensor->suffix);
        golden_values(array, "", tensor->data, tensor->n);
    }
    return network;
}

static void golden_cell_init(struct golden_cell *cell, const char *name)
{
    size_t k = 0;
    cell->root = golden_load("cell_golden.json");
    const json_t *cases = golden_at(cell->root, "cases");
    while (strcmp(json_string_value(golden_at(json_array_get(cases, k), "name")), name) != 0)
        k++;
    cell->values = json_array_get(cases, k);
    cell->network = read_network(cell->values);
    const size_t state_size = cell->network.state_size;
    golden_floats(cell->values, "x", cell->x, BATCH * TIME * FEATURES);
    golden_floats(cell->values, "initial_state", cell->initial, BATCH * state_size);
    golden_floats(cell->values, "targets", cell->targets, BATCH * cell->network.output_size);
    for (size_t b = 0; b < BATCH; b++)
        cell->sequences[b] =
            (struct lstm_sequence){.input = cell->x + b * TIME * FEATURES,
                                   .steps = lengths[b],
                                   .initial_state = cell->initial + b * state_size};
}

static void golden_cell_release(struct golden_cell *cell)
{
    reference_release(&cell->network);
    json_decref(cell->root);
}

START_TEST(test_cell_variant_gives_the_outputs_and_states_of_pytorch)
{
    struct golden_cell cell;
    golden_cell_init(&cell, case_names[_i]);
    struct lstm_model *model = build_model(&cell.network, NULL);
    struct lstm_runner *runner = create_runner(model, BATCH, 0);
    const size_t state_size = cell.network.state_size, outputs = cell.network.output_size;
    float got[BATCH * TIME * UNITS], state[BATCH * 2 * UNITS];
    double want[BATCH * TIME * UNITS], want_state[BATCH * 2 * UNITS];
    const int32_t sequence_length[] = {4, 2, 3};
    const struct lstm_dynamic_rnn_args args = {.batch = BATCH,
                                               .time = TIME,
                                               .inputs = cell.x,
                                               .sequence_length = sequence_length,
                                               .initial_state = cell.initial,
                                               .outputs = got,
                                               .final_state = state};
    struct lstm_error error;
    assert_ok(lstm_dynamic_rnn(runner, model, &args, &error), &error);
    golden_values(cell.values, "outputs", want, BATCH * TIME * outputs);
    golden_values(cell.values, "final_state", want_state, BATCH * state_size);
    assert_tensor("outputs", got, want, BATCH * TIME * outputs, 1e-6, 0);
    assert_tensor("final_state", state, want_state, BATCH * state_size, 1e-6, 0);
    lstm_runner_destroy(runner);
    lstm_model_destroy(model);
    golden_cell_release(&cell);
}
END_TEST

START_TEST(test_cell_variant_gives_the_gradients_of_pytorch)
{
    struct golden_cell cell;
    golden_cell_init(&cell, case_names[_i]);
    const struct build_options options = {.training = "{\"loss\":\"mean_squared_error\"}"};
    struct lstm_model *model = build_model(&cell.network, &options);
    struct lstm_trainer *trainer = NULL;
    const struct lstm_examples examples = {
        .sequences = cell.sequences, .targets = cell.targets, .n = BATCH};
    struct lstm_training_result result;
    struct lstm_error error;
    assert_ok(lstm_trainer_create(model, NULL, &trainer, &error), &error);
    assert_ok(lstm_trainer_gradients(trainer, &examples, &result, &error), &error);
    ck_assert_double_eq_tol(result.loss, golden_number(cell.values, "loss"), 1e-6);
    const struct reference_layer *layer = &cell.network.layers[0];
    for (size_t t = 0; t < layer->n_tensors; t++) {
        char name[96];
        double want[MAX_VALUES];
        const struct reference_tensor *tensor = &layer->tensors[t];
        snprintf(name, sizeof name, "cell/%s", tensor->suffix);
        golden_values(json_object_get(golden_at(cell.values, "gradients"), tensor->suffix), "",
                      want, tensor->n);
        assert_tensor(name, lstm_trainer_gradient(trainer, find_tensor(model, name)), want,
                      tensor->n, 1e-6, 1e-5);
    }
    lstm_trainer_destroy(trainer);
    lstm_model_destroy(model);
    golden_cell_release(&cell);
}
END_TEST

/* ONNX's node test lstm_with_peepholes (onnx 1.12): every weight 0.1, no bias. Its gate o sees the
 * new c, as ours. */
START_TEST(test_cell_with_peepholes_gives_the_numbers_of_onnx)
{
    struct lstm_model *model = create_model(
        "{\"format\":\"lstmd-model-1\",\"input\":{\"features\":4},\"layers\":[{\"type\":\"lstm\","
        "\"units\":3,\"forget_bias\":0,\"use_peepholes\":true,"
        "\"kernel_initializer\":{\"type\":\"constant\",\"value\":0.1}}]}",
        1);
    struct lstm_runner *runner = create_runner(model, 2, 0);
    const float x[] = {1, 2, 3, 4, 5, 6, 7, 8};
    const double want[] = {0.3750691, 0.3750691, 0.3750691, 0.6801309, 0.6801309, 0.6801309};
    float h[6];
    const struct lstm_dynamic_rnn_args args = {.batch = 2, .time = 1, .inputs = x, .outputs = h};
    struct lstm_error error;
    assert_ok(lstm_dynamic_rnn(runner, model, &args, &error), &error);
    assert_tensor("h", h, want, 6, 1e-6, 0);
    lstm_runner_destroy(runner);
    lstm_model_destroy(model);
}
END_TEST

Suite *suite_cell_goldens(void)
{
    Suite *suite = suite_create("cell_goldens");
    TCase *cells = tcase_create("cells");
    suite_add_tcase(suite, cells);
    tcase_add_loop_test(cells, test_cell_variant_gives_the_outputs_and_states_of_pytorch, 0,
                        N_CASES(case_names));
    tcase_add_loop_test(cells, test_cell_variant_gives_the_gradients_of_pytorch, 0,
                        N_CASES(case_names));
    tcase_add_test(cells, test_cell_with_peepholes_gives_the_numbers_of_onnx);
    return suite;
}
