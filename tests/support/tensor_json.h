/* tensor_json.h: arrays of floats as jansson's nested arrays, and back.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TENSOR_JSON_H
#define TENSOR_JSON_H

#include <jansson.h>
#include <stddef.h>

/* values [shape[0], shape[1], ...] as nested arrays. new: json_decref(). */
json_t *tensor_json(const float *values, size_t rank, const size_t *shape);

/* Reads what lies at a path of keys and indices, "state/0/c". Aborts the test if it is not an array
 * of exactly this shape. */
void tensor_json_read(const json_t *root, const char *path, size_t rank, const size_t *shape,
                      float *values);

#endif
