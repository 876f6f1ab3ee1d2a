/* dynamic_rnn.c: tf.nn.dynamic_rnn's arguments on top of a runner.
 * SPDX-License-Identifier: Apache-2.0
 * Semantics: TensorFlow 1 python/ops/rnn.py, dynamic_rnn. */
#include <string.h>

#include "core/model.h"
#include "core/runner.h"
#include "core/status.h"

static size_t length_of(const struct lstm_dynamic_rnn_args *args, size_t b)
{
    return args->sequence_length != NULL ? (size_t)args->sequence_length[b] : args->time;
}

static enum lstm_status check_lengths(const struct lstm_dynamic_rnn_args *args,
                                      struct lstm_error *error)
{
    for (size_t b = 0; args->sequence_length != NULL && b < args->batch; b++) {
        const int32_t length = args->sequence_length[b];
        if (length < 0 || (size_t)length > args->time)
            return lstm_fail(error, LSTM_INVALID,
                             "sequence_length[%zu]: expected 0 to %zu (the time steps of inputs), "
                             "found %d",
                             b, args->time, (int)length);
    }
    return LSTM_OK;
}

/* Copies one sequence's state [state_size] from or to the caller's arrays: one row of
 * [B, state_size], or with state_is_tuple a row of every [B, U] of c and [B, H] of h in turn. */
static void move_state(const struct spec *spec, const struct lstm_dynamic_rnn_args *args, size_t b,
                       const float *from_arrays, float *to_arrays, float *row)
{
    size_t at = 0;
    for (size_t k = 0; k < spec->info.n_recurrent; k++) {
        const struct lstm_state_info *state = &spec->states[k];
        const size_t parts[] = {state->has_c ? state->units : 0, state->h_units};
        for (size_t part = 0; part < 2; part++) {
            const size_t units = parts[part];
            const size_t place = args->state_is_tuple ? at * args->batch + b * units
                                                      : b * spec->info.state_size + at;
            if (from_arrays != NULL)
                memcpy(row + at, from_arrays + place, units * sizeof *row);
            else
                memcpy(to_arrays + place, row + at, units * sizeof *row);
            at += units;
        }
    }
}

static void zero_past_length(const struct lstm_dynamic_rnn_args *args, size_t b, size_t units)
{
    const size_t stride = args->time_major ? args->batch * units : units;
    float *outputs = args->outputs + b * (args->time_major ? units : args->time * units);
    for (size_t t = length_of(args, b); t < args->time; t++)
        memset(outputs + t * stride, 0, units * sizeof *outputs);
}

static struct lstm_sequence sequence_of(const struct lstm_runner *runner,
                                        const struct lstm_dynamic_rnn_args *args, size_t b,
                                        float *state)
{
    const size_t features = runner->spec->info.features;
    const size_t units = runner->spec->info.rnn_output_size;
    struct lstm_sequence sequence = {.steps = length_of(args, b),
                                     .initial_state = args->initial_state != NULL ? state : NULL,
                                     .final_state = state};
    if (args->time_major) {
        sequence.input = args->inputs + b * features;
        sequence.step_stride = args->batch * features;
        sequence.rnn_output = args->outputs + b * units;
        sequence.rnn_output_stride = args->batch * units;
    } else {
        sequence.input = args->inputs + b * args->time * features;
        sequence.rnn_output = args->outputs + b * args->time * units;
    }
    return sequence;
}

enum lstm_status lstm_dynamic_rnn(struct lstm_runner *runner, const struct lstm_model *model,
                                  const struct lstm_dynamic_rnn_args *args,
                                  struct lstm_error *error)
{
    const struct spec *spec = runner->spec;
    const size_t state_size = spec->info.state_size;
    if (!spec_same_architecture(spec, model->spec))
        return lstm_fail(error, LSTM_INVALID, "the runner was made for another architecture");
    enum lstm_status status = check_lengths(args, error);
    for (size_t first = 0; first < args->batch && status == LSTM_OK; first += runner->max_batch) {
        const size_t left = args->batch - first;
        const size_t n = left < runner->max_batch ? left : runner->max_batch;
        for (size_t i = 0; i < n; i++) {
            float *state = runner->sequence_states + i * state_size;
            if (args->initial_state != NULL)
                move_state(spec, args, first + i, args->initial_state, NULL, state);
            runner->sequences[i] = sequence_of(runner, args, first + i, state);
        }
        status = lstm_runner_run(runner, model, runner->sequences, n, error);
        for (size_t i = 0; i < n && status == LSTM_OK; i++) {
            zero_past_length(args, first + i, spec->info.rnn_output_size);
            if (args->final_state != NULL)
                move_state(spec, args, first + i, NULL, args->final_state,
                           runner->sequence_states + i * state_size);
        }
    }
    return status;
}
