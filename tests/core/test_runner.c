/* test_runner.c: what must not change a result: the batch, its pieces, padding and options.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/assert_tensor.h"
#include "tests/support/batch.h"
#include "tests/support/cases.h"
#include "tests/support/fill.h"
#include "tests/support/model_builder.h"

Suite *suite_runner(void);

static const struct reference_network lstm_classifier = {
    .features = 4,
    .n_layers = 2,
    .layers = {{.kind = REFERENCE_LSTM, .name = "rnn", .units = 11, .forget_bias = 1},
               {.kind = REFERENCE_DENSE, .name = "out", .units = 3, .activation = "softmax"}},
};

static const struct reference_network gru_tagger = {
    .features = 4,
    .n_layers = 2,
    .layers = {{.kind = REFERENCE_GRU, .name = "rnn", .units = 11, .return_sequences = true},
               {.kind = REFERENCE_DENSE, .name = "out", .units = 3, .activation = "softmax"}},
};

static const struct reference_network deep_tagger = {
    .features = 4,
    .n_layers = 3,
    .layers = {{.kind = REFERENCE_LSTM,
                .name = "rnn/0",
                .units = 5,
                .forget_bias = 1,
                .return_sequences = true},
               {.kind = REFERENCE_GRU, .name = "rnn/1", .units = 6, .return_sequences = true},
               {.kind = REFERENCE_DENSE, .name = "out", .units = 3, .activation = "tanh"}},
};

static const struct reference_network *const network_cases[] = {&lstm_classifier, &gru_tagger,
                                                                &deep_tagger};
enum { N_NETWORKS = N_CASES(network_cases), MAX_ROWS = 100, LONGEST = 40 };

struct fixture {
    struct reference_network network;
    struct lstm_model *model;
    struct lstm_runner *runner;
};

static struct fixture fixture_create(int network, size_t max_batch, size_t parallel_iterations)
{
    struct fixture fixture = {.network = *network_cases[network]};
    reference_init(&fixture.network, 51);
    fixture.model = build_model(&fixture.network, NULL);
    fixture.runner = create_runner(fixture.model, max_batch, parallel_iterations);
    return fixture;
}

static void fixture_destroy(struct fixture *fixture)
{
    lstm_runner_destroy(fixture->runner);
    lstm_model_destroy(fixture->model);
    reference_release(&fixture->network);
}

static const size_t batch_cases[] = {1, 2, 3, 8, 17, 40, 100};

START_TEST(test_batch_of_n_rows_gives_what_n_single_runs_give)
{
    struct fixture fixture = fixture_create(_i % N_NETWORKS, MAX_ROWS, 0);
    size_t n = batch_cases[_i / N_NETWORKS], lengths[MAX_ROWS];
    struct batch together, alone;
    batch_lengths(lengths, n, LONGEST, 52);
    batch_init(&together, &fixture.network, n, lengths, true, 53);
    batch_init(&alone, &fixture.network, n, lengths, true, 53);
    batch_run(&together, fixture.runner, fixture.model);
    for (size_t k = 0; k < n; k++) {
        struct lstm_error error;
        assert_ok(lstm_runner_run(fixture.runner, fixture.model, &alone.sequences[k], 1, &error),
                  &error);
    }
    batch_compare_runs(&together, &alone, fixture.model, 1e-5);
    batch_release(&together);
    batch_release(&alone);
    fixture_destroy(&fixture);
}
END_TEST

START_TEST(test_batch_of_random_lengths_computes_what_the_oracle_computes)
{
    struct fixture fixture = fixture_create(_i, 40, 0);
    size_t lengths[40];
    struct batch batch;
    batch_lengths(lengths, 40, LONGEST, 54);
    batch_init(&batch, &fixture.network, 40, lengths, true, 55);
    batch_run(&batch, fixture.runner, fixture.model);
    batch_compare(&batch, &fixture.network);
    batch_release(&batch);
    fixture_destroy(&fixture);
}
END_TEST

static const size_t iteration_cases[] = {1, 2, 7, 32, 1000};

START_TEST(test_parallel_iterations_never_change_a_result)
{
    int network = _i % N_NETWORKS;
    struct fixture fixture = fixture_create(network, 17, iteration_cases[_i / N_NETWORKS]);
    size_t lengths[17];
    struct batch got, want;
    batch_lengths(lengths, 17, LONGEST, 56);
    batch_init(&got, &fixture.network, 17, lengths, true, 57);
    batch_init(&want, &fixture.network, 17, lengths, true, 57);
    struct lstm_runner *plain = create_runner(fixture.model, 17, 0);
    batch_run(&want, plain, fixture.model);
    batch_run(&got, fixture.runner, fixture.model);
    batch_compare_runs(&got, &want, fixture.model, 2e-6);
    lstm_runner_destroy(plain);
    batch_release(&got);
    batch_release(&want);
    fixture_destroy(&fixture);
}
END_TEST

/* Where the pieces of a sequence of LONGEST steps begin. */
static const size_t cut_cases[] = {1, 2, 13, 20, 32, 33, 39};

START_TEST(test_sequence_in_pieces_gives_what_the_whole_sequence_gives)
{
    struct fixture fixture = fixture_create(_i % N_NETWORKS, 1, 0);
    size_t cut = cut_cases[_i / N_NETWORKS], length = LONGEST;
    const struct lstm_model_info *info = lstm_model_info(fixture.model);
    struct batch whole, parts;
    batch_init(&whole, &fixture.network, 1, &length, true, 58);
    batch_init(&parts, &fixture.network, 1, &length, true, 58);
    batch_run(&whole, fixture.runner, fixture.model);

    struct lstm_sequence first = parts.sequences[0], second = parts.sequences[0];
    first.steps = cut;
    second.steps = LONGEST - cut;
    second.input += cut * info->features;
    second.initial_state = second.final_state;
    second.output += info->output_is_sequence ? cut * info->output_size : 0;
    second.rnn_output += cut * info->rnn_output_size;
    second.state_trace += cut * info->state_size;
    second.gates_trace += cut * info->gates_size;
    struct lstm_error error;
    assert_ok(lstm_runner_run(fixture.runner, fixture.model, &first, 1, &error), &error);
    assert_ok(lstm_runner_run(fixture.runner, fixture.model, &second, 1, &error), &error);
    batch_compare_runs(&parts, &whole, fixture.model, 2e-6);
    batch_release(&whole);
    batch_release(&parts);
    fixture_destroy(&fixture);
}
END_TEST

START_TEST(test_padding_behind_a_sequence_is_not_read)
{
    struct fixture fixture = fixture_create(_i, 3, 0);
    const size_t lengths[] = {5, 2, 0};
    struct batch trimmed, padded;
    batch_init(&trimmed, &fixture.network, 3, lengths, true, 59);
    batch_init(&padded, &fixture.network, 3, lengths, true, 59);
    batch_run(&trimmed, fixture.runner, fixture.model);
    float inputs[3][9 * 4];
    for (size_t k = 0; k < 3; k++) {
        const float *original = padded.sequences[k].input;
        for (size_t v = 0; v < 9 * 4; v++)
            inputs[k][v] = v < lengths[k] * 4 ? original[v] : NAN;
        padded.sequences[k].input = inputs[k];
        batch_run(&padded, fixture.runner, fixture.model);
        padded.sequences[k].input = original;
    }
    batch_compare_runs(&padded, &trimmed, fixture.model, 0);
    batch_release(&trimmed);
    batch_release(&padded);
    fixture_destroy(&fixture);
}
END_TEST

/* Steps 9 floats apart, and outputs 20 apart with guards in between. */
START_TEST(test_strides_place_inputs_and_outputs_where_they_say)
{
    struct fixture fixture = fixture_create(_i, 2, 0);
    const size_t lengths[] = {6, 3};
    size_t width = lstm_model_info(fixture.model)->rnn_output_size;
    struct batch packed, strided;
    batch_init(&packed, &fixture.network, 2, lengths, true, 60);
    batch_init(&strided, &fixture.network, 2, lengths, true, 60);
    batch_run(&packed, fixture.runner, fixture.model);
    float inputs[2][6 * 9], outputs[2][6 * 20];
    for (size_t k = 0; k < 2; k++) {
        for (size_t v = 0; v < 6 * 9; v++)
            inputs[k][v] = NAN;
        for (size_t v = 0; v < 6 * 20; v++)
            outputs[k][v] = 12345;
        for (size_t t = 0; t < lengths[k]; t++)
            memcpy(inputs[k] + t * 9, packed.sequences[k].input + t * 4, 4 * sizeof(float));
    }
    struct lstm_sequence sequences[2];
    for (size_t k = 0; k < 2; k++) {
        sequences[k] = strided.sequences[k];
        sequences[k].input = inputs[k];
        sequences[k].step_stride = 9;
        sequences[k].rnn_output = outputs[k];
        sequences[k].rnn_output_stride = 20;
    }
    struct lstm_error error;
    assert_ok(lstm_runner_run(fixture.runner, fixture.model, sequences, 2, &error), &error);
    for (size_t k = 0; k < 2; k++) {
        for (size_t t = 0; t < 6; t++) {
            for (size_t v = t < lengths[k] ? width : 0; v < 20; v++)
                ck_assert_msg(outputs[k][t * 20 + v] == 12345, "step %zu: guard %zu written", t, v);
            if (t < lengths[k])
                memcpy(strided.sequences[k].rnn_output + t * width, outputs[k] + t * 20,
                       width * sizeof(float));
        }
    }
    batch_compare_runs(&strided, &packed, fixture.model, 0);
    batch_release(&packed);
    batch_release(&strided);
    fixture_destroy(&fixture);
}
END_TEST

START_TEST(test_outputs_that_are_not_wanted_change_no_other)
{
    struct fixture fixture = fixture_create(_i % N_NETWORKS, 5, 0);
    const size_t lengths[] = {6, 3, 0, 6, 1};
    struct batch all, one;
    batch_init(&all, &fixture.network, 5, lengths, true, 61);
    batch_init(&one, &fixture.network, 5, lengths, true, 61);
    batch_run(&all, fixture.runner, fixture.model);
    int wanted = _i / N_NETWORKS;
    for (int kind = 0; kind < 5; kind++) {
        struct lstm_sequence sequences[5];
        for (size_t k = 0; k < 5; k++) {
            struct lstm_sequence *s = &sequences[k];
            /* Row k wants the k-th kind after `kind`: the rows of a batch differ in their wishes.
             */
            int want = (kind + (wanted == 0 ? 0 : (int)k)) % 5;
            *s = one.sequences[k];
            s->output = want == 0 ? s->output : NULL;
            s->rnn_output = want == 1 ? s->rnn_output : NULL;
            s->final_state = want == 2 ? s->final_state : NULL;
            s->state_trace = want == 3 ? s->state_trace : NULL;
            s->gates_trace = want == 4 ? s->gates_trace : NULL;
        }
        struct lstm_error error;
        assert_ok(lstm_runner_run(fixture.runner, fixture.model, sequences, 5, &error), &error);
    }
    batch_compare_runs(&one, &all, fixture.model, 1e-6);
    batch_release(&all);
    batch_release(&one);
    fixture_destroy(&fixture);
}
END_TEST

START_TEST(test_final_state_may_be_the_initial_states_memory)
{
    struct fixture fixture = fixture_create(_i, 4, 0);
    const size_t lengths[] = {6, 3, 0, 6};
    struct batch apart, aliased;
    batch_init(&apart, &fixture.network, 4, lengths, true, 62);
    batch_init(&aliased, &fixture.network, 4, lengths, true, 62);
    for (size_t k = 0; k < 4; k++) {
        struct lstm_sequence *sequence = &aliased.sequences[k];
        memcpy(sequence->final_state, sequence->initial_state,
               fixture.network.state_size * sizeof(float));
        free((void *)(uintptr_t)sequence->initial_state);
        sequence->initial_state = sequence->final_state;
    }
    batch_run(&apart, fixture.runner, fixture.model);
    batch_run(&aliased, fixture.runner, fixture.model);
    batch_compare_runs(&aliased, &apart, fixture.model, 0);
    for (size_t k = 0; k < 4; k++)
        aliased.sequences[k].initial_state = NULL;
    batch_release(&apart);
    batch_release(&aliased);
    fixture_destroy(&fixture);
}
END_TEST

START_TEST(test_runner_of_a_batch_before_leaves_no_trace_in_the_next)
{
    struct fixture fixture = fixture_create(_i, 7, 0);
    size_t lengths[7];
    struct batch big, first, again;
    batch_lengths(lengths, 7, LONGEST, 63);
    batch_init(&big, &fixture.network, 7, lengths, true, 64);
    batch_init(&first, &fixture.network, 2, (const size_t[]){2, 5}, false, 65);
    batch_init(&again, &fixture.network, 2, (const size_t[]){2, 5}, false, 65);
    batch_run(&first, fixture.runner, fixture.model);
    batch_run(&big, fixture.runner, fixture.model);
    batch_run(&again, fixture.runner, fixture.model);
    batch_compare_runs(&again, &first, fixture.model, 0);
    batch_release(&big);
    batch_release(&first);
    batch_release(&again);
    fixture_destroy(&fixture);
}
END_TEST

Suite *suite_runner(void)
{
    Suite *suite = suite_create("runner");
    TCase *same = tcase_create("same_result");
    suite_add_tcase(suite, same);
    tcase_add_loop_test(same, test_batch_of_n_rows_gives_what_n_single_runs_give, 0,
                        N_NETWORKS * N_CASES(batch_cases));
    tcase_add_loop_test(same, test_batch_of_random_lengths_computes_what_the_oracle_computes, 0,
                        N_NETWORKS);
    tcase_add_loop_test(same, test_parallel_iterations_never_change_a_result, 0,
                        N_NETWORKS * N_CASES(iteration_cases));
    tcase_add_loop_test(same, test_sequence_in_pieces_gives_what_the_whole_sequence_gives, 0,
                        N_NETWORKS * N_CASES(cut_cases));
    tcase_add_loop_test(same, test_padding_behind_a_sequence_is_not_read, 0, N_NETWORKS);
    tcase_add_loop_test(same, test_strides_place_inputs_and_outputs_where_they_say, 0, N_NETWORKS);
    tcase_add_loop_test(same, test_outputs_that_are_not_wanted_change_no_other, 0, N_NETWORKS * 2);
    tcase_add_loop_test(same, test_final_state_may_be_the_initial_states_memory, 0, N_NETWORKS);
    tcase_add_loop_test(same, test_runner_of_a_batch_before_leaves_no_trace_in_the_next, 0,
                        N_NETWORKS);
    return suite;
}
