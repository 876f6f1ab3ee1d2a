/* layer_pooling.h: all steps of a sequence to one row, where the sequences of a model end.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Semantics: Keras keras/src/layers/pooling/, global_average_pooling1d.py (its mask leaves out the
 * steps that are skipped here, too) and global_max_pooling1d.py; "last" is y[:, -1] of PyTorch's
 * outputs, which of a bidirectional layer is not the final h of its second cell. Of a sequence
 * without steps the row is zeros. */
#ifndef LAYER_POOLING_H
#define LAYER_POOLING_H

#include "core/layer.h"

enum pooling { POOLING_MEAN, POOLING_MAX, POOLING_LAST };

/* NULL-ended, indexed by enum pooling. */
extern const char *const pooling_names[];

/* Goes on with the rows x [R, D] of a pack whose first step is step first_step of the sequences;
 * pooled [B, D], a row a sequence, is zeros before step 0. */
void pooling_add(const struct layer *layer, const struct pack *pack, size_t first_step,
                 const float *x, float *pooled);

/* The gradient dx [R, D] by the rows x of whole sequences, of dy [B, D] by `pooled`, what these
 * came to. Equal maxima share, as with TensorFlow (python/ops/math_grad.py, _MinOrMaxGrad). */
void pooling_spread(const struct layer *layer, const struct pack *pack, const float *x,
                    const float *pooled, const float *dy, float *dx);

#endif
