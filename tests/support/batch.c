/* batch.c: makes, runs and compares batches. SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/batch.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/assert_tensor.h"
#include "tests/support/fill.h"
#include "tests/support/model_builder.h"

static float *nans(size_t n)
{
    float *x = malloc((n + 1) * sizeof *x);
    ck_assert_ptr_nonnull(x);
    for (size_t k = 0; k < n; k++)
        x[k] = NAN;
    return x;
}

static float *new_input(const struct reference_network *network, size_t steps, uint64_t seed)
{
    size_t n = steps * network->features;
    float *input = fill_new(n, seed, 1);
    const struct reference_layer *first = &network->layers[0];
    for (size_t k = 0; first->kind == REFERENCE_EMBEDDING && k < n; k++)
        input[k] = (float)(fill_bits(seed, k) % first->vocabulary);
    for (size_t t = 0; first->kind == REFERENCE_MASKING && t < steps; t++) {
        /* Of eight steps three are to be skipped, and two look like it in their first value. */
        size_t n_masked = fill_bits(seed + 7, t) % 8 < 3   ? network->features
                          : fill_bits(seed + 7, t) % 8 < 5 ? network->features - 1
                                                           : 0;
        for (size_t k = 0; k < n_masked; k++)
            input[t * network->features + k] = (float)first->mask_value;
    }
    return input;
}

static void init_sequence(struct lstm_sequence *sequence, const struct reference_network *network,
                          size_t steps, bool initial_state, uint64_t seed)
{
    size_t rows = network->output_is_sequence ? steps : 1;
    *sequence = (struct lstm_sequence){
        .input = new_input(network, steps, seed),
        .steps = steps,
        .initial_state = initial_state ? fill_new(network->state_size, seed + 1, 0.8) : NULL,
        .output = nans(rows * network->output_size),
        .rnn_output = nans(steps * network->rnn_units),
        .final_state = nans(network->state_size),
        .state_trace = nans(steps * network->state_size),
        .gates_trace = nans(steps * network->gates_size),
    };
}

void batch_init(struct batch *batch, const struct reference_network *network, size_t n,
                const size_t *lengths, bool initial_state, uint64_t seed)
{
    size_t width = network->output_size;
    batch->n = n;
    batch->n_targets = network->output_is_sequence ? 0 : n;
    for (size_t k = 0; k < n && network->output_is_sequence; k++)
        batch->n_targets += lengths[k];
    batch->sequences = calloc(n, sizeof *batch->sequences);
    batch->targets = calloc(batch->n_targets * width, sizeof *batch->targets);
    ck_assert(batch->sequences != NULL && batch->targets != NULL);
    for (size_t k = 0; k < n; k++)
        init_sequence(&batch->sequences[k], network, lengths[k], initial_state, seed + 2 * k);
    for (size_t k = 0; k < batch->n_targets; k++)
        batch->targets[k * width + fill_bits(seed, k) % width] = 1;
}

/* The members are const because a caller of the library need not own them; a batch does. */
static void release(const float *memory)
{
    free((void *)(uintptr_t)memory);
}

void batch_release(struct batch *batch)
{
    for (size_t k = 0; k < batch->n; k++) {
        struct lstm_sequence *sequence = &batch->sequences[k];
        release(sequence->input);
        release(sequence->initial_state);
        free(sequence->output);
        free(sequence->rnn_output);
        free(sequence->final_state);
        free(sequence->state_trace);
        free(sequence->gates_trace);
    }
    free(batch->sequences);
    free(batch->targets);
    *batch = (struct batch){.n = 0};
}

struct lstm_examples batch_examples(const struct batch *batch)
{
    return (struct lstm_examples){batch->sequences, batch->targets, NULL, batch->n};
}

void batch_lengths(size_t *lengths, size_t n, size_t longest, uint64_t seed)
{
    for (size_t k = 0; k < n; k++)
        lengths[k] = k == 0 ? longest : (size_t)(fill_bits(seed, k) % (longest + 1));
}

void batch_run(struct batch *batch, struct lstm_runner *runner, const struct lstm_model *model)
{
    struct lstm_error error = {.text = ""};
    assert_ok(lstm_runner_run(runner, model, batch->sequences, batch->n, &error), &error);
}

/* One kind of output of a sequence: where it is, how long, and what the oracle has for it. */
struct output {
    const char *name;
    const float *got;
    const double *want;
    size_t n;
};

void batch_compare(const struct batch *batch, const struct reference_network *network)
{
    for (size_t k = 0; k < batch->n; k++) {
        const struct lstm_sequence *sequence = &batch->sequences[k];
        struct reference_run run;
        reference_run(network, sequence, &run);
        size_t steps = run.steps, rows = network->output_is_sequence ? steps : 1;
        const struct output outputs[] = {
            {"rnn_output", sequence->rnn_output, run.rnn_output, steps * network->rnn_units},
            {"gates_trace", sequence->gates_trace, run.gates_trace, steps * network->gates_size},
            {"state_trace", sequence->state_trace, run.state_trace, steps * network->state_size},
            {"final_state", sequence->final_state, run.final_state, network->state_size},
            {"output", sequence->output, run.output, rows * network->output_size},
        };
        for (size_t o = 0; o < sizeof outputs / sizeof *outputs; o++) {
            char name[64];
            snprintf(name, sizeof name, "%s of sequence %zu (%zu steps)", outputs[o].name, k,
                     steps);
            assert_tensor(name, outputs[o].got, outputs[o].want, outputs[o].n, 2e-6, 1e-5);
        }
        reference_run_release(&run);
    }
}

static void compare_floats(const char *name, const float *got, const float *want, size_t n,
                           double absolute)
{
    if (absolute > 0)
        assert_tensor_float(name, got, want, n, absolute, 0);
    else
        assert_tensor_identical(name, got, want, n);
}

void batch_compare_runs(const struct batch *got, const struct batch *want,
                        const struct lstm_model *model, double absolute)
{
    const struct lstm_model_info *info = lstm_model_info(model);
    ck_assert_uint_eq(got->n, want->n);
    for (size_t k = 0; k < got->n; k++) {
        const struct lstm_sequence *g = &got->sequences[k], *w = &want->sequences[k];
        size_t steps = g->steps, rows = info->output_is_sequence ? steps : 1;
        compare_floats("rnn_output", g->rnn_output, w->rnn_output, steps * info->rnn_output_size,
                       absolute);
        compare_floats("gates_trace", g->gates_trace, w->gates_trace, steps * info->gates_size,
                       absolute);
        compare_floats("state_trace", g->state_trace, w->state_trace, steps * info->state_size,
                       absolute);
        compare_floats("final_state", g->final_state, w->final_state, info->state_size, absolute);
        compare_floats("output", g->output, w->output, rows * info->output_size, absolute);
    }
}

void batch_check(const struct reference_network *network, size_t n, const size_t *lengths,
                 bool initial_state, uint64_t seed)
{
    struct lstm_model *model = build_model(network, NULL);
    struct lstm_runner *runner = create_runner(model, n, 0);
    struct batch batch;
    batch_init(&batch, network, n, lengths, initial_state, seed);
    batch_run(&batch, runner, model);
    batch_compare(&batch, network);
    batch_release(&batch);
    lstm_runner_destroy(runner);
    lstm_model_destroy(model);
}

void batch_check_cuts(const struct reference_network *network, size_t n, size_t longest,
                      uint64_t seed)
{
    static const size_t iterations[] = {1, 3, 7, 32};
    struct lstm_model *model = build_model(network, NULL);
    size_t *lengths = calloc(n, sizeof *lengths);
    ck_assert_ptr_nonnull(lengths);
    batch_lengths(lengths, n, longest, seed);
    for (size_t k = 0; k < sizeof iterations / sizeof *iterations; k++) {
        struct lstm_runner *runner = create_runner(model, n, iterations[k]);
        struct batch batch;
        batch_init(&batch, network, n, lengths, true, seed + 1);
        batch_run(&batch, runner, model);
        batch_compare(&batch, network);
        batch_release(&batch);
        lstm_runner_destroy(runner);
    }
    free(lengths);
    lstm_model_destroy(model);
}
