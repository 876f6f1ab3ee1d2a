/* runner.c: a batch of sequences through a model. SPDX-License-Identifier: Apache-2.0
 *
 * The sequences are sorted by length and cut into slices (core/slice.h). */
#include "core/runner.h"

#include <stdlib.h>

#include "core/memory.h"
#include "core/model.h"
#include "core/slice.h"
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
        const size_t width = layer->outputs > layer->units ? layer->outputs : layer->units;
        widest.layer = width > widest.layer ? width : widest.layer;
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
                 {&runner->pooled, runner->spec->pooling != NULL ? RUNNER_SLICE * width.layer : 0},
                 {&runner->sequence_states, runner->max_batch * state_size}};
    size_t n = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (runner->memory != NULL)
            *parts[i].pointer = runner->memory + n;
        n += (parts[i].n + 15) / 16 * 16;
    }
    return n;
}

/* Rows of whole sequences that a slice may have: one sequence, however long, or several that are
 * not many rows together. */
static size_t whole_rows(size_t longest)
{
    const size_t rows =
        longest > RUNNER_WHOLE_ROWS / RUNNER_SLICE ? RUNNER_WHOLE_ROWS : longest * RUNNER_SLICE;
    return longest > rows ? longest : rows;
}

/* Makes room for slices of sequences of up to that many steps; what there is stays otherwise. */
static enum lstm_status reserve_whole(struct lstm_runner *runner, size_t longest,
                                      struct lstm_error *error)
{
    struct whole *whole = &runner->whole;
    const size_t rows = whole_rows(longest), width = widest(runner->spec).layer;
    size_t floats, sizes;
    if (!runner->spec->info.reads_backwards || longest <= whole->max_steps)
        return LSTM_OK;
    struct whole grown = {.max_steps = longest};
    if (memory_multiply(rows, 2 * width, &floats) && memory_multiply(longest, 2, &sizes) &&
        memory_add(sizes, 2 * rows, &sizes)) {
        grown.values[0] = memory_floats(floats);
        grown.rows_at = calloc(sizes, sizeof *grown.rows_at);
    }
    if (grown.values[0] == NULL || grown.rows_at == NULL) {
        free(grown.values[0]);
        free(grown.rows_at);
        return lstm_fail(error, LSTM_NO_MEMORY,
                         "out of memory for whole sequences of %zu time steps, which a model that "
                         "reads backwards needs",
                         longest);
    }
    grown.values[1] = grown.values[0] + rows * width;
    grown.offsets = grown.rows_at + longest;
    grown.times = grown.offsets + longest;
    grown.reversed = grown.times + rows;
    free(whole->values[0]);
    free(whole->rows_at);
    *whole = grown;
    return LSTM_OK;
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
    made->times = calloc(made->parallel_iterations * RUNNER_SLICE, sizeof *made->times);
    made->memory = memory_floats(place(made));
    enum lstm_status status = LSTM_OK;
    if (made->order == NULL || made->sequences == NULL || made->rows_at == NULL ||
        made->times == NULL || made->memory == NULL)
        status = lstm_fail(error, LSTM_NO_MEMORY, "out of memory for a runner of %zu sequences",
                           made->max_batch);
    if (status == LSTM_OK)
        status = reserve_whole(made, steps, error);
    if (status != LSTM_OK) {
        lstm_runner_destroy(made);
        return status;
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
    free(runner->times);
    free(runner->whole.values[0]);
    free(runner->whole.rows_at);
    free(runner->memory);
    free(runner);
}

/* ---- A batch -------------------------------------------------------------------------------- */

/* How many of the n sequences that are left, the first of them the longest, go together. */
static size_t slice_length(const struct spec *spec, size_t longest, size_t n)
{
    size_t most = RUNNER_SLICE;
    if (spec->info.reads_backwards && longest > RUNNER_WHOLE_ROWS / RUNNER_SLICE)
        most = longest < RUNNER_WHOLE_ROWS ? RUNNER_WHOLE_ROWS / longest : 1;
    return n < most ? n : most;
}

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
    batch_order(model->spec, sequences, n, runner->order);
    status = reserve_whole(runner, n > 0 ? runner->order[0].steps : 0, error);
    if (status != LSTM_OK)
        return status;
    struct slice slice;
    for (size_t first = 0; first < n; first += slice.n) {
        const struct sequence_key *order = runner->order + first;
        slice = (struct slice){.runner = runner,
                               .model = model,
                               .sequences = sequences,
                               .order = order,
                               .n = slice_length(model->spec, order[0].steps, n - first)};
        slice_run(&slice);
    }
    return LSTM_OK;
}
