/* predict_state.c: JSON states to a model's state floats. SPDX-License-Identifier: Apache-2.0 */
#include "server/predict_state.h"

#include <stdio.h>
#include <string.h>

#include "core/status.h"

struct decoder {
    const struct lstm_model *model;
    const struct json_body *body;
    const struct predict_state_shape *shape;
    float *states;
    struct lstm_error *error;
};

/* One leaf: its values go `offset` floats into each state. */
static enum lstm_status decode_leaf(const struct decoder *d, const struct json_t *value,
                                    size_t units, size_t offset, const char *path, const char *key)
{
    const bool is_batched = d->shape->is_batched;
    const struct scanned_tensor *const tensor = json_tensor(d->body, value);
    if (tensor == NULL || tensor->rank != (is_batched ? 2 : 1))
        return lstm_fail(d->error, tensor == NULL ? LSTM_INVALID : LSTM_SHAPE,
                         "%s.%s: expected %s%zu numbers, found %s", path, key,
                         is_batched ? "for each instance an array of " : "", units,
                         tensor == NULL ? json_kind_name(value)
                         : is_batched   ? "numbers at another depth"
                                        : "arrays within an array");
    if (is_batched && tensor->lengths[0][0] != d->shape->n)
        return lstm_fail(d->error, LSTM_SHAPE,
                         "%s.%s: expected one row per instance (%zu), found %zu", path, key,
                         d->shape->n, (size_t)tensor->lengths[0][0]);

    const size_t state_size = lstm_model_info(d->model)->state_size;
    const uint32_t *const lengths = tensor->lengths[tensor->rank - 1];
    for (size_t b = 0; b < d->shape->n; b++) {
        if (lengths[b] != units) {
            char index[24] = "";
            if (is_batched)
                snprintf(index, sizeof index, "[%zu]", b);
            return lstm_fail(d->error, LSTM_SHAPE, "%s.%s%s: expected %zu numbers, found %zu", path,
                             key, index, units, (size_t)lengths[b]);
        }
        memcpy(d->states + b * state_size + offset, tensor->values + b * units,
               units * sizeof(float));
    }
    return LSTM_OK;
}

static enum lstm_status decode_layer(const struct decoder *d, const struct json_t *value, size_t k,
                                     const char *path)
{
    static const char *const lstm_keys[] = {"c", "h", NULL};
    static const char *const gru_keys[] = {"h", NULL};
    const struct lstm_state_info *const state = lstm_model_state(d->model, k);
    const char *const expected = state->has_c ? "an object of c and h" : "an object of h";
    if (json_kind(value) != JSON_KIND_OBJECT)
        return lstm_fail(d->error, LSTM_INVALID, "%s: expected %s, found %s", path, expected,
                         json_kind_name(value));
    char unknown[JSON_KEY_BYTES];
    if (json_has_unknown_key(value, state->has_c ? lstm_keys : gru_keys, unknown))
        return lstm_fail(d->error, LSTM_INVALID, "%s.%s: unknown key; expected %s", path, unknown,
                         expected);
    if (state->has_c) {
        const enum lstm_status status =
            decode_leaf(d, json_member(value, "c"), state->units, state->c_offset, path, "c");
        if (status != LSTM_OK)
            return status;
    }
    return decode_leaf(d, json_member(value, "h"), state->h_units, state->h_offset, path, "h");
}

enum lstm_status predict_state_decode(const struct lstm_model *model, const struct json_body *body,
                                      const struct json_t *value,
                                      const struct predict_state_shape *shape, const char *path,
                                      float *states, struct lstm_error *error)
{
    const struct decoder d = {model, body, shape, states, error};
    const size_t n_layers = lstm_model_info(model)->n_recurrent;
    if (n_layers == 1)
        return decode_layer(&d, value, 0, path);
    if (json_kind(value) != JSON_KIND_LIST || json_n_elements(value) != n_layers)
        return lstm_fail(error, LSTM_INVALID,
                         "%s: expected an array of %zu objects, one per recurrent layer, found %s",
                         path, n_layers,
                         json_kind(value) == JSON_KIND_LIST ? "an array of another length"
                                                            : json_kind_name(value));
    for (size_t k = 0; k < n_layers; k++) {
        char layer_path[96];
        snprintf(layer_path, sizeof layer_path, "%.64s[%zu]", path, k);
        const enum lstm_status status = decode_layer(&d, json_element(value, k), k, layer_path);
        if (status != LSTM_OK)
            return status;
    }
    return LSTM_OK;
}
