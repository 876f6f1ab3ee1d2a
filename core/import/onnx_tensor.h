/* onnx_tensor.h: a TensorProto as an array, and small arrays as numbers.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Numbers that lie in raw_data, in one packed run of floats or in a file beside the model are
 * viewed where they lie; varints are unpacked into import memory. */
#ifndef ONNX_TENSOR_H
#define ONNX_TENSOR_H

#include "core/import/onnx_graph.h"

/* `name` NULL: the tensor's own. External data is looked for beside source->path.
 * FORMAT: where it is wrong, or its numbers are not as many as its shape says; UNSUPPORTED: a type
 * of element that lstmd does not know; NOT_FOUND, IO: the external file; NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status onnx_tensor_read(struct import_source *source, const char *name,
                                                  struct onnx_bytes message,
                                                  struct import_array *array,
                                                  struct lstm_error *error);

/* The type of a number of TensorProto.DataType; IMPORT_OTHER if it is none that has a size. */
enum import_dtype onnx_dtype(int64_t data_type);

/* Elements, whose product was checked when the array was made. */
size_t onnx_array_size(const struct import_array *array);

/* The k-th element in row-major order, of an array whose type has a size. */
size_t onnx_array_at(const struct import_array *array, size_t k); /* elements from data */
double onnx_array_real(const struct import_array *array, size_t k);
int64_t onnx_array_int(const struct import_array *array, size_t k);
bool onnx_array_is_integral(const struct import_array *array);
/* Whether it is one number, and that number; false for one text, too. */
bool onnx_array_scalar(const struct import_array *array, double *number);
bool onnx_array_is_zero(const struct import_array *array);

/* The same elements, packed: the array itself if it is, else a copy. false: no memory. */
LSTM_MUST_CHECK bool onnx_array_pack(struct import_source *source, struct import_array *array);

#endif
