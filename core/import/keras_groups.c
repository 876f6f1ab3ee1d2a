/* keras_groups.c: keras_groups.h: which layers there are. SPDX-License-Identifier: Apache-2.0 */
#include "core/import/keras_groups.h"

#include <string.h>

#include "core/status.h"

bool keras_group_is_recurrent(const struct keras_group *group)
{
    return group->kind == IMPORT_LSTM || group->kind == IMPORT_GRU;
}

const char *keras_group_name(const struct keras_group *group)
{
    const char *slash = strrchr(group->scope, '/');
    return slash == NULL ? group->scope : slash + 1;
}

const struct import_array *keras_group_part(const struct keras_weight *weight)
{
    if (weight->whole != NULL)
        return weight->whole;
    for (size_t k = 0; k < KERAS_N_GATES; k++)
        if (weight->gates[k] != NULL)
            return weight->gates[k];
    return NULL;
}

/* ---- Names ---------------------------------------------------------------------------------- */

static bool has_group(const struct keras_groups *groups, const char *scope, size_t n)
{
    for (size_t k = 0; k < groups->n; k++)
        if (strlen(groups->list[k].scope) == n && memcmp(groups->list[k].scope, scope, n) == 0)
            return true;
    return false;
}

/* Adds the layer that an array belongs to, unless it is there. */
static enum lstm_status add_group(struct import_source *source, const struct import_array *array,
                                  size_t n_layer, struct keras_groups *groups,
                                  struct lstm_error *error)
{
    const size_t n = keras_scope_bytes(array, n_layer);
    if (n == SIZE_MAX || has_group(groups, array->name, n))
        return LSTM_OK;
    if (groups->n == IMPORT_MAX_LAYERS)
        return lstm_fail(error, LSTM_UNSUPPORTED,
                         "more than %d layers; --scope chooses those to take", IMPORT_MAX_LAYERS);
    const char *scope = import_text(source, array->name, n);
    if (scope == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for names of layers");
    groups->list[groups->n++] = (struct keras_group){.scope = scope, .n_layer = n_layer};
    return LSTM_OK;
}

/* Those under the name of a layer; "" for any. */
static enum lstm_status add_groups(struct import_source *source, const char *layer,
                                   const char *scope, struct keras_groups *groups,
                                   struct lstm_error *error)
{
    const size_t n_layer = strlen(layer), n_scope = scope == NULL ? 0 : strlen(scope);
    enum lstm_status status = LSTM_OK;
    for (size_t k = 0; k < source->n_arrays && status == LSTM_OK; k++) {
        const struct import_array *array = &source->arrays[k];
        const bool is_inside = strncmp(array->name, layer, n_layer) == 0 &&
                               (n_layer == 0 || array->name[n_layer] == '/');
        if (is_inside && (n_scope == 0 || strncmp(array->name, scope, n_scope) == 0))
            status = add_group(source, array, n_layer, groups, error);
    }
    return status;
}

/* ---- --layers ------------------------------------------------------------------------------- */

/* The group of this scope, or the only one whose scope ends with it; groups->n: there is none. */
static size_t find_named(const struct keras_groups *groups, const char *name)
{
    size_t found = groups->n, n_found = 0;
    for (size_t k = 0; k < groups->n; k++) {
        if (strcmp(groups->list[k].scope, name) == 0)
            return k;
        if (strcmp(keras_group_name(&groups->list[k]), name) == 0) {
            found = k;
            n_found++;
        }
    }
    return n_found == 1 ? found : groups->n;
}

static enum lstm_status keep_named(const struct lstm_import_options *options,
                                   struct keras_groups *groups, struct lstm_error *error)
{
    const size_t n = options->n_layers;
    size_t kept[IMPORT_MAX_LAYERS];
    struct keras_group *list = groups->list;
    if (n > groups->n)
        return lstm_fail(error, LSTM_INVALID, "--layers names %zu layers; the file has %zu", n,
                         groups->n);
    for (size_t k = 0; k < n; k++) {
        kept[k] = find_named(groups, options->layers[k]);
        if (kept[k] == groups->n)
            return lstm_fail(error, LSTM_INVALID,
                             "--layers: '%.80s' is no layer of the file, or more than one ends so; "
                             "one of them is '%.80s'",
                             options->layers[k], list[0].scope);
        for (size_t i = 0; i < k; i++)
            if (kept[i] == kept[k])
                return lstm_fail(error, LSTM_INVALID, "--layers names '%.80s' twice",
                                 options->layers[k]);
    }
    /* Each is swapped to its place; what was there may be one that is still wanted. */
    for (size_t k = 0; k < n; k++) {
        const struct keras_group other = list[k];
        list[k] = list[kept[k]];
        list[kept[k]] = other;
        for (size_t i = k + 1; i < n; i++)
            if (kept[i] == k)
                kept[i] = kept[k];
    }
    groups->n = n;
    return LSTM_OK;
}

/* ---- Weights -------------------------------------------------------------------------------- */

static bool is_embedding(const struct keras_group *group)
{
    const struct keras_cell *cell = &group->weights.cells[0];
    return group->weights.embeddings != NULL ||
           (keras_group_part(&cell->recurrent) == NULL && keras_group_part(&cell->bias) == NULL &&
            strstr(group->scope, "embedding") != NULL);
}

static enum lstm_status classify(struct keras_group *group, struct lstm_error *error)
{
    const struct keras_weights *weights = &group->weights;
    const struct import_array *kernel = keras_group_part(&weights->cells[0].kernel);
    const struct import_array *recurrent = keras_group_part(&weights->cells[0].recurrent);
    if (is_embedding(group)) {
        kernel = weights->embeddings != NULL ? weights->embeddings : kernel;
        group->kind = IMPORT_EMBEDDING;
    } else if (recurrent == NULL) {
        group->kind = IMPORT_DENSE;
    } else if (!keras_cell_kind(&weights->cells[0], &group->kind)) {
        return lstm_fail(error, LSTM_UNSUPPORTED,
                         "layer %.80s: by the shape of '%.80s' it is neither an LSTM nor a GRU",
                         group->scope, recurrent->name);
    }
    if (group->scope[0] == '\0')
        return lstm_fail(error, LSTM_UNSUPPORTED,
                         "it is no file of Keras: its arrays lie in no layers, and it has neither "
                         "model_config nor layer_names; save the model with model.save(path)");
    if (weights->other != NULL || kernel == NULL || kernel->rank != 2)
        return lstm_fail(error, LSTM_UNSUPPORTED,
                         "layer %.80s: its weight '%.80s' is not one of an LSTM, a GRU, a dense "
                         "layer or an embedding; --layers names those to take",
                         group->scope,
                         weights->other != NULL ? weights->other->name
                         : kernel != NULL       ? kernel->name
                                                : "kernel");
    group->inputs = kernel->shape[0];
    group->outputs = kernel->shape[1];
    if (recurrent != NULL && recurrent->rank == 2)
        group->outputs = recurrent->shape[0] * (weights->is_bidirectional ? 2 : 1);
    return LSTM_OK;
}

enum lstm_status keras_groups_find(struct import_source *source,
                                   const struct lstm_import_options *options,
                                   const struct names_keras_file *file, struct keras_groups *groups,
                                   struct lstm_error *error)
{
    enum lstm_status status = LSTM_OK;
    if (file->n_layers == 0)
        status = add_groups(source, "", options->scope, groups, error);
    for (size_t k = 0; k < file->n_layers && status == LSTM_OK; k++)
        status = add_groups(source, file->layers[k], options->scope, groups, error);
    if (status == LSTM_OK && groups->n == 0)
        return lstm_fail(error, LSTM_FORMAT, "no layer of Keras has weights %s%.80s",
                         options->scope == NULL ? "in it" : "under --scope ",
                         options->scope == NULL ? "" : options->scope);
    if (status == LSTM_OK && options->n_layers > 0)
        status = keep_named(options, groups, error);
    for (size_t k = 0; k < groups->n && status == LSTM_OK; k++) {
        struct keras_group *group = &groups->list[k];
        status = keras_weights_gather(source, group->scope, strlen(group->scope), group->n_layer,
                                      &group->weights, error);
        if (status == LSTM_OK)
            status = classify(group, error);
    }
    return status;
}
