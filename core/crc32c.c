/* crc32c.c: eight bytes at a time, by an instruction or by eight tables.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The tables are those of M. E. Kounavis and F. L. Berry, "A Systematic Approach to Building High
 * Performance Software-Based CRC Generators" (2005): table k has the CRC of a byte that k zero
 * bytes follow. */
#include "core/crc32c.h"

#include <stdbool.h>
#include <string.h>

#if defined(__aarch64__)
#include <sys/auxv.h>
#endif

enum { SLICES = 8 };

static const uint32_t polynomial = 0x82f63b78u; /* bits reversed */

static uint32_t tables[SLICES][256];

/* Before main(), so that no reader meets tables that are half made. */
__attribute__((constructor)) static void make_tables(void)
{
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ ((crc & 1) != 0 ? polynomial : 0);
        tables[0][byte] = crc;
    }
    for (uint32_t byte = 0; byte < 256; byte++)
        for (size_t k = 1; k < SLICES; k++)
            tables[k][byte] = tables[k - 1][byte] >> 8 ^ tables[0][tables[k - 1][byte] & 0xff];
}

static uint64_t load(const unsigned char *from)
{
    uint64_t word = 0;
    for (size_t i = 8; i-- > 0;)
        word = word << 8 | from[i];
    return word;
}

uint32_t crc32c_by_tables(uint32_t crc, const void *data, size_t n)
{
    const unsigned char *at = data;
    crc = ~crc;
    for (; n >= 8; n -= 8, at += 8) {
        const uint64_t word = load(at) ^ crc;
        crc = 0;
        for (size_t k = 0; k < SLICES; k++)
            crc ^= tables[SLICES - 1 - k][word >> 8 * k & 0xff];
    }
    for (; n > 0; n--, at++)
        crc = crc >> 8 ^ tables[0][(crc ^ *at) & 0xff];
    return ~crc;
}

#if defined(__x86_64__)

__attribute__((target("sse4.2"))) static uint32_t by_instruction(uint32_t crc, const void *data,
                                                                 size_t n)
{
    const unsigned char *at = data;
    uint64_t sum = ~crc;
    for (; n >= 8; n -= 8, at += 8) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        sum = __builtin_ia32_crc32di(sum, word);
    }
    uint32_t rest = (uint32_t)sum;
    for (; n > 0; n--, at++)
        rest = __builtin_ia32_crc32qi(rest, *at);
    return ~rest;
}

static bool has_instruction(void)
{
    return __builtin_cpu_supports("sse4.2");
}

#elif defined(__aarch64__)

__attribute__((target("+crc"))) static uint32_t by_instruction(uint32_t crc, const void *data,
                                                               size_t n)
{
    const unsigned char *at = data;
    crc = ~crc;
    for (; n >= 8; n -= 8, at += 8) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        crc = __builtin_aarch64_crc32cx(crc, word);
    }
    for (; n > 0; n--, at++)
        crc = __builtin_aarch64_crc32cb(crc, *at);
    return ~crc;
}

/* HWCAP_CRC32 of the kernel's interface. */
static bool has_instruction(void)
{
    return (getauxval(AT_HWCAP) & 1u << 7) != 0;
}

#else

static uint32_t by_instruction(uint32_t crc, const void *data, size_t n)
{
    return crc32c_by_tables(crc, data, n);
}

static bool has_instruction(void)
{
    return false;
}

#endif

uint32_t crc32c(uint32_t crc, const void *data, size_t n)
{
    return has_instruction() ? by_instruction(crc, data, n) : crc32c_by_tables(crc, data, n);
}
