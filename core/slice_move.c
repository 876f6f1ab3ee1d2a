/* slice_move.c: inputs, states and outputs between the callers' arrays and a slice.
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "core/slice.h"

const struct lstm_sequence *slice_row(const struct slice *slice, size_t r)
{
    return &slice->sequences[slice->order[r].index];
}

float *slice_state(const struct slice *slice, const struct layer *cell, size_t which)
{
    return slice->runner->state + layer_state(cell).offset[which] * RUNNER_SLICE;
}

/* One part (c or h) of one cell: its block, and its place in a sequence's state. */
struct state_part {
    float *block; /* [slice, units] */
    size_t units, offset;
};

/* Between a row of the caller's and the row of the block: in at the start, out at the end. */
typedef void move_row(const struct lstm_sequence *row, const struct state_part *part, size_t r);

static void load_row(const struct lstm_sequence *row, const struct state_part *part, size_t r)
{
    float *to = part->block + r * part->units;
    if (row->initial_state == NULL)
        memset(to, 0, part->units * sizeof *to);
    else
        memcpy(to, row->initial_state + part->offset, part->units * sizeof *to);
}

static void store_row(const struct lstm_sequence *row, const struct state_part *part, size_t r)
{
    const float *from = part->block + r * part->units;
    if (row->final_state != NULL)
        memcpy(row->final_state + part->offset, from, part->units * sizeof *from);
}

/* Moves every part of every cell's state, for all rows of the slice. */
static void move_states(const struct slice *slice, move_row *move)
{
    const struct spec *spec = slice->model->spec;
    for (size_t k = 0; k < spec->info.n_recurrent; k++) {
        const struct layer *cell = &spec->cells[k];
        const struct layer_state state = layer_state(cell);
        for (size_t which = 0; which < 2; which++) {
            const struct state_part part = {slice_state(slice, cell, which), state.units[which],
                                            state.offset[which]};
            for (size_t r = 0; r < slice->n; r++)
                move(slice_row(slice, r), &part, r);
        }
    }
}

void slice_load_states(const struct slice *slice)
{
    move_states(slice, load_row);
}

void slice_store_states(const struct slice *slice)
{
    move_states(slice, store_row);
}

void slice_find_times(struct slice *slice, size_t *times)
{
    const struct spec *spec = slice->model->spec;
    slice->times = times;
    for (size_t t = 0; t < slice->pack.n_steps; t++)
        for (size_t r = 0; r < slice->pack.rows_at[t]; r++) {
            while (batch_skips(spec, slice_row(slice, r), slice->next[r]))
                slice->next[r]++;
            *times++ = slice->next[r]++;
        }
}

/* The step in its sequence of packed row i, which belongs to step t of the pack. */
static size_t time_of(const struct slice *slice, size_t i, size_t t)
{
    return slice->times != NULL ? slice->times[i] : slice->first_step + t;
}

void slice_gather_inputs(const struct slice *slice, float *x)
{
    const size_t features = slice->model->spec->info.features;
    size_t i = 0;
    for (size_t t = 0; t < slice->pack.n_steps; t++)
        for (size_t r = 0; r < slice->pack.rows_at[t]; r++, i++) {
            const struct lstm_sequence *row = slice_row(slice, r);
            const size_t stride = row->step_stride > 0 ? row->step_stride : features;
            memcpy(x, row->input + time_of(slice, i, t) * stride, features * sizeof *x);
            x += features;
        }
}

/* Where packed values go: `offset` floats into an array [steps, stride] of each sequence. */
struct target {
    size_t pointer; /* offset of the array's pointer in struct lstm_sequence */
    size_t stride, offset;
};

/* Copies packed values [R, n] to where each row wants them, if it does. */
static void scatter(const struct slice *slice, const float *values, size_t n, struct target target)
{
    size_t i = 0;
    for (size_t t = 0; t < slice->pack.n_steps; t++)
        for (size_t r = 0; r < slice->pack.rows_at[t]; r++, i++, values += n) {
            const struct lstm_sequence *row = slice_row(slice, r);
            float *to;
            memcpy(&to, (const char *)row + target.pointer, sizeof to);
            if (to != NULL)
                memcpy(to + time_of(slice, i, t) * target.stride + target.offset, values,
                       n * sizeof *to);
        }
}

void slice_scatter_output(const struct slice *slice, const float *output)
{
    const size_t n = slice->model->spec->info.output_size;
    scatter(slice, output, n, (struct target){offsetof(struct lstm_sequence, output), n, 0});
}

void slice_scatter_rnn_output(const struct slice *slice, const float *values)
{
    const size_t n = slice->model->spec->info.rnn_output_size;
    size_t i = 0;
    for (size_t t = 0; t < slice->pack.n_steps; t++)
        for (size_t r = 0; r < slice->pack.rows_at[t]; r++, i++, values += n) {
            const struct lstm_sequence *row = slice_row(slice, r);
            const size_t stride = row->rnn_output_stride > 0 ? row->rnn_output_stride : n;
            if (row->rnn_output != NULL)
                memcpy(row->rnn_output + time_of(slice, i, t) * stride, values, n * sizeof *values);
        }
}

void slice_scatter_traces(const struct slice *slice, const struct layer *cell, const float *y)
{
    const struct lstm_model_info *info = &slice->model->spec->info;
    const struct layer_state state = layer_state(cell);
    if (slice->wants_gates_trace)
        scatter(slice, slice->runner->gates, cell->type->n_gates * cell->units,
                (struct target){offsetof(struct lstm_sequence, gates_trace), info->gates_size,
                                cell->gates_offset});
    if (slice->wants_state_trace && cell->type->has_c)
        scatter(slice, slice->runner->c_steps, state.units[0],
                (struct target){offsetof(struct lstm_sequence, state_trace), info->state_size,
                                state.offset[0]});
    if (slice->wants_state_trace)
        scatter(slice, y, state.units[1],
                (struct target){offsetof(struct lstm_sequence, state_trace), info->state_size,
                                state.offset[1]});
}
