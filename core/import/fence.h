/* fence.h: memory that is handed out piece by piece, fenced where AddressSanitizer watches.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Pieces of one block lie side by side, and the sanitizer knows the block alone. Told which bytes
 * of it are nobody's, it finds who writes past the end of a piece. Without it this costs nothing.
 */
#ifndef FENCE_H
#define FENCE_H

#include <stddef.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FENCE_IS_ON 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define FENCE_IS_ON 1
#endif

#ifdef FENCE_IS_ON
#include <sanitizer/asan_interface.h>
enum { FENCE_BYTES = 32 }; /* between two pieces */
#else
#define ASAN_POISON_MEMORY_REGION(at, n)   ((void)(at), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(at, n) ((void)(at), (void)(n))
enum { FENCE_BYTES = 0 };
#endif

/* Nobody may touch these bytes until they are opened. */
static inline void fence_close(const void *at, size_t n)
{
    ASAN_POISON_MEMORY_REGION(at, n);
}

static inline void fence_open(const void *at, size_t n)
{
    ASAN_UNPOISON_MEMORY_REGION(at, n);
}

#endif
