/* fields.c: the reading of one JSON object by a table. SPDX-License-Identifier: Apache-2.0 */
#include "core/fields.h"

#include <stdio.h>
#include <string.h>

#include "core/status.h"

enum { LIST_BYTES = 208 };

/* "steps, features, scale", cut to fit. */
static const char *list_keys(const struct field *fields, char list[LIST_BYTES])
{
    size_t n = 0;
    list[0] = '\0';
    for (const struct field *field = fields; field->key != NULL && n < LIST_BYTES - 1; field++)
        n += (size_t)snprintf(list + n, LIST_BYTES - n, "%s%s", n > 0 ? ", " : "", field->key);
    return list;
}

static const char *list_choices(const char *const *choices, char list[LIST_BYTES])
{
    size_t n = 0;
    list[0] = '\0';
    for (size_t i = 0; choices[i] != NULL && n < LIST_BYTES - 1; i++)
        n += (size_t)snprintf(list + n, LIST_BYTES - n, "%s%s", n > 0 ? ", " : "", choices[i]);
    return list;
}

/* TensorFlow's rule for a scope name; it also keeps names free of what JSON would escape. */
static bool is_name(const char *text)
{
    const char *allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-/>";
    const size_t n = strlen(text);
    return n > 0 && n < NAME_MAX_BYTES && strspn(text, allowed) == n && text[0] != '/';
}

static enum lstm_status read_size(const struct doc *value, const struct field *field, void *to,
                                  const char *path, struct lstm_error *error)
{
    size_t number = 0;
    if ((!doc_is_null(value) || field->min > 0) && !doc_size(value, &number))
        return lstm_fail(error, LSTM_INVALID, "%s.%s: expected a whole number, found %s", path,
                         field->key, doc_kind(value));
    if ((double)number < field->min || (double)number > field->max)
        return lstm_fail(error, LSTM_INVALID, "%s.%s: expected %.0f to %.0f, found %zu", path,
                         field->key, field->min, field->max, number);
    *(size_t *)to = number;
    return LSTM_OK;
}

static enum lstm_status read_real(const struct doc *value, const struct field *field, void *to,
                                  const char *path, struct lstm_error *error)
{
    double number;
    if (!doc_real(value, &number))
        return lstm_fail(error, LSTM_INVALID, "%s.%s: expected a number, found %s", path,
                         field->key, doc_kind(value));
    if (!(number >= field->min && number <= field->max))
        return lstm_fail(error, LSTM_INVALID, "%s.%s: expected %g to %g, found %g", path,
                         field->key, field->min, field->max, number);
    *(double *)to = number;
    return LSTM_OK;
}

static enum lstm_status read_name(const struct doc *value, const struct field *field, void *to,
                                  const char *path, struct lstm_error *error)
{
    const char *text;
    if (!doc_text(value, &text))
        return lstm_fail(error, LSTM_INVALID, "%s.%s: expected a string, found %s", path,
                         field->key, doc_kind(value));
    if (!is_name(text))
        return lstm_fail(error, LSTM_INVALID,
                         "%s.%s: expected 1 to %d letters, digits or _ . - / >, not '%.40s'", path,
                         field->key, NAME_MAX_BYTES - 1, text);
    memcpy(to, text, strlen(text) + 1);
    return LSTM_OK;
}

static enum lstm_status read_choice(const struct doc *value, const struct field *field, void *to,
                                    const char *path, struct lstm_error *error)
{
    char list[LIST_BYTES];
    const char *text;
    if (!doc_text(value, &text))
        return lstm_fail(error, LSTM_INVALID, "%s.%s: expected a string, found %s", path,
                         field->key, doc_kind(value));
    for (int i = 0; field->choices[i] != NULL; i++)
        if (strcmp(text, field->choices[i]) == 0) {
            *(int *)to = i;
            return LSTM_OK;
        }
    return lstm_fail(error, LSTM_INVALID, "%s.%s: '%.40s' is unknown; expected one of: %s", path,
                     field->key, text, list_choices(field->choices, list));
}

static enum lstm_status read_field(const struct doc *value, const struct field *field, void *target,
                                   const char *path, struct lstm_error *error)
{
    void *to = (char *)target + field->offset;
    char inner[LIST_BYTES];
    switch (field->type) {
    case FIELD_SIZE:
        return read_size(value, field, to, path, error);
    case FIELD_REAL:
        return read_real(value, field, to, path, error);
    case FIELD_BOOL:
        return doc_bool(value, to)
                   ? LSTM_OK
                   : lstm_fail(error, LSTM_INVALID, "%s.%s: expected true or false, found %s", path,
                               field->key, doc_kind(value));
    case FIELD_NAME:
        return read_name(value, field, to, path, error);
    case FIELD_CHOICE:
        return read_choice(value, field, to, path, error);
    case FIELD_OBJECT:
        snprintf(inner, sizeof inner, "%s.%s", path, field->key);
        return fields_read(value, field->members, to, inner, error);
    case FIELD_OTHER:
        break;
    }
    return LSTM_OK;
}

enum lstm_status fields_read(const struct doc *object, const struct field *fields, void *target,
                             const char *path, struct lstm_error *error)
{
    char list[LIST_BYTES];
    if (!doc_is_object(object))
        return lstm_fail(error, LSTM_INVALID, "%s: expected an object, found %s", path,
                         doc_kind(object));
    for (void *member = doc_first(object); member != NULL; member = doc_next(object, member)) {
        const struct field *field = fields;
        while (field->key != NULL && strcmp(field->key, doc_key(member)) != 0)
            field++;
        if (field->key == NULL)
            return lstm_fail(error, LSTM_INVALID, "%s.%.40s: unknown key; expected: %s", path,
                             doc_key(member), list_keys(fields, list));
        enum lstm_status status = read_field(doc_value(member), field, target, path, error);
        if (status != LSTM_OK)
            return status;
    }
    for (const struct field *field = fields; field->key != NULL; field++)
        if (field->required && doc_get(object, field->key) == NULL)
            return lstm_fail(error, LSTM_INVALID, "%s.%s: missing", path, field->key);
    return LSTM_OK;
}
