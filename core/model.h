/* model.h: what a model is inside. SPDX-License-Identifier: Apache-2.0 */
#ifndef MODEL_H
#define MODEL_H

#include <limits.h>

#include "core/spec.h"

#define MODEL_FILE   "model.json"
#define WEIGHTS_FILE "weights.safetensors"

struct lstm_model {
    struct spec *spec;
    float *weights; /* spec->n_weights; never written once the model was given out */
};

/* A model of this spec (a reference is taken) with a copy of these weights. NULL: its tensors are
 * not set, and the caller fills every one. */
LSTM_MUST_CHECK enum lstm_status model_create(struct spec *spec, const float *weights,
                                              struct lstm_model **model, struct lstm_error *error);

/* Where the values of a model come from while it is written: rows first .. first + n of a tensor (a
 * vector's rows have one value), borrowed until the next call. */
struct model_rows {
    enum lstm_status (*get)(void *context, const struct tensor_spec *tensor, size_t first, size_t n,
                            const float **values, struct lstm_error *error);
    void *context;
    size_t most; /* values that a call is asked for, if a row has no more */
};

/* model_save.c: lstm_model_save() of such a model. What get() gives, too; then nothing is written.
 */
LSTM_MUST_CHECK enum lstm_status model_save(const struct spec *spec, const struct model_rows *rows,
                                            const char *folder, struct lstm_error *error);

/* "<folder>/<name>". INVALID: too long. */
LSTM_MUST_CHECK enum lstm_status model_path(char path[PATH_MAX], const char *folder,
                                            const char *name, struct lstm_error *error);

#endif
