/* names_keras.c: names_keras.h. SPDX-License-Identifier: Apache-2.0 */
#include "core/import/names_keras.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/import/keras_groups.h"
#include "core/status.h"

bool names_keras_probe(const struct import_source *source)
{
    for (size_t k = 0; k < source->n_arrays; k++) {
        struct keras_weights weights;
        enum import_kind kind;
        const struct import_array *array = &source->arrays[k];
        if (keras_is_recurrent(array) &&
            keras_weights_gather(source, array->name, keras_scope_bytes(array, 0), 0, &weights,
                                 NULL) == LSTM_OK &&
            keras_cell_kind(&weights.cells[0], &kind))
            return true;
    }
    return false;
}

/* ---- The plan ------------------------------------------------------------------------------- */

/* What the layers have in common. */
struct conventions {
    const struct lstm_import_options *options;
    char activation[32], recurrent_activation[32];
    char hidden_activation[32], output_activation[32];
};

/* Whether Keras' GRU resets behind the product unless it is told otherwise: since TensorFlow 2,
 * whose names have the cell, and Keras 3, whose names may have no more than "vars". */
static bool was_reset_after(const struct keras_group *group)
{
    const char *name = keras_group_part(&group->weights.cells[0].kernel)->name;
    return strstr(name, "gru_cell") != NULL || strstr(name, "/vars/") != NULL;
}

/* What weights do not tell of a recurrent layer; reset_after is told by the shape of a bias. */
static void assume(struct import_source *source, const struct keras_group *group, bool is_last,
                   const struct lstm_import_options *options, struct import_layer *layer)
{
    const struct keras_cell *cell = &group->weights.cells[0];
    import_use(source, IMPORT_OPTION_RETURN_SEQUENCES);
    import_use(source, IMPORT_OPTION_POOLING);
    layer->return_sequences = !is_last || options->return_sequences;
    if (!layer->return_sequences && options->pooling == NULL)
        import_note(source,
                    "layer %.80s: its last step goes on; --return-sequences takes every step, "
                    "--pooling one row of all",
                    layer->name);
    if (group->weights.is_bidirectional) {
        memcpy(layer->bidirectional, "concat", sizeof "concat");
        import_note(source,
                    "layer %.80s: merge_mode is taken to be concat; save the whole model if it is "
                    "another",
                    layer->name);
    }
    if (group->kind != IMPORT_GRU || keras_group_part(&cell->bias) != NULL ||
        keras_group_part(&cell->kernel) == NULL)
        return;
    layer->reset_after = was_reset_after(group);
    import_note(source,
                "layer %.80s: reset_after is taken to be %s, the default of the Keras that names "
                "weights so, as there is no bias to tell it; save the whole model if it is "
                "otherwise",
                layer->name, layer->reset_after ? "true" : "false");
}

static enum lstm_status add_recurrent(struct import_source *source, const struct keras_group *group,
                                      bool is_last, const struct conventions *conventions,
                                      struct import_plan *plan, struct lstm_error *error)
{
    struct import_layer *layer;
    enum lstm_status status =
        import_add_layer(plan, group->kind, keras_group_name(group), &layer, error);
    if (status != LSTM_OK)
        return status;
    memcpy(layer->activation, conventions->activation, sizeof layer->activation);
    memcpy(layer->recurrent_activation, conventions->recurrent_activation,
           sizeof layer->recurrent_activation);
    if (group->kind == IMPORT_LSTM)
        import_use(source, IMPORT_OPTION_FORGET_BIAS);
    if (isfinite(conventions->options->forget_bias))
        layer->forget_bias = conventions->options->forget_bias;
    assume(source, group, is_last, conventions->options, layer);
    return keras_cells_fill(source, &group->weights, layer, error);
}

static enum lstm_status add_group(struct import_source *source, const struct keras_groups *groups,
                                  size_t k, const struct conventions *conventions,
                                  struct import_plan *plan, struct lstm_error *error)
{
    const struct keras_group *group = &groups->list[k];
    bool is_last = true;
    for (size_t i = k + 1; i < groups->n; i++)
        is_last = is_last && !keras_group_is_recurrent(&groups->list[i]);
    if (keras_group_is_recurrent(group))
        return add_recurrent(source, group, is_last, conventions, plan, error);
    struct import_layer *layer;
    enum lstm_status status =
        import_add_layer(plan, group->kind, keras_group_name(group), &layer, error);
    if (status != LSTM_OK)
        return status;
    const struct keras_cell *cell = &group->weights.cells[0];
    layer->kernel = group->weights.embeddings != NULL ? *group->weights.embeddings
                                                      : *keras_group_part(&cell->kernel);
    if (cell->bias.whole != NULL)
        layer->bias = *cell->bias.whole;
    if (group->kind == IMPORT_DENSE)
        memcpy(layer->activation,
               k + 1 == groups->n ? conventions->output_activation : conventions->hidden_activation,
               sizeof layer->activation);
    return LSTM_OK;
}

/* "2.2.4-tf" is, "2.10.0" is not. */
static bool is_before_2_3(const char *version)
{
    return version != NULL && (version[0] == '1' || (strncmp(version, "2.", 2) == 0 &&
                                                     strtoul(version + 2, NULL, 10) < 3));
}

/* Keras' defaults, unless the options say otherwise. */
static enum lstm_status choose(struct import_source *source, const struct keras_groups *groups,
                               const char *version, struct conventions *conventions,
                               struct lstm_error *error)
{
    const struct lstm_import_options *options = conventions->options;
    const bool was_hard = is_before_2_3(version);
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

enum lstm_status names_keras_plan_file(struct import_source *source,
                                       const struct lstm_import_options *options,
                                       const struct names_keras_file *file,
                                       struct import_plan *plan, struct lstm_error *error)
{
    struct conventions conventions = {.options = options};
    const bool is_ordered = options->n_layers > 0 || file->n_layers > 0;
    struct keras_groups *groups = calloc(1, sizeof *groups);
    if (groups == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for the layers");
    import_use(source, IMPORT_OPTION_SCOPE);
    import_use(source, IMPORT_OPTION_LAYERS);
    enum lstm_status status = keras_groups_find(source, options, file, groups, error);
    if (status == LSTM_OK)
        status = keras_groups_order(source, is_ordered, groups, error);
    if (status == LSTM_OK)
        status = choose(source, groups, file->version, &conventions, error);
    for (size_t k = 0; k < groups->n && status == LSTM_OK; k++)
        status = add_group(source, groups, k, &conventions, plan, error);
    free(groups);
    return status;
}

enum lstm_status names_keras_plan(struct import_source *source,
                                  const struct lstm_import_options *options,
                                  struct import_plan *plan, struct lstm_error *error)
{
    const struct names_keras_file file = {.version = NULL};
    return names_keras_plan_file(source, options, &file, plan, error);
}
