/* memory.c: checked sizes and aligned memory. SPDX-License-Identifier: Apache-2.0 */
#include "core/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 64 };

bool memory_multiply(size_t a, size_t b, size_t *product)
{
    if (a != 0 && b > SIZE_MAX / a)
        return false;
    *product = a * b;
    return true;
}

bool memory_add(size_t a, size_t b, size_t *sum)
{
    if (b > SIZE_MAX - a)
        return false;
    *sum = a + b;
    return true;
}

float *memory_floats(size_t n)
{
    size_t bytes;
    if (!memory_multiply(n, sizeof(float), &bytes) || !memory_add(bytes, ALIGNMENT, &bytes) ||
        bytes > PTRDIFF_MAX)
        return NULL;
    bytes = bytes / ALIGNMENT * ALIGNMENT;
    float *data = aligned_alloc(ALIGNMENT, bytes);
    if (data != NULL)
        memset(data, 0, bytes);
    return data;
}
