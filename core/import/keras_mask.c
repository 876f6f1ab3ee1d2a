/* keras_mask.c: keras_mask.h. SPDX-License-Identifier: Apache-2.0 */
#include "core/import/keras_mask.h"

#include <string.h>

#include "core/import/keras_read.h"

static bool is_class(const struct keras_layer *layer, const char *class_name)
{
    return layer != NULL && strcmp(layer->class_name, class_name) == 0;
}

/* The layer that gives a tensor; NULL: there is none. */
static const struct keras_layer *find(const struct keras_layers *layers,
                                      const struct keras_tensor *tensor)
{
    for (size_t k = 0; k < layers->n; k++)
        if (tensor->call == 0 && tensor->tensor == 0 &&
            strcmp(layers->layers[k].name, tensor->layer) == 0)
            return &layers->layers[k];
    return NULL;
}

/* The one tensor that a layer is called on, alone or with constants. */
static bool read_input(const struct keras_layer *layer, bool with_constants,
                       struct keras_tensor *input)
{
    struct keras_call call;
    keras_call_read(doc_at(layer->inbound, 0), &call);
    *input = call.tensors[0];
    return doc_length(layer->inbound) == 1 && call.n == 1 && call.keyword == NULL &&
           call.has_constant == with_constants;
}

/* any() over the features of a step alone. */
static bool is_over_features(const struct keras_layer *any)
{
    const struct doc *axis = doc_get(any->config, "axis");
    double value = 0;
    if (axis != NULL)
        doc_real(doc_is_array(axis) ? doc_at(axis, 0) : axis, &value);
    return value == -1 && (!doc_is_array(axis) || doc_length(axis) == 1) &&
           !keras_read_flag(any->config, "keepdims");
}

/* Whether the layer masks the steps of `of` that are the value. */
static bool is_mask_of(const struct keras_layer *layer, bool is_any, const struct keras_tensor *of,
                       double value)
{
    struct keras_tensor input;
    const bool is_it = is_any ? is_class(layer, "Masking") &&
                                    keras_read_real(layer->config, "mask_value", 0) == value
                              : is_class(layer, "Embedding") &&
                                    keras_read_flag(layer->config, "mask_zero") && value == 0;
    return is_it && read_input(layer, false, &input) && strcmp(input.layer, of->layer) == 0 &&
           input.call == of->call && input.tensor == of->tensor;
}

bool keras_mask_is_implied(const struct keras_layers *layers, const struct keras_tensor *mask)
{
    const struct keras_layer *operation = find(layers, mask);
    const bool is_any = is_class(operation, "Any");
    struct keras_tensor of;
    double value = 0;
    if (is_any) {
        if (!is_over_features(operation) || !read_input(operation, false, &of))
            return false;
        operation = find(layers, &of);
    }
    if (!is_class(operation, "NotEqual") || !read_input(operation, true, &of))
        return false;
    const struct doc *compared = doc_at(doc_get(doc_at(operation->inbound, 0), "args"), 1);
    if (compared == NULL || !doc_real(compared, &value))
        return false;
    for (size_t k = 0; k < layers->n; k++)
        if (is_mask_of(&layers->layers[k], is_any, &of, value))
            return true;
    return false;
}

void keras_mask_drop_operations(struct keras_layers *layers)
{
    size_t n = 0;
    for (size_t k = 0; k < layers->n; k++)
        if (!is_class(&layers->layers[k], "Any") && !is_class(&layers->layers[k], "NotEqual"))
            layers->layers[n++] = layers->layers[k];
    layers->n = n;
}
