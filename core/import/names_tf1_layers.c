/* names_tf1_layers.c: steps become layers of a plan; what no checkpoint says of them.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "core/import/names_tf1.h"
#include "core/status.h"

struct building {
    struct import_source *source;
    const struct lstm_import_options *options;
    struct import_plan *plan;
    struct lstm_error *error;
};

/* ---- Cells ---------------------------------------------------------------------------------- */

/* Cuts a kernel [D + H, n U] and its bias into the gates of a cell, from gate `first`. */
static enum lstm_status split_kernel(const struct import_array *kernel,
                                     const struct import_array *bias, const char *order,
                                     size_t outputs, size_t first, struct import_cell *cell,
                                     struct lstm_error *error)
{
    if (kernel->shape[0] <= outputs)
        return lstm_fail(error, LSTM_SHAPE,
                         "'%.80s' has %zu rows, too few for its inputs and %zu recurrent values",
                         kernel->name, kernel->shape[0], outputs);
    const size_t inputs = kernel->shape[0] - outputs;
    enum lstm_status status = import_split(import_cut(*kernel, 0, 0, inputs), 1, order, order,
                                           cell->kernel + first, error);
    if (status == LSTM_OK)
        status = import_split(import_cut(*kernel, 0, inputs, outputs), 1, order, order,
                              cell->recurrent + first, error);
    if (status == LSTM_OK && bias != NULL)
        status = import_split(*bias, 0, order, order, cell->bias + first, error);
    return status;
}

static enum lstm_status fill_lstm(const struct tf1_cell *from, struct import_cell *cell,
                                  struct lstm_error *error)
{
    if (from->projection != NULL)
        cell->projection = *from->projection;
    for (size_t g = 0; g < IMPORT_MAX_GATES; g++)
        if (from->peephole[g] != NULL)
            cell->peephole[g] = *from->peephole[g];
    return split_kernel(from->kernel, from->bias, "ijfo", tf1_cell_outputs(from), 0, cell, error);
}

static enum lstm_status fill_gru(const struct tf1_cell *from, struct import_cell *cell,
                                 struct lstm_error *error)
{
    const size_t units = from->kernel->shape[1] / 2;
    enum lstm_status status = split_kernel(from->kernel, from->bias, "ru", units, 0, cell, error);
    if (status == LSTM_OK && from->candidate_hidden == NULL)
        return split_kernel(from->candidate_kernel, from->candidate_bias, "c", units, 2, cell,
                            error);
    if (status != LSTM_OK)
        return status;
    cell->kernel[2] = *from->candidate_kernel;
    cell->recurrent[2] = *from->candidate_hidden;
    if (from->candidate_bias != NULL)
        cell->bias[2] = *from->candidate_bias;
    if (from->candidate_hidden_bias != NULL)
        cell->recurrent_bias[2] = *from->candidate_hidden_bias;
    return LSTM_OK;
}

static enum lstm_status fill_cell(const struct tf1_cell *from, struct import_cell *cell,
                                  struct lstm_error *error)
{
    return from->kind == IMPORT_LSTM ? fill_lstm(from, cell, error) : fill_gru(from, cell, error);
}

/* What no checkpoint says of its cells. */
static enum lstm_status choose_meaning(const struct building *to, const struct tf1_cell *from,
                                       struct import_layer *layer)
{
    const struct lstm_import_options *options = to->options;
    enum lstm_status status =
        import_choose(to->source, options->activation, "tanh", "the activation of the cells",
                      IMPORT_OPTION_ACTIVATION, layer->activation, to->error);
    import_use(to->source, IMPORT_OPTION_RECURRENT_ACTIVATION);
    if (status == LSTM_OK && options->recurrent_activation != NULL)
        status = import_choose(to->source, options->recurrent_activation, "sigmoid", "",
                               IMPORT_OPTION_RECURRENT_ACTIVATION, layer->recurrent_activation,
                               to->error);
    layer->reset_after = from->kind == IMPORT_GRU && from->has_cudnn_meaning;
    layer->return_sequences = true;
    layer->forget_bias = from->has_cudnn_meaning ? 0 : 1;
    if (layer->kind == IMPORT_LSTM)
        import_use(to->source, IMPORT_OPTION_FORGET_BIAS);
    if (!isnan(options->forget_bias))
        layer->forget_bias = options->forget_bias;
    else if (layer->kind == IMPORT_LSTM)
        import_note(to->source,
                    "forget_bias is taken to be %g: a checkpoint does not hold it; --forget-bias "
                    "changes it",
                    layer->forget_bias);
    return status;
}

static enum lstm_status add_cell(const struct building *to, const struct tf1_step *step)
{
    struct import_layer *layer;
    char name[NAME_MAX_BYTES];
    tf1_step_name(step, name);
    enum lstm_status status =
        import_add_layer(to->plan, step->forward->kind, name, &layer, to->error);
    if (status == LSTM_OK)
        status = choose_meaning(to, step->forward, layer);
    if (status == LSTM_OK)
        status = fill_cell(step->forward, &layer->cells[0], to->error);
    if (status != LSTM_OK || step->backward == NULL)
        return status;
    memcpy(layer->bidirectional, "concat", sizeof "concat");
    return fill_cell(step->backward, &layer->cells[1], to->error);
}

/* The layers of a cell that is one of several, and runs in all of them. */
static enum lstm_status share_cell(const struct building *to, size_t n)
{
    const struct import_layer *const first = &to->plan->layers[to->plan->n_layers - 1];
    for (size_t i = 1; i < n; i++) {
        struct import_layer *layer;
        const enum lstm_status status =
            import_add_layer(to->plan, first->kind, first->name, &layer, to->error);
        if (status != LSTM_OK)
            return status;
        *layer = *first;
        layer->reuse = true;
    }
    return LSTM_OK;
}

/* ---- Dense layers --------------------------------------------------------------------------- */

/* Where a dense layer stands. */
enum place { IN_FRONT, BETWEEN, LAST };

/* What goes into the cells is mostly only scaled and mixed; hidden layers behind them are not. */
static enum lstm_status choose_activation(const struct building *to, enum place place,
                                          struct import_layer *layer)
{
    const struct import_source *source = to->source;
    const bool is_last = place == LAST;
    const char *chosen = is_last ? to->options->output_activation : to->options->hidden_activation;
    if (chosen == NULL && source->activation_of != NULL) {
        chosen = source->activation_of(source, layer->kernel.name);
        if (chosen != NULL)
            import_note(to->source, "the activation behind '%.80s' is %s: the graph says so",
                        layer->kernel.name, chosen);
    }
    static const char *const what[] = {
        [IN_FRONT] = "the activation of the dense layers in front of the cells",
        [BETWEEN] = "the activation of the hidden dense layers",
        [LAST] = "the activation of the last dense layer"};
    const char *convention = place == BETWEEN                        ? "relu"
                             : is_last && layer->kernel.shape[1] > 1 ? "softmax"
                                                                     : "linear";
    return import_choose(to->source, chosen, convention, what[place],
                         is_last ? IMPORT_OPTION_OUTPUT_ACTIVATION
                                 : IMPORT_OPTION_HIDDEN_ACTIVATION,
                         layer->activation, to->error);
}

/* The scope of a dense layer, if its kernel has one. */
static void name_dense(const char *kernel, char name[NAME_MAX_BYTES])
{
    size_t n = (size_t)(tf1_last_part(kernel) - kernel);
    n -= n > 0;
    n = n < NAME_MAX_BYTES ? n : NAME_MAX_BYTES - 1;
    memcpy(name, kernel, n);
    name[n] = '\0';
}

static enum lstm_status add_dense(const struct building *to, const struct tf1_matrix *matrix,
                                  enum place place)
{
    struct import_layer *layer;
    char name[NAME_MAX_BYTES];
    name_dense(matrix->kernel->name, name);
    const enum lstm_status status =
        import_add_layer(to->plan, IMPORT_DENSE, name, &layer, to->error);
    if (status != LSTM_OK)
        return status;
    layer->kernel = *matrix->kernel;
    if (matrix->bias != NULL)
        layer->bias = *matrix->bias;
    if (matrix->bias == NULL)
        import_note(to->source, "'%.80s' is taken to be a dense layer without a bias, by its shape",
                    matrix->kernel->name);
    else if (strcmp(matrix->name, matrix->kernel->name) == 0)
        import_note(to->source,
                    "'%.80s' and '%.80s' are taken to be a dense layer, by their shapes",
                    matrix->kernel->name, matrix->bias->name);
    return choose_activation(to, place, layer);
}

static enum lstm_status add_embedding(const struct building *to, const struct tf1_matrix *matrix)
{
    struct import_layer *layer;
    const enum lstm_status status =
        import_add_layer(to->plan, IMPORT_EMBEDDING, "embedding", &layer, to->error);
    if (status != LSTM_OK)
        return status;
    layer->kernel = *matrix->kernel;
    import_note(to->source, "'%.80s' is taken to be an embedding of %zu words, by its %s",
                matrix->kernel->name, matrix->kernel->shape[0],
                tf1_is_embedding(matrix) ? "name" : "shape and because it has no bias");
    return LSTM_OK;
}

/* ---- All of them ---------------------------------------------------------------------------- */

static enum lstm_status add_step(const struct building *to, const struct tf1_network *network,
                                 size_t k, size_t first_cell, size_t last_cell)
{
    const struct tf1_step *step = &network->steps[k];
    if (step->matrix == NULL)
        return add_cell(to, step);
    if (step->is_embedding)
        return add_embedding(to, step->matrix);
    const bool is_last = k + 1 == network->n_steps && k > last_cell;
    return add_dense(to, step->matrix, is_last ? LAST : k < first_cell ? IN_FRONT : BETWEEN);
}

enum lstm_status tf1_add_layers(const struct tf1_network *network, struct import_plan *plan)
{
    const struct building to = {network->source, network->options, plan, network->error};
    const size_t n_shared = network->options->shared_layers;
    size_t first_cell = network->n_steps, last_cell = 0, n_cells = 0;
    for (size_t k = 0; k < network->n_steps; k++)
        if (network->steps[k].matrix == NULL) {
            first_cell = n_cells++ == 0 ? k : first_cell;
            last_cell = k;
        }
    import_use(network->source, IMPORT_OPTION_SHARED_LAYERS);
    import_use(network->source, IMPORT_OPTION_RETURN_SEQUENCES);
    import_use(network->source, IMPORT_OPTION_POOLING);
    if (n_shared > 1 && n_cells != 1)
        return lstm_fail(network->error, LSTM_INVALID,
                         "--shared-layers: %zu layers have cells of their own", n_cells);
    for (size_t k = 0; k < network->n_steps; k++) {
        enum lstm_status status = add_step(&to, network, k, first_cell, last_cell);
        if (status == LSTM_OK && k == last_cell && n_shared > 1)
            status = share_cell(&to, n_shared);
        if (status != LSTM_OK)
            return status;
        if (k == last_cell)
            plan->layers[plan->n_layers - 1].return_sequences = network->options->return_sequences;
    }
    return LSTM_OK;
}
