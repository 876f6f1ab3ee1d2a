/* predict_call.c: memory, limits and common checks of predict calls.
 * SPDX-License-Identifier: Apache-2.0 */
#include "server/predict_call.h"

#include <math.h>
#include <stdlib.h>

#include "core/status.h"

enum lstm_status predict_call_init(struct predict_call *call, enum predict_form form,
                                   struct lstm_error *error)
{
    *call = (struct predict_call){.form = form};
    call->memory = calloc(1, sizeof(struct predict_memory));
    if (call->memory == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for a request");
    return LSTM_OK;
}

struct predict_memory *predict_call_memory(const struct predict_call *call)
{
    return call->memory;
}

enum lstm_status predict_call_add_sequences(struct predict_call *call, size_t n,
                                            const struct predict_limits *limits, const char *path,
                                            struct lstm_error *error)
{
    if (n == 0)
        return lstm_fail(error, LSTM_INVALID, "%s: expected at least one instance, found none",
                         path);
    if (n > limits->max_instances)
        return lstm_fail(error, LSTM_INVALID, "%s: expected at most %zu instances, found %zu", path,
                         limits->max_instances, n);
    call->sequences = calloc(n, sizeof *call->sequences);
    if (call->sequences == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for %zu instances", n);
    call->n = n;
    return LSTM_OK;
}

enum lstm_status predict_call_add_states(struct predict_call *call,
                                         const struct lstm_model_info *info,
                                         struct lstm_error *error)
{
    struct predict_memory *const memory = predict_call_memory(call);
    if (memory->states != NULL)
        return LSTM_OK;
    size_t size;
    if (__builtin_mul_overflow(call->n, info->state_size, &size))
        size = SIZE_MAX;
    memory->states = calloc(size, sizeof(float));
    if (memory->states == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for the states of %zu instances",
                         call->n);
    return LSTM_OK;
}

/* How many numbers the outputs have: of each step of a sequence, and besides. */
struct widths {
    size_t of_step, of_sequence;
};

static struct widths measure(const struct lstm_model_info *info,
                             const struct predict_outputs *wanted)
{
    struct widths widths = {0, 0};
    if (wanted->output)
        *(info->output_is_sequence ? &widths.of_step : &widths.of_sequence) += info->output_size;
    if (wanted->rnn_output)
        widths.of_step += info->rnn_output_size;
    if (wanted->final_state)
        widths.of_sequence += info->state_size;
    if (wanted->state_trace)
        widths.of_step += info->state_size;
    if (wanted->gates_trace)
        widths.of_step += info->gates_size;
    return widths;
}

/* The numbers of all sequences, SIZE_MAX: more than can be counted. */
static size_t count_outputs(const struct predict_call *call, const struct widths *widths,
                            bool is_padded)
{
    size_t total = 0;
    for (size_t i = 0; i < call->n; i++) {
        const size_t steps = is_padded ? call->steps : call->sequences[i].steps;
        size_t count;
        if (__builtin_mul_overflow(steps, widths->of_step, &count) ||
            __builtin_add_overflow(count, widths->of_sequence, &count) ||
            __builtin_add_overflow(total, count, &total))
            return SIZE_MAX;
    }
    return total;
}

/* What the outputs and their answer take at most. */
static size_t count_bytes(size_t n_outputs, size_t n_answered)
{
    size_t bytes, of_answer;
    if (__builtin_mul_overflow(n_outputs, sizeof(float), &bytes) ||
        __builtin_mul_overflow(n_answered, (size_t)PREDICT_NUMBER_BYTES, &of_answer) ||
        __builtin_add_overflow(bytes, of_answer, &bytes))
        return SIZE_MAX;
    return bytes;
}

/* Hands out the sequence's part of the memory; returns where the next one's begins. */
static float *place_outputs(struct lstm_sequence *sequence, const struct lstm_model_info *info,
                            const struct predict_outputs *wanted, float *memory)
{
    const size_t output_rows = info->output_is_sequence ? sequence->steps : 1;
    const struct {
        bool is_wanted;
        float **pointer;
        size_t n;
    } parts[] = {
        {wanted->output, &sequence->output, output_rows * info->output_size},
        {wanted->rnn_output, &sequence->rnn_output, sequence->steps * info->rnn_output_size},
        {wanted->final_state, &sequence->final_state, info->state_size},
        {wanted->state_trace, &sequence->state_trace, sequence->steps * info->state_size},
        {wanted->gates_trace, &sequence->gates_trace, sequence->steps * info->gates_size},
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (!parts[i].is_wanted)
            continue;
        *parts[i].pointer = memory;
        memory += parts[i].n;
    }
    return memory;
}

enum lstm_status predict_call_add_outputs(struct predict_call *call,
                                          const struct lstm_model_info *info,
                                          const struct predict_outputs *wanted,
                                          struct lstm_error *error)
{
    const struct widths widths = measure(info, wanted);
    const size_t total = count_outputs(call, &widths, false);
    const size_t n_answered = count_outputs(call, &widths, wanted->is_padded);
    if (count_bytes(total, n_answered) > wanted->max_work_bytes)
        return lstm_fail(error, LSTM_INVALID,
                         "the answer would have %zu numbers, and making it could take more than "
                         "the server's --max-work-bytes (%zu); send fewer or shorter instances at "
                         "a time",
                         n_answered, wanted->max_work_bytes);
    /* One more, so that no output at all is not taken for no memory. */
    float *outputs = malloc((total + 1) * sizeof *outputs);
    if (outputs == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for %zu outputs", total);
    predict_call_memory(call)->outputs = outputs;
    for (size_t i = 0; i < call->n; i++)
        outputs = place_outputs(&call->sequences[i], info, wanted, outputs);
    return LSTM_OK;
}

size_t predict_call_find_bad_token(const struct lstm_model_info *info, const float *values,
                                   size_t n)
{
    if (info->vocabulary == 0)
        return n;
    for (size_t i = 0; i < n; i++) {
        const double token = (double)values[i];
        if (!(token >= 0 && token < (double)info->vocabulary && token == floor(token)))
            return i;
    }
    return n;
}

void predict_call_release(struct predict_call *call)
{
    if (call == NULL)
        return;
    struct predict_memory *const memory = predict_call_memory(call);
    if (memory != NULL) {
        json_body_release(&memory->body);
        free(memory->inputs);
        free(memory->states);
        free(memory->outputs);
        free(memory);
    }
    free(call->sequences);
    *call = (struct predict_call){0};
}
