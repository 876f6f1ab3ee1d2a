/* crc32_fold.c: crc32_fold.h by products without carries. SPDX-License-Identifier: Apache-2.0
 *
 * A CRC is the rest of a division of polynomials. Multiplying 16 bytes by a power of x, reduced,
 * moves them past those behind them and leaves the rest as it is; four such chains run side by side
 * (V. Gopal et al., "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ Instruction",
 * 2009, whose constants these are). */
#include "core/crc32_fold.h"

#if defined(__x86_64__)

#include <immintrin.h>

enum { LANES = 4, BLOCK = LANES * CRC32_FOLD_BYTES, WORTHWHILE = 4 * BLOCK };

/* x^(8n + 32) and x^(8n - 32) of moves past n bytes, modulo the polynomial of CRC-32, bits reversed
 * and shifted by the one that a product of reversed numbers lacks. */
static const uint64_t past_64[2] = {0x154442bd4, 0x1c6e41596};
static const uint64_t past_16[2] = {0x1751997d0, 0x0ccaa009e};

static __m128i load(const void *from)
{
    return _mm_loadu_si128(from);
}

__attribute__((target("pclmul"))) static __m128i move(__m128i bytes, __m128i powers, __m128i behind)
{
    const __m128i first = _mm_clmulepi64_si128(bytes, powers, 0x00);
    const __m128i second = _mm_clmulepi64_si128(bytes, powers, 0x11);
    return _mm_xor_si128(_mm_xor_si128(first, second), behind);
}

/* n >= BLOCK. */
__attribute__((target("pclmul"))) static size_t fold(uint32_t state, const unsigned char *data,
                                                     size_t n, unsigned char *folded)
{
    const __m128i far = load(past_64), near = load(past_16);
    __m128i lanes[LANES];
    size_t at = BLOCK;
    for (size_t k = 0; k < LANES; k++)
        lanes[k] = load(data + k * CRC32_FOLD_BYTES);
    lanes[0] = _mm_xor_si128(lanes[0], _mm_cvtsi32_si128((int)state));
    for (; n - at >= BLOCK; at += BLOCK)
        for (size_t k = 0; k < LANES; k++)
            lanes[k] = move(lanes[k], far, load(data + at + k * CRC32_FOLD_BYTES));
    for (size_t k = 1; k < LANES; k++)
        lanes[k] = move(lanes[k - 1], near, lanes[k]);
    _mm_storeu_si128((void *)folded, lanes[LANES - 1]);
    return at;
}

size_t crc32_fold(uint32_t state, const void *data, size_t n,
                  unsigned char folded[CRC32_FOLD_BYTES])
{
    return n >= WORTHWHILE && __builtin_cpu_supports("pclmul") ? fold(state, data, n, folded) : 0;
}

#else

size_t crc32_fold(uint32_t state, const void *data, size_t n,
                  unsigned char folded[CRC32_FOLD_BYTES])
{
    (void)state, (void)data, (void)n, (void)folded;
    return 0;
}

#endif
