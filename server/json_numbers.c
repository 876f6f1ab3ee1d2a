/* json_numbers.c: runs of floats as JSON arrays. SPDX-License-Identifier: Apache-2.0 */
#include "server/json_numbers.h"

#include <math.h>

#include "server/float_text.h"

size_t json_append_numbers(struct buf *out, const float *values, size_t n)
{
    if (!buf_reserve(out, n * (FLOAT_TEXT_MAX + 1) + 2))
        return n;
    char *p = out->data + out->n;
    *p++ = '[';
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(values[i]))
            return i;
        if (i > 0)
            *p++ = ',';
        p += float_text(values[i], p);
    }
    *p++ = ']';
    *p = '\0';
    out->n = (size_t)(p - out->data);
    return n;
}

void json_append_zeros(struct buf *out, size_t n)
{
    buf_text(out, "[");
    for (size_t i = 0; i < n; i++)
        buf_text(out, i > 0 ? ",0.0" : "0.0");
    buf_text(out, "]");
}
