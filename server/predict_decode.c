/* predict_decode.c: JSON predict bodies to sequences. SPDX-License-Identifier: Apache-2.0
 *
 * Inputs are not copied: the sequences point into the scan's float array, where the numbers of a
 * rectangular or ragged body lie one after the other. */
#include <math.h>
#include <stdio.h>

#include "core/status.h"
#include "server/predict_call.h"
#include "server/predict_shape.h"
#include "server/predict_state.h"

struct decoder {
    const struct lstm_model *model;
    const struct lstm_model_info *info;
    const struct predict_limits *limits;
    const struct json_body *body;
    struct predict_call *call;
    struct lstm_error *error;
};

/* The tensor that an input must be. */
static enum lstm_status get_input(const struct decoder *d, const struct json_t *value,
                                  const char *path, const struct scanned_tensor **tensor)
{
    *tensor = json_tensor(d->body, value);
    if (*tensor != NULL)
        return LSTM_OK;
    return lstm_fail(d->error, LSTM_INVALID, "%s: expected an array of numbers, found %s", path,
                     json_kind_name(value));
}

static enum lstm_status check_keys(const struct decoder *d, const struct json_t *object,
                                   const char *const *known, const char *expected, const char *path)
{
    char unknown[JSON_KEY_BYTES];
    if (!json_has_unknown_key(object, known, unknown))
        return LSTM_OK;
    return lstm_fail(d->error, LSTM_INVALID, "%s.%s: unknown key; expected %s", path, unknown,
                     expected);
}

/* Instance i of the row form as {"input": ..., "initial_state": ...}. */
static enum lstm_status decode_object(struct decoder *d, const struct json_t *value, size_t i)
{
    static const char *const keys[] = {"input", "initial_state", NULL};
    char path[48], input_path[64], state_path[64];
    snprintf(path, sizeof path, "instances[%zu]", i);
    snprintf(input_path, sizeof input_path, "%s.input", path);
    snprintf(state_path, sizeof state_path, "%s.initial_state", path);
    if (json_kind(value) != JSON_KIND_OBJECT)
        return lstm_fail(d->error, LSTM_INVALID, "%s: expected %s, found %s", path,
                         i == 0 ? "an array of numbers or an object" : "an object as before it",
                         json_kind_name(value));
    enum lstm_status status = check_keys(d, value, keys, "input, initial_state", path);
    if (status != LSTM_OK)
        return status;

    struct lstm_sequence *const sequence = &d->call->sequences[i];
    const struct scanned_tensor *tensor;
    status = get_input(d, json_member(value, "input"), input_path, &tensor);
    if (status == LSTM_OK)
        status = predict_shape_single(d->info, d->limits, tensor, input_path, sequence, d->error);
    const struct json_t *const state = json_member(value, "initial_state");
    if (status != LSTM_OK || state == NULL)
        return status;

    status = predict_call_add_states(d->call, d->info, d->error);
    if (status != LSTM_OK)
        return status;
    const struct predict_state_shape shape = {.is_batched = false, .n = 1};
    float *const states = predict_call_memory(d->call)->states + i * d->info->state_size;
    sequence->initial_state = states;
    return predict_state_decode(d->model, d->body, state, &shape, state_path, states, d->error);
}

static enum lstm_status decode_batch(struct decoder *d, const struct scanned_tensor *tensor,
                                     const char *path)
{
    const size_t n = tensor->lengths[0][0];
    const enum lstm_status status =
        predict_call_add_sequences(d->call, n, d->limits, path, d->error);
    if (status != LSTM_OK)
        return status;
    return predict_shape_batch(d->info, d->limits, tensor, path, d->call->sequences, d->error);
}

static enum lstm_status decode_time_major(struct decoder *d, const struct scanned_tensor *tensor,
                                          const char *path)
{
    const size_t n = tensor->rank > 1 && tensor->n_lengths[1] > 0 ? tensor->lengths[1][0] : 0;
    const enum lstm_status status =
        predict_call_add_sequences(d->call, n, d->limits, path, d->error);
    if (status != LSTM_OK)
        return status;
    return predict_shape_time_major(d->info, d->limits, tensor, path, d->call->sequences, n,
                                    d->error);
}

static enum lstm_status decode_rows(struct decoder *d, const struct json_t *instances)
{
    const struct scanned_tensor *const tensor = json_tensor(d->body, instances);
    if (tensor != NULL)
        return decode_batch(d, tensor, "instances");
    if (json_kind(instances) != JSON_KIND_LIST)
        return lstm_fail(d->error, LSTM_INVALID, "instances: expected an array, found %s",
                         json_kind_name(instances));
    const size_t n = json_n_elements(instances);
    enum lstm_status status =
        predict_call_add_sequences(d->call, n, d->limits, "instances", d->error);
    for (size_t i = 0; i < n && status == LSTM_OK; i++)
        status = decode_object(d, json_element(instances, i), i);
    return status;
}

static void keep_steps(struct predict_call *call)
{
    for (size_t i = 0; i < call->n; i++)
        if (call->sequences[i].steps > call->steps)
            call->steps = call->sequences[i].steps;
}

/* Cuts the sequences, which have all of their steps, to sequence_length. */
static enum lstm_status decode_lengths(struct decoder *d, const struct json_t *value)
{
    static const char path[] = "inputs.sequence_length";
    const struct scanned_tensor *const tensor = json_tensor(d->body, value);
    if (tensor == NULL || tensor->rank != 1)
        return lstm_fail(d->error, LSTM_INVALID,
                         "%s: expected an array of one number per instance, found %s", path,
                         tensor == NULL ? json_kind_name(value) : "arrays within an array");
    if (tensor->n_values != d->call->n)
        return lstm_fail(d->error, LSTM_SHAPE,
                         "%s: expected one number per instance (%zu), found %zu", path, d->call->n,
                         tensor->n_values);
    for (size_t b = 0; b < d->call->n; b++) {
        struct lstm_sequence *const sequence = &d->call->sequences[b];
        const double length = (double)tensor->values[b];
        if (!(length >= 0 && length <= (double)sequence->steps && length == floor(length)))
            return lstm_fail(d->error, LSTM_INVALID,
                             "%s[%zu]: expected a whole number from 0 to %zu, found %g", path, b,
                             sequence->steps, length);
        sequence->steps = (size_t)length;
    }
    return LSTM_OK;
}

static enum lstm_status decode_column_states(struct decoder *d, const struct json_t *value)
{
    enum lstm_status status = predict_call_add_states(d->call, d->info, d->error);
    if (status != LSTM_OK)
        return status;
    const struct predict_state_shape shape = {.is_batched = true, .n = d->call->n};
    float *const states = predict_call_memory(d->call)->states;
    for (size_t b = 0; b < d->call->n; b++)
        d->call->sequences[b].initial_state = states + b * d->info->state_size;
    return predict_state_decode(d->model, d->body, value, &shape, "inputs.initial_state", states,
                                d->error);
}

static enum lstm_status decode_columns(struct decoder *d, const struct json_t *inputs)
{
    static const char *const keys[] = {"input", "sequence_length", "initial_state", NULL};
    const bool is_named = json_kind(inputs) == JSON_KIND_OBJECT;
    const char *const path = is_named ? "inputs.input" : "inputs";
    enum lstm_status status = LSTM_OK;
    if (is_named)
        status = check_keys(d, inputs, keys, "input, sequence_length, initial_state", "inputs");
    const struct scanned_tensor *tensor = NULL;
    if (status == LSTM_OK)
        status = get_input(d, is_named ? json_member(inputs, "input") : inputs, path, &tensor);
    if (status == LSTM_OK)
        status = d->call->time_major ? decode_time_major(d, tensor, path)
                                     : decode_batch(d, tensor, path);
    if (status != LSTM_OK)
        return status;

    keep_steps(d->call);
    const struct json_t *const lengths = json_member(inputs, "sequence_length");
    const struct json_t *const state = json_member(inputs, "initial_state");
    if (lengths != NULL)
        status = decode_lengths(d, lengths);
    if (status == LSTM_OK && state != NULL)
        status = decode_column_states(d, state);
    return status;
}

/* The body's own keys, of which it must have one of the two forms. */
static enum lstm_status decode_root(struct decoder *d)
{
    const struct json_t *const root = d->body->root;
    if (json_kind(root) != JSON_KIND_OBJECT)
        return lstm_fail(d->error, LSTM_INVALID,
                         "the body: expected an object with instances or inputs, found %s",
                         json_kind_name(root));
    const struct json_t *const instances = json_member(root, "instances");
    const struct json_t *const inputs = json_member(root, "inputs");
    const struct json_t *const signature = json_member(root, "signature_name");
    const struct json_t *const time_major = json_member(root, "time_major");
    if ((instances == NULL) == (inputs == NULL))
        return lstm_fail(d->error, LSTM_INVALID,
                         "the body: expected one of instances and inputs, found %s",
                         instances == NULL ? "neither" : "both");
    if (signature != NULL && json_kind(signature) != JSON_KIND_STRING)
        return lstm_fail(d->error, LSTM_INVALID, "signature_name: expected a string, found %s",
                         json_kind_name(signature));
    if (time_major != NULL && json_kind(time_major) != JSON_KIND_BOOLEAN)
        return lstm_fail(d->error, LSTM_INVALID, "time_major: expected true or false, found %s",
                         json_kind_name(time_major));
    if (inputs != NULL) {
        d->call->form = PREDICT_COLUMN;
        d->call->time_major = json_truth(time_major);
        return decode_columns(d, inputs);
    }
    if (json_truth(time_major))
        return lstm_fail(d->error, LSTM_INVALID,
                         "time_major: goes with inputs; instances come one after the other");
    const enum lstm_status status = decode_rows(d, instances);
    keep_steps(d->call);
    return status;
}

enum lstm_status predict_decode_json(const struct lstm_model *model,
                                     const struct predict_limits *limits, const char *body,
                                     size_t n, struct predict_call *call, struct lstm_error *error)
{
    enum lstm_status status = predict_call_init(call, PREDICT_ROW, error);
    if (status != LSTM_OK)
        return status;
    struct json_body *const json = &predict_call_memory(call)->body;
    struct decoder d = {model, lstm_model_info(model), limits, json, call, error};
    status = json_body_parse(body, n, json, error);
    if (status == LSTM_OK)
        status = decode_root(&d);
    if (status != LSTM_OK)
        predict_call_release(call);
    return status;
}
