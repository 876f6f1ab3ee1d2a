/* onnx_fold.c: Reshape, Concat, Slice, Gather, Cast and the moving of axes, on known arrays.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/import/onnx_fold.h"

#include <math.h>
#include <string.h>

#include "core/float_formats.h"
#include "core/import/onnx_tensor.h"
#include "core/memory.h"
#include "core/status.h"

static enum lstm_status fail_memory(const struct import_array *array, struct lstm_error *error)
{
    return lstm_fail(error, LSTM_NO_MEMORY,
                     "array '%.80s': rearranging it needs more memory than a file of this size "
                     "should",
                     array->name);
}

/* A packed array of this shape in import memory, zeroed. */
static enum lstm_status allocate(struct import_source *source, const struct import_array *like,
                                 enum import_dtype dtype, size_t rank, const size_t *shape,
                                 struct import_array *array, unsigned char **data,
                                 struct lstm_error *error)
{
    enum lstm_status status =
        import_array_init(array, like->name, dtype, rank, shape, NULL, SIZE_MAX, error);
    if (status != LSTM_OK)
        return status;
    *data = import_allocate(source, onnx_array_size(array) * import_dtype_bytes(dtype));
    array->data = *data;
    return *data != NULL ? LSTM_OK : fail_memory(like, error);
}

void onnx_fold_transpose(struct import_array *array, const size_t *permutation)
{
    const struct import_array old = *array;
    for (size_t i = 0; i < old.rank; i++) {
        array->shape[i] = old.shape[permutation[i]];
        array->stride[i] = old.stride[permutation[i]];
    }
}

bool onnx_fold_squeeze(struct import_array *array, const bool *axes)
{
    for (size_t i = array->rank; i-- > 0;) {
        if (axes[i] && array->shape[i] != 1)
            return false;
        if (axes[i])
            *array = import_drop_axis(*array, i, 0);
    }
    return true;
}

bool onnx_fold_unsqueeze(struct import_array *array, const bool *axes, size_t rank)
{
    const struct import_array old = *array;
    size_t from = 0;
    for (size_t i = 0; i < rank; i++) {
        const bool is_new = axes[i];
        if (!is_new && from == old.rank)
            return false;
        array->shape[i] = is_new ? 1 : old.shape[from];
        array->stride[i] = is_new ? 1 : old.stride[from];
        from += is_new ? 0 : 1;
    }
    array->rank = rank;
    return from == old.rank;
}

/* The shape that Reshape asks for, with its 0 and -1 filled in. */
static bool resolve(const struct import_array *array, const struct onnx_sizes *wanted,
                    bool zero_is_zero, size_t *shape)
{
    const size_t n = onnx_array_size(array);
    size_t product = 1, rest = SIZE_MAX;
    for (size_t i = 0; i < wanted->n; i++) {
        const struct onnx_size *length = &wanted->at[i];
        if (!length->known || length->number < -1 || (length->number == -1 && rest != SIZE_MAX))
            return false;
        if (length->number == -1) {
            rest = i;
            continue;
        }
        const bool same = length->number == 0 && !zero_is_zero;
        if (same && i >= array->rank)
            return false;
        shape[i] = same ? array->shape[i] : (size_t)length->number;
        if (!memory_multiply(product, shape[i], &product))
            return false;
    }
    if (rest != SIZE_MAX) {
        if (product == 0 || n % product != 0)
            return false;
        shape[rest] = n / product;
        product *= shape[rest];
    }
    return product == n;
}

enum lstm_status onnx_fold_reshape(struct import_source *source, struct import_array *array,
                                   const struct onnx_sizes *shape, bool zero_is_zero,
                                   struct lstm_error *error)
{
    size_t sizes[IMPORT_MAX_RANK];
    if (shape->n > IMPORT_MAX_RANK || !resolve(array, shape, zero_is_zero, sizes))
        return lstm_fail(error, LSTM_FORMAT,
                         "array '%.80s' of %zu values cannot take the shape that Reshape gives it",
                         array->name, onnx_array_size(array));
    if (!onnx_array_pack(source, array))
        return fail_memory(array, error);
    return import_array_init(array, array->name, array->dtype, shape->n, sizes, array->data,
                             SIZE_MAX, error);
}

/* Copies `from` into the packed array that begins at to + offset and has the strides of `whole`. */
static void copy_into(const struct import_array *whole, unsigned char *to, size_t offset,
                      const struct import_array *from)
{
    const size_t n = onnx_array_size(from), width = import_dtype_bytes(from->dtype);
    struct import_array place = *whole;
    memcpy(place.shape, from->shape, sizeof place.shape);
    for (size_t k = 0; k < n; k++)
        memcpy(to + (offset + onnx_array_at(&place, k)) * width,
               from->data + onnx_array_at(from, k) * width, width);
}

enum lstm_status onnx_fold_concat(struct import_source *source, const struct import_array *parts,
                                  size_t n, size_t axis, struct import_array *whole,
                                  struct lstm_error *error)
{
    size_t shape[IMPORT_MAX_RANK], offset = 0;
    unsigned char *data;
    memcpy(shape, parts[0].shape, sizeof shape);
    for (size_t i = 1; i < n; i++) {
        bool fits = parts[i].rank == parts[0].rank && parts[i].dtype == parts[0].dtype;
        for (size_t a = 0; fits && a < parts[0].rank; a++)
            fits = a == axis || parts[i].shape[a] == shape[a];
        if (!fits || !memory_add(shape[axis], parts[i].shape[axis], &shape[axis]))
            return lstm_fail(error, LSTM_FORMAT,
                             "arrays '%.60s' and '%.60s' cannot be joined along axis %zu",
                             parts[0].name, parts[i].name, axis);
    }
    enum lstm_status status =
        allocate(source, &parts[0], parts[0].dtype, parts[0].rank, shape, whole, &data, error);
    for (size_t i = 0; status == LSTM_OK && i < n; i++) {
        copy_into(whole, data, offset, &parts[i]);
        offset += parts[i].shape[axis] * whole->stride[axis];
    }
    return status;
}

/* Slice's rules: negative numbers count from the end, what lies outside is cut off. */
static int64_t clamp(int64_t index, int64_t size, int64_t low, int64_t high)
{
    if (index < 0)
        index = index < -size ? low : index + size;
    return index < low ? low : index > high ? high : index;
}

enum lstm_status onnx_fold_slice(struct import_source *source, struct import_array *array,
                                 size_t axis, int64_t begin, int64_t end, int64_t step,
                                 struct lstm_error *error)
{
    const int64_t size = (int64_t)array->shape[axis];
    struct import_array cut = *array;
    unsigned char *data;
    if (step == 0 || step > size || step < -size)
        return lstm_fail(error, LSTM_FORMAT, "array '%.80s': Slice with an absurd step",
                         array->name);
    begin = clamp(begin, size, step > 0 ? 0 : -1, step > 0 ? size : size - 1);
    end = clamp(end, size, step > 0 ? 0 : -1, step > 0 ? size : size - 1);
    const int64_t span = step > 0 ? end - begin : begin - end, pace = step > 0 ? step : -step;
    const size_t n = span > 0 ? (size_t)((span + pace - 1) / pace) : 0;
    if (step == 1 || n == 0) {
        *array = import_cut(*array, axis, n == 0 ? 0 : (size_t)begin, n);
        return LSTM_OK;
    }
    cut.shape[axis] = n;
    enum lstm_status status =
        allocate(source, array, array->dtype, array->rank, cut.shape, &cut, &data, error);
    for (size_t i = 0; status == LSTM_OK && i < n; i++) {
        const struct import_array from =
            import_cut(*array, axis, (size_t)(begin + (int64_t)i * step), 1);
        copy_into(&cut, data, i * cut.stride[axis], &from);
    }
    if (status == LSTM_OK)
        *array = cut;
    return status;
}

/* The shape of Gather's result: the indices' in the place of the axis. */
static bool gather_shape(const struct import_array *array, size_t axis,
                         const struct import_array *indices, size_t *shape, size_t *rank)
{
    *rank = array->rank + indices->rank - 1;
    if (*rank > IMPORT_MAX_RANK)
        return false;
    memcpy(shape, array->shape, axis * sizeof *shape);
    memcpy(shape + axis, indices->shape, indices->rank * sizeof *shape);
    memcpy(shape + axis + indices->rank, array->shape + axis + 1,
           (array->rank - axis - 1) * sizeof *shape);
    return true;
}

enum lstm_status onnx_fold_gather(struct import_source *source, const struct import_array *array,
                                  size_t axis, const struct import_array *indices,
                                  struct import_array *found, struct lstm_error *error)
{
    const size_t n = onnx_array_size(indices);
    size_t shape[IMPORT_MAX_RANK], rank;
    struct import_array rows;
    unsigned char *data;
    for (size_t k = 0; k < n; k++) {
        size_t index;
        int64_t number = onnx_array_int(indices, k);
        if (number < -(int64_t)array->shape[axis] || number >= (int64_t)array->shape[axis])
            return lstm_fail(error, LSTM_FORMAT, "array '%.80s': Gather of index %lld of %zu",
                             array->name, (long long)number, array->shape[axis]);
        index = (size_t)(number < 0 ? number + (int64_t)array->shape[axis] : number);
        if (indices->rank == 0) {
            *found = import_drop_axis(*array, axis, index);
            return LSTM_OK;
        }
    }
    if (!gather_shape(array, axis, indices, shape, &rank))
        return lstm_fail(error, LSTM_FORMAT, "array '%.80s': Gather gives too many axes",
                         array->name);
    struct import_array flat = *array;
    flat.shape[axis] = n;
    enum lstm_status status =
        allocate(source, array, array->dtype, array->rank, flat.shape, &rows, &data, error);
    for (size_t k = 0; status == LSTM_OK && k < n; k++) {
        const int64_t number = onnx_array_int(indices, k);
        const size_t index = (size_t)(number < 0 ? number + (int64_t)array->shape[axis] : number);
        const struct import_array row = import_cut(*array, axis, index, 1);
        copy_into(&rows, data, k * rows.stride[axis], &row);
    }
    return status == LSTM_OK ? import_array_init(found, array->name, array->dtype, rank, shape,
                                                 data, SIZE_MAX, error)
                             : status;
}

static bool is_float(enum import_dtype dtype)
{
    return dtype <= IMPORT_BF16;
}

/* A whole number's bytes; false if the type cannot hold it. */
static bool write_int(enum import_dtype dtype, double value, unsigned char *to)
{
    const size_t width = import_dtype_bytes(dtype);
    if (!(fabs(value) < 9.0e18))
        return false;
    const uint64_t bits = (uint64_t)(int64_t)value;
    for (size_t i = 0; i < width; i++)
        to[i] = (unsigned char)((dtype == IMPORT_BOOL ? value != 0.0 : bits) >> 8 * i);
    return true;
}

enum lstm_status onnx_fold_cast(struct import_source *source, struct import_array *array,
                                enum import_dtype dtype, struct lstm_error *error)
{
    const size_t n = onnx_array_size(array), width = import_dtype_bytes(dtype);
    struct import_array cast;
    unsigned char *data;
    const bool same =
        dtype == array->dtype ||
        (dtype == IMPORT_F32 && (array->dtype == IMPORT_F16 || array->dtype == IMPORT_BF16));
    if (same) /* float32 holds every 16-bit float */
        return LSTM_OK;
    if (width == 0 || import_dtype_bytes(array->dtype) == 0)
        return lstm_fail(error, LSTM_UNSUPPORTED, "array '%.80s': Cast from %s to %s", array->name,
                         import_dtype_name(array->dtype), import_dtype_name(dtype));
    enum lstm_status status =
        allocate(source, array, dtype, array->rank, array->shape, &cast, &data, error);
    for (size_t k = 0; status == LSTM_OK && k < n; k++) {
        const double value = onnx_array_real(array, k);
        const float number = (float)value;
        if (is_float(dtype))
            float_format_write((enum lstm_dtype)dtype, &number, 1, data + k * width);
        else if (!write_int(dtype, value, data + k * width))
            return lstm_fail(error, LSTM_FORMAT, "array '%.80s': Cast of %g to %s", array->name,
                             value, import_dtype_name(dtype));
    }
    if (status == LSTM_OK)
        *array = cast;
    return status;
}
