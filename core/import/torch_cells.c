/* torch_cells.c: nn.LSTM, nn.GRU and their cells become layers. SPDX-License-Identifier: Apache-2.0
 *
 * Rows of weight_ih, weight_hh and the biases are gates: i, f, g, o of an LSTM; r, z, n of a GRU,
 * whose reset gate works on W_hn h + b_hn (PyTorch, torch/nn/modules/rnn.py). */
#include <stdio.h>
#include <string.h>

#include "core/import/torch_modules.h"

/* One direction of one layer: D inputs, H outputs of its cell. */
struct direction {
    const struct torch_module *module;
    char suffix[32]; /* of the parameters' names: "_l0_reverse" */
    size_t inputs, outputs;
};

static enum lstm_status take(const struct direction *direction, const char *parameter,
                             bool optional, size_t rank, size_t rows, size_t columns,
                             struct import_array *array, struct lstm_error *error)
{
    char name[64];
    snprintf(name, sizeof name, "%s%s", parameter, direction->suffix);
    return torch_module_array(direction->module, name, optional, rank, rows, columns, array, error);
}

static enum lstm_status split_gates(const struct torch_module *module, struct import_array whole,
                                    size_t axis, struct import_array *parts,
                                    struct lstm_error *error)
{
    if (whole.data == NULL)
        return LSTM_OK;
    return module->kind == TORCH_LSTM ? import_split(whole, axis, "ifgo", "igfo", parts, error)
                                      : import_split(whole, axis, "rzn", "rzn", parts, error);
}

static enum lstm_status read_cell(const struct direction *direction, struct import_cell *cell,
                                  struct lstm_error *error)
{
    const struct torch_module *module = direction->module;
    const size_t rows = (module->kind == TORCH_LSTM ? 4 : 3) * module->units;
    struct import_array kernel, recurrent, bias, recurrent_bias, projection;
    enum lstm_status status =
        take(direction, "weight_ih", false, 2, rows, direction->inputs, &kernel, error);
    if (status == LSTM_OK)
        status =
            take(direction, "weight_hh", false, 2, rows, direction->outputs, &recurrent, error);
    if (status == LSTM_OK)
        status = take(direction, "bias_ih", !module->biased, 1, rows, 1, &bias, error);
    if (status == LSTM_OK)
        status = take(direction, "bias_hh", !module->biased, 1, rows, 1, &recurrent_bias, error);
    if (status == LSTM_OK && module->projected)
        status = take(direction, "weight_hr", false, 2, direction->outputs, module->units,
                      &projection, error);
    if (status == LSTM_OK)
        status = split_gates(module, import_transpose(kernel), 1, cell->kernel, error);
    if (status == LSTM_OK)
        status = split_gates(module, import_transpose(recurrent), 1, cell->recurrent, error);
    if (status == LSTM_OK)
        status = split_gates(module, bias, 0, cell->bias, error);
    if (status == LSTM_OK)
        status = split_gates(module, recurrent_bias, 0, cell->recurrent_bias, error);
    if (status == LSTM_OK && module->projected)
        cell->projection = import_transpose(projection);
    return status;
}

/* "encoder/lstm", and "/cell_1" behind it if there are several layers. */
static void name_layer(const struct torch_module *module, size_t layer, char name[NAME_MAX_BYTES])
{
    char title[128];
    torch_module_title(module, title);
    for (char *c = title; *c != '\0'; c++)
        if (*c == '.')
            *c = '/';
    if (module->n_layers > 1)
        snprintf(name, NAME_MAX_BYTES, "%.100s/cell_%zu", title, layer);
    else
        snprintf(name, NAME_MAX_BYTES, "%s", title);
}

static void set_options(const struct torch_module *module,
                        const struct lstm_import_options *options, struct import_layer *layer)
{
    layer->units = module->units;
    layer->reset_after = module->kind == TORCH_GRU;
    if (module->bidirectional)
        snprintf(layer->bidirectional, sizeof layer->bidirectional, "concat");
    if (options->activation != NULL)
        snprintf(layer->activation, sizeof layer->activation, "%s", options->activation);
    if (options->recurrent_activation != NULL)
        snprintf(layer->recurrent_activation, sizeof layer->recurrent_activation, "%s",
                 options->recurrent_activation);
}

enum lstm_status torch_cells_add(const struct torch_module *module,
                                 const struct lstm_import_options *options,
                                 struct import_plan *plan, struct lstm_error *error)
{
    const size_t n_directions = module->bidirectional ? 2 : 1;
    const size_t n_layers = module->n_layers == 0 ? 1 : module->n_layers;
    struct direction direction = {.module = module, .outputs = module->width / n_directions};
    for (size_t k = 0; k < n_layers; k++) {
        struct import_layer *layer;
        char name[NAME_MAX_BYTES];
        name_layer(module, k, name);
        enum lstm_status status = import_add_layer(
            plan, module->kind == TORCH_LSTM ? IMPORT_LSTM : IMPORT_GRU, name, &layer, error);
        if (status != LSTM_OK)
            return status;
        set_options(module, options, layer);
        layer->return_sequences = true;
        direction.inputs = k == 0 ? module->inputs : module->width;
        for (size_t d = 0; d < n_directions && status == LSTM_OK; d++) {
            direction.suffix[0] = '\0';
            if (module->n_layers > 0)
                snprintf(direction.suffix, sizeof direction.suffix, "_l%zu%s", k,
                         d == 0 ? "" : "_reverse");
            status = read_cell(&direction, &layer->cells[d], error);
        }
        if (status != LSTM_OK)
            return status;
    }
    return LSTM_OK;
}
