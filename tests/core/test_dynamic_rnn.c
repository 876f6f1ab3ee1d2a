/* test_dynamic_rnn.c: every argument of tf.nn.dynamic_rnn, as lstm_dynamic_rnn() takes them.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/assert_tensor.h"
#include "tests/support/cases.h"
#include "tests/support/fill.h"
#include "tests/support/model_builder.h"

Suite *suite_dynamic_rnn(void);

/* Large enough for every call of this file. */
enum { MAX_OUTPUTS = 50 * 9 * 7, MAX_STATE = 50 * 20 };

/* The worked example's sizes: inputs [3, 2, 4], 5 units. */
static const struct reference_network single = {
    .features = 4,
    .n_layers = 1,
    .layers =
        {{.kind = REFERENCE_LSTM, .name = "rnn/basic_lstm_cell", .units = 5, .forget_bias = 1}},
};

static const struct reference_network stack = {
    .features = 4,
    .n_layers = 4,
    .layers = {{.kind = REFERENCE_LSTM,
                .name = "rnn/0",
                .units = 3,
                .forget_bias = 1,
                .return_sequences = true},
               {.kind = REFERENCE_GRU, .name = "rnn/1", .units = 6, .return_sequences = true},
               {.kind = REFERENCE_LSTM, .name = "rnn/2", .units = 4, .forget_bias = 0},
               {.kind = REFERENCE_DENSE, .name = "out", .units = 2}},
};

/* What every test of this file starts from. */
struct fixture {
    struct reference_network network;
    struct lstm_model *model;
    struct lstm_runner *runner;
    struct lstm_error error;
    float outputs[MAX_OUTPUTS], state[MAX_STATE];
};

static struct fixture *fixture_create(const struct reference_network *network, size_t max_batch)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    ck_assert_ptr_nonnull(fixture);
    fixture->network = *network;
    reference_init(&fixture->network, 31);
    fixture->model = build_model(&fixture->network, NULL);
    fixture->runner = create_runner(fixture->model, max_batch, 0);
    for (size_t k = 0; k < MAX_OUTPUTS; k++)
        fixture->outputs[k] = NAN;
    return fixture;
}

static void fixture_destroy(struct fixture *fixture)
{
    lstm_runner_destroy(fixture->runner);
    lstm_model_destroy(fixture->model);
    reference_release(&fixture->network);
    free(fixture);
}

static void run(struct fixture *fixture, struct lstm_dynamic_rnn_args args)
{
    args.outputs = fixture->outputs;
    args.final_state = fixture->state;
    assert_ok(lstm_dynamic_rnn(fixture->runner, fixture->model, &args, &fixture->error),
              &fixture->error);
}

/* Row b of the oracle: outputs past the length must be zero, the state must be copied through. */
static void compare_row(const struct fixture *fixture, const struct lstm_dynamic_rnn_args *args,
                        size_t b, const float *flat_initial_state)
{
    const struct reference_network *network = &fixture->network;
    size_t units = network->rnn_units;
    struct lstm_sequence sequence = {
        .input = args->inputs + b * args->time * network->features,
        .steps = args->sequence_length ? (size_t)args->sequence_length[b] : args->time,
        .initial_state = flat_initial_state,
    };
    struct reference_run want;
    reference_run(network, &sequence, &want);
    const float *outputs = fixture->outputs + b * args->time * units;
    assert_tensor("outputs", outputs, want.rnn_output, sequence.steps * units, 2e-6, 1e-5);
    for (size_t k = sequence.steps * units; k < args->time * units; k++)
        ck_assert_msg(outputs[k] == 0, "row %zu: outputs[%zu] past the length is %g", b, k,
                      (double)outputs[k]);
    assert_tensor("state", fixture->state + b * network->state_size, want.final_state,
                  network->state_size, 2e-6, 1e-5);
    reference_run_release(&want);
}

START_TEST(test_dynamic_rnn_worked_example_has_the_last_output_equal_to_h)
{
    struct fixture *fixture = fixture_create(&single, 0);
    float *inputs = fill_new(24, 32, 1);
    run(fixture, (struct lstm_dynamic_rnn_args){
                     .batch = 3, .time = 2, .inputs = inputs, .state_is_tuple = true});
    for (size_t b = 0; b < 3; b++)
        assert_tensor_identical("h", fixture->state + 15 + b * 5, fixture->outputs + b * 10 + 5, 5);
    free(inputs);
    fixture_destroy(fixture);
}
END_TEST

/* Lengths of a batch of 7 in 6 steps; the last row of the table is "no sequence_length". */
static const int32_t length_cases[][7] = {
    {6, 6, 6, 6, 6, 6, 6}, {0, 1, 2, 3, 4, 5, 6}, {6, 0, 3, 0, 1, 0, 6},
    {0, 0, 0, 0, 0, 0, 0}, {1, 1, 1, 1, 1, 1, 1}, {-1, 0, 0, 0, 0, 0, 0},
};

static const struct reference_network *const network_cases[] = {&single, &stack};

START_TEST(test_dynamic_rnn_masks_each_row_by_its_sequence_length)
{
    const int32_t *lengths = length_cases[_i % N_CASES(length_cases)];
    struct fixture *fixture = fixture_create(network_cases[_i / N_CASES(length_cases)], 0);
    size_t state_size = fixture->network.state_size;
    float *inputs = fill_new(7 * 6 * 4, 33, 1), *initial = fill_new(7 * state_size, 34, 0.7);
    struct lstm_dynamic_rnn_args args = {.batch = 7,
                                         .time = 6,
                                         .inputs = inputs,
                                         .sequence_length = lengths[0] < 0 ? NULL : lengths,
                                         .initial_state = initial};
    run(fixture, args);
    for (size_t b = 0; b < 7; b++)
        compare_row(fixture, &args, b, initial + b * state_size);
    free(inputs);
    free(initial);
    fixture_destroy(fixture);
}
END_TEST

START_TEST(test_dynamic_rnn_without_initial_state_starts_from_zeros)
{
    struct fixture *fixture = fixture_create(network_cases[_i], 0);
    float *inputs = fill_new(7 * 6 * 4, 35, 1);
    struct lstm_dynamic_rnn_args args = {
        .batch = 7, .time = 6, .inputs = inputs, .sequence_length = length_cases[1]};
    run(fixture, args);
    for (size_t b = 0; b < 7; b++)
        compare_row(fixture, &args, b, NULL);
    free(inputs);
    fixture_destroy(fixture);
}
END_TEST

static const struct {
    int32_t length;
    const char *words;
} bad_length_cases[] = {
    {7, "7"}, {-1, "-1"}, {INT32_MAX, "2147483647"}, {INT32_MIN, "-2147483648"}};

START_TEST(test_dynamic_rnn_with_a_length_outside_0_to_t_is_refused)
{
    struct fixture *fixture = fixture_create(&single, 0);
    float *inputs = fill_new(3 * 6 * 4, 36, 1);
    const int32_t lengths[] = {6, bad_length_cases[_i].length, 0};
    struct lstm_dynamic_rnn_args args = {.batch = 3,
                                         .time = 6,
                                         .inputs = inputs,
                                         .sequence_length = lengths,
                                         .outputs = fixture->outputs};
    assert_failure(lstm_dynamic_rnn(fixture->runner, fixture->model, &args, &fixture->error),
                   LSTM_INVALID, &fixture->error, bad_length_cases[_i].words);
    ck_assert_ptr_nonnull(strstr(fixture->error.text, "sequence_length"));
    free(inputs);
    fixture_destroy(fixture);
}
END_TEST

/* [B, state_size] rows into, for each layer, c [B, U] and h [B, U]; or back. */
static void regroup(const struct lstm_model *model, size_t batch, float *rows, float *tuple,
                    bool to_tuple)
{
    size_t state_size = lstm_model_info(model)->state_size;
    for (size_t k = 0; k < lstm_model_info(model)->n_recurrent; k++) {
        const struct lstm_state_info *info = lstm_model_state(model, k);
        const size_t offsets[] = {info->c_offset, info->h_offset};
        for (size_t part = info->has_c ? 0 : 1; part < 2; part++) {
            for (size_t b = 0; b < batch; b++, tuple += info->units) {
                float *row = rows + b * state_size + offsets[part];
                memcpy(to_tuple ? tuple : row, to_tuple ? row : tuple, info->units * sizeof *row);
            }
        }
    }
}

START_TEST(test_dynamic_rnn_with_a_tuple_state_groups_it_by_layer_c_then_h)
{
    struct fixture *fixture = fixture_create(network_cases[_i], 3);
    size_t state_size = fixture->network.state_size;
    float *inputs = fill_new(7 * 6 * 4, 37, 1), *rows = fill_new(7 * state_size, 38, 0.7);
    float *tuple = fill_new(7 * state_size, 39, 0);
    regroup(fixture->model, 7, rows, tuple, true);
    struct lstm_dynamic_rnn_args args = {.batch = 7,
                                         .time = 6,
                                         .inputs = inputs,
                                         .sequence_length = length_cases[1],
                                         .initial_state = tuple,
                                         .state_is_tuple = true};
    run(fixture, args);
    memcpy(tuple, fixture->state, 7 * state_size * sizeof *tuple);
    regroup(fixture->model, 7, fixture->state, tuple, false);
    for (size_t b = 0; b < 7; b++)
        compare_row(fixture, &args, b, rows + b * state_size);
    free(inputs);
    free(rows);
    free(tuple);
    fixture_destroy(fixture);
}
END_TEST

/* [n, m] blocks of `width` floats into [m, n]. */
static void transpose(const float *x, size_t n, size_t m, size_t width, float *out)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < m; j++)
            memcpy(out + (j * n + i) * width, x + (i * m + j) * width, width * sizeof *x);
}

START_TEST(test_dynamic_rnn_with_time_major_is_the_transposed_call)
{
    struct fixture *fixture = fixture_create(network_cases[_i], 4);
    size_t units = fixture->network.rnn_units, state_size = fixture->network.state_size;
    float *inputs = fill_new(7 * 6 * 4, 40, 1), *flipped = fill_new(7 * 6 * 4, 41, 0);
    float *initial = fill_new(7 * state_size, 42, 0.7), *want = fill_new(7 * 6 * units, 43, 0);
    float *want_state = fill_new(7 * state_size, 44, 0);
    struct lstm_dynamic_rnn_args args = {.batch = 7,
                                         .time = 6,
                                         .inputs = inputs,
                                         .sequence_length = length_cases[2],
                                         .initial_state = initial};
    run(fixture, args);
    transpose(fixture->outputs, 7, 6, units, want);
    memcpy(want_state, fixture->state, 7 * state_size * sizeof *want_state);
    transpose(inputs, 7, 6, 4, flipped);
    args.inputs = flipped;
    args.time_major = true;
    run(fixture, args);
    assert_tensor_float("outputs [T, B, U]", fixture->outputs, want, 7 * 6 * units, 1e-6, 0);
    assert_tensor_float("state", fixture->state, want_state, 7 * state_size, 1e-6, 0);
    float *const buffers[] = {inputs, flipped, initial, want, want_state};
    for (int k = 0; k < N_CASES(buffers); k++)
        free(buffers[k]);
    fixture_destroy(fixture);
}
END_TEST

static const size_t max_batch_cases[] = {1, 2, 3, 16, 49, 50, 200};

START_TEST(test_dynamic_rnn_above_max_batch_runs_in_pieces)
{
    struct fixture *fixture = fixture_create(&stack, max_batch_cases[_i]);
    size_t state_size = fixture->network.state_size;
    float *inputs = fill_new(50 * 3 * 4, 45, 1), *initial = fill_new(50 * state_size, 46, 0.7);
    int32_t lengths[50];
    for (size_t b = 0; b < 50; b++)
        lengths[b] = (int32_t)(fill_bits(47, b) % 4);
    struct lstm_dynamic_rnn_args args = {.batch = 50,
                                         .time = 3,
                                         .inputs = inputs,
                                         .sequence_length = lengths,
                                         .initial_state = initial};
    run(fixture, args);
    for (size_t b = 0; b < 50; b++)
        compare_row(fixture, &args, b, initial + b * state_size);
    free(inputs);
    free(initial);
    fixture_destroy(fixture);
}
END_TEST

START_TEST(test_dynamic_rnn_without_final_state_still_gives_the_outputs)
{
    struct fixture *fixture = fixture_create(&single, 0);
    float *inputs = fill_new(24, 48, 1);
    float want[30];
    struct lstm_dynamic_rnn_args args = {
        .batch = 3, .time = 2, .inputs = inputs, .outputs = fixture->outputs};
    run(fixture, args);
    memcpy(want, fixture->outputs, sizeof want);
    memset(fixture->outputs, 0, sizeof want);
    assert_ok(lstm_dynamic_rnn(fixture->runner, fixture->model, &args, &fixture->error),
              &fixture->error);
    assert_tensor_identical("outputs", fixture->outputs, want, 30);
    free(inputs);
    fixture_destroy(fixture);
}
END_TEST

Suite *suite_dynamic_rnn(void)
{
    Suite *suite = suite_create("dynamic_rnn");
    TCase *rnn = tcase_create("arguments");
    suite_add_tcase(suite, rnn);
    tcase_add_test(rnn, test_dynamic_rnn_worked_example_has_the_last_output_equal_to_h);
    tcase_add_loop_test(rnn, test_dynamic_rnn_masks_each_row_by_its_sequence_length, 0,
                        N_CASES(length_cases) * N_CASES(network_cases));
    tcase_add_loop_test(rnn, test_dynamic_rnn_without_initial_state_starts_from_zeros, 0,
                        N_CASES(network_cases));
    tcase_add_loop_test(rnn, test_dynamic_rnn_with_a_length_outside_0_to_t_is_refused, 0,
                        N_CASES(bad_length_cases));
    tcase_add_loop_test(rnn, test_dynamic_rnn_with_a_tuple_state_groups_it_by_layer_c_then_h, 0,
                        N_CASES(network_cases));
    tcase_add_loop_test(rnn, test_dynamic_rnn_with_time_major_is_the_transposed_call, 0,
                        N_CASES(network_cases));
    tcase_add_loop_test(rnn, test_dynamic_rnn_above_max_batch_runs_in_pieces, 0,
                        N_CASES(max_batch_cases));
    tcase_add_test(rnn, test_dynamic_rnn_without_final_state_still_gives_the_outputs);
    return suite;
}
