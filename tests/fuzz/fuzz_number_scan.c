/* fuzz_number_scan.c: a run of numbers reads as a plain reading of RFC 8259 and strtod() have it,
 * to the bit. SPDX-License-Identifier: Apache-2.0
 *
 * The input is read twice: as text, and as bits of doubles, which are written down next to the
 * middles between two floats, where a rounding that is wrong shows. */
#include <ctype.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/number_scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_NUMBERS = 4096 };

static void require(bool truth)
{
    if (!truth)
        abort();
}

static size_t count_digits(const char *p)
{
    return strspn(p, "0123456789");
}

/* The length of the number that text (NUL-ended) begins with; 0: it is malformed. */
static size_t number_length(const char *text)
{
    const char *p = text + (*text == '-');
    size_t n = count_digits(p);
    if (n == 0 || (*p == '0' && n > 1))
        return 0;
    p += n;
    if (*p == '.') {
        n = count_digits(p + 1);
        if (n == 0)
            return 0;
        p += 1 + n;
    }
    if (*p == 'e' || *p == 'E') {
        p += p[1] == '+' || p[1] == '-' ? 2 : 1;
        n = count_digits(p);
        if (n == 0)
            return 0;
        p += n;
    }
    return (size_t)(p - text);
}

static const char *skip_space(const char *p)
{
    return p + strspn(p, " \n\r\t");
}

/* strtod() of a text that ends behind the number: it knows forms that JSON does not have. */
static float read_number(const char *text, size_t length)
{
    char *const number = strndup(text, length);
    require(number != NULL);
    const float value = (float)strtod(number, NULL);
    free(number);
    return value;
}

/* The definition of number_scan_run(), a number at a time. */
static enum number_stop plain_run(const char **text, float *values, size_t room, size_t *n)
{
    for (*n = 0; *n < room;) {
        const size_t length = number_length(*text);
        if (length == 0)
            return NUMBER_STOP_MALFORMED;
        const float value = read_number(*text, length);
        if (isinf(value))
            return NUMBER_STOP_BEYOND_FLOAT;
        values[(*n)++] = value;
        *text = skip_space(*text + length);
        if (**text != ',')
            return NUMBER_STOP_END;
        *text = skip_space(*text + 1);
        if (!number_starts(**text))
            return NUMBER_STOP_NOT_NUMBER;
    }
    return NUMBER_STOP_FULL;
}

/* text: NUL-ended. It is scanned without its NUL, in memory of just its size. */
static void compare(const char *text, size_t length, size_t room)
{
    static float expected[MAX_NUMBERS], found[MAX_NUMBERS];
    char *const exact = malloc(length);
    const char *plain = text, *scanned = exact;
    size_t n_plain = 0, n_scanned = 0;
    require(exact != NULL);
    memcpy(exact, text, length);
    memset(found, 0, sizeof found);
    const enum number_stop want = plain_run(&plain, expected, room, &n_plain);
    const enum number_stop got = number_scan_run(&scanned, exact + length, found, room, &n_scanned);
    require(got == want && n_scanned == n_plain && scanned - exact == plain - text);
    require(memcmp(found, expected, n_plain * sizeof *found) == 0);
    free(exact);
}

static void compare_text(const uint8_t *data, size_t size)
{
    char *const text = malloc(size + 1);
    require(text != NULL);
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    const size_t length = strlen(text);
    if (length > 0 && number_starts(text[0]))
        compare(text, length, 1 + (size_t)data[0] * 16);
    free(text);
}

/* The middle between a float and the next, with as many digits as asked, or all, and one beside. */
static void compare_middle(uint64_t bits, unsigned form)
{
    char text[1200];
    uint32_t half = (uint32_t)bits;
    float low, high;
    memcpy(&low, &half, sizeof low);
    high = nextafterf(low, INFINITY);
    if (!isfinite(low) || !isfinite(high))
        return;
    const double middle = ((double)low + (double)high) / 2;
    const int digits = (int)(form % 24);
    int n = form < 128 ? snprintf(text, sizeof text, "%.*e", digits, middle)
                       : snprintf(text, sizeof text, "%.*f", form < 200 ? digits : 180, middle);
    compare(text, (size_t)n, 1);
    /* One unit of the last written digit beside it. */
    char *const e = strchr(text, 'e');
    char *const last = e != NULL ? e - 1 : text + n - 1;
    if (isdigit((unsigned char)*last)) {
        *last = *last == '9' ? '8' : (char)(*last + 1);
        compare(text, (size_t)n, 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    compare_text(data, size);
    for (size_t i = 0; i + 9 <= size && i < 9 * 16; i += 9) {
        uint64_t bits;
        memcpy(&bits, data + i, sizeof bits);
        compare_middle(bits, data[i + 8]);
    }
    return 0;
}
