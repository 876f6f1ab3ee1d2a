/* json.h: request bodies as JSON values, their numeric arrays lifted out as tensors.
 * SPDX-License-Identifier: Apache-2.0
 *
 * json.c is the one file of the server that knows jansson. A value is borrowed from its body and
 * lives as long; where a value is an argument, NULL stands for a missing one. Bodies are hostile:
 * duplicate keys, bytes that are not UTF-8, numbers beyond a double and nesting deeper than
 * SCAN_MAX_DEPTH are refused. */
#ifndef JSON_H
#define JSON_H

#include "server/json_path.h"
#include "server/tensor_scan.h"

struct json_t; /* a value; jansson's name for it */

/* Once, before other threads start: what jansson would else do at its first use. */
void json_init(void);

struct json_body {
    struct tensor_scan scan;
    struct json_t *root; /* owned; tensors are references into the scan */
};

enum json_kind {
    JSON_KIND_MISSING,
    JSON_KIND_NULL,
    JSON_KIND_BOOLEAN,
    JSON_KIND_NUMBER,
    JSON_KIND_STRING,
    JSON_KIND_OBJECT,
    JSON_KIND_TENSOR, /* an array of numbers, or of such arrays, or of nothing */
    JSON_KIND_LIST    /* any other array; not empty */
};

/* Reads a body of n bytes. On failure *body is empty (release is allowed). INVALID: where the text
 * is not JSON, and how. NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status json_body_parse(const char *text, size_t n, struct json_body *body,
                                                 struct lstm_error *error);
void json_body_release(struct json_body *body);

enum json_kind json_kind(const struct json_t *value);
/* "a string", "an array of numbers", "nothing": for "expected ..., found %s". */
const char *json_kind_name(const struct json_t *value);

/* NULL: value is no object, or has no such member. */
const struct json_t *json_member(const struct json_t *value, const char *key);
/* Whether an object has a key that is not among `known` (NULL-ended); writes one, cut and made
 * printable. */
bool json_has_unknown_key(const struct json_t *object, const char *const *known,
                          char key[JSON_KEY_BYTES]);

/* Of a LIST. */
size_t json_n_elements(const struct json_t *list);
const struct json_t *json_element(const struct json_t *list, size_t i);

/* A file's JSON, with nothing lifted out of it: arrays of numbers are TENSORs to json_kind(), but
 * have elements as LISTs have. *root is new. INVALID: where the text is not JSON, and how.
 * NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status json_file_parse(const char *text, size_t n, struct json_t **root,
                                                 struct lstm_error *error);
void json_file_release(struct json_t *root);
/* The key behind `key` in an object, the first behind NULL; NULL behind the last. Borrowed. */
const char *json_next_key(const struct json_t *object, const char *key);

/* Whether value is `true`. */
bool json_truth(const struct json_t *value);
/* The text of a string, borrowed; NULL: value is none. */
const char *json_read_text(const struct json_t *value);
/* False: value is no whole number, or no number at all. */
bool json_read_integer(const struct json_t *value, int64_t *number);
bool json_read_number(const struct json_t *value, double *number);
/* NULL: value is no tensor. */
const struct scanned_tensor *json_tensor(const struct json_body *body, const struct json_t *value);

#endif
