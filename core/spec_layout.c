/* spec_layout.c: connects the layers of a description and places their tensors and states.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "core/spec_internal.h"
#include "core/status.h"

/* Tensors begin on 64-byte borders. */
enum { TENSOR_ALIGNMENT = 16 };

/* A pooling layer ends the sequences that the last recurrent layer gives. */
static enum lstm_status find_pooling(struct spec *spec, struct lstm_error *error)
{
    const size_t last = spec->last_recurrent;
    for (size_t i = 0; i < spec->n_layers; i++) {
        if (spec->layers[i].type != &layer_pooling)
            continue;
        if (spec->pooling != NULL)
            return lstm_fail(error, LSTM_INVALID,
                             "layers[%zu]: layers[%zu] makes one row of all steps already", i,
                             spec->pooling->number);
        if (i < last)
            return lstm_fail(error, LSTM_INVALID,
                             "layers[%zu]: a pooling layer must be behind the last recurrent "
                             "layer, as it makes one row of all steps, and layers[%zu] reads steps",
                             i, last);
        if (!spec->layers[last].return_sequences)
            return lstm_fail(error, LSTM_INVALID,
                             "layers[%zu].return_sequences: must be true, as layers[%zu] pools all "
                             "steps",
                             last, i);
        spec->pooling = &spec->layers[i];
    }
    return LSTM_OK;
}

/* The last recurrent layer decides where sequences end, or the pooling layer behind it; every
 * recurrent layer before it must give sequences. */
static enum lstm_status find_sequence_end(struct spec *spec, struct lstm_error *error)
{
    size_t last = spec->n_layers;
    for (size_t i = 0; i < spec->n_layers; i++)
        if (spec->layers[i].type->is_recurrent)
            last = i;
    if (last == spec->n_layers)
        return lstm_fail(error, LSTM_INVALID, "layers: expected at least one lstm or gru layer");
    for (size_t i = 0; i < last; i++)
        if (spec->layers[i].type->is_recurrent && !spec->layers[i].return_sequences)
            return lstm_fail(error, LSTM_INVALID,
                             "layers[%zu].return_sequences: must be true, as layers[%zu] behind "
                             "it reads a sequence",
                             i, last);
    spec->last_recurrent = last;
    const enum lstm_status status = find_pooling(spec, error);
    spec->info.pools_steps = spec->pooling != NULL;
    spec->info.output_is_sequence = spec->layers[last].return_sequences && !spec->info.pools_steps;
    if (spec->info.pools_steps)
        spec->n_sequence_layers = spec->pooling->number;
    else
        spec->n_sequence_layers = spec->info.output_is_sequence ? spec->n_layers : last + 1;
    return status;
}

/* The names that TensorFlow gives: MultiRNNCell numbers the cells of a stack. */
static void name_layer(const struct spec *spec, struct layer *layer)
{
    size_t n_recurrent = 0, before = 0;
    for (size_t i = 0; i < spec->n_layers; i++) {
        before += i < layer->number && spec->layers[i].type->is_recurrent;
        n_recurrent += spec->layers[i].type->is_recurrent;
    }
    const char *name = layer->type->default_name;
    if (!layer->type->is_recurrent)
        snprintf(layer->name, sizeof layer->name, "%s", name);
    else if (n_recurrent == 1)
        snprintf(layer->name, sizeof layer->name, "rnn/%s", name);
    else
        snprintf(layer->name, sizeof layer->name, "rnn/multi_rnn_cell/cell_%zu/%s", before, name);
}

/* What only the first layer may be, and what excludes each other. */
static enum lstm_status check_layer(const struct layer *layer, struct lstm_error *error)
{
    const size_t i = layer->number;
    if (layer->type == &layer_embedding && (i > 0 || layer->inputs != 1))
        return lstm_fail(error, LSTM_INVALID,
                         "layers[%zu]: an embedding must be the first layer, with input.features 1",
                         i);
    if (layer->type == &layer_masking && i > 0)
        return lstm_fail(error, LSTM_INVALID,
                         "layers[%zu]: a masking layer must be the first layer, as it compares "
                         "the inputs",
                         i);
    if (layer->go_backwards && layer->bidirectional != MERGE_NONE)
        return lstm_fail(error, LSTM_INVALID,
                         "layers[%zu]: go_backwards and bidirectional exclude each other: one of "
                         "the two cells reads backwards already",
                         i);
    return LSTM_OK;
}

/* H of a cell. */
static size_t cell_outputs(const struct layer *layer)
{
    return layer->num_proj > 0 ? layer->num_proj : layer->units;
}

/* D of each layer is what the one before gives. */
static enum lstm_status connect(struct spec *spec, struct lstm_error *error)
{
    size_t width = spec->info.features;
    for (size_t i = 0; i < spec->n_layers; i++) {
        struct layer *layer = &spec->layers[i];
        layer->inputs = width;
        const enum lstm_status status = check_layer(layer, error);
        if (status != LSTM_OK)
            return status;
        if (layer->type->passes_on)
            layer->units = width;
        else if (layer->name[0] == '\0')
            name_layer(spec, layer);
        layer->outputs = cell_outputs(layer) * (layer->bidirectional == MERGE_CONCAT ? 2 : 1);
        spec->info.reads_backwards |= layer->go_backwards || layer->bidirectional != MERGE_NONE;
        width = layer->outputs;
    }
    spec->info.needs_whole = spec->info.reads_backwards || spec->info.pools_steps;
    spec->info.vocabulary = spec->layers[0].vocabulary;
    spec->skips_steps = spec->layers[0].type == &layer_masking || spec->layers[0].mask_zero;
    const struct layer *last = &spec->layers[spec->n_layers - 1];
    spec->info.output_size = width;
    spec->info.output_is_softmax =
        last->type == &layer_dense && last->activation == ACTIVATION_SOFTMAX;
    if (spec->info.n_labels > 0 && spec->info.n_labels != width)
        return lstm_fail(error, LSTM_INVALID,
                         "labels: expected %zu, one for each output, found %zu", width,
                         spec->info.n_labels);
    return LSTM_OK;
}

static struct tensor_spec *find_tensor(struct spec *spec, const char *name)
{
    for (size_t i = 0; i < spec->n_tensors; i++)
        if (strcmp(spec->tensors[i].name, name) == 0)
            return &spec->tensors[i];
    return NULL;
}

/* A layer of a name that exists shares its weights, as variable scopes do, if it says so. */
static enum lstm_status share_tensor(const struct layer *layer, const struct layer_tensor *wanted,
                                     const struct tensor_spec *found, struct lstm_error *error)
{
    if (!layer->reuse)
        return lstm_fail(error, LSTM_INVALID,
                         "layers[%zu]: variable %s already exists; give the layer a name of its "
                         "own, or \"reuse\": true to share the weights",
                         layer->number, found->name);
    if (wanted->rank != found->rank || wanted->shape[0] != found->shape[0] ||
        wanted->shape[1] != found->shape[1])
        return lstm_fail(error, LSTM_INVALID,
                         "layers[%zu]: cannot reuse %s: expected shape [%zu, %zu], found [%zu, "
                         "%zu]",
                         layer->number, found->name, wanted->shape[0], wanted->shape[1],
                         found->shape[0], found->shape[1]);
    return LSTM_OK;
}

static enum lstm_status add_tensor(struct spec *spec, const struct layer *layer,
                                   const struct layer_tensor *wanted, const char *name,
                                   struct lstm_error *error)
{
    struct tensor_spec *tensor = &spec->tensors[spec->n_tensors];
    size_t n, end;
    if (!memory_multiply(wanted->shape[0], wanted->shape[1], &n) ||
        !memory_add(spec->n_weights, n, &end) || end > SPEC_MAX_PARAMETERS)
        return lstm_fail(error, LSTM_INVALID,
                         "layers[%zu]: tensor %s of shape [%zu, %zu] makes the model larger than "
                         "%d parameters",
                         layer->number, name, wanted->shape[0], wanted->shape[1],
                         SPEC_MAX_PARAMETERS);
    const struct initializer *chosen =
        wanted->is_bias ? &layer->bias_initializer : &layer->kernel_initializer;
    *tensor = (struct tensor_spec){
        .name = strdup(name),
        .rank = wanted->rank,
        .shape = {wanted->shape[0], wanted->shape[1]},
        .n = n,
        .offset = spec->n_weights,
        .initializer = chosen->type == INITIALIZER_DEFAULT ? wanted->initializer : *chosen};
    if (tensor->name == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for the tensors");
    spec->n_tensors++;
    spec->info.n_parameters += n;
    spec->n_weights = (end + TENSOR_ALIGNMENT - 1) / TENSOR_ALIGNMENT * TENSOR_ALIGNMENT;
    return LSTM_OK;
}

static enum lstm_status place_layer(struct spec *spec, struct layer *layer,
                                    struct lstm_error *error)
{
    struct layer_tensor wanted[LAYER_MAX_TENSORS];
    if (layer->type->list_tensors == NULL)
        return LSTM_OK;
    layer->n_tensors = layer->type->list_tensors(layer, wanted);
    for (size_t k = 0; k < layer->n_tensors; k++) {
        char name[NAME_MAX_BYTES + 32];
        snprintf(name, sizeof name, "%s/%s", layer->name, wanted[k].suffix);
        const struct tensor_spec *found = find_tensor(spec, name);
        enum lstm_status status;
        if (found != NULL) {
            status = share_tensor(layer, &wanted[k], found, error);
        } else if (layer->reuse) {
            status = lstm_fail(error, LSTM_INVALID,
                               "layers[%zu].reuse: there is no earlier layer with variable %s",
                               layer->number, name);
        } else {
            status = add_tensor(spec, layer, &wanted[k], name, error);
        }
        if (status != LSTM_OK)
            return status;
        if (found == NULL)
            found = &spec->tensors[spec->n_tensors - 1];
        layer->tensors[k] = found->offset;
    }
    return LSTM_OK;
}

/* The cells of every recurrent layer: the layer itself, or a forward and a backward one. */
static enum lstm_status make_cells(struct spec *spec, struct lstm_error *error)
{
    static const char *const directions[] = {"/fw", "/bw"};
    spec->cells = calloc(2 * spec->n_layers, sizeof *spec->cells);
    spec->states = calloc(2 * spec->n_layers, sizeof *spec->states);
    if (spec->cells == NULL || spec->states == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for the layers");
    for (size_t i = 0; i <= spec->last_recurrent; i++) {
        struct layer *layer = &spec->layers[i];
        if (!layer->type->is_recurrent)
            continue;
        const bool has_two = layer->bidirectional != MERGE_NONE;
        struct layer *cells = spec->cells + spec->info.n_recurrent;
        for (size_t k = 0; k < (has_two ? 2 : 1); k++) {
            cells[k] = *layer;
            cells[k].outputs = cell_outputs(layer);
            if (has_two) {
                cells[k].go_backwards = k == 1;
                memcpy(cells[k].name + strlen(layer->name), directions[k],
                       strlen(directions[k]) + 1);
            }
        }
        layer->cells = cells;
        layer->n_cells = has_two ? 2 : 1;
        spec->info.n_recurrent += layer->n_cells;
    }
    return LSTM_OK;
}

static void place_states(struct spec *spec)
{
    struct lstm_model_info *info = &spec->info;
    for (size_t k = 0; k < info->n_recurrent; k++) {
        struct layer *cell = &spec->cells[k];
        const size_t c_units = cell->type->has_c ? cell->units : 0;
        cell->state_offset = info->state_size;
        cell->gates_offset = info->gates_size;
        spec->states[k] = (struct lstm_state_info){.name = cell->name,
                                                   .has_c = cell->type->has_c,
                                                   .reads_backwards = cell->go_backwards,
                                                   .units = cell->units,
                                                   .h_units = cell->outputs,
                                                   .c_offset = info->state_size,
                                                   .h_offset = info->state_size + c_units,
                                                   .gates_offset = info->gates_size,
                                                   .n_gates = cell->type->n_gates,
                                                   .gate_names = cell->type->gate_names};
        info->state_size += c_units + cell->outputs;
        info->gates_size += cell->type->n_gates * cell->units;
    }
    info->rnn_output_size = spec->layers[spec->last_recurrent].outputs;
}

/* The tensors of a layer, or those of its cells. */
static enum lstm_status place_tensors(struct spec *spec, struct layer *layer,
                                      struct lstm_error *error)
{
    if (!layer->type->is_recurrent)
        return place_layer(spec, layer, error);
    enum lstm_status status = LSTM_OK;
    for (size_t k = 0; k < layer->n_cells && status == LSTM_OK; k++)
        status = place_layer(spec, &layer->cells[k], error);
    return status;
}

enum lstm_status spec_layout(struct spec *spec, struct lstm_error *error)
{
    enum lstm_status status = find_sequence_end(spec, error);
    if (status == LSTM_OK)
        status = connect(spec, error);
    if (status == LSTM_OK)
        status = make_cells(spec, error);
    if (status != LSTM_OK)
        return status;
    spec->tensors = calloc(2 * spec->n_layers * LAYER_MAX_TENSORS, sizeof *spec->tensors);
    if (spec->tensors == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for the tensors");
    for (size_t i = 0; i < spec->n_layers && status == LSTM_OK; i++)
        status = place_tensors(spec, &spec->layers[i], error);
    if (status == LSTM_OK)
        place_states(spec);
    return status;
}
