/* names_tf1_cells.c: cells by the names of their variables, in every generation of TensorFlow 1.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A GRU is known by its parts, gates and candidate. An LSTM has one matrix, whose shape a dense
 * layer's may have as well: its scope decides. Names: TensorFlow
 * contrib/rnn/python/tools/checkpoint_convert.py, which renames one generation to the next. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/import/names_tf1.h"
#include "core/status.h"

/* What comes behind a cell's scope. LSTMCell of 0.12 had W_0 and B, all others a pair of these. */
static const struct pair {
    const char *kernel, *bias;
} pairs[] = {
    {"kernel", "bias"}, {"weights", "biases"}, {"Linear/Matrix", "Linear/Bias"}, {"W_0", "B"}};

/* A GRU's gates and candidate, in front of a pair. */
static const struct {
    const char *gates, *candidate;
} gru_parts[] = {{"gates/", "candidate/"}, {"Gates/", "Candidate/"}};

static const struct {
    const char *peepholes[IMPORT_MAX_GATES], *projection;
} extras[] = {{{"w_i_diag", NULL, "w_f_diag", "w_o_diag"}, "projection/kernel"},
              {{"w_i_diag", NULL, "w_f_diag", "w_o_diag"}, "projection/weights"},
              {{"W_I_diag", NULL, "W_F_diag", "W_O_diag"}, "W_P_0"}};

/* Last parts of the scopes of cells that lstmd computes as LSTMs; TensorFlow may number them. */
static const char *const lstm_scopes[] = {
    "basic_lstm_cell", "lstm_cell", "lstm_block_cell", "lstm_block_wrapper", "lstm_fused_cell",
    "BasicLSTMCell",   "LSTMCell",  "LSTMBlockCell",   "LSTMBlockWrapper"};

/* Words of what is no LSTM, although its matrix may have an LSTM's shape. */
static const char *const other_scopes[] = {"gates",
                                           "candidate",
                                           "gru*",
                                           "ugrnn*",
                                           "nas*",
                                           "intersection",
                                           "phased",
                                           "grid",
                                           "coupled",
                                           "norm",
                                           "freq",
                                           "conv*",
                                           "sru*",
                                           "projection",
                                           "wrapper",
                                           "highway",
                                           "attention",
                                           "attn",
                                           "dense*",
                                           "fc*",
                                           "out*",
                                           "logits",
                                           "softmax",
                                           "BasicRNNCell",
                                           "NASCell",
                                           "UGRNNCell",
                                           "OutputProjectionWrapper",
                                           "InputProjectionWrapper",
                                           "AttentionCellWrapper",
                                           NULL};

#define COUNT(table) (sizeof(table) / sizeof *(table))

static const struct import_array *find_in(const struct import_source *source, const char *scope,
                                          const char *part, const char *suffix)
{
    char name[512];
    const int n = snprintf(name, sizeof name, "%s/%s%s", scope, part, suffix);
    return n > 0 && (size_t)n < sizeof name ? import_find(source, name) : NULL;
}

/* "a/b" of "a/b/<suffix>"; false: the name has no such end, or is too long for a layer's. */
static bool cut_suffix(const char *name, const char *part, const char *suffix,
                       char scope[NAME_MAX_BYTES])
{
    char end[64];
    const size_t n_end = (size_t)snprintf(end, sizeof end, "/%s%s", part, suffix);
    const size_t n = strlen(name);
    if (n <= n_end || n - n_end >= NAME_MAX_BYTES || strcmp(name + n - n_end, end) != 0)
        return false;
    memcpy(scope, name, n - n_end);
    scope[n - n_end] = '\0';
    return true;
}

/* ---- What a scope says ---------------------------------------------------------------------- */

/* "lstm_cell_1" is "lstm_cell". */
static bool is_numbered(const char *text, const char *name)
{
    const size_t n = strlen(name);
    return strncmp(text, name, n) == 0 &&
           (text[n] == '\0' ||
            (text[n] == '_' && strspn(text + n + 1, "0123456789") == strlen(text + n + 1)));
}

/* The part that MultiRNNCell puts around each of its cells. */
static bool is_in_stack(const char *scope)
{
    const char *last = tf1_last_part(scope);
    const size_t n = (size_t)(last - scope);
    static const char *const parts[] = {"multi_rnn_cell/cell_", "MultiRNNCell/Cell"};
    for (size_t i = 0; i < COUNT(parts); i++) {
        const char *at = strstr(scope, parts[i]);
        const size_t length = strlen(parts[i]);
        if (at != NULL && n > 0 &&
            (size_t)(at - scope) + length + strspn(at + length, "0123456789") + 1 == n)
            return true;
    }
    return false;
}

static bool is_other_scope(const char *last)
{
    return is_numbered(last, "basic_rnn_cell") || tf1_has_word(last, other_scopes);
}

/* Whether TensorFlow gave the scope its name, or put it where a cell is. */
static bool is_lstm_scope(const char *scope)
{
    const char *last = tf1_last_part(scope);
    for (size_t i = 0; i < COUNT(lstm_scopes); i++)
        if (is_numbered(last, lstm_scopes[i]))
            return true;
    if (strncasecmp(last, "cudnn", 5) == 0 && strcasestr(last, "lstm") != NULL)
        return true;
    return is_in_stack(scope) && !is_other_scope(last);
}

/* A user's own name of a cell. */
static bool sounds_like_cell(const char *scope)
{
    const char *last = tf1_last_part(scope);
    return strcasestr(last, "lstm") != NULL || strcasestr(last, "cell") != NULL;
}

/* ---- LSTMs ---------------------------------------------------------------------------------- */

/* [D + H, 4U] and [4U], D at least 1. */
static bool has_lstm_shape(const struct tf1_cell *cell)
{
    const struct import_array *kernel = cell->kernel, *bias = cell->bias;
    return kernel->rank == 2 && kernel->shape[1] % 4 == 0 && kernel->shape[1] > 0 && bias != NULL &&
           bias->rank == 1 && bias->shape[0] == kernel->shape[1];
}

static void find_extras(const struct import_source *source, struct tf1_cell *cell)
{
    for (size_t i = 0; i < COUNT(extras); i++) {
        for (size_t g = 0; g < IMPORT_MAX_GATES; g++)
            if (extras[i].peepholes[g] != NULL && cell->peephole[g] == NULL)
                cell->peephole[g] = find_in(source, cell->scope, "", extras[i].peepholes[g]);
        if (cell->projection == NULL)
            cell->projection = find_in(source, cell->scope, "", extras[i].projection);
    }
}

static bool read_lstm(const struct import_source *source, const struct import_array *array,
                      struct tf1_cell *cell)
{
    for (size_t i = 0; i < COUNT(pairs); i++) {
        *cell = (struct tf1_cell){.kind = IMPORT_LSTM, .kernel = array};
        if (!cut_suffix(array->name, "", pairs[i].kernel, cell->scope))
            continue;
        cell->bias = find_in(source, cell->scope, "", pairs[i].bias);
        if (!has_lstm_shape(cell) || find_in(source, cell->scope, "", "recurrent_kernel") != NULL)
            continue;
        cell->has_cudnn_meaning = strcasestr(tf1_last_part(cell->scope), "cudnn") != NULL;
        find_extras(source, cell);
        cell->is_guess = !is_lstm_scope(cell->scope);
        return !cell->is_guess || (array->shape[0] > tf1_cell_outputs(cell) &&
                                   !is_other_scope(tf1_last_part(cell->scope)));
    }
    return false;
}

/* ---- GRUs ----------------------------------------------------------------------------------- */

static bool read_gru(const struct import_source *source, const struct import_array *array,
                     struct tf1_cell *cell)
{
    for (size_t i = 0; i < COUNT(gru_parts) * COUNT(pairs); i++) {
        const char *gates = gru_parts[i / COUNT(pairs)].gates;
        const char *candidate = gru_parts[i / COUNT(pairs)].candidate;
        const struct pair *pair = &pairs[i % COUNT(pairs)];
        char part[64];
        *cell = (struct tf1_cell){.kind = IMPORT_GRU, .kernel = array};
        if (!cut_suffix(array->name, gates, pair->kernel, cell->scope))
            continue;
        cell->bias = find_in(source, cell->scope, gates, pair->bias);
        cell->candidate_kernel = find_in(source, cell->scope, candidate, pair->kernel);
        cell->candidate_bias = find_in(source, cell->scope, candidate, pair->bias);
        if (cell->candidate_kernel != NULL)
            return true;
        snprintf(part, sizeof part, "%sinput_projection/", candidate);
        cell->candidate_kernel = find_in(source, cell->scope, part, pair->kernel);
        cell->candidate_bias = find_in(source, cell->scope, part, pair->bias);
        snprintf(part, sizeof part, "%shidden_projection/", candidate);
        cell->candidate_hidden = find_in(source, cell->scope, part, pair->kernel);
        cell->candidate_hidden_bias = find_in(source, cell->scope, part, pair->bias);
        cell->has_cudnn_meaning = true;
        return cell->candidate_kernel != NULL && cell->candidate_hidden != NULL;
    }
    return false;
}

/* ---- A cell --------------------------------------------------------------------------------- */

size_t tf1_cell_outputs(const struct tf1_cell *cell)
{
    if (cell->kind == IMPORT_GRU)
        return cell->kernel->shape[1] / 2;
    if (cell->projection != NULL && cell->projection->rank == 2)
        return cell->projection->shape[1];
    return cell->kernel->shape[1] / 4;
}

size_t tf1_cell_inputs(const struct tf1_cell *cell)
{
    const size_t outputs = tf1_cell_outputs(cell);
    return cell->kernel->shape[0] > outputs ? cell->kernel->shape[0] - outputs : 0;
}

void tf1_own_cell(struct tf1_network *network, const struct tf1_cell *cell)
{
    const struct import_array *const parts[] = {cell->kernel,           cell->bias,
                                                cell->candidate_kernel, cell->candidate_bias,
                                                cell->candidate_hidden, cell->candidate_hidden_bias,
                                                cell->projection};
    for (size_t i = 0; i < COUNT(parts); i++)
        tf1_own(network, parts[i]);
    for (size_t g = 0; g < IMPORT_MAX_GATES; g++)
        tf1_own(network, cell->peephole[g]);
}

static bool read_cell(const struct import_source *source, const struct import_array *array,
                      struct tf1_cell *cell)
{
    return array->rank == 2 && (read_gru(source, array, cell) || read_lstm(source, array, cell));
}

bool tf1_is_likely_cell(const struct tf1_cell *cell)
{
    return !cell->is_guess || sounds_like_cell(cell->scope) ||
           strcasestr(cell->scope, "rnn") != NULL;
}

bool tf1_has_cell(const struct import_source *source)
{
    struct tf1_cell cell;
    for (size_t i = 0; i < source->n_arrays; i++)
        if (read_cell(source, &source->arrays[i], &cell) && tf1_is_likely_cell(&cell))
            return true;
    return false;
}

/* ---- All of them ---------------------------------------------------------------------------- */

static int by_scope(const void *a, const void *b)
{
    const struct tf1_cell *x = a, *y = b;
    return tf1_compare_names(x->scope, y->scope);
}

/* Drops the cells for which `is_wanted` is false. */
static void filter(struct tf1_network *network, bool (*is_wanted)(const struct tf1_cell *))
{
    size_t n = 0;
    for (size_t i = 0; i < network->n_cells; i++)
        if (is_wanted(&network->cells[i]))
            network->cells[n++] = network->cells[i];
    network->n_cells = n;
}

static bool is_known(const struct tf1_cell *cell)
{
    return !cell->is_guess;
}

static bool is_best_guess(const struct tf1_cell *cell)
{
    return sounds_like_cell(cell->scope);
}

enum lstm_status tf1_find_cells(struct tf1_network *network)
{
    const struct import_source *source = network->source;
    for (size_t i = 0; i < source->n_arrays; i++) {
        const struct import_array *array = &source->arrays[i];
        struct tf1_cell cell;
        if (!tf1_is_free(network, array) || !read_cell(source, array, &cell))
            continue;
        if (network->n_cells == TF1_MAX_CELLS)
            return lstm_fail(network->error, LSTM_UNSUPPORTED,
                             "there are more than %d cells; --scope chooses those to look at",
                             TF1_MAX_CELLS);
        network->cells[network->n_cells++] = cell;
        if (!cell.is_guess)
            tf1_own_cell(network, &cell);
    }
    if (network->n_cells > 1)
        qsort(network->cells, network->n_cells, sizeof *network->cells, by_scope);
    return LSTM_OK;
}

static size_t count(const struct tf1_network *network, bool (*is_wanted)(const struct tf1_cell *))
{
    size_t n = 0;
    for (size_t i = 0; i < network->n_cells; i++)
        n += is_wanted(&network->cells[i]);
    return n;
}

/* Of names that are the user's own. */
static enum lstm_status settle_guesses(struct tf1_network *network)
{
    filter(network, count(network, is_best_guess) > 0 ? is_best_guess : tf1_is_likely_cell);
    if (network->n_cells == 0)
        return lstm_fail(
            network->error, LSTM_UNSUPPORTED,
            "there is no recurrent cell below the scope '%.60s'; `lstmd inspect` lists "
            "the variables",
            network->options->scope != NULL ? network->options->scope : "");
    if (network->n_cells > 1)
        return lstm_fail(
            network->error, LSTM_UNSUPPORTED,
            "'%.60s' and '%.60s' have names of no known cell; by their shapes each may "
            "be one: --layers names the layers that run, cells among them",
            network->cells[0].scope, network->cells[1].scope);
    import_note(network->source,
                "'%.80s' is taken to be an LSTM cell, by its shape: its name is none of "
                "TensorFlow's",
                network->cells[0].scope);
    tf1_own_cell(network, &network->cells[0]);
    return LSTM_OK;
}

enum lstm_status tf1_settle_cells(struct tf1_network *network)
{
    if (count(network, is_known) == 0)
        return settle_guesses(network);
    filter(network, is_known);
    return LSTM_OK;
}
