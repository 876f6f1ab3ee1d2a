/* heap.c: glibc's mallopt(). SPDX-License-Identifier: Apache-2.0 */
#include "server/heap.h"

#include <malloc.h>

enum { LARGE_BYTES = 1 << 20 };

void heap_configure(unsigned n_threads)
{
#ifdef M_ARENA_MAX
    /* Setting the threshold also stops glibc from raising it after each large block. */
    mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
    mallopt(M_TRIM_THRESHOLD, LARGE_BYTES);
    mallopt(M_ARENA_MAX, (int)n_threads + 1);
#else
    (void)n_threads;
#endif
}
