/* names_keras.c: names_keras.h. SPDX-License-Identifier: Apache-2.0 */
#include "core/import/names_keras.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/import/keras_weights.h"
#include "core/status.h"

/* A layer by its weights. */
struct group {
    const char *scope;
    struct keras_weights weights;
    enum import_kind kind;
    size_t inputs, outputs;
};

struct groups {
    size_t n;
    struct group list[IMPORT_MAX_LAYERS];
};

static bool is_recurrent(const struct group *group)
{
    return group->kind == IMPORT_LSTM || group->kind == IMPORT_GRU;
}

bool names_keras_probe(const struct import_source *source)
{
    for (size_t k = 0; k < source->n_arrays; k++) {
        struct keras_weights weights;
        enum import_kind kind;
        const struct import_array *array = &source->arrays[k];
        if (!keras_is_recurrent(array))
            continue;
        if (keras_weights_collect(source, array->name, keras_scope_bytes(array), &weights, NULL) ==
                LSTM_OK &&
            keras_cell_kind(&weights.cells[0], &kind))
            return true;
    }
    return false;
}

/* ---- Which layers there are ----------------------------------------------------------------- */

/* Any array of a weight: all gates have the same shape. */
static const struct import_array *any_part(const struct keras_weight *weight)
{
    if (weight->whole != NULL)
        return weight->whole;
    for (size_t k = 0; k < KERAS_N_GATES; k++)
        if (weight->gates[k] != NULL)
            return weight->gates[k];
    return NULL;
}

static enum lstm_status classify(struct group *group, struct lstm_error *error)
{
    const struct keras_weights *weights = &group->weights;
    const struct import_array *kernel = any_part(&weights->cells[0].kernel);
    const struct import_array *recurrent = any_part(&weights->cells[0].recurrent);
    if (weights->embeddings != NULL ||
        (kernel != NULL && recurrent == NULL && strstr(group->scope, "embedding") != NULL)) {
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
                         "layer or an embedding; --scope chooses the layers to take",
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

static bool has_group(const struct groups *groups, const char *scope, size_t n)
{
    for (size_t k = 0; k < groups->n; k++)
        if (strlen(groups->list[k].scope) == n && memcmp(groups->list[k].scope, scope, n) == 0)
            return true;
    return false;
}

static enum lstm_status find_groups(struct import_source *source, const char *scope,
                                    struct groups *groups, struct lstm_error *error)
{
    for (size_t k = 0; k < source->n_arrays; k++) {
        const struct import_array *array = &source->arrays[k];
        const size_t n = keras_scope_bytes(array);
        if (n == SIZE_MAX || (scope != NULL && strncmp(array->name, scope, strlen(scope)) != 0) ||
            has_group(groups, array->name, n))
            continue;
        if (groups->n == IMPORT_MAX_LAYERS)
            return lstm_fail(error, LSTM_UNSUPPORTED,
                             "more than %d layers; --scope chooses those to take",
                             IMPORT_MAX_LAYERS);
        struct group *group = &groups->list[groups->n++];
        group->scope = import_text(source, array->name, n);
        if (group->scope == NULL)
            return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for names of layers");
        enum lstm_status status =
            keras_weights_collect(source, group->scope, n, &group->weights, error);
        if (status == LSTM_OK)
            status = classify(group, error);
        if (status != LSTM_OK)
            return status;
    }
    return LSTM_OK;
}

/* ---- Their order ---------------------------------------------------------------------------- */

/* The first layer that does not take what the one before gives; n: all do. */
static size_t find_break(const struct groups *groups)
{
    for (size_t k = 1; k < groups->n; k++)
        if (groups->list[k].kind == IMPORT_EMBEDDING ||
            groups->list[k].inputs != groups->list[k - 1].outputs)
            return k;
    return groups->n;
}

static int rank_of(const struct group *group)
{
    return group->kind == IMPORT_EMBEDDING ? 0 : is_recurrent(group) ? 1 : 2;
}

static int compare_groups(const void *a, const void *b)
{
    const struct group *first = a, *second = b;
    const int difference = rank_of(first) - rank_of(second);
    return difference != 0 ? difference : strverscmp(first->scope, second->scope);
}

/* Files of Keras 1 and 2 list the layers in their order; others sort them by name. */
static enum lstm_status order_groups(struct import_source *source, struct groups *groups,
                                     struct lstm_error *error)
{
    if (find_break(groups) == groups->n)
        return LSTM_OK;
    qsort(groups->list, groups->n, sizeof *groups->list, compare_groups);
    const size_t k = find_break(groups);
    if (k < groups->n)
        return lstm_fail(error, LSTM_SHAPE,
                         "layers %.60s and %.60s do not follow each other: the first gives %zu "
                         "values, the second takes %zu; --scope chooses the layers to take",
                         groups->list[k - 1].scope, groups->list[k].scope,
                         groups->list[k - 1].outputs, groups->list[k].inputs);
    import_note(source, "order of the layers: embedding, recurrent by name, dense; the file does "
                        "not say it");
    return LSTM_OK;
}

/* ---- The plan ------------------------------------------------------------------------------- */

/* What the layers have in common. */
struct conventions {
    const struct lstm_import_options *options;
    char activation[32], recurrent_activation[32];
    char hidden_activation[32], output_activation[32];
};

/* The last part of a scope without the folders that Keras puts around it. */
static const char *short_name(const char *scope)
{
    const char *slash = strrchr(scope, '/');
    return slash == NULL ? scope : slash + 1;
}

static enum lstm_status add_recurrent(struct import_source *source, const struct group *group,
                                      bool is_last, const struct conventions *conventions,
                                      struct import_plan *plan, struct lstm_error *error)
{
    struct import_layer *layer;
    enum lstm_status status =
        import_add_layer(plan, group->kind, short_name(group->scope), &layer, error);
    if (status != LSTM_OK)
        return status;
    memcpy(layer->activation, conventions->activation, sizeof layer->activation);
    memcpy(layer->recurrent_activation, conventions->recurrent_activation,
           sizeof layer->recurrent_activation);
    import_use(source, IMPORT_OPTION_RETURN_SEQUENCES);
    if (group->kind == IMPORT_LSTM)
        import_use(source, IMPORT_OPTION_FORGET_BIAS);
    if (isfinite(conventions->options->forget_bias))
        layer->forget_bias = conventions->options->forget_bias;
    layer->return_sequences = !is_last || conventions->options->return_sequences;
    if (group->weights.is_bidirectional)
        memcpy(layer->bidirectional, "concat", sizeof "concat");
    return keras_cells_fill(source, &group->weights, layer, error);
}

static enum lstm_status add_group(struct import_source *source, const struct groups *groups,
                                  size_t k, const struct conventions *conventions,
                                  struct import_plan *plan, struct lstm_error *error)
{
    const struct group *group = &groups->list[k];
    bool is_last = true;
    for (size_t i = k + 1; i < groups->n; i++)
        is_last = is_last && !is_recurrent(&groups->list[i]);
    if (is_recurrent(group))
        return add_recurrent(source, group, is_last, conventions, plan, error);
    struct import_layer *layer;
    enum lstm_status status =
        import_add_layer(plan, group->kind, short_name(group->scope), &layer, error);
    if (status != LSTM_OK)
        return status;
    const struct keras_cell *cell = &group->weights.cells[0];
    layer->kernel =
        group->weights.embeddings != NULL ? *group->weights.embeddings : *any_part(&cell->kernel);
    if (cell->bias.whole != NULL)
        layer->bias = *cell->bias.whole;
    if (group->kind == IMPORT_DENSE)
        memcpy(layer->activation,
               k + 1 == groups->n ? conventions->output_activation : conventions->hidden_activation,
               sizeof layer->activation);
    return LSTM_OK;
}

/* Keras' defaults, unless the options say otherwise. */
static enum lstm_status choose(struct import_source *source, const struct groups *groups,
                               const char *version, struct conventions *conventions,
                               struct lstm_error *error)
{
    const struct lstm_import_options *options = conventions->options;
    const bool was_hard = version != NULL && (version[0] == '1' ||
                                              (strncmp(version, "2.", 2) == 0 && version[2] < '3'));
    enum lstm_status status =
        import_choose(source, options->activation, "tanh", "activation of the recurrent layers",
                      IMPORT_OPTION_ACTIVATION, conventions->activation, error);
    if (status == LSTM_OK)
        status = import_choose(source, options->recurrent_activation,
                               was_hard ? "hard_sigmoid" : "sigmoid", "recurrent_activation",
                               IMPORT_OPTION_RECURRENT_ACTIVATION,
                               conventions->recurrent_activation, error);
    size_t n_dense = 0;
    for (size_t k = 0; k < groups->n; k++)
        n_dense += groups->list[k].kind == IMPORT_DENSE;
    if (status == LSTM_OK && n_dense > 1)
        status =
            import_choose(source, options->hidden_activation, "relu",
                          "activation of the dense layers but the last",
                          IMPORT_OPTION_HIDDEN_ACTIVATION, conventions->hidden_activation, error);
    if (status == LSTM_OK && n_dense > 0)
        status = import_choose(
            source, options->output_activation, "linear", "activation of the last dense layer",
            IMPORT_OPTION_OUTPUT_ACTIVATION, conventions->output_activation, error);
    return status;
}

enum lstm_status names_keras_plan_version(struct import_source *source,
                                          const struct lstm_import_options *options,
                                          const char *version, struct import_plan *plan,
                                          struct lstm_error *error)
{
    struct conventions conventions = {.options = options};
    struct groups *groups = calloc(1, sizeof *groups);
    if (groups == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for the layers");
    import_use(source, IMPORT_OPTION_SCOPE);
    enum lstm_status status = find_groups(source, options->scope, groups, error);
    if (status == LSTM_OK)
        status = order_groups(source, groups, error);
    if (status == LSTM_OK)
        status = choose(source, groups, version, &conventions, error);
    for (size_t k = 0; k < groups->n && status == LSTM_OK; k++)
        status = add_group(source, groups, k, &conventions, plan, error);
    free(groups);
    return status;
}

enum lstm_status names_keras_plan(struct import_source *source,
                                  const struct lstm_import_options *options,
                                  struct import_plan *plan, struct lstm_error *error)
{
    return names_keras_plan_version(source, options, NULL, plan, error);
}
