/* names_tf1_given.c: the layers that --layers names, in its order. SPDX-License-Identifier:
 * Apache-2.0
 */
#include <string.h>

#include "core/import/names_tf1.h"
#include "core/status.h"

/* The cell, with its other direction, of this name. */
static bool find_cell(const struct tf1_network *network, const char *wanted, struct tf1_step *step)
{
    for (size_t i = 0; i < network->n_cells; i++) {
        char name[NAME_MAX_BYTES];
        if (!tf1_step_of_cell(network, &network->cells[i], step))
            continue;
        tf1_step_name(step, name);
        if (strcmp(name, wanted) == 0)
            return true;
    }
    return false;
}

static bool find_matrix(const struct tf1_network *network, const char *wanted,
                        struct tf1_matrix *matrix)
{
    const struct import_source *source = network->source;
    for (size_t i = 0; i < source->n_arrays; i++) {
        const struct import_array *array = &source->arrays[i];
        char name[NAME_MAX_BYTES];
        tf1_matrix_name(array->name, name);
        if (array->rank != 2 || array->dtype > IMPORT_BF16 || !tf1_is_free(network, array) ||
            (strcmp(array->name, wanted) != 0 && strcmp(name, wanted) != 0))
            continue;
        tf1_read_matrix(network, array, matrix);
        return true;
    }
    return false;
}

/* Which of both something is that has a cell's shape and a name of the user's own: what fits behind
 * `width` values; at the beginning, a cell if the name says so. */
static bool is_cell(const struct tf1_cell *cell, const struct tf1_matrix *matrix, size_t width)
{
    return !cell->is_guess ||
           (width == 0 ? tf1_is_likely_cell(cell) : matrix->kernel->shape[0] != width);
}

static void take_cell(struct tf1_network *network, const struct tf1_step *step)
{
    if (step->forward->is_guess)
        import_note(network->source, "'%.80s' is taken to be an LSTM cell, by its shape",
                    step->forward->scope);
    tf1_own_cell(network, step->forward);
    if (step->backward != NULL)
        tf1_own_cell(network, step->backward);
    network->steps[network->n_steps++] = *step;
}

static void take_matrix(struct tf1_network *network, const struct tf1_matrix *matrix)
{
    struct tf1_matrix *kept = &network->matrices[network->n_matrices++];
    *kept = *matrix;
    tf1_own(network, matrix->kernel);
    tf1_own(network, matrix->bias);
    const bool is_embedding = network->n_steps == 0 && network->options->n_layers > 1 &&
                              (tf1_is_embedding(kept) || tf1_may_be_embedding(kept));
    network->steps[network->n_steps++] =
        (struct tf1_step){.matrix = kept, .is_embedding = is_embedding};
}

/* Adds the step of one name; *width are the values in front of it and behind it, 0: any. */
static enum lstm_status add_step(struct tf1_network *network, const char *name, size_t *width)
{
    struct tf1_step cell = {0};
    struct tf1_matrix matrix = {.name = ""};
    const bool has_cell = find_cell(network, name, &cell);
    const bool has_matrix = find_matrix(network, name, &matrix);
    if (!has_cell && !has_matrix)
        return lstm_fail(network->error, LSTM_INVALID,
                         "--layers: '%.80s' is no scope of a cell, and no matrix that is free; "
                         "`lstmd inspect` lists the variables",
                         name);
    if (!has_cell || (has_matrix && !is_cell(cell.forward, &matrix, *width))) {
        take_matrix(network, &matrix);
        *width = matrix.kernel->shape[1];
        return LSTM_OK;
    }
    take_cell(network, &cell);
    *width = tf1_cell_outputs(cell.forward) * (cell.backward != NULL ? 2 : 1);
    return tf1_check_directions(network, &cell);
}

enum lstm_status tf1_order_by_option(struct tf1_network *network)
{
    const struct lstm_import_options *options = network->options;
    enum lstm_status status = LSTM_OK;
    size_t width = 0, n_recurrent = 0;
    if (options->n_layers > IMPORT_MAX_LAYERS)
        return lstm_fail(network->error, LSTM_INVALID, "--layers names more than %d layers",
                         IMPORT_MAX_LAYERS);
    for (size_t k = 0; k < options->n_layers && status == LSTM_OK; k++) {
        for (size_t i = 0; i < k; i++)
            if (strcmp(options->layers[i], options->layers[k]) == 0)
                return lstm_fail(network->error, LSTM_INVALID,
                                 "--layers names '%.80s' twice; --shared-layers runs a cell again",
                                 options->layers[k]);
        status = add_step(network, options->layers[k], &width);
    }
    for (size_t k = 0; k < network->n_steps; k++)
        n_recurrent += network->steps[k].matrix == NULL;
    if (status == LSTM_OK && n_recurrent == 0)
        return lstm_fail(network->error, LSTM_INVALID, "--layers names no recurrent cell");
    return status;
}
