/* names_tf1_order.c: the order in which cells and matrices run, as names and shapes tell it.
 * SPDX-License-Identifier: Apache-2.0
 *
 * MultiRNNCell numbers its cells. What takes the last cell's outputs comes behind it, what gives
 * the first cell's inputs in front; of several orders that chain, that of the names counts. */
#include <stdio.h>
#include <string.h>

#include "core/import/names_tf1.h"
#include "core/status.h"

/* Orders of matrices that are tried: hostile shapes chain in any. */
enum { MAX_TRIES = 4096 };

static const size_t nobody = SIZE_MAX;

/* A try to put every matrix in front of the cells, or behind them. */
struct chain {
    const struct tf1_network *network;
    size_t inputs, outputs; /* of all cells together */
    size_t embedding;       /* the matrix that is one; nobody */
    size_t n_tries;
    bool is_placed[IMPORT_MAX_LAYERS];
    size_t n_behind, n_front; /* front is in reverse: the last one first */
    size_t behind[IMPORT_MAX_LAYERS], front[IMPORT_MAX_LAYERS];
    bool was_placed[IMPORT_MAX_LAYERS]; /* in the try that placed most */
    size_t n_most;
};

/* ---- Cells ---------------------------------------------------------------------------------- */

/* The scope that joins layers: what MultiRNNCell and stack_bidirectional_dynamic_rnn begin. */
static size_t stack_length(const char *scope)
{
    static const char *const parts[] = {"multi_rnn_cell", "MultiRNNCell",
                                        "stack_bidirectional_rnn"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        const char *at = strstr(scope, parts[i]);
        if (at != NULL)
            return (size_t)(at - scope) + strcspn(at, "/");
    }
    return 0;
}

/* Whether both are layers of one stack: "rnn/multi_rnn_cell/cell_0/..." and ".../cell_1/...". */
static bool are_joined(const char *a, const char *b)
{
    const size_t n = stack_length(a);
    if (n == 0 || stack_length(b) != n || strncmp(a, b, n) != 0 || a[n] != '/' || b[n] != '/')
        return false;
    const size_t n_part = strcspn(a + n + 1, "/");
    return strcspn(b + n + 1, "/") != n_part || strncmp(a + n + 1, b + n + 1, n_part) != 0;
}

static enum lstm_status check_joined(const struct tf1_network *network)
{
    for (size_t k = 1; k < network->n_steps; k++) {
        const char *a = network->steps[k - 1].forward->scope, *b = network->steps[k].forward->scope;
        if (!are_joined(a, b))
            return lstm_fail(network->error, LSTM_UNSUPPORTED,
                             "nothing joins the cells '%.60s' and '%.60s', as MultiRNNCell would: "
                             "--scope chooses a network, --layers names all that runs, in order",
                             a, b);
    }
    return LSTM_OK;
}

static enum lstm_status order_cells(struct tf1_network *network)
{
    for (size_t i = 0; i < network->n_cells; i++) {
        struct tf1_step step;
        if (!tf1_step_of_cell(network, &network->cells[i], &step))
            continue;
        const enum lstm_status status = tf1_check_directions(network, &step);
        if (status != LSTM_OK)
            return status;
        if (network->n_steps == IMPORT_MAX_LAYERS)
            return lstm_fail(network->error, LSTM_UNSUPPORTED,
                             "the network has more than %d layers", IMPORT_MAX_LAYERS);
        network->steps[network->n_steps++] = step;
    }
    return check_joined(network);
}

/* ---- Matrices ------------------------------------------------------------------------------- */

static const size_t *shape_of(const struct chain *chain, size_t k)
{
    return chain->network->matrices[k].kernel->shape;
}

static void keep_most(struct chain *chain)
{
    const size_t n = chain->n_behind + chain->n_front;
    if (n < chain->n_most)
        return;
    chain->n_most = n;
    memcpy(chain->was_placed, chain->is_placed, sizeof chain->was_placed);
}

static bool can_place(const struct chain *chain, size_t k, size_t axis, size_t width)
{
    return !chain->is_placed[k] && k != chain->embedding && shape_of(chain, k)[axis] == width &&
           !tf1_is_embedding(&chain->network->matrices[k]);
}

/* Whether all is placed, and what comes first is what it seems to be. */
static bool is_complete(const struct chain *chain, size_t width)
{
    const struct tf1_network *network = chain->network;
    const bool embeds = chain->embedding != nobody;
    if (chain->n_behind + chain->n_front + embeds != network->n_matrices)
        return false;
    return embeds ? shape_of(chain, chain->embedding)[1] == width
                  : chain->n_front == 0 ||
                        !tf1_may_be_embedding(&network->matrices[chain->front[chain->n_front - 1]]);
}

/* Puts all that is left in front of what takes `width` values. */
static bool place_front(struct chain *chain, size_t width)
{
    keep_most(chain);
    if (is_complete(chain, width))
        return true;
    for (size_t k = chain->network->n_matrices; k-- > 0;) {
        if (!can_place(chain, k, 1, width) || chain->n_tries++ > MAX_TRIES)
            continue;
        chain->is_placed[k] = true;
        chain->front[chain->n_front++] = k;
        if (place_front(chain, shape_of(chain, k)[0]))
            return true;
        chain->n_front--;
        chain->is_placed[k] = false;
    }
    return false;
}

/* Puts as many as possible behind what gives `width` values. */
static bool place_behind(struct chain *chain, size_t width)
{
    for (size_t k = 0; k < chain->network->n_matrices; k++) {
        if (!can_place(chain, k, 0, width) || chain->n_tries++ > MAX_TRIES)
            continue;
        chain->is_placed[k] = true;
        chain->behind[chain->n_behind++] = k;
        if (place_behind(chain, shape_of(chain, k)[1]))
            return true;
        chain->n_behind--;
        chain->is_placed[k] = false;
    }
    return place_front(chain, chain->inputs);
}

/* A chain of all matrices in which `embedding` is one. */
static bool find_chain(const struct tf1_network *network, size_t embedding, struct chain *chain)
{
    *chain = (struct chain){.network = network, .embedding = embedding};
    const struct tf1_step *last = &network->steps[network->n_steps - 1];
    chain->inputs = tf1_cell_inputs(network->steps[0].forward);
    chain->outputs = tf1_cell_outputs(last->forward) * (last->backward != NULL ? 2 : 1);
    return place_behind(chain, chain->outputs);
}

/* ---- Embeddings ----------------------------------------------------------------------------- */

static enum lstm_status fail_left_over(const struct tf1_network *network, const struct chain *chain)
{
    size_t k = 0;
    while (k < network->n_matrices && (chain->was_placed[k] || k == chain->embedding))
        k++;
    k = k < network->n_matrices ? k : chain->embedding != nobody ? chain->embedding : 0;
    const struct import_array *kernel = network->matrices[k].kernel;
    return lstm_fail(
        network->error, LSTM_UNSUPPORTED,
        "'%.60s' [%zu, %zu] chains with no other layer in front of the cells or behind "
        "them: --layers names those that run, in order",
        kernel->name, kernel->shape[0], kernel->shape[1]);
}

static enum lstm_status fail_open(const struct tf1_network *network, size_t embedding)
{
    const struct import_array *kernel = network->matrices[embedding].kernel;
    return lstm_fail(
        network->error, LSTM_UNSUPPORTED,
        "'%.60s' [%zu, %zu] may be an embedding in front of the cells, or a dense layer "
        "behind them: --layers names what runs, in order",
        kernel->name, kernel->shape[0], kernel->shape[1]);
}

/* The matrix whose name says that it is an embedding; nobody. */
static size_t find_embedding(const struct tf1_network *network)
{
    size_t k = 0;
    while (k < network->n_matrices && !tf1_is_embedding(&network->matrices[k]))
        k++;
    return k < network->n_matrices ? k : nobody;
}

/* Of matrices that may be embeddings, the one with which all chain; without one, if that is so. */
static enum lstm_status choose_embedding(const struct tf1_network *network, struct chain *chain)
{
    struct chain other;
    bool is_found = find_chain(network, nobody, chain);
    for (size_t k = 0; k < network->n_matrices; k++) {
        if (!tf1_may_be_embedding(&network->matrices[k]) || !find_chain(network, k, &other))
            continue;
        if (is_found)
            return fail_open(network, k);
        is_found = true;
        *chain = other;
    }
    return is_found ? LSTM_OK : fail_left_over(network, chain);
}

static enum lstm_status order_matrices(const struct tf1_network *network, struct chain *chain)
{
    const size_t named = find_embedding(network);
    if (named == nobody)
        return choose_embedding(network, chain);
    return find_chain(network, named, chain) ? LSTM_OK : fail_left_over(network, chain);
}

/* ---- All together --------------------------------------------------------------------------- */

static void note_order(const struct tf1_network *network)
{
    char text[320] = "", name[NAME_MAX_BYTES];
    for (size_t k = 0, n = 0; k < network->n_steps && n < sizeof text; k++) {
        tf1_step_name(&network->steps[k], name);
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", k > 0 ? ", " : "", name);
    }
    import_note(network->source,
                "the layers are taken to run in this order: %s; --layers changes it", text);
}

static void add_matrix(struct tf1_network *network, size_t k, bool is_embedding)
{
    network->steps[network->n_steps++] =
        (struct tf1_step){.matrix = &network->matrices[k], .is_embedding = is_embedding};
}

static enum lstm_status join(struct tf1_network *network, const struct chain *chain)
{
    struct tf1_step cells[IMPORT_MAX_LAYERS];
    const size_t n_cells = network->n_steps;
    if (n_cells + network->n_matrices > IMPORT_MAX_LAYERS)
        return lstm_fail(network->error, LSTM_UNSUPPORTED, "the network has more than %d layers",
                         IMPORT_MAX_LAYERS);
    memcpy(cells, network->steps, sizeof cells);
    network->n_steps = 0;
    if (chain->embedding != nobody)
        add_matrix(network, chain->embedding, true);
    for (size_t i = chain->n_front; i-- > 0;)
        add_matrix(network, chain->front[i], false);
    memcpy(&network->steps[network->n_steps], cells, n_cells * sizeof *cells);
    network->n_steps += n_cells;
    for (size_t i = 0; i < chain->n_behind; i++)
        add_matrix(network, chain->behind[i], false);
    if (network->n_matrices > 1)
        note_order(network);
    return LSTM_OK;
}

enum lstm_status tf1_order_by_shapes(struct tf1_network *network)
{
    struct chain chain;
    enum lstm_status status = order_cells(network);
    if (status == LSTM_OK)
        status = order_matrices(network, &chain);
    return status == LSTM_OK ? join(network, &chain) : status;
}
