/* number_scan.h: reads runs of JSON numbers as float32. SPDX-License-Identifier: Apache-2.0 */
#ifndef NUMBER_SCAN_H
#define NUMBER_SCAN_H

#include <stdbool.h>
#include <stddef.h>

enum number_stop {
    NUMBER_STOP_END,         /* behind a number and white space, at no comma; perhaps at the end */
    NUMBER_STOP_FULL,        /* at a number, with no room for it */
    NUMBER_STOP_NOT_NUMBER,  /* behind a comma, at what begins no number; perhaps at the end */
    NUMBER_STOP_MALFORMED,   /* at what begins like a number and is none of RFC 8259's */
    NUMBER_STOP_BEYOND_FLOAT /* at a number that is infinite as a float32 */
};

static inline bool number_starts(char c)
{
    return c == '-' || (unsigned char)(c - '0') < 10;
}

/* JSON's white space. */
static inline const char *number_skip_space(const char *p, const char *end)
{
    while (p < end && *p <= ' ' && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
        p++;
    return p;
}

/* Reads numbers separated by commas, each as (float)strtod() would in the C locale, to the bit and
 * at any length. *text is at a number; it moves to where the run stopped. values has room for
 * `room` of them; *n is how many were read. */
enum number_stop number_scan_run(const char **text, const char *end, float *values, size_t room,
                                 size_t *n);

#endif
