/* fill.c: views to float32. SPDX-License-Identifier: Apache-2.0
 *
 * Weights are large and mostly float32, row by row or transposed: these two go at the speed of
 * memory, the rest a value at a time. */
#include "core/import/fill.h"

#include <stdint.h>
#include <string.h>
#if defined(__SSE__)
#include <xmmintrin.h>
#endif

#include "core/float_formats.h"

/* Values of one vector register and of one line of the caches, and a tile whose pages stay in the
 * table of translations while it is turned. Lines are asked for as many columns before their turn.
 */
enum { FOUR = 4, LINE = 16, TILE = 64, AHEAD = 32 };

/* What is larger than this leaves the caches before it is used. */
static const size_t cached_bytes = (size_t)4 << 20;

typedef float four __attribute__((vector_size(FOUR * sizeof(float))));

/* Four of the eight values of two vectors, by their numbers. GCC has clang's name for it since 12.
 */
#if __has_builtin(__builtin_shufflevector)
#define PICK(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
typedef int32_t four_numbers __attribute__((vector_size(FOUR * sizeof(int32_t))));
#define PICK(a, b, ...) __builtin_shuffle(a, b, (four_numbers){__VA_ARGS__})
#endif

static const unsigned char *at(const struct import_array *view, size_t row, size_t column)
{
    return view->data +
           (row * view->stride[0] + column * view->stride[1]) * import_dtype_bytes(view->dtype);
}

static bool is_native_float(const struct import_array *view)
{
    return float_format_is_native((enum lstm_dtype)view->dtype);
}

static bool is_turned(const struct import_array *view)
{
    return view->stride[0] == 1 && view->stride[1] != 1 && is_native_float(view);
}

static size_t at_most(size_t n, size_t limit)
{
    return n < limit ? n : limit;
}

static four load(const void *from)
{
    four values;
    memcpy(&values, from, sizeof values);
    return values;
}

static void store(float *to, four values)
{
    memcpy(to, &values, sizeof values);
}

/* Past the caches, which then need not read what is overwritten. `to` is on a 16-byte border. */
static void stream(float *to, four values)
{
#if defined(__SSE__)
    _mm_stream_ps(to, (__m128)values);
#else
    store(to, values);
#endif
}

/* Before anybody else may look at what was streamed. */
static void end_streams(void)
{
#if defined(__SSE__)
    _mm_sfence();
#endif
}

/* Four columns, `next` bytes apart, to four rows of a block. */
static void turn_four(const unsigned char *from, size_t next, float *to)
{
    const four a = load(from), b = load(from + next);
    const four c = load(from + 2 * next), d = load(from + 3 * next);
    const four ac = PICK(a, c, 0, 4, 1, 5);
    const four bd = PICK(b, d, 0, 4, 1, 5);
    const four ac_high = PICK(a, c, 2, 6, 3, 7);
    const four bd_high = PICK(b, d, 2, 6, 3, 7);
    store(to, PICK(ac, bd, 0, 4, 1, 5));
    store(to + LINE, PICK(ac, bd, 2, 6, 3, 7));
    store(to + 2 * LINE, PICK(ac_high, bd_high, 0, 4, 1, 5));
    store(to + 3 * LINE, PICK(ac_high, bd_high, 2, 6, 3, 7));
}

/* LINE columns of LINE values each, which lie together in the view's memory, to as many rows. Each
 * line is read and written once, whole: rows lie powers of two apart, where caches keep but few. */
static void turn_block(const struct import_array *view, size_t row, size_t column, float *to,
                       size_t stride, bool streams)
{
    float block[LINE * LINE];
    const size_t next = view->stride[1] * sizeof(float);
    const unsigned char *from = at(view, row, column);
    const size_t n_ahead = at_most(view->shape[1] - column, AHEAD + LINE);
    for (size_t c = AHEAD; c < n_ahead; c++)
        __builtin_prefetch(from + c * next);
    for (size_t c = 0; c < LINE; c += FOUR)
        for (size_t r = 0; r < LINE; r += FOUR)
            turn_four(from + c * next + r * sizeof(float), next, block + r * LINE + c);
    to += row * stride + column;
    for (size_t r = 0; r < LINE; r++)
        for (size_t c = 0; c < LINE; c += FOUR)
            if (streams)
                stream(to + r * stride + c, load(block + r * LINE + c));
            else
                store(to + r * stride + c, load(block + r * LINE + c));
}

/* At most LINE rows and columns. */
static void turn_some(const struct import_array *view, size_t row, size_t column, float *to,
                      size_t stride)
{
    for (size_t r = row; r < view->shape[0] && r < row + LINE; r++)
        for (size_t c = column; c < view->shape[1] && c < column + LINE; c++)
            memcpy(&to[r * stride + c], at(view, r, c), sizeof *to);
}

static void turn_tile(const struct import_array *view, size_t row, size_t column, float *to,
                      size_t stride, bool streams)
{
    const size_t row_end = at_most(view->shape[0], row + TILE);
    const size_t column_end = at_most(view->shape[1], column + TILE);
    for (size_t r = row; r < row_end; r += LINE)
        for (size_t c = column; c < column_end; c += LINE)
            if (r + LINE <= row_end && c + LINE <= column_end)
                turn_block(view, r, c, to, stride, streams);
            else
                turn_some(view, r, c, to, stride);
}

static void fill_turned(const struct import_array *view, float *to, size_t stride)
{
    const bool streams = (uintptr_t)to % (LINE * sizeof *to) == 0 && stride % LINE == 0 &&
                         view->shape[0] > cached_bytes / sizeof *to / stride;
    for (size_t column = 0; column < view->shape[1]; column += TILE)
        for (size_t row = 0; row < view->shape[0]; row += TILE)
            turn_tile(view, row, column, to, stride, streams);
    end_streams();
}

bool import_fills_lines(const struct import_array *view)
{
    return view->data != NULL && is_turned(view) && view->shape[1] % LINE == 0;
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
    if (is_turned(view)) {
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
