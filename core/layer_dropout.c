/* layer_dropout.c: inverted dropout, in training only (TensorFlow 1 nn_ops.py, dropout).
 * SPDX-License-Identifier: Apache-2.0
 *
 * The mask holds 0 or 1 / keep_prob; without a mask the layer passes its input on. */
#include <stddef.h>
#include <string.h>

#include "core/layer.h"

static const struct field fields[] = {
    LAYER_FIELD_TYPE,
    LAYER_FIELD_NAME,
    {"rate", FIELD_REAL, offsetof(struct layer, rate), 0, 0.999, NULL, NULL, true},
    {0}};

static void forward(const struct layer *layer, const struct layer_forward *pass)
{
    const size_t n = pass->pack->rows * layer->units;
    if (pass->mask == NULL)
        memcpy(pass->y, pass->x, n * sizeof *pass->y);
    else
        for (size_t i = 0; i < n; i++)
            pass->y[i] = pass->x[i] * pass->mask[i];
}

static void backward(const struct layer *layer, const struct layer_backward *pass)
{
    const size_t n = pass->pack->rows * layer->units;
    if (pass->dx == NULL)
        return;
    for (size_t i = 0; i < n; i++)
        pass->dx[i] = pass->dy[i] * pass->mask[i];
}

const struct layer_type layer_dropout = {.name = "dropout",
                                         .default_name = "dropout",
                                         .fields = fields,
                                         .passes_on = true,
                                         .forward = forward,
                                         .backward = backward};
