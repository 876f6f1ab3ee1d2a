/* json_text.c: text as JSON strings. SPDX-License-Identifier: Apache-2.0 */
#include "server/json_text.h"

#include <string.h>

/* The ranges of a sequence's first and second byte, and its length (The Unicode Standard,
 * table 3-7); the bytes that follow are 80..BF. */
static const struct {
    unsigned char first_low, first_high, second_low, second_high;
    size_t n;
} sequences[] = {
    {0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3}, {0xE1, 0xEC, 0x80, 0xBF, 3},
    {0xED, 0xED, 0x80, 0x9F, 3}, {0xEE, 0xEF, 0x80, 0xBF, 3}, {0xF0, 0xF0, 0x90, 0xBF, 4},
    {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4},
};

/* Bytes of the UTF-8 sequence of several bytes that text begins with; 0 if it is none. */
static size_t sequence_bytes(const unsigned char *text, size_t n)
{
    for (size_t k = 0; k < sizeof sequences / sizeof *sequences; k++) {
        if (text[0] < sequences[k].first_low || text[0] > sequences[k].first_high)
            continue;
        if (n < sequences[k].n || text[1] < sequences[k].second_low ||
            text[1] > sequences[k].second_high)
            return 0;
        for (size_t i = 2; i < sequences[k].n; i++) {
            if ((text[i] & 0xC0) != 0x80)
                return 0;
        }
        return sequences[k].n;
    }
    return 0;
}

static size_t escape_control(unsigned char c, char *out)
{
    static const char letters[] = "\bb\ff\nn\rr\tt";
    for (size_t k = 0; letters[k] != '\0'; k += 2) {
        if (c == (unsigned char)letters[k]) {
            out[0] = '\\';
            out[1] = letters[k + 1];
            return 2;
        }
    }
    static const char digits[] = "0123456789abcdef";
    memcpy(out, "\\u00", 4);
    out[4] = digits[c >> 4];
    out[5] = digits[c & 15];
    return 6;
}

size_t json_escape(const char *text, size_t n, char out[JSON_MAX_CHARACTER], size_t *used)
{
    unsigned char c = (unsigned char)text[0];
    *used = 1;
    if (c < 0x20 || c == 0x7F)
        return escape_control(c, out);
    if (c == '"' || c == '\\') {
        out[0] = '\\';
        out[1] = text[0];
        return 2;
    }
    if (c < 0x80) {
        out[0] = text[0];
        return 1;
    }
    size_t bytes = sequence_bytes((const unsigned char *)text, n);
    if (bytes == 0) {
        memcpy(out, "\xEF\xBF\xBD", 3);
        return 3;
    }
    memcpy(out, text, bytes);
    *used = bytes;
    return bytes;
}

void json_append_string(struct buf *out, const char *text, size_t n)
{
    buf_append(out, "\"", 1);
    for (size_t k = 0, used; k < n && !out->failed; k += used) {
        char character[JSON_MAX_CHARACTER];
        size_t bytes = json_escape(text + k, n - k, character, &used);
        buf_append(out, character, bytes);
    }
    buf_append(out, "\"", 1);
}
