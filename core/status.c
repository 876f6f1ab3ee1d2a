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
    if (n >= 0 && (size_t)n < sizeof error->text)
        snprintf(error->text + n, sizeof error->text - (size_t)n, ": %s", text);
    return status;
}
