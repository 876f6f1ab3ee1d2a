/* buf.h: growable bytes with a limit fixed at the start; the server's only realloc.
 * SPDX-License-Identifier: Apache-2.0
 *
 * An append that fails (limit reached, or out of memory) leaves the content as it was and marks
 * the buffer failed; later appends then do nothing, so a writer checks once, at the end.
 * Not thread-safe. */
#ifndef BUF_H
#define BUF_H

#include <stdbool.h>
#include <stddef.h>

#include "core/lstm.h"

struct buf {
    char *data; /* n bytes, then a NUL that does not count; owned; NULL while nothing was added */
    size_t n;
    size_t room;  /* bytes allocated */
    size_t limit; /* n never exceeds it */
    bool failed;
};

void buf_init(struct buf *buf, size_t limit);
void buf_release(struct buf *buf);

/* Empties it for a new use, with a new limit; keeps its memory if that is at most max_room bytes.
 */
void buf_reuse(struct buf *buf, size_t limit, size_t max_room);

/* Makes room for `more` bytes beyond n, so that appending them cannot fail. */
LSTM_MUST_CHECK bool buf_reserve(struct buf *buf, size_t more);
void buf_append(struct buf *buf, const void *data, size_t n);
void buf_text(struct buf *buf, const char *text);
void buf_printf(struct buf *buf, const char *format, ...) LSTM_PRINTF(2, 3);

/* Gives up the bytes: the caller frees them. The buffer is empty afterwards. */
char *buf_take(struct buf *buf);

#endif
