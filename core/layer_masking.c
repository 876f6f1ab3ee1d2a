/* layer_masking.c: marks the time steps to skip. SPDX-License-Identifier: Apache-2.0
 *
 * A step all of whose features are mask_value is left out of the packed rows (core/batch_order.h),
 * so no layer sees it; this layer itself passes on what it reads. Which steps those are, and what
 * is given in their places, is Keras' (keras/src/layers/core/masking.py and rnn.py). */
#include <float.h>
#include <stddef.h>
#include <string.h>

#include "core/layer.h"

static const struct field fields[] = {LAYER_FIELD_TYPE,
                                      LAYER_FIELD_NAME,
                                      {"mask_value", FIELD_REAL, offsetof(struct layer, mask_value),
                                       -(double)FLT_MAX, (double)FLT_MAX, NULL, NULL, false},
                                      {0}};

static void forward(const struct layer *layer, const struct layer_forward *pass)
{
    memcpy(pass->y, pass->x, pass->pack->rows * layer->outputs * sizeof *pass->y);
}

static void backward(const struct layer *layer, const struct layer_backward *pass)
{
    if (pass->dx != NULL)
        memcpy(pass->dx, pass->dy, pass->pack->rows * layer->outputs * sizeof *pass->dx);
}

const struct layer_type layer_masking = {.name = "masking",
                                         .default_name = "masking",
                                         .fields = fields,
                                         .passes_on = true,
                                         .forward = forward,
                                         .backward = backward};
