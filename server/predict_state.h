/* predict_state.h: JSON states to a model's state floats. SPDX-License-Identifier: Apache-2.0 */
#ifndef PREDICT_STATE_H
#define PREDICT_STATE_H

#include "server/json.h"

/* Whose states a value holds. */
struct predict_state_shape {
    bool is_batched; /* every leaf is [n][U]; otherwise it is [U], of one instance */
    size_t n;        /* 1 if not batched */
};

/* Reads {"c": ..., "h": ...}, {"h": ...}, or a list of those for a stack into states, [n,
 * state_size]. path: of the value, for messages. INVALID: not such a thing; SHAPE: a leaf's lengths
 * are not those of the model. */
LSTM_MUST_CHECK enum lstm_status
predict_state_decode(const struct lstm_model *model, const struct json_body *body,
                     const struct json_t *value, const struct predict_state_shape *shape,
                     const char *path, float *states, struct lstm_error *error);

#endif
