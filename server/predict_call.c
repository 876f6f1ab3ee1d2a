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

/* How many numbers a sequence's output has; SIZE_MAX if that is more. */
static size_t output_count(const struct lstm_model_info *info, const struct lstm_sequence *sequence)
{
    size_t count;
    if (!info->output_is_sequence)
        return info->output_size;
    return __builtin_mul_overflow(sequence->steps, info->output_size, &count) ? SIZE_MAX : count;
}

enum lstm_status predict_call_add_outputs(struct predict_call *call,
                                          const struct lstm_model_info *info,
                                          struct lstm_error *error)
{
    size_t total = 0;
    for (size_t i = 0; i < call->n; i++) {
        if (__builtin_add_overflow(total, output_count(info, &call->sequences[i]), &total) ||
            total > PREDICT_MAX_OUTPUTS)
            return lstm_fail(error, LSTM_INVALID,
                             "the answer would have more than %d numbers; send fewer or shorter "
                             "instances at a time",
                             PREDICT_MAX_OUTPUTS);
    }
    /* One more, so that no output at all is not taken for no memory. */
    float *outputs = malloc((total + 1) * sizeof *outputs);
    if (outputs == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for %zu outputs", total);
    predict_call_memory(call)->outputs = outputs;
    for (size_t i = 0; i < call->n; i++) {
        call->sequences[i].output = outputs;
        outputs += output_count(info, &call->sequences[i]);
    }
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
