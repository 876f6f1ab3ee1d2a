/* tensor_json.c: nests and reads, level by level. SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tensor_json.h"

#include <check.h>

#include "tests/support/golden.h"

static size_t count(size_t rank, const size_t *shape)
{
    size_t n = 1;
    for (size_t k = 0; k < rank; k++)
        n *= shape[k];
    return n;
}

json_t *tensor_json(const float *values, size_t rank, const size_t *shape)
{
    if (rank == 0)
        return json_real((double)*values);
    json_t *array = json_array();
    const size_t stride = count(rank - 1, shape + 1);
    for (size_t k = 0; k < shape[0]; k++)
        ck_assert_int_eq(
            json_array_append_new(array, tensor_json(values + k * stride, rank - 1, shape + 1)), 0);
    return array;
}

static void read(const json_t *value, const char *path, size_t rank, const size_t *shape,
                 float *values)
{
    if (rank == 0) {
        ck_assert_msg(json_is_real(value), "%s: expected a number", path);
        *values = (float)json_real_value(value);
        return;
    }
    ck_assert_msg(json_is_array(value), "%s: expected an array, %zu deep", path, rank);
    ck_assert_msg(json_array_size(value) == shape[0], "%s: expected %zu elements, found %zu", path,
                  shape[0], json_array_size(value));
    const size_t stride = count(rank - 1, shape + 1);
    for (size_t k = 0; k < shape[0]; k++)
        read(json_array_get(value, k), path, rank - 1, shape + 1, values + k * stride);
}

void tensor_json_read(const json_t *root, const char *path, size_t rank, const size_t *shape,
                      float *values)
{
    read(golden_at(root, path), path, rank, shape, values);
}
