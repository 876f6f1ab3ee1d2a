/* json_doc.h: read-only JSON documents; json_doc.c alone of core reads with jansson.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Strict: duplicate keys, NUL characters in texts and anything behind the document are errors.
 * Values are borrowed from their document. */
#ifndef JSON_DOC_H
#define JSON_DOC_H

#include "core/lstm.h"

struct doc; /* a value; the root owns all of them */

/* *root is new. INVALID: where and why it is no JSON. NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status doc_parse(const char *text, size_t n, struct doc **root,
                                           struct lstm_error *error);
void doc_destroy(struct doc *root);

/* "an object", "a number", ... for messages. */
const char *doc_kind(const struct doc *value);

bool doc_is_null(const struct doc *value);
bool doc_is_object(const struct doc *value);
bool doc_is_array(const struct doc *value);

/* False, and *out unchanged, if the value is of another kind. A size is a whole number >= 0. */
bool doc_bool(const struct doc *value, bool *out);
bool doc_size(const struct doc *value, size_t *out);
bool doc_real(const struct doc *value, double *out);
bool doc_text(const struct doc *value, const char **out);

/* Elements of an array; NULL behind the end. */
size_t doc_length(const struct doc *array);
const struct doc *doc_at(const struct doc *array, size_t i);

/* Members of an object: by key (NULL if there is none), or one after the other:
 * for (void *m = doc_first(object); m != NULL; m = doc_next(object, m)). */
const struct doc *doc_get(const struct doc *object, const char *key);
void *doc_first(const struct doc *object);
void *doc_next(const struct doc *object, void *member);
const char *doc_key(void *member);
const struct doc *doc_value(void *member);

#endif
