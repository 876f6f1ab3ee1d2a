/* slice_layers.c: the rows of a slice through layers. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "core/slice.h"

/* Runs a recurrent layer of one cell that reads forwards; y is where its outputs go if anybody
 * wants them. */
static void run_recurrent(const struct slice *slice, const struct layer *layer, const float *x,
                          float *y)
{
    const struct spec *spec = slice->model->spec;
    const struct layer *cell = layer->cells;
    const bool is_last = layer->number == spec->last_recurrent;
    const bool wants_y =
        !is_last || layer->return_sequences || slice->wants_rnn_output || slice->wants_state_trace;
    const struct layer_forward pass = {
        .pack = &slice->pack,
        .weights = slice->model->weights,
        .x = x,
        .y = wants_y ? y : NULL,
        .state = {slice_state(slice, cell, 0), slice_state(slice, cell, 1)},
        .gates = slice->runner->gates,
        .c_steps = slice->wants_state_trace && cell->type->has_c ? slice->runner->c_steps : NULL,
        .scratch = slice->runner->scratch,
        .keep_gates = slice->wants_gates_trace};
    cell->type->forward(cell, &pass);
    slice_scatter_traces(slice, cell, y);
    if (is_last && slice->wants_rnn_output)
        slice_scatter_rnn_output(slice, y);
}

float *slice_run_layers(const struct slice *slice, size_t from, size_t to, float *x,
                        float *const buffers[2])
{
    for (size_t l = from; l < to; l++) {
        const struct layer *layer = &slice->model->spec->layers[l];
        float *y = x == buffers[0] ? buffers[1] : buffers[0];
        if (layer->type->passes_on)
            continue;
        if (layer->type->is_recurrent) {
            run_recurrent(slice, layer, x, y);
        } else {
            const struct layer_forward pass = {
                .pack = &slice->pack, .weights = slice->model->weights, .x = x, .y = y};
            layer->type->forward(layer, &pass);
        }
        x = y;
    }
    return x;
}

/* The final h of the last recurrent layer, [n, outputs]. */
static float *final_outputs(const struct slice *slice, const struct layer *layer)
{
    if (layer->n_cells == 1)
        return slice_state(slice, layer->cells, 1);
    float *merged = slice->runner->activations[0];
    for (size_t k = 0; k < layer->n_cells; k++) {
        const size_t n = layer->cells[k].outputs;
        const float *h = slice_state(slice, &layer->cells[k], 1);
        for (size_t r = 0; r < slice->n; r++)
            direction_merge((enum merge)layer->bidirectional, k, h + r * n, n,
                            merged + r * layer->outputs);
    }
    return merged;
}

void slice_run_head(struct slice *slice)
{
    const struct spec *spec = slice->model->spec;
    const size_t n = spec->info.output_size;
    slice->pack = (struct pack){.n_steps = 1, .rows_at = &slice->n, .rows = slice->n};
    float *x = spec->pooling != NULL ? slice->runner->pooled
                                     : final_outputs(slice, &spec->layers[spec->last_recurrent]);
    const float *output = slice_run_layers(slice, spec->n_sequence_layers, spec->n_layers, x,
                                           slice->runner->activations);
    for (size_t r = 0; r < slice->n; r++)
        if (slice_row(slice, r)->output != NULL)
            memcpy(slice_row(slice, r)->output, output + r * n, n * sizeof *output);
}
