/* number_scan.c: JSON numbers to float32, quickly where that is exact.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A number of up to 19 digits is an integer times a power of ten. If the integer fits in the 53
 * bits of a double and the power is one of the 23 that a double holds exactly, one IEEE operation
 * gives the correctly rounded double (Clinger 1990). A longer integer, or another power, taken in
 * steps, makes that double wrong by at most five units in the last place, which the rounding to
 * float hides unless it lies next to the middle between two floats. All that remains is strtod()'s,
 * which takes ten times as long. */
#include "server/number_scan.h"

#include <endian.h>
#include <float.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(FLT_EVAL_METHOD == 0, "exact double arithmetic needs operations that round once");

/* No two doubles differ first behind this many digits; one more digit tells above from below. */
enum { MAX_DIGITS = 770, MAX_QUICK_DIGITS = 19 };

static const double powers_of_ten[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                       1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                       1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
enum { MAX_EXACT_POWER = sizeof powers_of_ten / sizeof *powers_of_ten - 1 };

/* Ten to a power below this, times an integer of 19 digits, is less than half the smallest float;
 * and what is taken in steps has at most two of them upwards. */
enum { MIN_POWER = -3 * MAX_EXACT_POWER, MAX_STEPPED_POWER = 2 * MAX_EXACT_POWER };

/* The middle between FLT_MAX and 2^128, where rounding to float becomes infinite. */
static const double first_infinite = 0x1.ffffffp127;

static inline bool is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

/* Appends digits to *integer (which wraps beyond 19 of them); returns the byte behind them. */
static inline const char *read_digits(const char *p, const char *end, uint64_t *integer)
{
    uint64_t sum = *integer;
    for (; p < end && is_digit(*p); p++)
        sum = sum * 10 + (uint64_t)(*p - '0');
    *integer = sum;
    return p;
}

/* 8 bytes, the first in the lowest place. */
static inline uint64_t load_eight(const char *p)
{
    uint64_t bytes;
    memcpy(&bytes, p, sizeof bytes);
    return le64toh(bytes);
}

/* How many digits the 8 bytes at p begin with, and their value. All 8 are looked at together: a
 * digit becomes 0 .. 9, and adding 0x76 carries into the top bit of any other byte. What lies
 * behind the digits is shifted out, which leaves zeros in front of them; then neighbours are joined
 * to pairs, pairs to fours, fours to one number. */
static inline unsigned read_eight(const char *p, uint64_t *value)
{
    uint64_t digits = load_eight(p) ^ 0x3030303030303030;
    const uint64_t others = ((digits + 0x7676767676767676) | digits) & 0x8080808080808080;
    const unsigned n = others != 0 ? (unsigned)__builtin_ctzll(others) / 8 : 8;
    *value = 0;
    if (n == 0)
        return 0;
    digits <<= 64 - 8 * n;
    const uint64_t pairs = digits * 10 + (digits >> 8), mask = 0x000000ff000000ff;
    *value = ((pairs & mask) * (100 + (UINT64_C(1000000) << 32)) +
              (pairs >> 16 & mask) * (1 + (UINT64_C(10000) << 32))) >>
             32;
    return n;
}

/* The same as read_digits(), for where many are to be expected. */
static inline const char *read_many_digits(const char *p, const char *end, uint64_t *integer)
{
    static const uint64_t tens[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};
    while (end - p >= 8) {
        uint64_t value;
        const unsigned n = read_eight(p, &value);
        *integer = *integer * tens[n] + value;
        p += n;
        if (n < 8)
            return p;
    }
    return read_digits(p, end, integer);
}

/* Adds the exponent behind the 'e' at p to *power. Returns the byte behind it; NULL: malformed.
 * The sum stops growing where no text that fits in memory could bring the number back in range. */
static const char *read_exponent(const char *p, const char *end, int64_t *power)
{
    p++;
    const bool negative = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+'))
        p++;
    if (p == end || !is_digit(*p))
        return NULL;
    int64_t sum = 0;
    for (; p < end && is_digit(*p); p++)
        sum = sum > INT64_MAX / 100 ? sum : sum * 10 + (*p - '0');
    *power += negative ? -sum : sum;
    return p;
}

/* The value of the digits in [p, end), of which a '.' may be one, times 10^power. The copy holds no
 * '.', which makes it the same in every locale. */
static double read_slowly(const char *p, const char *end, int64_t power)
{
    char copy[MAX_DIGITS + 32];
    size_t n = 0;
    bool cut_nonzero = false;
    for (; p < end; p++) {
        if (*p == '.' || (n == 0 && *p == '0'))
            continue;
        if (n < MAX_DIGITS) {
            copy[n++] = *p;
        } else {
            cut_nonzero |= *p != '0';
            power++;
        }
    }
    if (n == 0)
        return 0;
    if (cut_nonzero) {
        copy[n++] = '1';
        power--;
    }
    snprintf(copy + n, sizeof copy - n, "e%lld", (long long)power);
    return strtod(copy, NULL);
}

/* Whether the double is so close to the middle between two floats that another double, a few units
 * away, could round to another float. Below FLT_MIN a float has fewer bits the smaller it is. */
static bool is_near_float_midpoint(double value)
{
    enum { FRACTION = DBL_MANT_DIG - 1, DROPPED = DBL_MANT_DIG - FLT_MANT_DIG, MARGIN = 16 };
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    const int exponent = (int)(bits >> FRACTION) - (DBL_MAX_EXP - 1);
    int n = DROPPED;
    if (exponent < FLT_MIN_EXP - 1)
        n += FLT_MIN_EXP - 1 - exponent;
    if (n > FRACTION)
        return n <= FRACTION + 2; /* beside half the smallest float; else it is as good as zero */
    const uint64_t below_float = bits & ((UINT64_C(1) << n) - 1);
    const uint64_t middle = UINT64_C(1) << (n - 1);
    return below_float - (middle - MARGIN) <= 2 * MARGIN;
}

/* The same as magnitude_of() for a power beyond those that a double holds exactly. */
static double magnitude_in_steps(uint64_t integer, int64_t power, const char *digits,
                                 const char *digits_end)
{
    double quick = (double)integer;
    int64_t left = power;
    if (power < MIN_POWER)
        return 0;
    if (power > MAX_STEPPED_POWER)
        return read_slowly(digits, digits_end, power);
    for (; left < -MAX_EXACT_POWER; left += MAX_EXACT_POWER)
        quick /= powers_of_ten[MAX_EXACT_POWER];
    for (; left > MAX_EXACT_POWER; left -= MAX_EXACT_POWER)
        quick *= powers_of_ten[MAX_EXACT_POWER];
    quick = left < 0 ? quick / powers_of_ten[-left] : quick * powers_of_ten[left];
    return is_near_float_midpoint(quick) ? read_slowly(digits, digits_end, power) : quick;
}

/* integer * 10^power, where integer wrapped if the text from digits to digits_end has too many. */
static inline double magnitude_of(uint64_t integer, int64_t power, const char *digits,
                                  const char *digits_end, ptrdiff_t n_digits)
{
    if (n_digits > MAX_QUICK_DIGITS)
        return read_slowly(digits, digits_end, power);
    if (power < -MAX_EXACT_POWER || power > MAX_EXACT_POWER)
        return magnitude_in_steps(integer, power, digits, digits_end);
    const double quick = power < 0 ? (double)integer / powers_of_ten[-power]
                                   : (double)integer * powers_of_ten[power];
    if (integer >> DBL_MANT_DIG != 0 && is_near_float_midpoint(quick))
        return read_slowly(digits, digits_end, power);
    return quick;
}

/* Reads the number at *text, which moves behind it; stays on a fault, which is not
 * NUMBER_STOP_END. */
static inline enum number_stop read_number(const char **text, const char *end, float *value)
{
    const bool negative = **text == '-';
    const char *const digits = *text + negative;
    uint64_t integer = 0;
    int64_t power = 0;

    const char *p = read_digits(digits, end, &integer);
    if (p == digits || (*digits == '0' && p - digits > 1))
        return NUMBER_STOP_MALFORMED;
    ptrdiff_t n_digits = p - digits;
    if (p < end && *p == '.') {
        const char *const fraction = p + 1;
        p = read_many_digits(fraction, end, &integer);
        if (p == fraction)
            return NUMBER_STOP_MALFORMED;
        power = -(p - fraction);
        n_digits += p - fraction;
    }
    const char *const digits_end = p;
    if (p < end && (*p == 'e' || *p == 'E')) {
        p = read_exponent(p, end, &power);
        if (p == NULL)
            return NUMBER_STOP_MALFORMED;
    }

    double magnitude = 0;
    if (integer != 0 || n_digits > MAX_QUICK_DIGITS)
        magnitude = magnitude_of(integer, power, digits, digits_end, n_digits);
    if (magnitude >= first_infinite)
        return NUMBER_STOP_BEYOND_FLOAT;
    *value = (float)(negative ? -magnitude : magnitude);
    *text = p;
    return NUMBER_STOP_END;
}

/* Reads zeros that are written as `text`, n bytes, for as long as another number follows. Returns
 * how many. Inlined, so that text and n are constants. */
static inline __attribute__((always_inline)) size_t read_zeros_as(const char **at, const char *end,
                                                                  float *values, size_t room,
                                                                  const char text[8], unsigned n)
{
    const uint64_t wanted = load_eight(text), mask = (UINT64_C(1) << 8 * n) - 1;
    const char *p = *at;
    size_t i = 0;
    for (; i < room && end - p > 8; p += n) {
        const uint64_t found = load_eight(p);
        if ((found & mask) != wanted || !number_starts((char)(found >> 8 * n)))
            break;
        values[i++] = 0;
    }
    *at = p;
    return i;
}

/* Images and one-hot rows are mostly zeros: the usual ways to write a run of them. */
static inline size_t read_zeros(const char **at, const char *end, float *values, size_t room)
{
    size_t n = 0;
    n += read_zeros_as(at, end, values + n, room - n, "0.0, \0\0", 5);
    n += read_zeros_as(at, end, values + n, room - n, "0.0,\0\0\0", 4);
    n += read_zeros_as(at, end, values + n, room - n, "0,\0\0\0\0\0", 2);
    return n + read_zeros_as(at, end, values + n, room - n, "0, \0\0\0\0", 3);
}

enum number_stop number_scan_run(const char **text, const char *end, float *values, size_t room,
                                 size_t *n)
{
    const char *p = *text;
    enum number_stop stop = NUMBER_STOP_FULL;
    size_t i = 0;
    while (i < room) {
        if (*p == '0')
            i += read_zeros(&p, end, values + i, room - i);
        if (i == room)
            break;
        stop = read_number(&p, end, &values[i]);
        if (stop != NUMBER_STOP_END)
            break;
        i++;
        p = number_skip_space(p, end);
        if (p == end || *p != ',')
            break;
        p = number_skip_space(p + 1, end);
        stop = NUMBER_STOP_NOT_NUMBER;
        if (p == end || !number_starts(*p))
            break;
        stop = NUMBER_STOP_FULL;
    }
    *text = p;
    *n = i;
    return stop;
}
