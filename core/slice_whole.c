/* slice_whole.c: a slice through a model that reads backwards, layer by layer.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A cell that reads backwards sees the packed rows in the other order, which has the same shape:
 * its piece of parallel_iterations steps is gathered from there, and its outputs are put back. */
#include "core/layer_pooling.h"
#include "core/slice.h"

/* The rows of every step of the sequences, and both orders of them. */
static void plan_whole(struct slice *slice)
{
    struct whole *whole = &slice->runner->whole;
    size_t rows = slice->n;
    slice->pack = (struct pack){.rows_at = whole->rows_at,
                                .n_steps = slice->order[0].steps,
                                .parallel_iterations = slice->runner->parallel_iterations};
    for (size_t t = 0; t < slice->pack.n_steps; t++) {
        while (slice->order[rows - 1].steps <= t)
            rows--;
        whole->rows_at[t] = rows;
        whole->offsets[t] = slice->pack.rows;
        slice->pack.rows += rows;
    }
    slice_find_times(slice, whole->times);
    direction_reverse(&slice->pack, whole->reversed);
}

/* The slice cut to parallel_iterations steps from step `first`, with the times of its rows in the
 * order in which the cell reads. */
static struct slice cut_piece(const struct slice *slice, const struct layer *cell, size_t first)
{
    const struct whole *whole = &slice->runner->whole;
    const size_t left = slice->pack.n_steps - first, most = slice->pack.parallel_iterations;
    const size_t offset = whole->offsets[first];
    struct slice piece = *slice;
    piece.pack.n_steps = left < most ? left : most;
    piece.pack.rows_at = whole->rows_at + first;
    piece.pack.rows = (left > most ? whole->offsets[first + most] : slice->pack.rows) - offset;
    piece.times = whole->times + offset;
    if (cell->go_backwards) {
        for (size_t i = 0; i < piece.pack.rows; i++)
            slice->runner->times[i] = whole->times[whole->reversed[offset + i]];
        piece.times = slice->runner->times;
    }
    return piece;
}

/* Steps first .. of cell k of a layer: x [R, D] and y [R, outputs] are those of all steps. */
static void run_piece(const struct slice *slice, const struct layer *layer, size_t k, size_t first,
                      const float *x, float *y)
{
    const struct lstm_runner *runner = slice->runner;
    const struct layer *cell = &layer->cells[k];
    const struct slice piece = cut_piece(slice, cell, first);
    const size_t offset = runner->whole.offsets[first];
    const size_t *places = runner->whole.reversed + offset;
    float *cell_x = runner->activations[0], *cell_y = runner->activations[1];
    if (cell->go_backwards)
        direction_take(x, places, piece.pack.rows, cell->inputs, cell_x);
    const struct layer_forward pass = {
        .pack = &piece.pack,
        .weights = slice->model->weights,
        .x = cell->go_backwards ? cell_x : x + offset * cell->inputs,
        .y = cell_y,
        .state = {slice_state(slice, cell, 0), slice_state(slice, cell, 1)},
        .gates = runner->gates,
        .c_steps = slice->wants_state_trace && cell->type->has_c ? runner->c_steps : NULL,
        .scratch = runner->scratch,
        .keep_gates = slice->wants_gates_trace};
    cell->type->forward(cell, &pass);
    slice_scatter_traces(&piece, cell, cell_y);
    for (size_t i = 0; i < piece.pack.rows; i++)
        direction_merge((enum merge)layer->bidirectional, k, cell_y + i * cell->outputs,
                        cell->outputs,
                        y + (cell->go_backwards ? places[i] : offset + i) * layer->outputs);
}

static void run_recurrent(const struct slice *slice, const struct layer *layer, const float *x,
                          float *y)
{
    for (size_t k = 0; k < layer->n_cells; k++)
        for (size_t t = 0; t < slice->pack.n_steps; t += slice->pack.parallel_iterations)
            run_piece(slice, layer, k, t, x, y);
    if (layer->number == slice->model->spec->last_recurrent && slice->wants_rnn_output)
        slice_scatter_rnn_output(slice, y);
}

void slice_run_whole(struct slice *slice)
{
    const struct spec *spec = slice->model->spec;
    float *const *buffers = slice->runner->whole.values;
    float *x = buffers[0];
    plan_whole(slice);
    slice_gather_inputs(slice, x);
    for (size_t l = 0; l < spec->n_sequence_layers; l++) {
        if (!spec->layers[l].type->is_recurrent) {
            x = slice_run_layers(slice, l, l + 1, x, buffers);
            continue;
        }
        float *y = x == buffers[0] ? buffers[1] : buffers[0];
        run_recurrent(slice, &spec->layers[l], x, y);
        x = y;
    }
    if (spec->info.output_is_sequence)
        slice_scatter_output(slice, x);
    if (spec->pooling != NULL)
        pooling_add(spec->pooling, &slice->pack, 0, x, slice->runner->pooled);
}
