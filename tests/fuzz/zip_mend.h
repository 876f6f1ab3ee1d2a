/* zip_mend.h: the checksums of a zip archive made right again, so that changes inside of its
 * members get past them. SPDX-License-Identifier: Apache-2.0 */
#ifndef ZIP_MEND_H
#define ZIP_MEND_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/gzip.h"

/* The checksum of a member's content; false: its data cannot be unpacked. */
static inline bool zip_mend_sum(const unsigned char *packed, size_t n_packed, size_t n,
                                bool is_deflated, uint32_t *sum)
{
    enum { MOST = 1 << 20 };
    if (!is_deflated && n != n_packed)
        return false;
    if (!is_deflated) {
        *sum = gzip_crc32(0, packed, n);
        return true;
    }
    unsigned char *const unpacked = n <= MOST ? malloc(n + 1) : NULL;
    const bool is_good = unpacked != NULL && gzip_inflate(packed, n_packed, unpacked, n) == LSTM_OK;
    if (is_good)
        *sum = gzip_crc32(0, unpacked, n);
    free(unpacked);
    return is_good;
}

/* Writes the right checksum into each entry of the central directory that can be found (APPNOTE
 * 4.3.12). False: none was wrong. */
static inline bool zip_mend(unsigned char *bytes, size_t n)
{
    enum { ENTRY_BYTES = 46, LOCAL_BYTES = 30, DEFLATED = 8 };
    bool has_changed = false;
    for (size_t at = 0; at + ENTRY_BYTES <= n; at++) {
        if (memcmp(bytes + at, "PK\1\2", 4) != 0)
            continue;
        uint32_t sizes[2], local, crc; /* packed and unpacked; where the member begins */
        memcpy(sizes, bytes + at + 20, sizeof sizes);
        memcpy(&local, bytes + at + 42, sizeof local);
        if (local > n || n - local < LOCAL_BYTES)
            continue;
        const size_t data = local + (size_t)(bytes[local + 26] | bytes[local + 27] << 8) +
                            (size_t)(bytes[local + 28] | bytes[local + 29] << 8) + LOCAL_BYTES;
        if (data > n || sizes[0] > n - data ||
            !zip_mend_sum(bytes + data, sizes[0], sizes[1], bytes[at + 10] == DEFLATED, &crc) ||
            memcmp(bytes + at + 16, &crc, sizeof crc) == 0)
            continue;
        memcpy(bytes + at + 16, &crc, sizeof crc);
        has_changed = true;
    }
    return has_changed;
}

#endif
