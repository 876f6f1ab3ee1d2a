/* test_lstm_variants.c: LSTMCell with peepholes, projection, clips and other activations against
 * the oracle. SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/assert_tensor.h"
#include "tests/support/batch.h"
#include "tests/support/cases.h"
#include "tests/support/model_builder.h"

Suite *suite_lstm_variants(void);

#define CELL(...)                                                                                  \
    {                                                                                              \
        .kind = REFERENCE_LSTM, .name = "rnn/lstm_cell", .forget_bias = 1, __VA_ARGS__             \
    }
#define ALL .use_peepholes = true, .cell_clip = 0.4, .proj_clip = 0.2

static const struct reference_layer cells[] = {
    CELL(.units = 9, .use_peepholes = true),
    CELL(.units = 9, .num_proj = 4),
    CELL(.units = 4, .num_proj = 9),
    CELL(.units = 17, .num_proj = 1),
    CELL(.units = 9, .num_proj = 4, .proj_clip = 0.05),
    CELL(.units = 9, .cell_clip = 0.25),
    CELL(.units = 9, .use_peepholes = true, .cell_clip = 0.25),
    CELL(.units = 9, .recurrent_activation = "hard_sigmoid"),
    CELL(.units = 9, .recurrent_activation = "hard_sigmoid_keras3", .activation = "softsign"),
    CELL(.units = 9, .recurrent_activation = "tanh", .activation = "relu"),
    CELL(.units = 9, .num_proj = 5, .recurrent_activation = "softsign", ALL),
};
enum { N_CELLS = N_CASES(cells) };

static struct reference_network network_of(const struct reference_layer *cell)
{
    struct reference_network network = {.features = 3, .n_layers = 1, .layers = {*cell}};
    reference_init(&network, 31);
    return network;
}

START_TEST(test_lstm_variant_computes_what_the_oracle_computes)
{
    struct reference_network network = network_of(&cells[_i]);
    batch_check(&network, 4, (const size_t[]){5, 5, 5, 5}, false, 32);
    reference_release(&network);
}
END_TEST

START_TEST(test_lstm_variant_of_masked_sequences_computes_what_the_oracle_computes)
{
    struct reference_network network = network_of(&cells[_i]);
    batch_check(&network, 6, (const size_t[]){2, 0, 5, 1, 5, 3}, true, 33);
    reference_release(&network);
}
END_TEST

static const size_t unit_cases[] = {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 64, 100};

START_TEST(test_lstm_variant_of_any_width_computes_what_the_oracle_computes)
{
    const struct reference_layer cell = CELL(.units = unit_cases[_i], .num_proj = 6, ALL);
    struct reference_network network = network_of(&cell);
    batch_check(&network, 3, (const size_t[]){4, 2, 3}, true, 34);
    reference_release(&network);
}
END_TEST

START_TEST(test_lstm_variant_with_a_projection_of_any_width_computes_what_the_oracle_computes)
{
    const struct reference_layer cell = CELL(.units = 6, .num_proj = unit_cases[_i], ALL);
    struct reference_network network = network_of(&cell);
    batch_check(&network, 3, (const size_t[]){4, 2, 3}, true, 35);
    reference_release(&network);
}
END_TEST

/* More sequences than a slice of the runner, more steps than it takes at once. */
START_TEST(test_lstm_variant_does_not_depend_on_how_the_runner_cuts_the_batch)
{
    struct reference_network network = network_of(&cells[N_CELLS - 1]);
    batch_check_cuts(&network, 40, 11, 36);
    reference_release(&network);
}
END_TEST

/* A projected cell below and above others: the widths between them are its projection's. */
START_TEST(test_lstm_variants_stack_with_other_layers)
{
    struct reference_network network = {
        .features = 3,
        .n_layers = 5,
        .layers = {{.kind = REFERENCE_DENSE, .name = "in", .units = 5, .activation = "softplus"},
                   CELL(.units = 7, .num_proj = 2, .return_sequences = true, ALL),
                   {.kind = REFERENCE_GRU, .name = "gru", .units = 4, .return_sequences = true},
                   {.kind = REFERENCE_LSTM,
                    .name = "top",
                    .units = 3,
                    .num_proj = 8,
                    .use_peepholes = true},
                   {.kind = REFERENCE_DENSE, .name = "out", .units = 2, .activation = "selu"}},
    };
    reference_init(&network, 38);
    batch_check(&network, 4, (const size_t[]){4, 0, 2, 6}, true, 39);
    reference_release(&network);
}
END_TEST

START_TEST(test_lstm_with_a_projection_tells_the_sizes_of_c_and_h)
{
    struct reference_network network = network_of(&cells[1]);
    struct lstm_model *model = build_model(&network, NULL);
    const struct lstm_model_info *info = lstm_model_info(model);
    const struct lstm_state_info *state = lstm_model_state(model, 0);
    ck_assert_uint_eq(state->units, 9);
    ck_assert_uint_eq(state->h_units, 4);
    ck_assert_uint_eq(state->h_offset - state->c_offset, 9);
    ck_assert_uint_eq(info->state_size, 13);
    ck_assert_uint_eq(info->rnn_output_size, 4);
    ck_assert_uint_eq(info->output_size, 4);
    ck_assert_uint_eq(info->gates_size, 36);
    const struct lstm_tensor kernel = lstm_model_tensor(model, 0);
    ck_assert_uint_eq(kernel.shape[0], 3 + 4);
    ck_assert_uint_eq(kernel.shape[1], 36);
    const size_t k = find_tensor(model, "rnn/lstm_cell/projection/kernel");
    ck_assert_uint_eq(lstm_model_tensor(model, k).shape[0], 9);
    ck_assert_uint_eq(lstm_model_tensor(model, k).shape[1], 4);
    lstm_model_destroy(model);
    reference_release(&network);
}
END_TEST

/* state_is_tuple: c [B, U], then h [B, num_proj]. */
START_TEST(test_dynamic_rnn_with_a_projection_takes_and_gives_tuples_of_two_widths)
{
    enum { B = 2, U = 9, H = 4, T = 3 };
    struct reference_network network = network_of(&cells[1]);
    struct lstm_model *model = build_model(&network, NULL);
    struct lstm_runner *runner = create_runner(model, B, 0);
    struct batch batch;
    batch_init(&batch, &network, B, (const size_t[]){T, T}, true, 40);
    batch_run(&batch, runner, model);
    float inputs[B * T * 3], initial[B * (U + H)], outputs[B * T * H], final[B * (U + H)];
    for (size_t b = 0; b < B; b++) {
        const struct lstm_sequence *sequence = &batch.sequences[b];
        memcpy(inputs + b * T * 3, sequence->input, T * 3 * sizeof *inputs);
        memcpy(initial + b * U, sequence->initial_state, U * sizeof *initial);
        memcpy(initial + B * U + b * H, sequence->initial_state + U, H * sizeof *initial);
    }
    const struct lstm_dynamic_rnn_args args = {.batch = B,
                                               .time = T,
                                               .inputs = inputs,
                                               .initial_state = initial,
                                               .state_is_tuple = true,
                                               .outputs = outputs,
                                               .final_state = final};
    struct lstm_error error;
    assert_ok(lstm_dynamic_rnn(runner, model, &args, &error), &error);
    for (size_t b = 0; b < B; b++) {
        const struct lstm_sequence *sequence = &batch.sequences[b];
        assert_tensor_float("outputs", outputs + b * T * H, sequence->rnn_output, T * H, 0, 0);
        assert_tensor_float("c", final + b * U, sequence->final_state, U, 0, 0);
        assert_tensor_float("h", final + B * U + b * H, sequence->final_state + U, H, 0, 0);
    }
    batch_release(&batch);
    lstm_runner_destroy(runner);
    lstm_model_destroy(model);
    reference_release(&network);
}
END_TEST

/* With inputs this large every bound is reached. */
START_TEST(test_lstm_clips_bound_c_and_the_projection)
{
    const struct reference_layer cell =
        CELL(.units = 5, .num_proj = 5, .cell_clip = 0.4, .proj_clip = 0.1);
    struct reference_network network = network_of(&cell);
    struct lstm_model *model = build_model(&network, NULL);
    struct lstm_runner *runner = create_runner(model, 1, 0);
    float input[30], trace[10 * 10];
    for (size_t k = 0; k < 30; k++)
        input[k] = k % 2 ? 50 : 60;
    struct lstm_sequence sequence = {.input = input, .steps = 10, .state_trace = trace};
    struct lstm_error error;
    assert_ok(lstm_runner_run(runner, model, &sequence, 1, &error), &error);
    float largest[2] = {0, 0};
    for (size_t k = 0; k < 100; k++)
        largest[k % 10 / 5] = fmaxf(largest[k % 10 / 5], fabsf(trace[k]));
    ck_assert_msg(largest[0] == 0.4F, "c goes up to %.9g", (double)largest[0]);
    ck_assert_msg(largest[1] == 0.1F, "h goes up to %.9g", (double)largest[1]);
    lstm_runner_destroy(runner);
    lstm_model_destroy(model);
    reference_release(&network);
}
END_TEST

/* Peepholes of zeros, a clip that nothing reaches: the variants' loops must agree with those of
 * BasicLSTMCell, whose results they would otherwise only share by luck. */
START_TEST(test_lstm_variant_that_changes_nothing_is_a_basic_lstm_cell)
{
    const struct reference_layer basic = CELL(.units = 19),
                                 clipped = CELL(.units = 19, .cell_clip = 1e6);
    struct reference_network a = network_of(&basic), b = network_of(&clipped);
    struct lstm_model *basic_model = build_model(&a, NULL), *clipped_model = build_model(&b, NULL);
    ck_assert(!lstm_model_same_architecture(basic_model, clipped_model));
    struct lstm_runner *one = create_runner(basic_model, 5, 0);
    struct lstm_runner *two = create_runner(clipped_model, 5, 0);
    const size_t lengths[] = {7, 3, 0, 7, 1};
    struct batch want, got;
    batch_init(&want, &a, 5, lengths, true, 41);
    batch_init(&got, &b, 5, lengths, true, 41);
    batch_run(&want, one, basic_model);
    batch_run(&got, two, clipped_model);
    batch_compare_runs(&got, &want, basic_model, 1e-6);
    batch_release(&want);
    batch_release(&got);
    lstm_runner_destroy(one);
    lstm_runner_destroy(two);
    lstm_model_destroy(basic_model);
    lstm_model_destroy(clipped_model);
    reference_release(&a);
    reference_release(&b);
}
END_TEST

Suite *suite_lstm_variants(void)
{
    Suite *suite = suite_create("lstm_variants");
    TCase *tcase = tcase_create("variants");
    suite_add_tcase(suite, tcase);
    tcase_add_loop_test(tcase, test_lstm_variant_computes_what_the_oracle_computes, 0, N_CELLS);
    tcase_add_loop_test(
        tcase, test_lstm_variant_of_masked_sequences_computes_what_the_oracle_computes, 0, N_CELLS);
    tcase_add_loop_test(tcase, test_lstm_variant_of_any_width_computes_what_the_oracle_computes, 0,
                        N_CASES(unit_cases));
    tcase_add_loop_test(
        tcase, test_lstm_variant_with_a_projection_of_any_width_computes_what_the_oracle_computes,
        0, N_CASES(unit_cases));
    tcase_add_test(tcase, test_lstm_variant_does_not_depend_on_how_the_runner_cuts_the_batch);
    tcase_add_test(tcase, test_lstm_variants_stack_with_other_layers);
    tcase_add_test(tcase, test_lstm_with_a_projection_tells_the_sizes_of_c_and_h);
    tcase_add_test(tcase, test_dynamic_rnn_with_a_projection_takes_and_gives_tuples_of_two_widths);
    tcase_add_test(tcase, test_lstm_clips_bound_c_and_the_projection);
    tcase_add_test(tcase, test_lstm_variant_that_changes_nothing_is_a_basic_lstm_cell);
    return suite;
}
