/* json_text.h: text as JSON strings. SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes become a valid JSON string: what is not UTF-8 is replaced by U+FFFD. */
#ifndef JSON_TEXT_H
#define JSON_TEXT_H

#include "server/buf.h"

enum { JSON_MAX_CHARACTER = 6 }; /* bytes of the longest escape, \u0000 */

/* Writes the first character of text (n bytes, at least one) as it stands in a JSON string to out.
 * Returns the bytes written; *used is how many bytes of text they stand for. */
size_t json_escape(const char *text, size_t n, char out[JSON_MAX_CHARACTER], size_t *used);

/* Appends text (n bytes) as a JSON string, with its quotes. */
void json_append_string(struct buf *out, const char *text, size_t n);

#endif
