/* test_gru_cell.c: one GRUCell against the oracle and TensorFlow's own test constants.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/activation.h"
#include "tests/support/assert_tensor.h"
#include "tests/support/batch.h"
#include "tests/support/cases.h"
#include "tests/support/model_builder.h"

Suite *suite_gru_cell(void);

static struct reference_network gru_network(size_t features, size_t units, const char *activation)
{
    struct reference_network network = {
        .features = features,
        .n_layers = 1,
        .layers = {{.kind = REFERENCE_GRU,
                    .name = "rnn/gru_cell",
                    .units = units,
                    .activation = activation}},
    };
    reference_init(&network, 12 + units);
    return network;
}

static const size_t unit_cases[] = {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 64, 100};

START_TEST(test_gru_cell_of_any_width_computes_what_the_oracle_computes)
{
    struct reference_network network = gru_network(3, unit_cases[_i], "tanh");
    batch_check(&network, 4, (const size_t[]){4, 1, 0, 3}, true, 15);
    reference_release(&network);
}
END_TEST

static const size_t feature_cases[] = {1, 2, 7, 16, 28, 130};

START_TEST(test_gru_cell_of_any_input_depth_computes_what_the_oracle_computes)
{
    struct reference_network network = gru_network(feature_cases[_i], 6, "tanh");
    batch_check(&network, 2, (const size_t[]){3, 5}, false, 16);
    reference_release(&network);
}
END_TEST

START_TEST(test_gru_cell_applies_its_activation_to_the_candidate)
{
    struct reference_network network = gru_network(4, 9, activation_names[_i]);
    batch_check(&network, 2, (const size_t[]){3, 2}, true, 17);
    reference_release(&network);
}
END_TEST

/* h' = u h + (1 - u) candidate: an update gate that is fully open keeps the state for ever. */
START_TEST(test_gru_cell_with_its_update_gate_open_keeps_the_state)
{
    struct reference_network network = gru_network(2, 3, "tanh");
    struct reference_tensor *bias = &network.layers[0].tensors[1];
    for (size_t u = 0; u < 3; u++)
        bias->data[3 + u] = 100;
    struct lstm_model *model = build_model(&network, NULL);
    struct lstm_runner *runner = create_runner(model, 1, 0);
    struct batch batch;
    batch_init(&batch, &network, 1, (const size_t[]){7}, true, 18);
    batch_run(&batch, runner, model);
    const struct lstm_sequence *sequence = &batch.sequences[0];
    assert_tensor_float("h", sequence->final_state, sequence->initial_state, 3, 1e-6, 0);
    batch_release(&batch);
    lstm_runner_destroy(runner);
    lstm_model_destroy(model);
    reference_release(&network);
}
END_TEST

/* TensorFlow's own tests: kernels 0.5, gates bias 1 and candidate bias 0 by default. */
static const struct {
    const char *json;
    size_t features, state_size;
    double want[4];
} constant_cases[] = {
    {"{\"format\":\"lstmd-model-1\",\"input\":{\"features\":2},\"layers\":[{\"type\":\"gru\","
     "\"name\":\"cell\",\"units\":2,"
     "\"kernel_initializer\":{\"type\":\"constant\",\"value\":0.5}}]}",
     2,
     2,
     {0.175991, 0.175991}},
    {"{\"format\":\"lstmd-model-1\",\"input\":{\"features\":3},\"layers\":[{\"type\":\"gru\","
     "\"name\":\"cell\",\"units\":2,"
     "\"kernel_initializer\":{\"type\":\"constant\",\"value\":0.5}}]}",
     3,
     2,
     {0.156736, 0.156736}},
    {"{\"format\":\"lstmd-model-1\",\"input\":{\"features\":2},\"layers\":[{\"type\":\"gru\","
     "\"name\":\"cell_0\",\"units\":2,\"return_sequences\":true,"
     "\"kernel_initializer\":{\"type\":\"constant\",\"value\":0.5}},{\"type\":\"gru\","
     "\"name\":\"cell_1\",\"units\":2,"
     "\"kernel_initializer\":{\"type\":\"constant\",\"value\":0.5}}]}",
     2,
     4,
     {0.175991, 0.175991, 0.13248, 0.13248}},
};

START_TEST(test_gru_cell_gives_the_constants_of_tensorflows_tests)
{
    struct lstm_model *model = create_model(constant_cases[_i].json, 1);
    ck_assert_uint_eq(lstm_model_info(model)->state_size, constant_cases[_i].state_size);
    struct lstm_runner *runner = create_runner(model, 1, 0);
    const float input[] = {1, 1, 1}, state[] = {0.1F, 0.1F, 0.1F, 0.1F};
    float final[4];
    struct lstm_sequence sequence = {
        .input = input, .steps = 1, .initial_state = state, .final_state = final};
    struct lstm_error error;
    assert_ok(lstm_runner_run(runner, model, &sequence, 1, &error), &error);
    assert_tensor("h", final, constant_cases[_i].want, constant_cases[_i].state_size, 2e-6, 0);
    lstm_runner_destroy(runner);
    lstm_model_destroy(model);
}
END_TEST

START_TEST(test_gru_cell_with_saturated_gates_stays_finite)
{
    struct reference_network network = gru_network(2, 17, "tanh");
    for (size_t t = 0; t < network.layers[0].n_tensors; t++)
        for (size_t k = 0; k < network.layers[0].tensors[t].n; k++)
            network.layers[0].tensors[t].data[k] *= 1e4;
    batch_check(&network, 2, (const size_t[]){6, 6}, true, 19);
    reference_release(&network);
}
END_TEST

Suite *suite_gru_cell(void)
{
    Suite *suite = suite_create("gru_cell");
    TCase *cell = tcase_create("cell");
    suite_add_tcase(suite, cell);
    tcase_add_loop_test(cell, test_gru_cell_of_any_width_computes_what_the_oracle_computes, 0,
                        N_CASES(unit_cases));
    tcase_add_loop_test(cell, test_gru_cell_of_any_input_depth_computes_what_the_oracle_computes, 0,
                        N_CASES(feature_cases));
    tcase_add_loop_test(cell, test_gru_cell_applies_its_activation_to_the_candidate, 0,
                        ACTIVATION_SOFTMAX);
    tcase_add_test(cell, test_gru_cell_with_its_update_gate_open_keeps_the_state);
    tcase_add_loop_test(cell, test_gru_cell_gives_the_constants_of_tensorflows_tests, 0,
                        N_CASES(constant_cases));
    tcase_add_test(cell, test_gru_cell_with_saturated_gates_stays_finite);
    return suite;
}
