/* png_mend.h: the checksums of a PNG made right again, so that changes inside of its chunks get
 * past them. SPDX-License-Identifier: Apache-2.0 */
#ifndef PNG_MEND_H
#define PNG_MEND_H

#include <stdbool.h>
#include <string.h>

#include "core/gzip.h"
#include "server/png.h"

static inline uint32_t png_mend_number(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* Whether its header, if it has one, announces so many pixels that they would take all the time.
 * Beyond the bound of png_decode() they cost nothing. */
static inline bool png_mend_is_slow(const uint8_t *data, size_t size)
{
    enum { SIZES_AT = 16, SLOW_PIXELS = 1 << 16 };
    if (size < SIZES_AT + 8)
        return false;
    const uint64_t n =
        (uint64_t)png_mend_number(data + SIZES_AT) * png_mend_number(data + SIZES_AT + 4);
    return n > SLOW_PIXELS && n <= PNG_MAX_PIXELS;
}

/* Chunk after chunk: length, type, content, checksum of the two. */
static inline void png_mend(uint8_t *bytes, size_t n)
{
    enum { SIGNATURE = 8, LENGTH = 4, TYPE = 4, SUM = 4 };
    for (size_t at = SIGNATURE; at <= n && n - at >= LENGTH + TYPE + SUM;) {
        const size_t length = png_mend_number(bytes + at);
        if (length > n - at - (LENGTH + TYPE + SUM))
            return;
        uint8_t *const sum = bytes + at + LENGTH + TYPE + length;
        const uint32_t crc = gzip_crc32(0, bytes + at + LENGTH, TYPE + length);
        for (size_t i = 0; i < SUM; i++)
            sum[i] = (uint8_t)(crc >> (24 - 8 * i));
        at += LENGTH + TYPE + length + SUM;
    }
}

#endif
