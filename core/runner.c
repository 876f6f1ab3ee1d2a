/* runner.c: a batch of sequences through a model. SPDX-License-Identifier: Apache-2.0
 *
 * The sequences are sorted by length and cut into slices. A slice runs through all layers
 * parallel_iterations time steps at a time, so the memory needed does not depend on the number of
 * steps, and stays in the cache. */
#include "core/runner.h"

#include <stdlib.h>
#include <string.h>

#include "core/memory.h"
#include "core/model.h"
#include "core/status.h"

enum {
    DEFAULT_BATCH = 256,
    DEFAULT_ITERATIONS = 32,
    MAX_BATCH = 1 << 20,
    MAX_ITERATIONS = 1 << 20
};

/* ---- Memory --------------------------------------------------------------------------------- */

struct widths {
    size_t layer, gates;
};

static struct widths widest(const struct spec *spec)
{
    struct widths widest = {spec->info.features, 0};
    for (size_t i = 0; i < spec->n_layers; i++) {
        const struct layer *layer = &spec->layers[i];
        const size_t gates = layer->type->n_gates * layer->units;
        widest.layer = layer->units > widest.layer ? layer->units : widest.layer;
        widest.layer = layer->outputs > widest.layer ? layer->outputs : widest.layer;
        widest.gates = gates > widest.gates ? gates : widest.gates;
    }
    return widest;
}

/* The pointers into one block, or only their sum when there is no block yet. */
static size_t place(struct lstm_runner *runner)
{
    const struct widths width = widest(runner->spec);
    const size_t rows = runner->parallel_iterations * RUNNER_SLICE;
    const size_t state_size = runner->spec->info.state_size;
    const struct {
        float **pointer;
        size_t n;
    } parts[] = {{&runner->activations[0], rows * width.layer},
                 {&runner->activations[1], rows * width.layer},
                 {&runner->gates, rows * width.gates},
                 {&runner->c_steps, rows * width.layer},
                 {&runner->state, RUNNER_SLICE * state_size},
                 {&runner->scratch, RUNNER_SLICE * width.layer},
                 {&runner->sequence_states, runner->max_batch * state_size}};
    size_t n = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (runner->memory != NULL)
            *parts[i].pointer = runner->memory + n;
        n += (parts[i].n + 15) / 16 * 16;
    }
    return n;
}

enum lstm_status lstm_runner_create(const struct lstm_model *model,
                                    const struct lstm_runner_options *options,
                                    struct lstm_runner **runner, struct lstm_error *error)
{
    const struct lstm_runner_options none = {0};
    options = options != NULL ? options : &none;
    *runner = NULL;
    if (options->max_batch > MAX_BATCH || options->parallel_iterations > MAX_ITERATIONS)
        return lstm_fail(error, LSTM_INVALID,
                         "max_batch may be at most %d and parallel_iterations at most %d",
                         MAX_BATCH, MAX_ITERATIONS);
    struct lstm_runner *made = calloc(1, sizeof *made);
    if (made == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for a runner");
    made->spec = spec_retain(model->spec);
    made->max_batch = options->max_batch > 0 ? options->max_batch : DEFAULT_BATCH;
    made->parallel_iterations =
        options->parallel_iterations > 0 ? options->parallel_iterations : DEFAULT_ITERATIONS;
    const size_t steps = model->spec->info.steps;
    if (steps > 0 && made->parallel_iterations > steps)
        made->parallel_iterations = steps;
    made->order = calloc(made->max_batch, sizeof *made->order);
    made->sequences = calloc(made->max_batch, sizeof *made->sequences);
    made->rows_at = calloc(made->parallel_iterations, sizeof *made->rows_at);
    made->memory = memory_floats(place(made));
    if (made->order == NULL || made->sequences == NULL || made->rows_at == NULL ||
        made->memory == NULL) {
        lstm_runner_destroy(made);
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for a runner of %zu sequences",
                         options->max_batch);
    }
    place(made);
    *runner = made;
    return LSTM_OK;
}

void lstm_runner_destroy(struct lstm_runner *runner)
{
    if (runner == NULL)
        return;
    spec_release(runner->spec);
    free(runner->order);
    free(runner->sequences);
    free(runner->rows_at);
    free(runner->memory);
    free(runner);
}

/* ---- One slice ------------------------------------------------------------------------------ */

/* A slice on its way: its sequences, and the time steps that run now. */
struct slice {
    struct lstm_runner *runner;
    const struct lstm_model *model;
    const struct lstm_sequence *sequences;
    const struct sequence_key *order; /* of its n sequences, longest first */
    size_t n;
    size_t first_step;
    struct pack pack;
    bool wants_rnn_output, wants_state_trace, wants_gates_trace;
};

static const struct lstm_sequence *row_of(const struct slice *slice, size_t r)
{
    return &slice->sequences[slice->order[r].index];
}

/* c (which = 0) [slice, U] or h (which = 1) [slice, H] of a recurrent layer. */
static float *state_block(const struct slice *slice, const struct layer *layer, size_t which)
{
    return slice->runner->state + layer_state(layer).offset[which] * RUNNER_SLICE;
}

/* One part (c or h) of one recurrent layer: its block, and its place in a sequence's state. */
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

/* Moves every part of every recurrent layer's state, for all rows of the slice. */
static void move_states(const struct slice *slice, move_row *move)
{
    const struct spec *spec = slice->model->spec;
    for (size_t l = 0; l <= spec->last_recurrent; l++) {
        const struct layer *layer = &spec->layers[l];
        const struct layer_state state = layer_state(layer);
        for (size_t which = 0; layer->type->is_recurrent && which < 2; which++) {
            const struct state_part part = {state_block(slice, layer, which), state.units[which],
                                            state.offset[which]};
            for (size_t r = 0; r < slice->n; r++)
                move(row_of(slice, r), &part, r);
        }
    }
}

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
}

static void gather_inputs(const struct slice *slice, float *x)
{
    const size_t features = slice->model->spec->info.features;
    for (size_t t = 0; t < slice->pack.n_steps; t++)
        for (size_t r = 0; r < slice->pack.rows_at[t]; r++) {
            const struct lstm_sequence *row = row_of(slice, r);
            const size_t stride = row->step_stride > 0 ? row->step_stride : features;
            memcpy(x, row->input + (slice->first_step + t) * stride, features * sizeof *x);
            x += features;
        }
}

/* Copies packed values [R, n] to where each row wants them, if it does: `offset` floats into an
 * array [steps, stride]. */
static void scatter(const struct slice *slice, const float *values, size_t n, size_t pointer_offset,
                    size_t stride, size_t offset)
{
    for (size_t t = 0; t < slice->pack.n_steps; t++)
        for (size_t r = 0; r < slice->pack.rows_at[t]; r++, values += n) {
            const struct lstm_sequence *row = row_of(slice, r);
            float *to;
            memcpy(&to, (const char *)row + pointer_offset, sizeof to);
            if (to != NULL)
                memcpy(to + (slice->first_step + t) * stride + offset, values, n * sizeof *to);
        }
}

static void scatter_rnn_output(const struct slice *slice, const float *values, size_t units)
{
    for (size_t t = 0; t < slice->pack.n_steps; t++)
        for (size_t r = 0; r < slice->pack.rows_at[t]; r++, values += units) {
            const struct lstm_sequence *row = row_of(slice, r);
            const size_t stride = row->rnn_output_stride > 0 ? row->rnn_output_stride : units;
            if (row->rnn_output != NULL)
                memcpy(row->rnn_output + (slice->first_step + t) * stride, values,
                       units * sizeof *values);
        }
}

static void scatter_traces(const struct slice *slice, const struct layer *layer, const float *y)
{
    const struct lstm_model_info *info = &slice->model->spec->info;
    const struct layer_state state = layer_state(layer);
    if (slice->wants_gates_trace)
        scatter(slice, slice->runner->gates, layer->type->n_gates * layer->units,
                offsetof(struct lstm_sequence, gates_trace), info->gates_size, layer->gates_offset);
    if (slice->wants_state_trace && layer->type->has_c)
        scatter(slice, slice->runner->c_steps, state.units[0],
                offsetof(struct lstm_sequence, state_trace), info->state_size, state.offset[0]);
    if (slice->wants_state_trace)
        scatter(slice, y, state.units[1], offsetof(struct lstm_sequence, state_trace),
                info->state_size, state.offset[1]);
}

/* Runs a recurrent layer; y is where its outputs go if anybody wants them. */
static void run_recurrent(const struct slice *slice, const struct layer *layer, const float *x,
                          float *y)
{
    const struct spec *spec = slice->model->spec;
    const bool is_last = layer->number == spec->last_recurrent;
    const bool wants_y =
        !is_last || layer->return_sequences || slice->wants_rnn_output || slice->wants_state_trace;
    const struct layer_forward pass = {
        .pack = &slice->pack,
        .weights = slice->model->weights,
        .x = x,
        .y = wants_y ? y : NULL,
        .state = {state_block(slice, layer, 0), state_block(slice, layer, 1)},
        .gates = slice->runner->gates,
        .c_steps = slice->wants_state_trace && layer->type->has_c ? slice->runner->c_steps : NULL,
        .scratch = slice->runner->scratch,
        .keep_gates = slice->wants_gates_trace};
    layer->type->forward(layer, &pass);
    scatter_traces(slice, layer, y);
    if (is_last && slice->wants_rnn_output)
        scatter_rnn_output(slice, y, layer->outputs);
}

/* Layers from .. to (not included), one after the other; returns where the values are then. */
static float *run_layers(const struct slice *slice, size_t from, size_t to, float *x)
{
    float *const *buffers = slice->runner->activations;
    for (size_t l = from; l < to; l++) {
        const struct layer *layer = &slice->model->spec->layers[l];
        float *y = x == buffers[0] ? buffers[1] : buffers[0];
        if (layer->type == &layer_dropout)
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

/* The layers behind the last time step: a row per sequence. */
static void run_head(struct slice *slice)
{
    const struct spec *spec = slice->model->spec;
    const size_t n = spec->info.output_size;
    slice->pack = (struct pack){.n_steps = 1, .rows_at = &slice->n, .rows = slice->n};
    float *h = state_block(slice, &spec->layers[spec->last_recurrent], 1);
    const float *output = run_layers(slice, spec->n_sequence_layers, spec->n_layers, h);
    for (size_t r = 0; r < slice->n; r++)
        if (row_of(slice, r)->output != NULL)
            memcpy(row_of(slice, r)->output, output + r * n, n * sizeof *output);
}

static void run_slice(struct slice *slice)
{
    const struct spec *spec = slice->model->spec;
    float *x = slice->runner->activations[0];
    for (size_t r = 0; r < slice->n; r++) {
        slice->wants_rnn_output |= row_of(slice, r)->rnn_output != NULL;
        slice->wants_state_trace |= row_of(slice, r)->state_trace != NULL;
        slice->wants_gates_trace |= row_of(slice, r)->gates_trace != NULL;
    }
    move_states(slice, load_row);
    for (;;) {
        plan_steps(slice);
        if (slice->pack.n_steps == 0)
            break;
        gather_inputs(slice, x);
        const float *output = run_layers(slice, 0, spec->n_sequence_layers, x);
        if (spec->info.output_is_sequence)
            scatter(slice, output, spec->info.output_size, offsetof(struct lstm_sequence, output),
                    spec->info.output_size, 0);
        slice->first_step += slice->pack.n_steps;
    }
    if (!spec->info.output_is_sequence)
        run_head(slice);
    move_states(slice, store_row);
}

/* ---- A batch -------------------------------------------------------------------------------- */

enum lstm_status lstm_runner_run(struct lstm_runner *runner, const struct lstm_model *model,
                                 const struct lstm_sequence *sequences, size_t n,
                                 struct lstm_error *error)
{
    if (n > runner->max_batch)
        return lstm_fail(error, LSTM_INVALID, "a batch of %zu is more than the runner's %zu", n,
                         runner->max_batch);
    if (!spec_same_architecture(runner->spec, model->spec))
        return lstm_fail(error, LSTM_INVALID, "the runner was made for another architecture");
    enum lstm_status status = batch_check_tokens(model->spec, sequences, n, error);
    if (status != LSTM_OK)
        return status;
    batch_order(sequences, n, runner->order);
    for (size_t first = 0; first < n; first += RUNNER_SLICE) {
        struct slice slice = {.runner = runner,
                              .model = model,
                              .sequences = sequences,
                              .order = runner->order + first,
                              .n = n - first < RUNNER_SLICE ? n - first : RUNNER_SLICE};
        run_slice(&slice);
    }
    return LSTM_OK;
}
