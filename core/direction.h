/* direction.h: reading sequences backwards, and the outputs of two cells as one.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Semantics: TensorFlow 1 python/ops/rnn.py, bidirectional_dynamic_rnn: the second cell reads
 * tf.reverse_sequence of the input by its length, and its outputs are reversed in the same way, so
 * that both cells' outputs for a step stand at that step. Packed rows (core/layer.h) have the same
 * shape in both orders; to reverse them is to permute them. */
#ifndef DIRECTION_H
#define DIRECTION_H

#include <stdbool.h>
#include <stddef.h>

/* How a bidirectional layer gives the outputs of its cells: Keras' merge_mode. */
enum merge { MERGE_CONCAT, MERGE_SUM, MERGE_MUL, MERGE_AVE, MERGE_NONE };

/* NULL-ended, indexed by enum merge; MERGE_NONE, one cell, has no name. */
extern const char *const merge_names[];

struct pack;

/* Fills rows [pack->rows]: packed row i is in the other order packed row rows[i]. */
void direction_reverse(const struct pack *pack, size_t *rows);

/* to [n, width]: row i is row rows[i] of `from`. */
void direction_take(const float *from, const size_t *rows, size_t n, size_t width, float *to);

/* One row of cell k, `values` [n], into the row of the layer; cell 0 goes first. */
void direction_merge(enum merge merge, size_t k, const float *values, size_t n, float *row);

/* The gradient by cell k's row, out [n], of the gradient by the layer's row; `other` [n] is the
 * other cell's row (read by MERGE_MUL alone). */
void direction_split(enum merge merge, size_t k, const float *gradient, const float *other,
                     size_t n, float *out);

#endif
