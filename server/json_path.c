/* json_path.c: tells where in a JSON text a byte is. SPDX-License-Identifier: Apache-2.0
 *
 * Readers that need a path only when they fail keep none: it is worked out from the text. */
#include "server/json_path.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "server/tensor_scan.h"

/* An array or object that is open at the byte in question. */
struct level {
    bool is_object;
    bool awaits_key;
    const char *key; /* of an object: the latest; NULL: none yet */
    size_t key_bytes;
    size_t index; /* of an array */
};

/* A path that is being written; it ends in "..." where it was cut. */
struct path {
    char *text;
    size_t n;
};

static void path_printf(struct path *path, const char *format, ...) LSTM_PRINTF(2, 3);
static void path_printf(struct path *path, const char *format, ...)
{
    const size_t room = JSON_PATH_BYTES - path->n;
    va_list arguments;
    va_start(arguments, format);
    const int n = vsnprintf(path->text + path->n, room, format, arguments);
    va_end(arguments);
    if (n >= 0 && (size_t)n < room) {
        path->n += (size_t)n;
        return;
    }
    path->n = JSON_PATH_BYTES - 1;
    memcpy(path->text + JSON_PATH_BYTES - 4, "...", 4);
}

void json_path_key(const char *key, size_t key_bytes, char text[JSON_KEY_BYTES])
{
    const size_t most = JSON_KEY_BYTES - sizeof "...";
    size_t n = 0;
    for (; n < key_bytes && n < most; n++)
        text[n] = ' ' <= key[n] && key[n] <= '~' ? key[n] : '?';
    memcpy(text + n, key_bytes > most ? "..." : "", key_bytes > most ? sizeof "..." : 1);
}

static void append_key(struct path *path, const struct level *level)
{
    char key[JSON_KEY_BYTES];
    json_path_key(level->key, level->key_bytes, key);
    path_printf(path, "%s%s", path->n == 0 ? "" : ".", key);
}

/* Where the string that begins at text[at] ends, at most `offset`. */
static size_t string_end(const char *text, size_t at, size_t offset)
{
    for (at++; at < offset && text[at] != '"'; at++)
        at += text[at] == '\\';
    return at < offset ? at : offset;
}

/* Finds the arrays and objects that are open at text[offset], outermost first. */
static size_t find_levels(const char *text, size_t offset, struct level levels[SCAN_MAX_DEPTH])
{
    size_t depth = 0;
    for (size_t i = 0; i < offset; i++) {
        struct level *const level = depth > 0 ? &levels[depth - 1] : NULL;
        const char c = text[i];
        if (c == '"') {
            const size_t end = string_end(text, i, offset);
            if (level != NULL && level->awaits_key) {
                level->key = text + i + 1;
                level->key_bytes = end - i - (end > i);
                level->awaits_key = false;
            }
            i = end;
        } else if ((c == '[' || c == '{') && depth < SCAN_MAX_DEPTH) {
            levels[depth++] = (struct level){.is_object = c == '{', .awaits_key = c == '{'};
        } else if ((c == ']' || c == '}') && depth > 0) {
            depth--;
        } else if (c == ',' && level != NULL) {
            level->index++;
            level->awaits_key = level->is_object;
            level->key = NULL;
        }
    }
    return depth;
}

void json_path_write(const char *text, size_t offset, char path_text[JSON_PATH_BYTES])
{
    struct level levels[SCAN_MAX_DEPTH];
    const size_t depth = find_levels(text, offset, levels);
    struct path path = {.text = path_text};
    for (size_t i = 0; i < depth; i++) {
        if (!levels[i].is_object)
            path_printf(&path, "[%zu]", levels[i].index);
        else if (levels[i].key != NULL)
            append_key(&path, &levels[i]);
    }
    if (path.n == 0)
        path_printf(&path, "the body");
}
