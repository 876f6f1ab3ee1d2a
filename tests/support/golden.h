/* golden.h: reads the expected numbers of tests/data/golden. SPDX-License-Identifier: Apache-2.0 */
#ifndef GOLDEN_H
#define GOLDEN_H

#include <jansson.h>
#include <stddef.h>

/* The JSON file of that name. json_decref() it. Aborts the test if it cannot be read. */
json_t *golden_load(const char *file);

/* The value at a path of keys and indices, "single/steps/0/c". Borrowed; aborts if absent. */
const json_t *golden_at(const json_t *root, const char *path);

double golden_number(const json_t *root, const char *path);

/* The array of exactly n numbers at the path: as doubles; as the nearest floats. */
void golden_values(const json_t *root, const char *path, double *values, size_t n);
void golden_floats(const json_t *root, const char *path, float *values, size_t n);

#endif
