/* slice_skipped.c: what the steps that a mask skips are given. SPDX-License-Identifier: Apache-2.0
 *
 * Keras (keras/src/layers/rnn/rnn.py, bidirectional.py; backend rnn()): the state is copied
 * through; a layer's output repeats the one before in the order in which it reads, zeros before
 * the first; a bidirectional layer's output is zeros. Layers behind it see those outputs. */
#include <string.h>

#include "core/slice.h"

/* One array of a sequence, [steps, stride], of which each step has n values from `values` on. */
struct skipped_array {
    float *values;
    size_t stride, n;
    bool repeats;       /* the step read before; else every skipped step is given `first` */
    bool backwards;     /* the order of reading */
    const float *first; /* before any step was read; NULL: zeros */
};

static void fill(const struct spec *spec, const struct lstm_sequence *row,
                 const struct skipped_array *array)
{
    const size_t bytes = array->n * sizeof(float);
    for (size_t i = 0; i < row->steps; i++) {
        const size_t t = array->backwards ? row->steps - 1 - i : i;
        float *to = array->values + t * array->stride;
        if (!batch_skips(spec, row, t))
            continue;
        if (array->repeats && i > 0)
            memcpy(to, array->backwards ? to + array->stride : to - array->stride, bytes);
        else if (array->first != NULL)
            memcpy(to, array->first, bytes);
        else
            memset(to, 0, bytes);
    }
}

/* c and h of a cell lie one behind the other in the state, and are copied through together. */
static void fill_traces(const struct spec *spec, const struct lstm_sequence *row)
{
    const struct lstm_model_info *info = &spec->info;
    for (size_t k = 0; row->state_trace != NULL && k < info->n_recurrent; k++) {
        const struct layer *cell = &spec->cells[k];
        const size_t end =
            k + 1 < info->n_recurrent ? spec->cells[k + 1].state_offset : info->state_size;
        const struct skipped_array state = {
            row->state_trace + cell->state_offset,
            info->state_size,
            end - cell->state_offset,
            true,
            cell->go_backwards,
            row->initial_state != NULL ? row->initial_state + cell->state_offset : NULL};
        fill(spec, row, &state);
    }
    if (row->gates_trace != NULL) {
        const struct skipped_array gates = {
            row->gates_trace, info->gates_size, info->gates_size, false, false, NULL};
        fill(spec, row, &gates);
    }
}

/* What the layers behind the last recurrent one make of zeros. */
static const float *output_of_zeros(const struct slice *slice)
{
    const struct spec *spec = slice->model->spec;
    struct slice one = *slice;
    const size_t rows = 1;
    float *x = slice->runner->activations[0];
    one.pack = (struct pack){.n_steps = 1, .rows_at = &rows, .rows = 1};
    memset(x, 0, spec->info.rnn_output_size * sizeof *x);
    return slice_run_layers(&one, spec->last_recurrent + 1, spec->n_layers, x,
                            slice->runner->activations);
}

void slice_fill_skipped(const struct slice *slice)
{
    const struct spec *spec = slice->model->spec;
    const struct lstm_model_info *info = &spec->info;
    const struct layer *last = &spec->layers[spec->last_recurrent];
    const float *of_zeros = info->output_is_sequence ? output_of_zeros(slice) : NULL;
    for (size_t r = 0; r < slice->n; r++) {
        const struct lstm_sequence *row = slice_row(slice, r);
        const size_t stride =
            row->rnn_output_stride > 0 ? row->rnn_output_stride : info->rnn_output_size;
        const struct skipped_array arrays[] = {{row->rnn_output, stride, info->rnn_output_size,
                                                last->n_cells == 1, last->go_backwards, NULL},
                                               {info->output_is_sequence ? row->output : NULL,
                                                info->output_size, info->output_size,
                                                last->n_cells == 1, last->go_backwards, of_zeros}};
        for (size_t k = 0; k < sizeof arrays / sizeof *arrays; k++)
            if (arrays[k].values != NULL)
                fill(spec, row, &arrays[k]);
        fill_traces(spec, row);
    }
}
