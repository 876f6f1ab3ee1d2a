/* fill.c: views to float32. SPDX-License-Identifier: Apache-2.0
 *
 * Weights are large and mostly float32, row by row or transposed: these two go at the speed of
 * memory, the rest a value at a time. */
#include "core/import/fill.h"

#include <string.h>

#include "core/float_formats.h"

/* Values of one vector register, and a tile whose rows and columns stay in the caches and whose
 * pages stay in the table of translations while it is turned. */
enum { FOUR = 4, TILE_ROWS = 32, TILE_COLUMNS = 256 };

typedef float four __attribute__((vector_size(FOUR * sizeof(float))));

static const unsigned char *at(const struct import_array *view, size_t row, size_t column)
{
    return view->data +
           (row * view->stride[0] + column * view->stride[1]) * import_dtype_bytes(view->dtype);
}

static bool is_native_float(const struct import_array *view)
{
    return float_format_is_native((enum lstm_dtype)view->dtype);
}

static size_t at_most(size_t n, size_t limit)
{
    return n < limit ? n : limit;
}

static four load(const unsigned char *from)
{
    four values;
    memcpy(&values, from, sizeof values);
    return values;
}

static void store(float *to, four values)
{
    memcpy(to, &values, sizeof values);
}

/* Four columns of the view, which lie together in its memory, to four rows. */
static void turn_four(const struct import_array *view, size_t row, size_t column, float *to,
                      size_t stride)
{
    const size_t next = view->stride[1] * sizeof(float);
    const unsigned char *from = at(view, row, column);
    const four a = load(from), b = load(from + next);
    const four c = load(from + 2 * next), d = load(from + 3 * next);
    const four ac = __builtin_shufflevector(a, c, 0, 4, 1, 5);
    const four bd = __builtin_shufflevector(b, d, 0, 4, 1, 5);
    const four ac_high = __builtin_shufflevector(a, c, 2, 6, 3, 7);
    const four bd_high = __builtin_shufflevector(b, d, 2, 6, 3, 7);
    to += row * stride + column;
    store(to, __builtin_shufflevector(ac, bd, 0, 4, 1, 5));
    store(to + stride, __builtin_shufflevector(ac, bd, 2, 6, 3, 7));
    store(to + 2 * stride, __builtin_shufflevector(ac_high, bd_high, 0, 4, 1, 5));
    store(to + 3 * stride, __builtin_shufflevector(ac_high, bd_high, 2, 6, 3, 7));
}

/* At most four rows and columns. */
static void turn_some(const struct import_array *view, size_t row, size_t column, float *to,
                      size_t stride)
{
    for (size_t r = row; r < view->shape[0] && r < row + FOUR; r++)
        for (size_t c = column; c < view->shape[1] && c < column + FOUR; c++)
            memcpy(&to[r * stride + c], at(view, r, c), sizeof *to);
}

static void turn_tile(const struct import_array *view, size_t row, size_t column, float *to,
                      size_t stride)
{
    const size_t row_end = at_most(view->shape[0], row + TILE_ROWS);
    const size_t column_end = at_most(view->shape[1], column + TILE_COLUMNS);
    for (size_t r = row; r < row_end; r += FOUR)
        for (size_t c = column; c < column_end; c += FOUR)
            if (r + FOUR <= row_end && c + FOUR <= column_end)
                turn_four(view, r, c, to, stride);
            else
                turn_some(view, r, c, to, stride);
}

static void fill_turned(const struct import_array *view, float *to, size_t stride)
{
    for (size_t column = 0; column < view->shape[1]; column += TILE_COLUMNS)
        for (size_t row = 0; row < view->shape[0]; row += TILE_ROWS)
            turn_tile(view, row, column, to, stride);
}

static void fill_row(const struct import_array *view, size_t row, float *to)
{
    const enum lstm_dtype dtype = (enum lstm_dtype)view->dtype;
    const size_t columns = view->shape[1];
    if (view->stride[1] == 1 && is_native_float(view)) {
        memcpy(to, at(view, row, 0), columns * sizeof *to);
    } else if (view->stride[1] == 1) {
        float_format_read(dtype, at(view, row, 0), columns, to);
    } else {
        for (size_t c = 0; c < columns; c++)
            float_format_read(dtype, at(view, row, c), 1, &to[c]);
    }
}

void import_fill_matrix(const struct import_array *view, float *to, size_t stride)
{
    if (view->data == NULL || view->shape[0] == 0 || view->shape[1] == 0)
        return;
    if (view->stride[0] == 1 && view->stride[1] != 1 && is_native_float(view)) {
        fill_turned(view, to, stride);
        return;
    }
    for (size_t row = 0; row < view->shape[0]; row++)
        fill_row(view, row, to + row * stride);
}

void import_add_vector(const struct import_array *view, float *to)
{
    const size_t bytes = import_dtype_bytes(view->dtype);
    for (size_t i = 0; view->data != NULL && i < view->shape[0]; i++) {
        float value;
        float_format_read((enum lstm_dtype)view->dtype, view->data + i * view->stride[0] * bytes, 1,
                          &value);
        to[i] += value;
    }
}
