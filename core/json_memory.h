/* json_memory.h: reading JSON with jansson where memory may run out.
 * SPDX-License-Identifier: Apache-2.0
 *
 * jansson 2.14 does not survive that: its lexer drops characters for which a text cannot grow, so
 * that a number becomes another one, or an assertion ends the process. So it never sees an
 * allocation that fails: the reading is left by a jump, and what it had allocated is freed. */
#ifndef JSON_MEMORY_H
#define JSON_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

struct json_t; /* jansson's */
struct json_error_t;

/* json_loadb(), with *no_memory set if that is why it gives NULL. */
struct json_t *json_memory_load(const char *text, size_t n, size_t flags, struct json_error_t *why,
                                bool *no_memory);

#endif
