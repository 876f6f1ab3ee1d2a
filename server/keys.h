/* keys.h: API keys, by their SHA-256 digests, and what each may do.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The file has a line per key, `<scope>[,<scope>] sha256:<64 hexadecimal digits> [name]`; a '#'
 * begins a comment. The scopes are predict, train and admin; admin includes the others, and any key
 * may read (status, metadata, metrics). Keys themselves are nowhere on disk, so they must be long
 * and random: the digests have no salt. Thread-safe. */
#ifndef KEYS_H
#define KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/lstm.h"

/* What a request needs. The first is the strictest: a route without a scope is closed, not open. */
enum scope {
    SCOPE_ADMIN,
    SCOPE_TRAIN,
    SCOPE_PREDICT,
    SCOPE_READ, /* any key */
    SCOPE_NONE  /* no key */
};

/* "admin", ...; "read" and "none" for the two that no key file names. */
const char *scope_name(enum scope scope);

enum { KEY_NAME_BYTES = 64 };

enum key_verdict {
    KEY_ACCEPTED,
    KEY_UNKNOWN,
    KEY_INSUFFICIENT /* known, but without the scope */
};

struct keys;

/* *keys is new. IO, INVALID: path, line, what was expected. A file that everybody may read is
 * logged as a warning. */
LSTM_MUST_CHECK enum lstm_status keys_open(const char *path, struct keys **keys,
                                           struct lstm_error *error);

/* Reads the file again and swaps the keys at once; after an error the old ones stay. */
LSTM_MUST_CHECK enum lstm_status keys_reload(struct keys *keys, struct lstm_error *error);

size_t keys_count(struct keys *keys);

/* Whether the key text[0..n) has the scope (not SCOPE_NONE), and the name that the file gives a
 * known key ("" if none). The time does not depend on which key it is, nor on how much of it is
 * right. */
enum key_verdict keys_check(struct keys *keys, const char *text, size_t n, enum scope needed,
                            char name[KEY_NAME_BYTES]);

void keys_close(struct keys *keys);

#endif
