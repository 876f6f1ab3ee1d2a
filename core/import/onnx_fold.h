/* onnx_fold.h: operators on arrays that are known: what exporters do to weights before a
 * recurrent node reads them. SPDX-License-Identifier: Apache-2.0
 *
 * Views where a view can say it; else a copy in import memory, which bounds them. Axes and
 * permutations are checked by the caller. */
#ifndef ONNX_FOLD_H
#define ONNX_FOLD_H

#include "core/import/onnx_flow.h"

/* NO_MEMORY, or FORMAT: the shapes do not fit each other. */
LSTM_MUST_CHECK enum lstm_status onnx_fold_reshape(struct import_source *source,
                                                   struct import_array *array,
                                                   const struct onnx_sizes *shape,
                                                   bool zero_is_zero, struct lstm_error *error);
LSTM_MUST_CHECK enum lstm_status onnx_fold_concat(struct import_source *source,
                                                  const struct import_array *parts, size_t n,
                                                  size_t axis, struct import_array *whole,
                                                  struct lstm_error *error);
/* A step other than 1 copies. */
LSTM_MUST_CHECK enum lstm_status onnx_fold_slice(struct import_source *source,
                                                 struct import_array *array, size_t axis,
                                                 int64_t begin, int64_t end, int64_t step,
                                                 struct lstm_error *error);
/* The rows of one axis that the indices (any rank) name; a scalar drops the axis. */
LSTM_MUST_CHECK enum lstm_status onnx_fold_gather(struct import_source *source,
                                                  const struct import_array *array, size_t axis,
                                                  const struct import_array *indices,
                                                  struct import_array *found,
                                                  struct lstm_error *error);
/* Between types of numbers; values outside the new type are FORMAT. */
LSTM_MUST_CHECK enum lstm_status onnx_fold_cast(struct import_source *source,
                                                struct import_array *array, enum import_dtype dtype,
                                                struct lstm_error *error);

void onnx_fold_transpose(struct import_array *array, const size_t *permutation);
/* false: an axis that is to go has more than one element, or there would be too many. */
LSTM_MUST_CHECK bool onnx_fold_squeeze(struct import_array *array, const bool *axes);
LSTM_MUST_CHECK bool onnx_fold_unsqueeze(struct import_array *array, const bool *axes, size_t rank);

#endif
