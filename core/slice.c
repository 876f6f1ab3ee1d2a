/* slice.c: a slice from its inputs to its outputs. SPDX-License-Identifier: Apache-2.0 */
#include "core/slice.h"

#include <string.h>

#include "core/layer_pooling.h"

/* Which rows run at each of the next steps. */
static void plan_steps(struct slice *slice)
{
    struct lstm_runner *runner = slice->runner;
    const size_t longest = slice->order[0].steps;
    size_t rows = slice->n;
    slice->pack = (struct pack){.rows_at = runner->rows_at,
                                .parallel_iterations = runner->parallel_iterations};
    for (size_t t = slice->first_step;
         t < longest && slice->pack.n_steps < runner->parallel_iterations; t++) {
        while (slice->order[rows - 1].steps <= t)
            rows--;
        runner->rows_at[slice->pack.n_steps++] = rows;
        slice->pack.rows += rows;
    }
    if (slice->model->spec->skips_steps)
        slice_find_times(slice, runner->times);
}

/* All layers before the head, parallel_iterations steps at a time. */
static void run_pieces(struct slice *slice)
{
    const struct spec *spec = slice->model->spec;
    float *const *buffers = slice->runner->activations;
    for (;;) {
        plan_steps(slice);
        if (slice->pack.n_steps == 0)
            break;
        slice_gather_inputs(slice, buffers[0]);
        const float *output =
            slice_run_layers(slice, 0, spec->n_sequence_layers, buffers[0], buffers);
        if (spec->info.output_is_sequence)
            slice_scatter_output(slice, output);
        if (spec->pooling != NULL)
            pooling_add(spec->pooling, &slice->pack, slice->first_step, output,
                        slice->runner->pooled);
        slice->first_step += slice->pack.n_steps;
    }
}

void slice_run(struct slice *slice)
{
    const struct spec *spec = slice->model->spec;
    for (size_t r = 0; r < slice->n; r++) {
        slice->wants_rnn_output |= slice_row(slice, r)->rnn_output != NULL;
        slice->wants_state_trace |= slice_row(slice, r)->state_trace != NULL;
        slice->wants_gates_trace |= slice_row(slice, r)->gates_trace != NULL;
    }
    slice_load_states(slice);
    if (spec->pooling != NULL)
        memset(slice->runner->pooled, 0,
               slice->n * spec->pooling->inputs * sizeof *slice->runner->pooled);
    if (spec->info.reads_backwards)
        slice_run_whole(slice);
    else
        run_pieces(slice);
    if (!spec->info.output_is_sequence)
        slice_run_head(slice);
    if (spec->skips_steps)
        slice_fill_skipped(slice);
    slice_store_states(slice);
}
