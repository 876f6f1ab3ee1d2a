/* text.c: bytes whose room doubles. SPDX-License-Identifier: Apache-2.0 */
#include "core/text.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_ROOM = 512 };

static bool reserve(struct text *text, size_t more)
{
    if (text->failed)
        return false;
    if (more < text->room - text->n)
        return true;
    size_t room = text->room < FIRST_ROOM ? FIRST_ROOM : text->room;
    while (room <= SIZE_MAX / 2 && room - text->n <= more)
        room *= 2;
    char *data = room - text->n > more ? realloc(text->data, room) : NULL;
    if (data == NULL) {
        text->failed = true;
        return false;
    }
    text->data = data;
    text->room = room;
    return true;
}

void text_put(struct text *text, const void *bytes, size_t n)
{
    if (!reserve(text, n))
        return;
    memcpy(text->data + text->n, bytes, n);
    text->n += n;
    text->data[text->n] = '\0';
}

void text_printf(struct text *text, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    const int n = vsnprintf(NULL, 0, format, arguments);
    if (n < 0)
        text->failed = true;
    else if (reserve(text, (size_t)n))
        text->n += (size_t)vsnprintf(text->data + text->n, text->room - text->n, format, again);
    va_end(again);
    va_end(arguments);
}

void text_quote(struct text *text, const char *quoted)
{
    text_put(text, "\"", 1);
    for (const char *c = quoted; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ')
            text_printf(text, "\\u%04x", (unsigned)*c);
        else
            text_printf(text, *c == '"' || *c == '\\' ? "\\%c" : "%c", *c);
    }
    text_put(text, "\"", 1);
}
