/* buf.c: growable bytes with a limit. SPDX-License-Identifier: Apache-2.0
 *
 * Room doubles, so that appending n bytes piece by piece copies fewer than 2n. */
#include "server/buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_ROOM = 256 };

void buf_init(struct buf *buf, size_t limit)
{
    *buf = (struct buf){.limit = limit < SIZE_MAX / 2 ? limit : SIZE_MAX / 2};
}

void buf_release(struct buf *buf)
{
    free(buf->data);
    buf_init(buf, buf->limit);
}

void buf_reuse(struct buf *buf, size_t limit, size_t max_room)
{
    if (buf->room > max_room)
        buf_release(buf);
    char *const data = buf->data;
    const size_t room = buf->room;
    buf_init(buf, limit);
    buf->data = data;
    buf->room = room;
    if (data != NULL)
        data[0] = '\0';
}

/* Room for `need` bytes and the NUL; need is at most the limit. */
static bool grow(struct buf *buf, size_t need)
{
    size_t room = buf->room < FIRST_ROOM ? FIRST_ROOM : buf->room * 2;
    if (room < need + 1)
        room = need + 1;
    if (room > buf->limit + 1)
        room = buf->limit + 1;
    char *data = realloc(buf->data, room);
    if (data == NULL)
        return false;
    data[buf->n] = '\0';
    buf->data = data;
    buf->room = room;
    return true;
}

bool buf_reserve(struct buf *buf, size_t more)
{
    if (buf->failed)
        return false;
    if (more < buf->room - buf->n)
        return true;
    if (more > buf->limit - buf->n || !grow(buf, buf->n + more))
        buf->failed = true;
    return !buf->failed;
}

void buf_append(struct buf *buf, const void *data, size_t n)
{
    if (n == 0 || !buf_reserve(buf, n))
        return;
    memcpy(buf->data + buf->n, data, n);
    buf->n += n;
    buf->data[buf->n] = '\0';
}

void buf_text(struct buf *buf, const char *text)
{
    buf_append(buf, text, strlen(text));
}

/* Formats behind the content. Returns the bytes of the whole text, negative if it has none. */
static int LSTM_PRINTF(2, 0)
    format_into_room(struct buf *buf, const char *format, va_list arguments)
{
    if (buf->data == NULL)
        return vsnprintf(NULL, 0, format, arguments);
    return vsnprintf(buf->data + buf->n, buf->room - buf->n, format, arguments);
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    if (buf->failed)
        return;
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int wanted = format_into_room(buf, format, arguments);
    if (wanted < 0)
        buf->failed = true;
    else if ((size_t)wanted >= buf->room - buf->n && buf_reserve(buf, (size_t)wanted))
        format_into_room(buf, format, again);
    if (!buf->failed)
        buf->n += (size_t)wanted;
    else if (buf->data != NULL)
        buf->data[buf->n] = '\0';
    va_end(again);
    va_end(arguments);
}

char *buf_take(struct buf *buf)
{
    char *data = buf->data;
    buf_init(buf, buf->limit);
    return data;
}
