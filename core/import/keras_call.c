/* keras_call.c: keras_call.h. SPDX-License-Identifier: Apache-2.0 */
#include "core/import/keras_call.h"

#include <string.h>

enum { MAX_DEPTH = 8 };

static bool is_nothing(const struct doc *value)
{
    bool flag = true;
    return value == NULL || doc_is_null(value) || (doc_bool(value, &flag) && !flag);
}

/* Whether an argument has a value: [null, null] has none. */
static bool says_something(const struct doc *value, size_t depth)
{
    if (is_nothing(value))
        return false;
    if (!doc_is_array(value) || depth == MAX_DEPTH)
        return !doc_is_object(value) || doc_first(value) != NULL;
    for (size_t k = 0; k < doc_length(value); k++)
        if (says_something(doc_at(value, k), depth + 1))
            return true;
    return false;
}

static bool read_tensor(const struct doc *value, struct keras_tensor *tensor)
{
    const struct doc *history = value;
    if (doc_is_object(value))
        history = doc_get(doc_get(value, "config"), "keras_history");
    return doc_is_array(history) && doc_text(doc_at(history, 0), &tensor->layer) &&
           doc_size(doc_at(history, 1), &tensor->call) &&
           doc_size(doc_at(history, 2), &tensor->tensor);
}

static void read_keywords(const struct doc *keywords, struct keras_call *call)
{
    for (void *member = doc_first(keywords); member != NULL; member = doc_next(keywords, member)) {
        const struct doc *value = doc_value(member);
        if (strcmp(doc_key(member), "mask") == 0 && doc_is_object(value) &&
            read_tensor(value, &call->mask))
            call->has_mask = true;
        else if (call->keyword == NULL && says_something(value, 0))
            call->keyword = doc_key(member);
    }
}

static void read_value(const struct doc *value, size_t depth, struct keras_call *call)
{
    struct keras_tensor tensor;
    if (is_nothing(value))
        return;
    if (depth < MAX_DEPTH && read_tensor(value, &tensor)) {
        if (call->n < KERAS_MAX_TENSORS)
            call->tensors[call->n] = tensor;
        call->n++;
        if (doc_is_array(value))
            read_keywords(doc_at(value, 3), call);
    } else if (depth < MAX_DEPTH && doc_is_array(value)) {
        for (size_t k = 0; k < doc_length(value); k++)
            read_value(doc_at(value, k), depth + 1, call);
    } else {
        call->has_constant = true;
    }
}

void keras_call_read(const struct doc *node, struct keras_call *call)
{
    *call = (struct keras_call){.n = 0};
    if (!doc_is_object(node)) {
        read_value(node, 0, call);
        return;
    }
    read_value(doc_get(node, "args"), 0, call);
    read_keywords(doc_get(node, "kwargs"), call);
}

void keras_call_read_outputs(const struct doc *outputs, struct keras_call *call)
{
    *call = (struct keras_call){.n = 0};
    if (!doc_is_object(outputs)) {
        read_value(outputs, 0, call);
        return;
    }
    for (void *member = doc_first(outputs); member != NULL; member = doc_next(outputs, member))
        read_value(doc_value(member), 0, call);
}
