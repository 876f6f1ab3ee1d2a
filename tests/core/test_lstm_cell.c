/* test_lstm_cell.c: one BasicLSTMCell against the oracle and TensorFlow's own test constants.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "core/activation.h"
#include "tests/support/assert_tensor.h"
#include "tests/support/batch.h"
#include "tests/support/cases.h"
#include "tests/support/model_builder.h"

Suite *suite_lstm_cell(void);

static struct reference_network lstm_network(size_t features, size_t units, const char *activation,
                                             double forget_bias)
{
    struct reference_network network = {
        .features = features,
        .n_layers = 1,
        .layers = {{.kind = REFERENCE_LSTM,
                    .name = "rnn/basic_lstm_cell",
                    .units = units,
                    .activation = activation,
                    .forget_bias = forget_bias}},
    };
    reference_init(&network, 11 + units);
    return network;
}

/* Around the widths of every vector register, where a kernel's remainder loop begins. */
static const size_t unit_cases[] = {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 64, 100};

START_TEST(test_lstm_cell_of_any_width_computes_what_the_oracle_computes)
{
    struct reference_network network = lstm_network(3, unit_cases[_i], "tanh", 1.0);
    batch_check(&network, 3, (const size_t[]){4, 4, 4}, true, 5);
    reference_release(&network);
}
END_TEST

static const size_t feature_cases[] = {1, 2, 7, 16, 28, 130};

START_TEST(test_lstm_cell_of_any_input_depth_computes_what_the_oracle_computes)
{
    struct reference_network network = lstm_network(feature_cases[_i], 6, "tanh", 1.0);
    batch_check(&network, 2, (const size_t[]){3, 5}, true, 6);
    reference_release(&network);
}
END_TEST

START_TEST(test_lstm_cell_applies_its_activation_to_the_new_input_and_to_the_output)
{
    struct reference_network network = lstm_network(4, 9, activation_names[_i], 1.0);
    batch_check(&network, 2, (const size_t[]){3, 2}, true, 7);
    reference_release(&network);
}
END_TEST

static const double forget_bias_cases[] = {0.0, 1.0, -2.5, 0.3, 40.0};

START_TEST(test_lstm_cell_adds_the_forget_bias_to_the_forget_gate_alone)
{
    struct reference_network network = lstm_network(4, 9, "tanh", forget_bias_cases[_i]);
    batch_check(&network, 2, (const size_t[]){3, 2}, true, 8);
    reference_release(&network);
}
END_TEST

/* With kernels of zeros each gate is its bias alone, so the blocks' order shows by itself. */
START_TEST(test_lstm_cell_keeps_its_gates_in_the_order_i_j_f_o)
{
    struct reference_network network = lstm_network(1, 1, "tanh", 0.0);
    struct reference_tensor *kernel = &network.layers[0].tensors[0];
    struct reference_tensor *bias = &network.layers[0].tensors[1];
    for (size_t k = 0; k < kernel->n; k++)
        kernel->data[k] = 0;
    for (size_t k = 0; k < bias->n; k++)
        bias->data[k] = (double)k - 1.5;
    struct lstm_model *model = build_model(&network, NULL);
    struct lstm_runner *runner = create_runner(model, 1, 0);
    const float input[] = {0.25F}, state[] = {0.5F, 0.0F};
    float gates[4], final[2];
    struct lstm_sequence sequence = {.input = input,
                                     .steps = 1,
                                     .initial_state = state,
                                     .final_state = final,
                                     .gates_trace = gates};
    struct lstm_error error;
    assert_ok(lstm_runner_run(runner, model, &sequence, 1, &error), &error);
    const double i = 1 / (1 + exp(1.5)), j = tanh(-0.5), f = 1 / (1 + exp(-0.5)),
                 o = 1 / (1 + exp(-1.5)), c = 0.5 * f + i * j;
    assert_tensor("gates", gates, ((const double[]){i, j, f, o}), 4, 1e-6, 0);
    assert_tensor("c, h", final, ((const double[]){c, tanh(c) * o}), 2, 1e-6, 0);
    lstm_runner_destroy(runner);
    lstm_model_destroy(model);
    reference_release(&network);
}
END_TEST

/* The constants of TensorFlow's own test of the first of two cells: every weight 0.5, bias 0. */
START_TEST(test_lstm_cell_gives_the_constants_of_tensorflows_test)
{
    struct lstm_model *model =
        create_model("{\"format\":\"lstmd-model-1\",\"input\":{\"features\":2},\"layers\":["
                     "{\"type\":\"lstm\",\"name\":\"cell\",\"units\":2,"
                     "\"kernel_initializer\":{\"type\":\"constant\",\"value\":0.5}}]}",
                     1);
    struct lstm_runner *runner = create_runner(model, 1, 0);
    const float input[] = {1, 1}, state[] = {0.1F, 0.1F, 0.1F, 0.1F};
    float final[4];
    struct lstm_sequence sequence = {
        .input = input, .steps = 1, .initial_state = state, .final_state = final};
    struct lstm_error error;
    assert_ok(lstm_runner_run(runner, model, &sequence, 1, &error), &error);
    const double want[] = {0.68967271, 0.68967271, 0.44848421, 0.44848421};
    assert_tensor("c, h", final, want, 4, 1e-6, 0);
    lstm_runner_destroy(runner);
    lstm_model_destroy(model);
}
END_TEST

/* Gates far in saturation: exactly 0, 1 or -1, and never NaN. */
START_TEST(test_lstm_cell_with_saturated_gates_stays_finite)
{
    struct reference_network network = lstm_network(2, 17, "tanh", 1.0);
    for (size_t t = 0; t < network.layers[0].n_tensors; t++)
        for (size_t k = 0; k < network.layers[0].tensors[t].n; k++)
            network.layers[0].tensors[t].data[k] *= 1e4;
    batch_check(&network, 2, (const size_t[]){6, 6}, true, 9);
    reference_release(&network);
}
END_TEST

START_TEST(test_lstm_cell_over_many_steps_does_not_drift_from_the_oracle)
{
    struct reference_network network = lstm_network(2, 10, "tanh", 1.0);
    struct lstm_model *model = build_model(&network, NULL);
    struct lstm_runner *runner = create_runner(model, 1, 0);
    struct batch batch;
    batch_init(&batch, &network, 1, (const size_t[]){1000}, true, 10);
    batch_run(&batch, runner, model);
    struct reference_run run;
    reference_run(&network, &batch.sequences[0], &run);
    assert_tensor("final_state", batch.sequences[0].final_state, run.final_state, 20, 1e-5, 0);
    reference_run_release(&run);
    batch_release(&batch);
    lstm_runner_destroy(runner);
    lstm_model_destroy(model);
    reference_release(&network);
}
END_TEST

Suite *suite_lstm_cell(void)
{
    Suite *suite = suite_create("lstm_cell");
    TCase *cell = tcase_create("cell");
    suite_add_tcase(suite, cell);
    tcase_add_loop_test(cell, test_lstm_cell_of_any_width_computes_what_the_oracle_computes, 0,
                        N_CASES(unit_cases));
    tcase_add_loop_test(cell, test_lstm_cell_of_any_input_depth_computes_what_the_oracle_computes,
                        0, N_CASES(feature_cases));
    tcase_add_loop_test(cell,
                        test_lstm_cell_applies_its_activation_to_the_new_input_and_to_the_output, 0,
                        ACTIVATION_SOFTMAX);
    tcase_add_loop_test(cell, test_lstm_cell_adds_the_forget_bias_to_the_forget_gate_alone, 0,
                        N_CASES(forget_bias_cases));
    tcase_add_test(cell, test_lstm_cell_keeps_its_gates_in_the_order_i_j_f_o);
    tcase_add_test(cell, test_lstm_cell_gives_the_constants_of_tensorflows_test);
    tcase_add_test(cell, test_lstm_cell_with_saturated_gates_stays_finite);
    tcase_add_test(cell, test_lstm_cell_over_many_steps_does_not_drift_from_the_oracle);
    return suite;
}
