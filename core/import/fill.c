/* fill.c: views to float32. SPDX-License-Identifier: Apache-2.0
 *
 * Weights are large and mostly float32, row by row or transposed: these two go at the speed of
 * memory, the rest a value at a time. */
#include "core/import/fill.h"

#include <string.h>

#include "core/float_formats.h"

/* A block of this many rows and columns stays in the first cache while it is turned. */
enum { BLOCK = 16 };

static const unsigned char *at(const struct import_array *view, size_t row, size_t column)
{
    return view->data +
           (row * view->stride[0] + column * view->stride[1]) * import_dtype_bytes(view->dtype);
}

static bool is_native_float(const struct import_array *view)
{
    const uint16_t probe = 1;
    unsigned char first;
    memcpy(&first, &probe, 1);
    return view->dtype == IMPORT_F32 && first == 1;
}

static size_t at_most(size_t n, size_t limit)
{
    return n < limit ? n : limit;
}

/* Columns of the view lie together in its memory. */
static void turn_block(const struct import_array *view, size_t row, size_t column, float *to,
                       size_t stride)
{
    const size_t rows = at_most(view->shape[0] - row, BLOCK);
    const size_t columns = at_most(view->shape[1] - column, BLOCK);
    float block[BLOCK][BLOCK];
    for (size_t c = 0; c < columns; c++)
        memcpy(block[c], at(view, row, column + c), rows * sizeof(float));
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < columns; c++)
            to[(row + r) * stride + column + c] = block[c][r];
}

static void fill_turned(const struct import_array *view, float *to, size_t stride)
{
    for (size_t row = 0; row < view->shape[0]; row += BLOCK)
        for (size_t column = 0; column < view->shape[1]; column += BLOCK)
            turn_block(view, row, column, to, stride);
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
