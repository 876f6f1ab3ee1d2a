/* memory.c: checked sizes and aligned memory. SPDX-License-Identifier: Apache-2.0 */
#include "core/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { ALIGNMENT = 64, HUGE_PAGE = 2 << 20 };

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

/* Of n floats, rounded up; 0: absurd. */
static size_t size_of_floats(size_t n)
{
    size_t bytes;
    if (!memory_multiply(n, sizeof(float), &bytes) || !memory_add(bytes, ALIGNMENT, &bytes) ||
        bytes > PTRDIFF_MAX)
        return 0;
    return bytes / ALIGNMENT * ALIGNMENT;
}

float *memory_floats_unset(size_t n)
{
    const size_t bytes = size_of_floats(n);
    if (bytes == 0)
        return NULL;
    const bool is_large = bytes >= 2 * HUGE_PAGE;
    void *data = NULL;
    if (posix_memalign(&data, is_large ? HUGE_PAGE : ALIGNMENT, bytes) != 0)
        return NULL;
    /* Only advice: weights in huge pages are written, and read, with fewer faults. */
    if (is_large)
        (void)madvise(data, bytes / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE);
    return data;
}

float *memory_floats(size_t n)
{
    float *data = memory_floats_unset(n);
    if (data != NULL)
        memset(data, 0, size_of_floats(n));
    return data;
}

void memory_populate(float *data, size_t n)
{
    const size_t skipped = (HUGE_PAGE - (uintptr_t)data % HUGE_PAGE) % HUGE_PAGE;
    const size_t bytes = n * sizeof *data;
    if (bytes > skipped)
        (void)madvise((char *)data + skipped, (bytes - skipped) / HUGE_PAGE * HUGE_PAGE,
                      MADV_POPULATE_WRITE);
}
