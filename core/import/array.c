/* array.c: views of a source's arrays. SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <string.h>

#include "core/import/import.h"
#include "core/memory.h"
#include "core/status.h"

static const struct {
    const char *name;
    size_t bytes;
} dtypes[] = {
#define X(id, name, bytes) [IMPORT_##id] = {name, bytes},
    IMPORT_DTYPE_LIST(X)
#undef X
};

const char *import_dtype_name(enum import_dtype dtype)
{
    return dtypes[dtype].name;
}

size_t import_dtype_bytes(enum import_dtype dtype)
{
    return dtypes[dtype].bytes;
}

enum lstm_status import_array_init(struct import_array *array, const char *name,
                                   enum import_dtype dtype, size_t rank, const size_t *shape,
                                   const unsigned char *data, size_t available,
                                   struct lstm_error *error)
{
    struct import_array made = {.name = name, .dtype = dtype, .rank = rank, .data = data};
    size_t bytes = dtypes[dtype].bytes;
    if (rank > IMPORT_MAX_RANK)
        return lstm_fail(error, LSTM_FORMAT, "array '%.80s' has %zu dimensions; at most %d fit",
                         name, rank, IMPORT_MAX_RANK);
    for (size_t i = rank; i-- > 0;) {
        made.shape[i] = shape[i];
        made.stride[i] = i + 1 == rank ? 1 : made.stride[i + 1] * shape[i + 1];
        if (!memory_multiply(bytes, shape[i], &bytes))
            return lstm_fail(error, LSTM_FORMAT,
                             "array '%.80s': the product of its shape overflows", name);
    }
    if (bytes > available)
        return lstm_fail(error, LSTM_FORMAT,
                         "array '%.80s': its shape takes %zu bytes, but only %zu are there", name,
                         bytes, available);
    *array = made;
    return LSTM_OK;
}

enum lstm_status import_check_floats(const struct import_array *array, struct lstm_error *error)
{
    if (array->dtype <= IMPORT_BF16)
        return LSTM_OK;
    return lstm_fail(error, LSTM_UNSUPPORTED,
                     "array '%.60s' holds %s, which no weight is; expected float32, float64, "
                     "float16 or bfloat16",
                     array->name, import_dtype_name(array->dtype));
}

struct import_array import_transpose(struct import_array array)
{
    assert(array.rank == 2);
    struct import_array turned = array;
    turned.shape[0] = array.shape[1];
    turned.shape[1] = array.shape[0];
    turned.stride[0] = array.stride[1];
    turned.stride[1] = array.stride[0];
    return turned;
}

struct import_array import_cut(struct import_array array, size_t axis, size_t begin, size_t n)
{
    assert(axis < array.rank && begin <= array.shape[axis] && n <= array.shape[axis] - begin);
    /* Not past the array's end: a pointer behind it must not even be made. */
    if (array.data != NULL && n > 0)
        array.data += begin * array.stride[axis] * dtypes[array.dtype].bytes;
    array.shape[axis] = n;
    return array;
}

struct import_array import_drop_axis(struct import_array array, size_t axis, size_t index)
{
    array = import_cut(array, axis, index, 1);
    for (size_t i = axis; i + 1 < array.rank; i++) {
        array.shape[i] = array.shape[i + 1];
        array.stride[i] = array.stride[i + 1];
    }
    array.rank--;
    return array;
}

enum lstm_status import_split(struct import_array whole, size_t axis, const char *order,
                              const char *wanted, struct import_array *parts,
                              struct lstm_error *error)
{
    const size_t n = strlen(order);
    if (axis >= whole.rank || whole.shape[axis] % n != 0)
        return lstm_fail(error, LSTM_SHAPE,
                         "array '%.80s': expected axis %zu to hold %zu gates of one size, found "
                         "%zu values",
                         whole.name, axis, n, axis < whole.rank ? whole.shape[axis] : 0);
    const size_t block = whole.shape[axis] / n;
    for (size_t i = 0; i < n; i++) {
        const char *place = strchr(wanted, order[i]);
        assert(place != NULL);
        parts[place - wanted] = import_cut(whole, axis, i * block, block);
    }
    return LSTM_OK;
}
