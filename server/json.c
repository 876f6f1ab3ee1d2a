/* json.c: request bodies as jansson's values, with tensors. SPDX-License-Identifier: Apache-2.0 */
#include "server/json.h"

#include <jansson.h>
#include <string.h>

#include "core/json_memory.h"
#include "core/status.h"

static const char *const kind_names[] = {
    [JSON_KIND_MISSING] = "nothing",
    [JSON_KIND_NULL] = "null",
    [JSON_KIND_BOOLEAN] = "true or false",
    [JSON_KIND_NUMBER] = "a number",
    [JSON_KIND_STRING] = "a string",
    [JSON_KIND_OBJECT] = "an object",
    [JSON_KIND_TENSOR] = "an array of numbers",
    [JSON_KIND_LIST] = "an array of other things",
};

void json_init(void)
{
    json_object_seed(0);
}

/* The path in the rest text is the one in the body. */
static enum lstm_status fail_syntax(const struct buf *rest, size_t offset, const char *what,
                                    struct lstm_error *error)
{
    char path[JSON_PATH_BYTES];
    json_path_write(rest->data, offset, path);
    return lstm_fail(error, LSTM_INVALID, "%s: malformed JSON: %.120s", path, what);
}

static enum lstm_status parse_rest(const struct buf *rest, json_t **root, struct lstm_error *error)
{
    /* jansson overlooks a NUL behind a number. */
    const char *const nul = memchr(rest->data, '\0', rest->n);
    if (nul != NULL)
        return fail_syntax(rest, (size_t)(nul - rest->data), "found byte 0x00", error);
    json_error_t found;
    bool no_memory;
    *root = json_memory_load(rest->data, rest->n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &found,
                             &no_memory);
    if (*root != NULL)
        return LSTM_OK;
    if (no_memory)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for the body");
    /* It quotes the body, which may hold anything. */
    for (char *c = found.text; *c != '\0'; c++) {
        if (*c < ' ' || *c > '~')
            *c = '?';
    }
    const bool has_offset = found.position >= 0 && (size_t)found.position <= rest->n;
    return fail_syntax(rest, has_offset ? (size_t)found.position : rest->n, found.text, error);
}

static bool is_blank(const char *text, size_t n)
{
    size_t i = 0;
    while (i < n && strchr(" \t\r\n", text[i]) != NULL && text[i] != '\0')
        i++;
    return i == n;
}

enum lstm_status json_body_parse(const char *text, size_t n, struct json_body *body,
                                 struct lstm_error *error)
{
    *body = (struct json_body){0};
    if (is_blank(text, n))
        return lstm_fail(error, LSTM_INVALID, "the body is empty; expected JSON");
    enum lstm_status status = tensor_scan(text, n, &body->scan, error);
    if (status != LSTM_OK)
        return status;
    status = parse_rest(&body->scan.rest, &body->root, error);
    if (status != LSTM_OK)
        json_body_release(body);
    return status;
}

void json_body_release(struct json_body *body)
{
    if (body == NULL)
        return;
    json_decref(body->root);
    tensor_scan_release(&body->scan);
    *body = (struct json_body){0};
}

enum json_kind json_kind(const struct json_t *value)
{
    if (value == NULL)
        return JSON_KIND_MISSING;
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return JSON_KIND_OBJECT;
    case JSON_ARRAY:
        return json_is_number(json_array_get(value, 0)) ? JSON_KIND_TENSOR : JSON_KIND_LIST;
    case JSON_STRING:
        return JSON_KIND_STRING;
    case JSON_INTEGER:
    case JSON_REAL:
        return JSON_KIND_NUMBER;
    case JSON_TRUE:
    case JSON_FALSE:
        return JSON_KIND_BOOLEAN;
    case JSON_NULL:
        break;
    }
    return JSON_KIND_NULL;
}

const char *json_kind_name(const struct json_t *value)
{
    return kind_names[json_kind(value)];
}

const struct json_t *json_member(const struct json_t *value, const char *key)
{
    return json_object_get(value, key);
}

bool json_has_unknown_key(const struct json_t *object, const char *const *known,
                          char key[JSON_KEY_BYTES])
{
    /* Iterating takes a mutable object but changes nothing. */
    json_t *const members = (json_t *)(uintptr_t)object;
    for (void *at = json_object_iter(members); at != NULL;
         at = json_object_iter_next(members, at)) {
        const char *const found = json_object_iter_key(at);
        size_t i = 0;
        while (known[i] != NULL && strcmp(known[i], found) != 0)
            i++;
        if (known[i] == NULL) {
            json_path_key(found, strlen(found), key);
            return true;
        }
    }
    return false;
}

size_t json_n_elements(const struct json_t *list)
{
    return json_array_size(list);
}

const struct json_t *json_element(const struct json_t *list, size_t i)
{
    return json_array_get(list, i);
}

enum lstm_status json_file_parse(const char *text, size_t n, struct json_t **root,
                                 struct lstm_error *error)
{
    json_error_t found;
    bool no_memory;
    *root = json_memory_load(text, n, JSON_REJECT_DUPLICATES, &found, &no_memory);
    if (*root != NULL)
        return LSTM_OK;
    if (no_memory)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for a file's JSON");
    return lstm_fail(error, LSTM_INVALID, "line %d: malformed JSON: %.120s", found.line,
                     found.text);
}

void json_file_release(struct json_t *root)
{
    json_decref(root);
}

const char *json_next_key(const struct json_t *object, const char *key)
{
    json_t *const members = (json_t *)(uintptr_t)object;
    void *const at = key == NULL ? json_object_iter(members)
                                 : json_object_iter_next(members, json_object_key_to_iter(key));
    return json_object_iter_key(at);
}

bool json_truth(const struct json_t *value)
{
    return json_is_true(value);
}

const char *json_read_text(const struct json_t *value)
{
    return json_string_value(value);
}

bool json_read_integer(const struct json_t *value, int64_t *number)
{
    *number = json_integer_value(value);
    return json_is_integer(value);
}

bool json_read_number(const struct json_t *value, double *number)
{
    *number = json_number_value(value);
    return json_is_number(value);
}

const struct scanned_tensor *json_tensor(const struct json_body *body, const struct json_t *value)
{
    if (json_kind(value) != JSON_KIND_TENSOR)
        return NULL;
    return &body->scan.tensors[json_integer_value(json_array_get(value, 0))];
}
