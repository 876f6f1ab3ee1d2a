/* model_builder.h: the two files of a model, made from an oracle's network or by hand.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MODEL_BUILDER_H
#define MODEL_BUILDER_H

#include <stddef.h>
#include <stdint.h>

#include "core/lstm.h"
#include "tests/support/reference.h"

/* The bytes of a weights.safetensors. new: free(data). */
struct weights_bytes {
    uint8_t *data;
    size_t size;
};

/* What build_json() writes besides the layers; NULL: left out. */
struct build_options {
    const char *steps;    /* "28" */
    const char *dtype;    /* "F16" */
    const char *training; /* "{\"loss\":...}" */
    const char *labels;   /* "[\"a\",\"b\"]" */
};

/* A safetensors file of exactly this header text and these data bytes. */
struct weights_bytes weights_compose(const char *header, const void *data, size_t n_data);

/* The model.json of the network, and its weights as F32. new: free() each. */
char *build_json(const struct reference_network *network, const struct build_options *options);
struct weights_bytes build_weights(const struct reference_network *network);

/* The model of both, through lstm_model_parse(). new. Aborts the test if it cannot be made. */
struct lstm_model *build_model(const struct reference_network *network,
                               const struct build_options *options);

/* lstm_model_create() of a description that is expected to be right. new. */
struct lstm_model *create_model(const char *json, uint64_t seed);

/* The number of the tensor of that name; aborts the test if there is none. */
size_t find_tensor(const struct lstm_model *model, const char *name);

/* A runner for the model. new. */
struct lstm_runner *create_runner(const struct lstm_model *model, size_t max_batch,
                                  size_t parallel_iterations);

#endif
