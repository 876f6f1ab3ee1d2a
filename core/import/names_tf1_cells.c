/* names_tf1_cells.c: cells by the names of their variables, in every generation of TensorFlow 1.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Names: TensorFlow contrib/rnn/python/tools/checkpoint_convert.py, which renames one generation
 * to the next. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/import/names_tf1.h"

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

static const char *const slots[] = {
    "/Adam",    "/Adam_1",   "/Momentum",   "/RMSProp", "/RMSProp_1", "/RMSProp_2",
    "/Adagrad", "/Adadelta", "/Adadelta_1", "/Ftrl",    "/Ftrl_1",    "/ExponentialMovingAverage"};

#define COUNT(table) (sizeof(table) / sizeof *(table))

bool tf1_in_scope(const char *name, const char *scope)
{
    return scope == NULL || strncmp(name, scope, strlen(scope)) == 0;
}

static const struct import_array *find_in(const struct import_source *source, const char *scope,
                                          const char *part, const char *suffix)
{
    char name[512];
    const int n = snprintf(name, sizeof name, "%s/%s%s", scope, part, suffix);
    return n > 0 && (size_t)n < sizeof name ? import_find(source, name) : NULL;
}

bool tf1_is_slot(const struct import_source *source, const char *name)
{
    const size_t n = strlen(name);
    for (size_t i = 0; i < COUNT(slots); i++) {
        const size_t length = strlen(slots[i]);
        char variable[512];
        if (n <= length || n >= sizeof variable || strcmp(name + n - length, slots[i]) != 0)
            continue;
        memcpy(variable, name, n - length);
        variable[n - length] = '\0';
        return import_find(source, variable) != NULL;
    }
    return false;
}

/* Digits of a number, without the zeros in front. */
static size_t number_length(const char **at)
{
    while (**at == '0' && isdigit((unsigned char)(*at)[1]))
        (*at)++;
    size_t n = 0;
    while (isdigit((unsigned char)(*at)[n]))
        n++;
    return n;
}

int tf1_compare_names(const char *a, const char *b)
{
    while (*a != '\0' && *b != '\0') {
        if (!isdigit((unsigned char)*a) || !isdigit((unsigned char)*b)) {
            if (*a != *b)
                return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
            a++;
            b++;
            continue;
        }
        const size_t n = number_length(&a), m = number_length(&b);
        const int order = n != m ? (n < m ? -1 : 1) : memcmp(a, b, n);
        if (order != 0)
            return order;
        a += n;
        b += m;
    }
    return (*a != '\0') - (*b != '\0');
}

/* ---- What a scope says ---------------------------------------------------------------------- */

static bool contains(const char *text, const char *word)
{
    return strcasestr(text, word) != NULL;
}

static const char *last_part(const char *scope)
{
    const char *slash = strrchr(scope, '/');
    return slash == NULL ? scope : slash + 1;
}

/* A kernel of [D + U, 4U] is a cell's if its scope says so: it may be a dense layer's as well. */
static bool names_a_cell(const char *scope)
{
    return contains(last_part(scope), "lstm") || contains(scope, "rnn");
}

static bool is_lstm_kernel(const struct import_array *kernel, const struct import_array *bias)
{
    return kernel->rank == 2 && kernel->shape[1] % 4 == 0 && kernel->shape[1] > 0 && bias != NULL &&
           bias->rank == 1 && bias->shape[0] == kernel->shape[1];
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
        if (!cut_suffix(array->name, "", pairs[i].kernel, cell->scope))
            continue;
        cell->kernel = array;
        cell->bias = find_in(source, cell->scope, "", pairs[i].bias);
        if (!names_a_cell(cell->scope) || contains(last_part(cell->scope), "projection") ||
            !is_lstm_kernel(array, cell->bias) ||
            find_in(source, cell->scope, "", "recurrent_kernel") != NULL)
            continue;
        cell->kind = IMPORT_LSTM;
        cell->has_cudnn_meaning = contains(last_part(cell->scope), "cudnn");
        find_extras(source, cell);
        return true;
    }
    return false;
}

static bool read_gru(const struct import_source *source, const struct import_array *array,
                     struct tf1_cell *cell)
{
    for (size_t i = 0; i < COUNT(gru_parts) * COUNT(pairs); i++) {
        const char *gates = gru_parts[i / COUNT(pairs)].gates;
        const char *candidate = gru_parts[i / COUNT(pairs)].candidate;
        const struct pair *pair = &pairs[i % COUNT(pairs)];
        char part[64];
        if (!cut_suffix(array->name, gates, pair->kernel, cell->scope))
            continue;
        cell->kind = IMPORT_GRU;
        cell->kernel = array;
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

static int by_scope(const void *a, const void *b)
{
    const struct tf1_cell *x = a, *y = b;
    return tf1_compare_names(x->scope, y->scope);
}

static bool read_cell(const struct import_source *source, const struct import_array *array,
                      struct tf1_cell *cell)
{
    *cell = (struct tf1_cell){0};
    if (array->rank != 2)
        return false;
    if (read_gru(source, array, cell))
        return true;
    *cell = (struct tf1_cell){0};
    return read_lstm(source, array, cell);
}

bool tf1_has_cell(const struct import_source *source)
{
    struct tf1_cell cell;
    for (size_t i = 0; i < source->n_arrays; i++)
        if (read_cell(source, &source->arrays[i], &cell))
            return true;
    return false;
}

size_t tf1_find_cells(const struct import_source *source, const char *scope,
                      struct tf1_cell cells[TF1_MAX_CELLS])
{
    size_t n = 0;
    for (size_t i = 0; i < source->n_arrays && n < TF1_MAX_CELLS; i++) {
        const struct import_array *array = &source->arrays[i];
        struct tf1_cell cell;
        if (tf1_in_scope(array->name, scope) && read_cell(source, array, &cell))
            cells[n++] = cell;
    }
    if (n > 1)
        qsort(cells, n, sizeof *cells, by_scope);
    return n;
}
