/* model.h: what a model is inside. SPDX-License-Identifier: Apache-2.0 */
#ifndef MODEL_H
#define MODEL_H

#include "core/spec.h"

struct lstm_model {
    struct spec *spec;
    float *weights; /* spec->n_weights; never written once the model was given out */
};

/* A model of this spec (a reference is taken) with a copy of these weights. NULL: its tensors are
 * not set, and the caller fills every one. */
LSTM_MUST_CHECK enum lstm_status model_create(struct spec *spec, const float *weights,
                                              struct lstm_model **model, struct lstm_error *error);

#endif
