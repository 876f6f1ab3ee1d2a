/* names_tf1_steps.c: cells of one or two directions as one step. SPDX-License-Identifier:
 * Apache-2.0
 *
 * bidirectional_dynamic_rnn calls the scopes of its directions fw and bw. */
#include <string.h>

#include "core/import/names_tf1.h"
#include "core/status.h"

static const char *find_forward(const char *scope)
{
    const char *found = strstr(scope, "/fw/");
    return found != NULL ? found + 1 : strncmp(scope, "fw/", 3) == 0 ? scope : NULL;
}

/* The cell of the other direction, whose scope differs in that word alone. */
static const struct tf1_cell *find_other(const struct tf1_network *network,
                                         const struct tf1_cell *cell, const char *place,
                                         const char *direction)
{
    char scope[NAME_MAX_BYTES];
    memcpy(scope, cell->scope, sizeof scope);
    memcpy(scope + (place - cell->scope), direction, 2);
    for (size_t i = 0; i < network->n_cells; i++)
        if (strcmp(network->cells[i].scope, scope) == 0 && network->cells[i].kind == cell->kind)
            return &network->cells[i];
    return NULL;
}

static const char *find_backward(const char *scope)
{
    const char *found = strstr(scope, "/bw/");
    return found != NULL ? found + 1 : strncmp(scope, "bw/", 3) == 0 ? scope : NULL;
}

bool tf1_step_of_cell(const struct tf1_network *network, const struct tf1_cell *cell,
                      struct tf1_step *step)
{
    const char *forward = find_forward(cell->scope), *backward = find_backward(cell->scope);
    *step = (struct tf1_step){.forward = cell};
    if (forward != NULL)
        step->backward = find_other(network, cell, forward, "bw");
    return backward == NULL || find_other(network, cell, backward, "fw") == NULL;
}

enum lstm_status tf1_check_directions(const struct tf1_network *network,
                                      const struct tf1_step *step)
{
    const struct lstm_import_options *options = network->options;
    const char *scope = step->forward->scope;
    if (find_backward(scope) != NULL)
        return lstm_fail(network->error, LSTM_UNSUPPORTED,
                         "'%.80s' is a backward cell without its forward one", scope);
    if (step->backward == NULL && find_forward(scope) != NULL && options->scope == NULL &&
        options->n_layers == 0)
        return lstm_fail(network->error, LSTM_UNSUPPORTED,
                         "'%.80s' is a forward cell without its backward one; if it runs alone, "
                         "--layers names it",
                         scope);
    if (step->backward != NULL &&
        (strstr(scope, "/fw/multi_rnn_cell") != NULL || strstr(scope, "/fw/MultiRNNCell") != NULL))
        return lstm_fail(network->error, LSTM_UNSUPPORTED,
                         "'%.80s': each direction is a stack of cells of its own; lstmd joins the "
                         "directions behind every layer, as stack_bidirectional_dynamic_rnn does",
                         scope);
    return LSTM_OK;
}

void tf1_step_name(const struct tf1_step *step, char name[NAME_MAX_BYTES])
{
    if (step->matrix != NULL) {
        memcpy(name, step->matrix->name, NAME_MAX_BYTES);
        return;
    }
    memcpy(name, step->forward->scope, NAME_MAX_BYTES);
    const char *direction = step->backward != NULL ? find_forward(name) : NULL;
    if (direction != NULL)
        name[direction > name ? direction - name - 1 : 0] = '\0';
}
