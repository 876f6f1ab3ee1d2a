/* direction.c: permuted rows, and rows merged. SPDX-License-Identifier: Apache-2.0 */
#include "core/direction.h"

#include <string.h>

#include "core/layer.h"

const char *const merge_names[] = {[MERGE_CONCAT] = "concat",
                                   [MERGE_SUM] = "sum",
                                   [MERGE_MUL] = "mul",
                                   [MERGE_AVE] = "ave",
                                   [MERGE_NONE] = NULL};

/* One sequence after the other: from its two ends towards its middle. */
void direction_reverse(const struct pack *pack, size_t *rows)
{
    const size_t n = pack->n_steps > 0 ? pack->rows_at[0] : 0;
    size_t end = pack->n_steps, behind = pack->rows;
    for (size_t r = 0; r < n; r++) {
        while (pack->rows_at[end - 1] <= r)
            behind -= pack->rows_at[--end];
        size_t low = 0, high = end - 1, low_row = r, high_row = behind - pack->rows_at[high] + r;
        while (low <= high) {
            rows[low_row] = high_row;
            rows[high_row] = low_row;
            if (high == 0)
                break;
            low_row += pack->rows_at[low++];
            high_row -= pack->rows_at[--high];
        }
    }
}

void direction_take(const float *from, const size_t *rows, size_t n, size_t width, float *to)
{
    for (size_t i = 0; i < n; i++)
        memcpy(to + i * width, from + rows[i] * width, width * sizeof *to);
}

void direction_merge(enum merge merge, size_t k, const float *values, size_t n, float *row)
{
    if (merge == MERGE_CONCAT || merge == MERGE_NONE || k == 0) {
        memcpy(row + (merge == MERGE_CONCAT ? k * n : 0), values, n * sizeof *row);
        return;
    }
    for (size_t i = 0; i < n; i++)
        row[i] = merge == MERGE_SUM   ? row[i] + values[i]
                 : merge == MERGE_MUL ? row[i] * values[i]
                                      : (row[i] + values[i]) * 0.5f;
}

void direction_split(enum merge merge, size_t k, const float *gradient, const float *other,
                     size_t n, float *out)
{
    memcpy(out, gradient + (merge == MERGE_CONCAT ? k * n : 0), n * sizeof *out);
    for (size_t i = 0; i < n && merge == MERGE_MUL; i++)
        out[i] *= other[i];
    for (size_t i = 0; i < n && merge == MERGE_AVE; i++)
        out[i] *= 0.5f;
}
