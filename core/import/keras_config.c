/* keras_config.c: keras_config.h: which layers there are, and their order.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/import/keras_config.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "core/import/keras_graph.h"
#include "core/status.h"

unsigned keras_generation(const char *version)
{
    return version != NULL && version[0] >= '1' && version[0] <= '9' && !isdigit(version[1])
               ? (unsigned)(version[0] - '0')
               : 2;
}

static const char *text_of(const struct doc *object, const char *key)
{
    const char *text = NULL;
    const struct doc *value = doc_get(object, key);
    return value != NULL && doc_text(value, &text) ? text : NULL;
}

/* "TimeDistributed" becomes "time_distributed", "LSTM" "lstm", as keras' to_snake_case() has it. */
static void snake_case(const char *class_name, char *out, size_t room)
{
    size_t n = 0;
    for (size_t k = 0; class_name[k] != '\0' && n + 2 < room; k++) {
        const char c = class_name[k];
        const bool begins_word = isupper((unsigned char)c) && k > 0 &&
                                 (islower((unsigned char)class_name[k + 1]) ||
                                  islower((unsigned char)class_name[k - 1]));
        if (begins_word)
            out[n++] = '_';
        out[n++] = (char)tolower((unsigned char)c);
    }
    out[n] = '\0';
}

/* Where the weights of layer k are. Keras 3 counts the layers of a class in the order of the
 * configuration: the first has no number. */
static void find_scope(const struct keras_model *model, struct keras_layers *layers, size_t k)
{
    struct keras_layer *layer = &layers->layers[k];
    char name[128];
    size_t before = 0;
    if (!model->is_by_class) {
        snprintf(layer->scope, sizeof layer->scope, "%s%s", model->prefix, layer->name);
        return;
    }
    for (size_t i = 0; i < k; i++)
        before += strcmp(layers->layers[i].class_name, layer->class_name) == 0;
    snake_case(layer->class_name, name, sizeof name);
    if (before == 0)
        snprintf(layer->scope, sizeof layer->scope, "%s%s", model->prefix, name);
    else
        snprintf(layer->scope, sizeof layer->scope, "%s%s_%zu", model->prefix, name, before);
}

static enum lstm_status list_layers(const struct keras_model *model, const struct doc *list,
                                    struct keras_layers *layers, struct lstm_error *error)
{
    const size_t n = doc_length(list);
    if (n == 0 || n > KERAS_MAX_LAYERS)
        return lstm_fail(error, LSTM_UNSUPPORTED,
                         "Keras configuration: it lists %zu layers; 1 to %d are read", n,
                         KERAS_MAX_LAYERS);
    for (size_t k = 0; k < n; k++) {
        const struct doc *entry = doc_at(list, k);
        struct keras_layer *layer = &layers->layers[k];
        *layer = (struct keras_layer){.class_name = text_of(entry, "class_name"),
                                      .config = doc_get(entry, "config"),
                                      .inbound = doc_get(entry, "inbound_nodes")};
        layer->name = text_of(layer->config, "name");
        if (layer->name == NULL)
            layer->name = text_of(entry, "name");
        if (layer->name == NULL)
            layer->name = layer->class_name;
        if (layer->class_name == NULL || !doc_is_object(layer->config))
            return lstm_fail(error, LSTM_INVALID,
                             "Keras configuration: layer %zu has no class_name or no config", k);
        find_scope(model, layers, k);
    }
    layers->n = n;
    return LSTM_OK;
}

enum lstm_status keras_config_list(struct import_source *source, const struct keras_model *model,
                                   struct keras_layers *layers, struct lstm_error *error)
{
    const char *class_name = text_of(model->config, "class_name");
    const struct doc *config = doc_get(model->config, "config");
    if (class_name == NULL || config == NULL)
        return lstm_fail(error, LSTM_INVALID,
                         "Keras configuration: it has no class_name or no config");
    const bool is_sequential = strcmp(class_name, "Sequential") == 0;
    if (!is_sequential && strcmp(class_name, "Functional") != 0 && strcmp(class_name, "Model") != 0)
        return lstm_fail(error, LSTM_UNSUPPORTED,
                         "Keras model of class '%.60s'; Sequential and functional models are "
                         "supported: build the same network as one of these and save that",
                         class_name);
    /* Up to Keras 2.2.2 a Sequential's configuration is the list itself. */
    const struct doc *list = doc_is_array(config) ? config : doc_get(config, "layers");
    if (list == NULL || !doc_is_array(list))
        return lstm_fail(error, LSTM_INVALID, "Keras configuration: it has no list of layers");
    enum lstm_status status = list_layers(model, list, layers, error);
    return status != LSTM_OK || is_sequential ? status
                                              : keras_graph_order(source, config, layers, error);
}
