/* crc32c.h: the Castagnoli CRC. SPDX-License-Identifier: Apache-2.0 */
#ifndef CRC32C_H
#define CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* The CRC-32C (RFC 3720, section 12.1) of what had the CRC `crc` (0: nothing) with n bytes more
 * behind it. With the processor's instruction where it has one. Thread-safe. */
uint32_t crc32c(uint32_t crc, const void *data, size_t n);

/* The same by tables, on every machine: what the instruction is tested against. */
uint32_t crc32c_by_tables(uint32_t crc, const void *data, size_t n);

#endif
