/* recurrent.c: moving states between the packed steps. SPDX-License-Identifier: Apache-2.0 */
#include "core/recurrent.h"

#include <string.h>

#define X(id, name) [ACTIVATION_##id] = name,
const char *const recurrent_activations[] = {ACTIVATION_ELEMENTWISE_LIST(X) NULL};
#undef X

bool recurrent_is_basic(const struct layer *layer)
{
    const int activation = layer->activation;
    return layer->recurrent_activation == ACTIVATION_SIGMOID &&
           (activation == ACTIVATION_TANH || activation == ACTIVATION_SIGMOID ||
            activation == ACTIVATION_RELU || activation == ACTIVATION_LINEAR);
}

void recurrent_keep_last(const struct pack *pack, size_t units, const float *steps, float *state)
{
    size_t offset = 0;
    for (size_t t = 0; t < pack->n_steps; t++) {
        const size_t rows = pack->rows_at[t];
        const size_t next = t + 1 < pack->n_steps ? pack->rows_at[t + 1] : 0;
        if (rows > next)
            memcpy(state + next * units, steps + (offset + next) * units,
                   (rows - next) * units * sizeof *state);
        offset += rows;
    }
}

void recurrent_history(const struct pack *pack, size_t units, const float *initial,
                       const float *steps, float *history)
{
    size_t offset = 0;
    const float *before = initial;
    for (size_t t = 0; t < pack->n_steps; t++) {
        const size_t rows = pack->rows_at[t];
        if (rows > 0)
            memcpy(history + offset * units, before, rows * units * sizeof *history);
        before = steps + offset * units;
        offset += rows;
    }
}

void recurrent_transpose(size_t rows, size_t columns, const float *from, size_t stride, float *to)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < columns; c++)
            to[c * rows + r] = from[r * stride + c];
}
