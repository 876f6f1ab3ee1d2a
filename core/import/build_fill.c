/* build_fill.c: views to the places of TensorFlow 1's tensors. SPDX-License-Identifier: Apache-2.0
 *
 * Kernels are [x; h] by gates: a gate of U columns goes to its block of columns, its input rows
 * above its recurrent ones. A place is where a view's first value goes, counted in floats of all
 * the weights; of a view, only what falls into the window is filled. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "core/import/build.h"
#include "core/import/fill.h"
#include "core/status.h"

struct fill {
    const struct spec *spec;
    const struct build_views *views;
    const struct build_window *window;
    size_t n_filled; /* values of matrices */
    struct lstm_error *error;
    enum lstm_status status; /* of the first failure */
};

static const size_t nowhere = SIZE_MAX;

/* The place of "<layer>/<direction><suffix>"; nowhere, and the failure kept, if the spec has no
 * such tensor. */
static size_t find_tensor(struct fill *fill, const char *layer, const char *direction,
                          const char *suffix)
{
    char name[2 * NAME_MAX_BYTES];
    snprintf(name, sizeof name, "%s/%s%s", layer, direction, suffix);
    for (size_t k = 0; k < fill->spec->n_tensors; k++)
        if (strcmp(fill->spec->tensors[k].name, name) == 0)
            return fill->spec->tensors[k].offset;
    if (fill->status == LSTM_OK)
        fill->status =
            lstm_fail(fill->error, LSTM_UNSUPPORTED,
                      "layer %.80s: a tensor %.60s is not what this model has", layer, suffix);
    return nowhere;
}

/* The view as the caller wants it; one without data if it failed. */
static struct import_array turned(struct fill *fill, const struct import_array *view)
{
    struct import_array found = *view;
    if (found.data != NULL && fill->views->turn != NULL && fill->status == LSTM_OK)
        fill->status = fill->views->turn(fill->views->context, &found, fill->error);
    if (fill->status != LSTM_OK)
        found.data = NULL;
    return found;
}

/* How many of n rows, `stride` floats apart from a place on, begin in front of `border`. */
static size_t rows_before(size_t border, size_t place, size_t stride, size_t n)
{
    const size_t rows = border > place ? (border - place + stride - 1) / stride : 0;
    return rows < n ? rows : n;
}

static void matrix(struct fill *fill, const struct import_array *view, size_t place, size_t stride)
{
    const struct build_window *window = fill->window;
    const struct import_array found = turned(fill, view);
    if (place == nowhere || found.data == NULL)
        return;
    const size_t first = rows_before(window->begin, place, stride, found.shape[0]);
    const size_t end = rows_before(window->end, place, stride, found.shape[0]);
    if (first == end)
        return;
    const struct import_array rows = import_cut(found, 0, first, end - first);
    import_fill_matrix(&rows, window->values + (place + first * stride - window->begin), stride);
    fill->n_filled += rows.shape[0] * rows.shape[1];
}

static void vector(struct fill *fill, const struct import_array *view, size_t place)
{
    const struct build_window *window = fill->window;
    const struct import_array found = turned(fill, view);
    if (place == nowhere || found.data == NULL)
        return;
    const size_t first = rows_before(window->begin, place, 1, found.shape[0]);
    const size_t end = rows_before(window->end, place, 1, found.shape[0]);
    if (first == end)
        return;
    const struct import_array values = import_cut(found, 0, first, end - first);
    import_add_vector(&values, window->values + (place + first - window->begin));
}

/* Gates first .. first + n of a cell to one kernel and one bias. */
static void gates(struct fill *fill, const struct import_cell *cell, size_t inputs, size_t units,
                  size_t first, size_t n, size_t kernel, size_t bias)
{
    if (kernel == nowhere || bias == nowhere)
        return;
    for (size_t g = 0; g < n; g++) {
        matrix(fill, &cell->kernel[first + g], kernel + g * units, n * units);
        matrix(fill, &cell->recurrent[first + g], kernel + inputs * n * units + g * units,
               n * units);
        vector(fill, &cell->bias[first + g], bias + g * units);
        vector(fill, &cell->recurrent_bias[first + g], bias + g * units);
    }
}

static void lstm_cell(struct fill *fill, const struct import_layer *layer,
                      const struct import_cell *cell, const char *direction)
{
    static const char *const peepholes[IMPORT_MAX_GATES] = {"w_i_diag", NULL, "w_f_diag",
                                                            "w_o_diag"};
    gates(fill, cell, cell->kernel[0].shape[0], layer->units, 0, 4,
          find_tensor(fill, layer->name, direction, "kernel"),
          find_tensor(fill, layer->name, direction, "bias"));
    for (size_t g = 0; g < IMPORT_MAX_GATES; g++)
        if (peepholes[g] != NULL && build_has_peepholes(layer))
            vector(fill, &cell->peephole[g],
                   find_tensor(fill, layer->name, direction, peepholes[g]));
    if (cell->projection.data != NULL)
        matrix(fill, &cell->projection,
               find_tensor(fill, layer->name, direction, "projection/kernel"),
               cell->projection.shape[1]);
}

/* With reset_after, the reset gate multiplies the recurrent product and its bias. */
static void gru_cell(struct fill *fill, const struct import_layer *layer,
                     const struct import_cell *cell, const char *direction)
{
    const size_t inputs = cell->kernel[0].shape[0], units = layer->units;
    const char *const name = layer->name;
    gates(fill, cell, inputs, units, 0, 2, find_tensor(fill, name, direction, "gates/kernel"),
          find_tensor(fill, name, direction, "gates/bias"));
    if (!layer->reset_after) {
        gates(fill, cell, inputs, units, 2, 1,
              find_tensor(fill, name, direction, "candidate/kernel"),
              find_tensor(fill, name, direction, "candidate/bias"));
        return;
    }
    matrix(fill, &cell->kernel[2],
           find_tensor(fill, name, direction, "candidate/input_projection/kernel"), units);
    vector(fill, &cell->bias[2],
           find_tensor(fill, name, direction, "candidate/input_projection/bias"));
    matrix(fill, &cell->recurrent[2],
           find_tensor(fill, name, direction, "candidate/hidden_projection/kernel"), units);
    vector(fill, &cell->recurrent_bias[2],
           find_tensor(fill, name, direction, "candidate/hidden_projection/bias"));
}

static void recurrent(struct fill *fill, const struct import_layer *layer)
{
    const bool is_bidirectional = layer->bidirectional[0] != '\0';
    for (size_t k = 0; k < (is_bidirectional ? 2u : 1u); k++) {
        const char *direction = !is_bidirectional ? "" : k == 0 ? "fw/" : "bw/";
        if (layer->kind == IMPORT_LSTM)
            lstm_cell(fill, layer, &layer->cells[k], direction);
        else
            gru_cell(fill, layer, &layer->cells[k], direction);
    }
}

static void one_layer(struct fill *fill, const struct import_layer *layer)
{
    if (layer->reuse)
        return;
    if (build_is_recurrent(layer)) {
        recurrent(fill, layer);
    } else if (layer->kind == IMPORT_DENSE) {
        matrix(fill, &layer->kernel, find_tensor(fill, layer->name, "", "kernel"), layer->units);
        vector(fill, &layer->bias, find_tensor(fill, layer->name, "", "bias"));
    } else if (layer->kind == IMPORT_EMBEDDING) {
        matrix(fill, &layer->kernel, find_tensor(fill, layer->name, "", "embeddings"),
               layer->units);
    }
}

/* Vectors are added to what is there, and may be absent; returns how many values of matrices the
 * window has. */
static size_t clear_vectors(const struct spec *spec, const struct build_window *window)
{
    size_t n = 0;
    for (size_t k = 0; k < spec->n_tensors; k++) {
        const struct tensor_spec *tensor = &spec->tensors[k];
        const size_t first = rows_before(window->begin, tensor->offset, 1, tensor->n);
        const size_t end = rows_before(window->end, tensor->offset, 1, tensor->n);
        if (tensor->rank == 2)
            n += end - first;
        else if (first < end)
            memset(window->values + (tensor->offset + first - window->begin), 0,
                   (end - first) * sizeof *window->values);
    }
    return n;
}

enum lstm_status build_fill(const struct import_plan *plan, const struct spec *spec,
                            const struct build_views *views, const struct build_window *window,
                            struct lstm_error *error)
{
    struct fill fill = {
        .spec = spec, .views = views, .window = window, .error = error, .status = LSTM_OK};
    const size_t n_wanted = clear_vectors(spec, window);
    for (size_t k = 0; k < plan->n_layers && fill.status == LSTM_OK; k++)
        one_layer(&fill, &plan->layers[k]);
    if (fill.status == LSTM_OK && fill.n_filled != n_wanted)
        return lstm_fail(error, LSTM_SHAPE, "its arrays fill %zu of the network's %zu weights",
                         fill.n_filled, n_wanted);
    return fill.status;
}
