/* json.c: request bodies as jansson's values, with tensors. SPDX-License-Identifier: Apache-2.0 */
#include "server/json.h"

#include <jansson.h>
#include <string.h>

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

/* Turns jansson's complaint about the rest text into ours. Its byte offset is one of the rest, but
 * the path there is the same as in the body. */
static enum lstm_status fail_syntax(const struct buf *rest, json_error_t *found,
                                    struct lstm_error *error)
{
    if (json_error_code(found) == json_error_out_of_memory)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for the body");
    /* It quotes the body, which may hold anything. */
    for (char *c = found->text; *c != '\0'; c++) {
        if (*c < ' ' || *c > '~')
            *c = '?';
    }
    const size_t offset = found->position < 0 || (size_t)found->position > rest->n
                              ? rest->n
                              : (size_t)found->position;
    char path[JSON_PATH_BYTES];
    json_path_write(rest->data, offset, path);
    return lstm_fail(error, LSTM_INVALID, "%s: malformed JSON: %.120s", path, found->text);
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
    const enum lstm_status status = tensor_scan(text, n, &body->scan, error);
    if (status != LSTM_OK)
        return status;
    json_error_t found;
    body->root = json_loadb(body->scan.rest.data, body->scan.rest.n,
                            JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &found);
    if (body->root != NULL)
        return LSTM_OK;
    const enum lstm_status failure = fail_syntax(&body->scan.rest, &found, error);
    json_body_release(body);
    return failure;
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

bool json_truth(const struct json_t *value)
{
    return json_is_true(value);
}

const struct scanned_tensor *json_tensor(const struct json_body *body, const struct json_t *value)
{
    if (json_kind(value) != JSON_KIND_TENSOR)
        return NULL;
    return &body->scan.tensors[json_integer_value(json_array_get(value, 0))];
}
