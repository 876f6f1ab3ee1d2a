/* reader_keras_h5.c: Keras' HDF5 files: whole models and weights alone, of every generation.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A whole model has its architecture in the root's attribute model_config, and its weights in the
 * group model_weights; a file of weights has them at the root. Their order is that of the
 * attributes layer_names and weight_names. */
#include <stdio.h>
#include <string.h>

#include "core/import/hdf5.h"
#include "core/import/keras_config.h"
#include "core/import/names_keras.h"
#include "core/import/readers.h"
#include "core/status.h"

/* Beyond these the order of the arrays no longer matters: no network of lstmd has as many. */
enum { MAX_ORDERED_LAYERS = 1024, MAX_ORDERED_WEIGHTS = 64, MAX_PATH = 1024 };

/* What is kept between open and plan. */
struct keras_h5 {
    const char *config, *version; /* NULL: not said */
    const char *prefix;           /* of the names of weights: "model_weights/" or "" */
    size_t n_layers;              /* listed by layer_names */
    const char **layers;          /* "model_weights/lstm" and so on */
};

static const char *const wanted[] = {"model_config", "keras_version", "layer_names", "weight_names",
                                     NULL};

static bool probe(const struct import_source *source)
{
    return hdf5_probe(source->bytes, source->n);
}

static const char *text_of(const struct hdf5_tree *tree, const char *path, const char *name)
{
    const struct hdf5_attribute *attribute = hdf5_find(tree, path, name);
    return attribute != NULL && attribute->n_texts == 1 ? attribute->texts[0] : NULL;
}

/* Adds the array of a path, unless it was added already. */
static enum lstm_status add_path(struct import_source *source, const struct hdf5_tree *tree,
                                 bool *is_added, const char *path, struct lstm_error *error)
{
    for (size_t k = 0; k < tree->n_arrays; k++)
        if (!is_added[k] && strcmp(tree->arrays[k].name, path) == 0) {
            is_added[k] = true;
            return import_add_array(source, &tree->arrays[k], error);
        }
    return LSTM_OK;
}

static enum lstm_status add_layer(struct import_source *source, const struct hdf5_tree *tree,
                                  bool *is_added, const char *group, struct lstm_error *error)
{
    const struct hdf5_attribute *weights = hdf5_find(tree, group, "weight_names");
    const size_t n = weights == NULL ? 0 : weights->n_texts;
    enum lstm_status status = LSTM_OK;
    for (size_t k = 0; k < n && k < MAX_ORDERED_WEIGHTS && status == LSTM_OK; k++) {
        char path[MAX_PATH];
        const int length = snprintf(path, sizeof path, "%s/%s", group, weights->texts[k]);
        if (length > 0 && (size_t)length < sizeof path)
            status = add_path(source, tree, is_added, path, error);
    }
    return status;
}

/* The groups of the layers, by the attribute layer_names. */
static enum lstm_status list_layers(struct import_source *source,
                                    const struct hdf5_attribute *names, struct keras_h5 *state,
                                    struct lstm_error *error)
{
    const size_t n = names == NULL ? 0 : names->n_texts;
    state->n_layers = n <= MAX_ORDERED_LAYERS ? n : 0;
    state->layers = import_allocate(source, (state->n_layers + 1) * sizeof *state->layers);
    if (state->layers == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for a Keras file");
    for (size_t k = 0; k < state->n_layers; k++) {
        char group[MAX_PATH];
        snprintf(group, sizeof group, "%s%s", state->prefix, names->texts[k]);
        state->layers[k] = import_text(source, group, strlen(group));
        if (state->layers[k] == NULL)
            return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for a Keras file");
    }
    return LSTM_OK;
}

/* The weights in the order of the layers, then whatever else there is. */
static enum lstm_status add_arrays(struct import_source *source, const struct hdf5_tree *tree,
                                   const struct keras_h5 *state, struct lstm_error *error)
{
    bool *is_added = import_allocate(source, tree->n_arrays + 1);
    if (is_added == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for the arrays");
    enum lstm_status status = LSTM_OK;
    for (size_t k = 0; k < state->n_layers && status == LSTM_OK; k++)
        status = add_layer(source, tree, is_added, state->layers[k], error);
    for (size_t k = 0; k < tree->n_arrays && status == LSTM_OK; k++)
        if (!is_added[k])
            status = import_add_array(source, &tree->arrays[k], error);
    return status;
}

static enum lstm_status open_file(struct import_source *source, struct lstm_error *error)
{
    struct hdf5_tree tree;
    enum lstm_status status = hdf5_read(source, source->bytes, source->n, wanted, &tree, error);
    if (status != LSTM_OK)
        return status;
    struct keras_h5 *state = import_allocate(source, sizeof *state);
    if (state == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for a Keras file");
    const struct hdf5_attribute *layers = hdf5_find(&tree, "model_weights", "layer_names");
    state->prefix = layers != NULL ? "model_weights/" : "";
    if (layers == NULL)
        layers = hdf5_find(&tree, "", "layer_names");
    state->config = text_of(&tree, "", "model_config");
    state->version = text_of(&tree, "", "keras_version");
    if (state->version == NULL)
        state->version = text_of(&tree, "model_weights", "keras_version");
    source->state = state;
    status = list_layers(source, layers, state, error);
    return status == LSTM_OK ? add_arrays(source, &tree, state, error) : status;
}

static enum lstm_status plan_file(struct import_source *source,
                                  const struct lstm_import_options *options,
                                  struct import_plan *plan, struct lstm_error *error)
{
    const struct keras_h5 *state = source->state;
    const struct names_keras_file file = {
        .version = state->version, .n_layers = state->n_layers, .layers = state->layers};
    if (state->config == NULL)
        return names_keras_plan_file(source, options, &file, plan, error);
    struct doc *config;
    enum lstm_status status = doc_parse(state->config, strlen(state->config), &config, error);
    if (status != LSTM_OK)
        return lstm_fail_in(error, status, "model_config");
    const struct keras_model model = {
        .config = config, .generation = keras_generation(state->version), .prefix = state->prefix};
    status = keras_config_plan(source, &model, plan, error);
    doc_destroy(config);
    return status;
}

const struct import_reader reader_keras_h5 = {.name = "keras-h5",
                                              .title = "Keras HDF5",
                                              .probe = probe,
                                              .open = open_file,
                                              .plan = plan_file};
