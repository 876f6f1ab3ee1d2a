/* float_text.c: the shortest decimal of a float32. SPDX-License-Identifier: Apache-2.0
 *
 * Six digits are tried, then seven, eight and nine: a decimal of six digits or fewer survives the
 * way through a float, so six find it and its zeros are cut; nine always suffice. A candidate is
 * judged in double arithmetic, whose error is 2^-26 of half a unit in the last place of a float:
 * well inside that half unit it reads back, directly and by way of a double; well outside it does
 * not; the one in a million between is left to strtof() and strtod(). */
#include "server/float_text.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MIN_DIGITS = 6, MAX_DIGITS = 9 };

static const double powers_of_ten[] = {
    1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11, 1e12, 1e13,
    1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22, 1e23, 1e24, 1e25, 1e26, 1e27,
    1e28, 1e29, 1e30, 1e31, 1e32, 1e33, 1e34, 1e35, 1e36, 1e37, 1e38, 1e39, 1e40, 1e41,
    1e42, 1e43, 1e44, 1e45, 1e46, 1e47, 1e48, 1e49, 1e50, 1e51, 1e52, 1e53};

/* digits * 10^power */
struct decimal {
    uint32_t digits;
    int power;
};

static double scale(double value, int power)
{
    return power < 0 ? value / powers_of_ten[-power] : value * powers_of_ten[power];
}

static uint32_t float_bits(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* 2^exponent, for exponents of normal doubles. */
static double power_of_two(int exponent)
{
    const uint64_t bits = (uint64_t)(exponent + 1023) << 52;
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* The exponent of the first decimal digit of value > 0. May be 1 too small next to a power of ten,
 * which round_to() mends. */
static int decimal_exponent(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    const int binary = (int)(bits >> 52) - 1023;
    const int estimate = (binary * 78913) >> 18; /* log10(2) * 2^18 */
    return value >= scale(1, estimate + 1) ? estimate + 1 : estimate;
}

/* value rounded to n digits, given the exponent of its first one. */
static struct decimal round_to(double value, int exponent, int n)
{
    const int power = exponent - (n - 1);
    struct decimal decimal = {(uint32_t)(scale(value, -power) + 0.5), power};
    if (decimal.digits >= (uint32_t)powers_of_ten[n]) {
        decimal.digits /= 10;
        decimal.power++;
    }
    return decimal;
}

static bool reads_back_slowly(struct decimal decimal, float value)
{
    char text[32];
    snprintf(text, sizeof text, "%lue%d", (unsigned long)decimal.digits, decimal.power);
    return float_bits(strtof(text, NULL)) == float_bits(value) &&
           float_bits((float)strtod(text, NULL)) == float_bits(value);
}

static bool reads_back(struct decimal decimal, float value)
{
    const uint32_t bits = float_bits(value);
    const int biased = (int)(bits >> 23);
    const double half_unit = power_of_two((biased > 0 ? biased : 1) - 151);
    const double error = scale(decimal.digits, decimal.power) - (double)value;
    /* Below a power of two the floats lie twice as close. */
    const bool is_closer_below = (bits & 0x7fffff) == 0 && biased > 1;
    const double limit = error < 0 && is_closer_below ? half_unit / 2 : half_unit;
    if (fabs(error) < limit * (1 - 0x1p-20))
        return true;
    return fabs(error) < limit * (1 + 0x1p-20) && reads_back_slowly(decimal, value);
}

/* The shortest decimal of value > 0, without zeros at its end. */
static struct decimal shortest(float value)
{
    const int exponent = decimal_exponent((double)value);
    struct decimal decimal;
    int n = float_bits(value) >> 23 == 0 ? 1 : MIN_DIGITS;
    do
        decimal = round_to((double)value, exponent, n);
    while (n++ < MAX_DIGITS && !reads_back(decimal, value));
    while (decimal.digits % 10 == 0) {
        decimal.digits /= 10;
        decimal.power++;
    }
    return decimal;
}

/* Writes "ddd.ddd" or "0.000ddd", given the digits and the exponent of the first of them. */
static char *write_plain(char *out, const char *digits, int n, int exponent)
{
    if (exponent < 0) {
        *out++ = '0';
        *out++ = '.';
        for (int i = -1; i > exponent; i--)
            *out++ = '0';
        memcpy(out, digits, (size_t)n);
        return out + n;
    }
    for (int i = 0; i <= exponent; i++)
        *out++ = i < n ? digits[i] : '0';
    *out++ = '.';
    if (n <= exponent + 1)
        *out++ = '0';
    for (int i = exponent + 1; i < n; i++)
        *out++ = digits[i];
    return out;
}

/* Writes "d.dde-07". */
static char *write_scientific(char *out, const char *digits, int n, int exponent)
{
    *out++ = digits[0];
    if (n > 1) {
        *out++ = '.';
        memcpy(out, digits + 1, (size_t)(n - 1));
        out += n - 1;
    }
    *out++ = 'e';
    *out++ = exponent < 0 ? '-' : '+';
    const int size = exponent < 0 ? -exponent : exponent;
    *out++ = (char)('0' + size / 10);
    *out++ = (char)('0' + size % 10);
    return out;
}

size_t float_text(float value, char text[FLOAT_TEXT_MAX])
{
    char *out = text;
    if (signbit(value)) {
        *out++ = '-';
        value = -value;
    }
    if (!(value > 0)) {
        memcpy(out, "0.0", 3);
        return (size_t)(out + 3 - text);
    }
    const struct decimal decimal = shortest(value);
    char reversed[10], digits[10];
    int n = 0;
    uint32_t rest = decimal.digits;
    do {
        reversed[n++] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    for (int i = 0; i < n; i++)
        digits[i] = reversed[n - 1 - i];
    const int exponent = decimal.power + n - 1;
    /* The limits are where nine digits fit: "-0.000123456789", "-123456789.0". */
    out = -4 <= exponent && exponent < MAX_DIGITS ? write_plain(out, digits, n, exponent)
                                                  : write_scientific(out, digits, n, exponent);
    return (size_t)(out - text);
}
