/* spec.h: a model's description, checked and laid out: its layers, tensors and sizes.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Made from the text of a model.json, immutable, shared by reference count (thread-safe). */
#ifndef SPEC_H
#define SPEC_H

#include <stdatomic.h>

#include "core/layer.h"

/* Bounds of what a description may ask for, so that a hostile one cannot take the machine. */
enum { SPEC_MAX_LAYERS = 64, SPEC_MAX_LABELS = 1 << 16, SPEC_MAX_PARAMETERS = 1 << 28 };

struct tensor_spec {
    char *name; /* "<layer name>/<suffix>" */
    size_t rank, shape[2];
    size_t n;      /* floats */
    size_t offset; /* in the weights, a multiple of 16 floats */
    struct initializer initializer;
};

struct spec {
    atomic_size_t references;
    char *json; /* the text that it was made from; what is written as model.json again */
    size_t json_bytes;
    struct lstm_model_info info;
    int dtype; /* enum lstm_dtype: how weights are stored */
    size_t n_layers;
    struct layer *layers;
    size_t n_sequence_layers; /* layers that run at every step; those behind see a row a sequence */
    const struct layer *pooling; /* makes that row, as the first of those; NULL: it is the last h */
    size_t last_recurrent;       /* number of the last recurrent layer */
    struct layer *cells; /* info.n_recurrent: of all recurrent layers, in the state's order */
    bool skips_steps;    /* its first layer marks time steps to skip */
    size_t n_tensors;
    struct tensor_spec *tensors;
    size_t n_weights;               /* floats of the weights, padding included */
    struct lstm_state_info *states; /* info.n_recurrent */
    char **labels;                  /* info.n_labels */
};

/* *spec is new. INVALID: the sentence names the key. NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status spec_create(const char *json, size_t n, struct spec **spec,
                                             struct lstm_error *error);
struct spec *spec_retain(struct spec *spec);
void spec_release(struct spec *spec);

/* What the public header tells of layer k. */
struct lstm_layer_info spec_layer_info(const struct spec *spec, size_t k);

bool spec_same_architecture(const struct spec *a, const struct spec *b);

extern const char *const spec_loss_names[];
extern const char *const spec_dtype_names[]; /* as safetensors writes them */

#endif
