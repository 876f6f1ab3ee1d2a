/* layer_embedding.c: a row of a table for each token id. SPDX-License-Identifier: Apache-2.0
 *
 * Ids arrive as floats, one a step; whoever calls has checked that they are whole numbers below
 * the vocabulary. */
#include <float.h>
#include <stddef.h>
#include <string.h>

#include "core/kernels.h"
#include "core/layer.h"

/* Ids beyond 2^24 have no exact float32. */
static const struct field fields[] = {
    LAYER_FIELD_TYPE,
    LAYER_FIELD_NAME,
    LAYER_FIELD_UNITS,
    {"vocabulary", FIELD_SIZE, offsetof(struct layer, vocabulary), 1, 1 << 24, NULL, NULL, true},
    {"mask_zero", FIELD_BOOL, offsetof(struct layer, mask_zero), 0, 0, NULL, NULL, false},
    LAYER_FIELD_REUSE,
    {"kernel_initializer", FIELD_OBJECT, offsetof(struct layer, kernel_initializer), 0, 0, NULL,
     initializer_fields, false},
    {0}};

static size_t list_tensors(const struct layer *layer, struct layer_tensor *tensors)
{
    tensors[0] = (struct layer_tensor){"embeddings",
                                       false,
                                       2,
                                       {layer->vocabulary, layer->units},
                                       {.type = INITIALIZER_GLOROT_UNIFORM}};
    return 1;
}

static void forward(const struct layer *layer, const struct layer_forward *pass)
{
    const float *table = pass->weights + layer->tensors[0];
    for (size_t r = 0; r < pass->pack->rows; r++)
        memcpy(pass->y + r * layer->units, table + (size_t)pass->x[r] * layer->units,
               layer->units * sizeof *table);
}

static void backward(const struct layer *layer, const struct layer_backward *pass)
{
    float *dtable = pass->gradients + layer->tensors[0];
    for (size_t r = 0; r < pass->pack->rows; r++)
        kernels_best()->add(dtable + (size_t)pass->x[r] * layer->units, pass->dy + r * layer->units,
                            layer->units);
}

const struct layer_type layer_embedding = {.name = "embedding",
                                           .default_name = "embedding",
                                           .fields = fields,
                                           .list_tensors = list_tensors,
                                           .forward = forward,
                                           .backward = backward};
