/* text.h: a text that grows. SPDX-License-Identifier: Apache-2.0
 *
 * An append for which there is no memory marks the text as failed; later ones do nothing, so that a
 * writer looks once, at the end. Not thread-safe. */
#ifndef TEXT_H
#define TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "core/lstm.h"

/* Zeroed: empty. free(data). */
struct text {
    char *data; /* n bytes, then a NUL that does not count; NULL while nothing was added */
    size_t n, room;
    bool failed;
};

void text_put(struct text *text, const void *bytes, size_t n);
void text_printf(struct text *text, const char *format, ...) LSTM_PRINTF(2, 3);

/* A UTF-8 text as a JSON string. */
void text_quote(struct text *text, const char *quoted);

#endif
