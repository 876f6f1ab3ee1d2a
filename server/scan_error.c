/* scan_error.c: the sentences of tensor_scan(). SPDX-License-Identifier: Apache-2.0 */
#include "server/scan_error.h"

#include <stdio.h>
#include <string.h>

#include "core/status.h"
#include "server/json_path.h"

enum { WORD_BYTES = 24, FOUND_BYTES = 64 };

/* Copies the word at p, up to a delimiter. */
static void copy_word(const struct scan_place *place, char word[WORD_BYTES])
{
    size_t n = 0;
    for (const char *p = place->p; p < place->end && n < WORD_BYTES - 1; p++) {
        if (*p <= ' ' || *p > '~' || strchr(",]}[{\"", *p) != NULL)
            break;
        word[n++] = *p;
    }
    word[n] = '\0';
}

/* Says what begins at the place. */
static void describe(const struct scan_place *place, char found[FOUND_BYTES])
{
    char word[WORD_BYTES];
    if (place->p == place->end) {
        snprintf(found, FOUND_BYTES, "the end of the text");
        return;
    }
    const char c = *place->p;
    copy_word(place, word);
    if (c == '"' || c == '{' || c == '[')
        snprintf(found, FOUND_BYTES, "%s",
                 c == '"'   ? "a string"
                 : c == '{' ? "an object"
                            : "an array");
    else if (strcmp(word, "NaN") == 0 || strcmp(word, "Infinity") == 0)
        snprintf(found, FOUND_BYTES, "%s, which JSON does not have", word);
    else if (word[0] != '\0')
        snprintf(found, FOUND_BYTES, "%s%s", number_starts(c) ? "the number " : "", word);
    else if (' ' < c && c <= '~')
        snprintf(found, FOUND_BYTES, "'%c'", c);
    else
        snprintf(found, FOUND_BYTES, "byte 0x%02x", (unsigned)(unsigned char)c);
}

static size_t offset_of(const struct scan_place *place, char path[JSON_PATH_BYTES])
{
    const size_t offset = (size_t)(place->p - place->text);
    json_path_write(place->text, offset, path);
    return offset;
}

enum lstm_status scan_fail_expected(const struct scan_place *place, const char *expected,
                                    struct lstm_error *error)
{
    char path[JSON_PATH_BYTES], found[FOUND_BYTES];
    const size_t offset = offset_of(place, path);
    describe(place, found);
    return lstm_fail(error, LSTM_INVALID, "%s: expected %s, found %s (byte %zu)", path, expected,
                     found, offset);
}

enum lstm_status scan_fail_number(const struct scan_place *place, enum number_stop stop,
                                  struct lstm_error *error)
{
    char path[JSON_PATH_BYTES], word[WORD_BYTES];
    const size_t offset = offset_of(place, path);
    copy_word(place, word);
    return lstm_fail(
        error, LSTM_INVALID, "%s: %s %s (byte %zu)", path, word,
        stop == NUMBER_STOP_BEYOND_FLOAT ? "is beyond float32" : "is a malformed number", offset);
}

enum lstm_status scan_fail_depth(const struct scan_place *place, const char *what, int limit,
                                 struct lstm_error *error)
{
    char path[JSON_PATH_BYTES];
    const size_t offset = offset_of(place, path);
    return lstm_fail(error, LSTM_INVALID, "%s: %s nest deeper than %d levels (byte %zu)", path,
                     what, limit, offset);
}
