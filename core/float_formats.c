/* float_formats.c: F64, F16 and BF16 as bytes. SPDX-License-Identifier: Apache-2.0 */
#include "core/float_formats.h"

#include <string.h>

static uint64_t get_bits(const unsigned char *from, size_t bytes)
{
    uint64_t bits = 0;
    for (size_t i = bytes; i-- > 0;)
        bits = bits << 8 | from[i];
    return bits;
}

static void put_bits(unsigned char *to, size_t bytes, uint64_t bits)
{
    for (size_t i = 0; i < bytes; i++)
        to[i] = (unsigned char)(bits >> 8 * i);
}

static float float_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* 1 sign, 5 exponent (bias 15), 10 fraction bits. Subnormals are fraction * 2^-24. */
static float from_half(uint32_t half)
{
    const uint32_t sign = (half & 0x8000u) << 16, exponent = half >> 10 & 0x1fu;
    const uint32_t fraction = half & 0x3ffu;
    if (exponent == 0) {
        const float small = (float)fraction * 0x1p-24f;
        return sign != 0 ? -small : small;
    }
    if (exponent == 0x1f)
        return float_of(sign | 0x7f800000u | fraction << 13);
    return float_of(sign | (exponent + 112) << 23 | fraction << 13);
}

/* bits >> shift, rounded to nearest, ties to even. */
static uint32_t shift_rounded(uint32_t bits, uint32_t shift)
{
    const uint32_t half = 1u << (shift - 1), rest = bits & ((half << 1) - 1), kept = bits >> shift;
    return kept + (rest > half || (rest == half && (kept & 1u) != 0));
}

static uint32_t to_half(float value)
{
    const uint32_t bits = bits_of(value), sign = bits >> 16 & 0x8000u;
    const uint32_t magnitude = bits & 0x7fffffffu;
    if (magnitude > 0x7f800000u)
        return sign | 0x7e00u;
    if (magnitude >= 0x47800000u)
        return sign | 0x7c00u;
    if (magnitude >= 0x38800000u)
        return sign | (shift_rounded(magnitude, 13) - (112u << 10));
    const uint32_t exponent = magnitude >> 23;
    if (exponent < 102)
        return sign;
    return sign | shift_rounded((magnitude & 0x7fffffu) | 0x800000u, 126 - exponent);
}

static uint32_t to_bfloat(float value)
{
    const uint32_t bits = bits_of(value);
    if ((bits & 0x7fffffffu) > 0x7f800000u)
        return (bits >> 16 | 0x40u) & 0xffffu;
    return shift_rounded(bits, 16);
}

size_t float_format_bytes(enum lstm_dtype dtype)
{
    return dtype == LSTM_F64 ? 8 : dtype == LSTM_F32 ? 4 : 2;
}

static float read_one(enum lstm_dtype dtype, const unsigned char *from)
{
    const uint64_t bits = get_bits(from, float_format_bytes(dtype));
    double wide;
    switch (dtype) {
    case LSTM_F64:
        memcpy(&wide, &bits, sizeof wide);
        return (float)wide;
    case LSTM_F16:
        return from_half((uint32_t)bits);
    case LSTM_BF16:
        return float_of((uint32_t)bits << 16);
    case LSTM_F32:
        break;
    }
    return float_of((uint32_t)bits);
}

static uint64_t bits_to_write(enum lstm_dtype dtype, float value)
{
    const double wide = (double)value;
    uint64_t bits;
    switch (dtype) {
    case LSTM_F64:
        memcpy(&bits, &wide, sizeof bits);
        return bits;
    case LSTM_F16:
        return to_half(value);
    case LSTM_BF16:
        return to_bfloat(value);
    case LSTM_F32:
        break;
    }
    return bits_of(value);
}

/* The smallest magnitude that is no finite number: halfway from the largest to what would come
 * next, where ties to even go up. As bits, so that NaN is beyond it, too. */
static uint32_t first_non_finite(enum lstm_dtype dtype)
{
    switch (dtype) {
    case LSTM_F16:
        return 0x477ff000u;
    case LSTM_BF16:
        return 0x7f7f8000u;
    case LSTM_F64:
    case LSTM_F32:
        break;
    }
    return 0x7f800000u;
}

size_t float_format_find_non_finite(enum lstm_dtype dtype, const float *values, size_t n)
{
    const uint32_t limit = first_non_finite(dtype);
    size_t i = 0;
    while (i < n && (bits_of(values[i]) & 0x7fffffffu) < limit)
        i++;
    return i;
}

bool float_format_is_native(enum lstm_dtype dtype)
{
    const uint16_t probe = 1;
    unsigned char first;
    memcpy(&first, &probe, 1);
    return dtype == LSTM_F32 && first == 1;
}

void float_format_read(enum lstm_dtype dtype, const unsigned char *from, size_t n, float *to)
{
    const size_t bytes = float_format_bytes(dtype);
    if (float_format_is_native(dtype) && n > 0) {
        memcpy(to, from, n * bytes);
        return;
    }
    for (size_t i = 0; i < n; i++)
        to[i] = read_one(dtype, from + i * bytes);
}

void float_format_write(enum lstm_dtype dtype, const float *from, size_t n, unsigned char *to)
{
    const size_t bytes = float_format_bytes(dtype);
    if (float_format_is_native(dtype) && n > 0) {
        memcpy(to, from, n * bytes);
        return;
    }
    for (size_t i = 0; i < n; i++)
        put_bits(to + i * bytes, bytes, bits_to_write(dtype, from[i]));
}
