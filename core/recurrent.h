/* recurrent.h: what the recurrent layers have in common. SPDX-License-Identifier: Apache-2.0 */
#ifndef RECURRENT_H
#define RECURRENT_H

#include "core/layer.h"

/* Activations that a cell may have: no softmax. NULL-ended. */
extern const char *const recurrent_activations[];

/* Whether the activations are among those that the kernels of the basic cells have. */
bool recurrent_is_basic(const struct layer *layer);

/* One step of a forward pass: which rows, and where the state before it and after it lie. */
struct recurrent_step {
    size_t rows;   /* sequences that are still running */
    size_t offset; /* rows of the steps before */
    size_t t;
};

/* After the steps of a pack, the state of a sequence is what its last step left in y (or
 * c_steps): copies that to state [B, U]. */
void recurrent_keep_last(const struct pack *pack, size_t units, const float *steps, float *state);

/* history [R, U]: what each row had before its step: `initial` [B, U] at step 0, then the rows of
 * `steps` [R, U] one step earlier. */
void recurrent_history(const struct pack *pack, size_t units, const float *initial,
                       const float *steps, float *history);

/* to [columns, rows] = from [rows, columns], whose rows lie `stride` apart. */
void recurrent_transpose(size_t rows, size_t columns, const float *from, size_t stride, float *to);

#endif
