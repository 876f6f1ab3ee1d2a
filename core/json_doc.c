/* json_doc.c: jansson behind the reading that core needs. SPDX-License-Identifier: Apache-2.0 */
#include "core/json_doc.h"

#include <jansson.h>

#include "core/json_memory.h"
#include "core/status.h"

/* A struct doc is a json_t under another name, so that users of this header need no jansson. */
static const json_t *inside(const struct doc *value)
{
    return (const json_t *)value;
}

static json_t *inside_mutable(const struct doc *value)
{
    union {
        const struct doc *doc;
        json_t *json;
    } same = {.doc = value};
    return same.json;
}

enum lstm_status doc_parse(const char *text, size_t n, struct doc **root, struct lstm_error *error)
{
    json_error_t why;
    *root = NULL;
    bool no_memory;
    json_t *json = json_memory_load(text, n, JSON_REJECT_DUPLICATES, &why, &no_memory);
    if (json != NULL) {
        *root = (struct doc *)json;
        return LSTM_OK;
    }
    if (no_memory)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory reading JSON");
    return lstm_fail(error, LSTM_INVALID, "not JSON at line %d, column %d: %s", why.line,
                     why.column, why.text);
}

void doc_destroy(struct doc *root)
{
    json_decref((json_t *)root);
}

const char *doc_kind(const struct doc *value)
{
    static const char *const names[] = {
        [JSON_OBJECT] = "an object", [JSON_ARRAY] = "an array",
        [JSON_STRING] = "a string",  [JSON_INTEGER] = "a whole number",
        [JSON_REAL] = "a number",    [JSON_TRUE] = "true",
        [JSON_FALSE] = "false",      [JSON_NULL] = "null"};
    return value == NULL ? "nothing" : names[json_typeof(inside(value))];
}

bool doc_is_null(const struct doc *value)
{
    return json_is_null(inside(value));
}

bool doc_is_object(const struct doc *value)
{
    return json_is_object(inside(value));
}

bool doc_is_array(const struct doc *value)
{
    return json_is_array(inside(value));
}

bool doc_bool(const struct doc *value, bool *out)
{
    if (!json_is_boolean(inside(value)))
        return false;
    *out = json_is_true(inside(value));
    return true;
}

bool doc_size(const struct doc *value, size_t *out)
{
    if (!json_is_integer(inside(value)) || json_integer_value(inside(value)) < 0)
        return false;
    *out = (size_t)json_integer_value(inside(value));
    return true;
}

bool doc_real(const struct doc *value, double *out)
{
    if (!json_is_number(inside(value)))
        return false;
    *out = json_number_value(inside(value));
    return true;
}

bool doc_text(const struct doc *value, const char **out)
{
    if (!json_is_string(inside(value)))
        return false;
    *out = json_string_value(inside(value));
    return true;
}

size_t doc_length(const struct doc *array)
{
    return json_array_size(inside(array));
}

const struct doc *doc_at(const struct doc *array, size_t i)
{
    return (const struct doc *)json_array_get(inside(array), i);
}

const struct doc *doc_get(const struct doc *object, const char *key)
{
    return (const struct doc *)json_object_get(inside(object), key);
}

void *doc_first(const struct doc *object)
{
    return json_object_iter(inside_mutable(object));
}

void *doc_next(const struct doc *object, void *member)
{
    return json_object_iter_next(inside_mutable(object), member);
}

const char *doc_key(void *member)
{
    return json_object_iter_key(member);
}

const struct doc *doc_value(void *member)
{
    return (const struct doc *)json_object_iter_value(member);
}
