/* layer_dense.c: activation(x @ kernel + bias), row by row. SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <string.h>

#include "core/blas.h"
#include "core/kernels.h"
#include "core/layer.h"

static const struct field fields[] = {LAYER_FIELD_TYPE,
                                      LAYER_FIELD_NAME,
                                      LAYER_FIELD_UNITS,
                                      LAYER_FIELD_ACTIVATION(activation_names),
                                      LAYER_FIELD_REUSE,
                                      LAYER_FIELD_INITIALIZERS,
                                      {0}};

static size_t list_tensors(const struct layer *layer, struct layer_tensor *tensors)
{
    tensors[0] = (struct layer_tensor){
        "kernel", false, 2, {layer->inputs, layer->units}, {.type = INITIALIZER_GLOROT_UNIFORM}};
    tensors[1] =
        (struct layer_tensor){"bias", true, 1, {layer->units, 1}, {.type = INITIALIZER_CONSTANT}};
    return 2;
}

static void forward(const struct layer *layer, const struct layer_forward *pass)
{
    const struct kernels *kernels = kernels_best();
    const size_t rows = pass->pack->rows, units = layer->units;
    const struct matrix x = {pass->x, layer->inputs, false};
    const struct matrix kernel = {pass->weights + layer->tensors[0], units, false};
    blas_multiply(rows, units, layer->inputs, x, kernel, pass->y, units, false);
    for (size_t r = 0; r < rows; r++)
        kernels->add(pass->y + r * units, pass->weights + layer->tensors[1], units);
    activation_apply((enum activation)layer->activation, pass->y, rows, units);
}

/* pass->dy is by the output before activation: whoever calls has gone through the activation. */
static void backward(const struct layer *layer, const struct layer_backward *pass)
{
    const size_t rows = pass->pack->rows, units = layer->units;
    const struct matrix dz = {pass->dy, units, false};
    pack_add_product(pass->pack, layer->inputs, (struct matrix){pass->x, layer->inputs, false},
                     units, dz, pass->gradients + layer->tensors[0]);
    blas_add_column_sums(rows, units, pass->dy, units, pass->gradients + layer->tensors[1]);
    if (pass->dx != NULL) {
        const struct matrix kernel = {pass->weights + layer->tensors[0], units, true};
        blas_multiply(rows, layer->inputs, units, dz, kernel, pass->dx, layer->inputs, false);
    }
}

const struct layer_type layer_dense = {.name = "dense",
                                       .default_name = "dense",
                                       .fields = fields,
                                       .list_tensors = list_tensors,
                                       .forward = forward,
                                       .backward = backward};
