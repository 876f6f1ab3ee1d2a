/* status.c: names of the statuses, and how an error gets its sentence.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/status.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name, *text;
} statuses[] = {
#define X(name, number, text) [number] = {#name, text},
    LSTM_STATUS_LIST(X)
#undef X
};

const char *lstm_status_name(enum lstm_status status)
{
    return (size_t)status < sizeof statuses / sizeof *statuses ? statuses[status].name : "UNKNOWN";
}

const char *lstm_status_text(enum lstm_status status)
{
    return (size_t)status < sizeof statuses / sizeof *statuses ? statuses[status].text
                                                               : "unknown status";
}

/* Bytes of the UTF-8 character that text begins with; 0 if that is none. Overlong forms and
 * surrogates pass: whoever encodes the sentence checks again. */
static size_t character_bytes(const unsigned char *text)
{
    const size_t n = text[0] < 0x80                      ? 1
                     : text[0] >= 0xc2 && text[0] < 0xe0 ? 2
                     : text[0] >= 0xe0 && text[0] < 0xf0 ? 3
                     : text[0] >= 0xf0 && text[0] < 0xf5 ? 4
                                                         : 0;
    for (size_t i = 1; i < n; i++)
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    return n;
}

/* Sentences quote texts cut to a number of bytes: what is left of a cut character goes. */
static void drop_broken_characters(char *text)
{
    char *to = text;
    for (const char *from = text; *from != '\0';) {
        const size_t n = character_bytes((const unsigned char *)from);
        memmove(to, from, n);
        to += n;
        from += n > 0 ? n : 1;
    }
    *to = '\0';
}

enum lstm_status lstm_fail(struct lstm_error *error, enum lstm_status status, const char *format,
                           ...)
{
    if (error == NULL)
        return status;
    error->status = status;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    drop_broken_characters(error->text);
    return status;
}

enum lstm_status lstm_fail_in(struct lstm_error *error, enum lstm_status status, const char *format,
                              ...)
{
    if (error == NULL)
        return status;
    char text[sizeof error->text];
    memcpy(text, error->text, sizeof text);
    error->status = status;
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    const size_t begin = n < 0 ? 0 : (size_t)n, most = sizeof error->text - 1;
    if (begin + 2 < most) {
        const size_t kept = strnlen(text, most - begin - 2);
        memcpy(error->text + begin, ": ", 2);
        memcpy(error->text + begin + 2, text, kept);
        error->text[begin + 2 + kept] = '\0';
    }
    drop_broken_characters(error->text);
    return status;
}
