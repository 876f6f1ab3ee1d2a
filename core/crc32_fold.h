/* crc32_fold.h: long data cut down to 16 bytes of the same CRC-32.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CRC32_FOLD_H
#define CRC32_FOLD_H

#include <stddef.h>
#include <stdint.h>

enum { CRC32_FOLD_BYTES = 16 };

/* Stands for the first bytes of `data` by 16 others: a register (not inverted) that was `state` in
 * front of those is, behind these, what it would be had it been 0 in front of them. Returns of how
 * many bytes; 0: there are too few to be worth it, or this processor has no instruction for it.
 * Thread-safe. */
size_t crc32_fold(uint32_t state, const void *data, size_t n,
                  unsigned char folded[CRC32_FOLD_BYTES]);

#endif
