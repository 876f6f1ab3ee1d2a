/* tape.c: laying out the memory of a training step. SPDX-License-Identifier: Apache-2.0 */
#include "core/tape.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/memory.h"
#include "core/status.h"

/* Floats that stay between two steps: 64 MB, much more than a usual batch takes. */
enum { MAX_KEPT = 1 << 24 };

static void free_memory(struct tape *tape)
{
    if (tape->mapped > 0)
        munmap(tape->memory, tape->mapped);
    else
        free(tape->memory);
    tape->memory = NULL;
    tape->room = tape->mapped = 0;
}

/* An unlinked file of that many bytes, mapped; MAP_FAILED if that fails. */
static void *map_temporary(const char *folder, size_t bytes)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/lstm-swap-XXXXXX", folder) >= (int)sizeof path)
        return MAP_FAILED;
    int fd = mkstemp(path);
    if (fd < 0)
        return MAP_FAILED;
    unlink(path);
    void *memory = MAP_FAILED;
    const int failed = posix_fallocate(fd, 0, (off_t)bytes);
    if (failed == 0)
        memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    else
        errno = failed;
    close(fd);
    return memory;
}

static enum lstm_status reserve(struct tape *tape, size_t n, struct lstm_error *error)
{
    if (n <= tape->room)
        return LSTM_OK;
    free_memory(tape);
    size_t bytes;
    if (!memory_multiply(n, sizeof(float), &bytes) || bytes > PTRDIFF_MAX)
        return lstm_fail(error, LSTM_NO_MEMORY, "the batch is too large to train on");
    if (tape->swap_folder == NULL) {
        tape->memory = memory_floats(n);
        if (tape->memory == NULL)
            return lstm_fail(error, LSTM_NO_MEMORY,
                             "out of memory for %zu bytes of activations; swap_memory keeps them "
                             "in a file",
                             bytes);
    } else {
        void *memory = map_temporary(tape->swap_folder, bytes);
        if (memory == MAP_FAILED)
            return lstm_fail(error, LSTM_IO, "cannot map %zu bytes of activations in %s: %s", bytes,
                             tape->swap_folder, strerror(errno));
        tape->memory = memory;
        tape->mapped = bytes;
    }
    tape->room = n;
    return LSTM_OK;
}

/* Places an array of n floats; without memory it only counts. */
static void take(struct tape *tape, size_t *used, size_t n, float **array)
{
    *array = tape->memory != NULL ? tape->memory + *used : NULL;
    *used += (n + 15) / 16 * 16;
}

static void place_cell(struct tape *tape, size_t *used, const struct layer *cell,
                       struct cell_tape *part)
{
    const size_t rows = tape->pack.rows;
    take(tape, used, cell->go_backwards ? rows * cell->inputs : 0, &part->x);
    take(tape, used, rows * cell->units * cell->type->n_gates, &part->gates);
    take(tape, used, cell->type->has_c ? rows * cell->units : 0, &part->c_steps);
    for (size_t k = 0; k < 2; k++) {
        const size_t width = k == 0 ? cell->units : cell->outputs;
        take(tape, used, tape->n * width, &part->initial[k]);
        take(tape, used, tape->n * width, &part->state[k]);
    }
}

static void place_layer(struct tape *tape, size_t *used, const struct layer *layer,
                        struct layer_tape *part)
{
    take(tape, used, part->rows * layer->outputs, &part->y);
    if (layer->type == &layer_dropout)
        take(tape, used, part->rows * layer->outputs, &part->mask);
    for (size_t k = 0; k < layer->n_cells; k++) {
        const struct layer *cell = &layer->cells[k];
        place_cell(tape, used, cell, &part->cells[k]);
        if (layer->n_cells == 1 && !cell->go_backwards)
            part->cells[k].y = part->y;
        else
            take(tape, used, part->rows * cell->outputs, &part->cells[k].y);
    }
    part->last = part->cells[0].state[1];
    if (layer->n_cells == 2)
        take(tape, used, tape->n * layer->outputs, &part->last);
}

/* The widest arrays that the layers share. */
struct shared {
    size_t values;     /* of a row between layers */
    size_t cell;       /* U or H */
    size_t transposed; /* floats in all */
    bool has_second;   /* a cell needs second_history */
};

static struct shared measure_shared(const struct spec *spec)
{
    struct shared widest = {.values = spec->info.features};
    for (size_t l = 0; l < spec->n_layers; l++)
        if (spec->layers[l].outputs > widest.values)
            widest.values = spec->layers[l].outputs;
    for (size_t k = 0; k < spec->info.n_recurrent; k++) {
        const struct layer *cell = &spec->cells[k];
        const size_t square = cell->type->n_gates * cell->units * cell->outputs;
        widest.cell = cell->units > widest.cell ? cell->units : widest.cell;
        widest.cell = cell->outputs > widest.cell ? cell->outputs : widest.cell;
        widest.transposed = square > widest.transposed ? square : widest.transposed;
        widest.has_second = widest.has_second || cell->type == &layer_gru || cell->num_proj > 0;
    }
    return widest;
}

bool tape_keeps_output(const struct spec *spec)
{
    const struct layer_type *last = spec->layers[spec->n_layers - 1].type;
    return last->is_recurrent || last == &layer_pooling;
}

/* Every array of the tape; returns the floats in all. */
static size_t place(struct tape *tape, const struct spec *spec)
{
    const struct shared widest = measure_shared(spec);
    const size_t rows = tape->pack.rows, n = tape->n, most = rows > n ? rows : n;
    const size_t turned = spec->info.reads_backwards ? most : 0;
    size_t used = 0;
    take(tape, &used, rows * spec->info.features, &tape->x);
    for (size_t l = 0; l < spec->n_layers; l++) {
        tape->layers[l].rows = l < spec->n_sequence_layers ? rows : n;
        place_layer(tape, &used, &spec->layers[l], &tape->layers[l]);
    }
    tape->n_targets = spec->info.output_is_sequence ? rows : n;
    take(tape, &used, tape_keeps_output(spec) ? tape->n_targets * spec->info.output_size : 0,
         &tape->values);
    take(tape, &used, tape->n_targets * spec->info.output_size, &tape->targets);
    take(tape, &used, tape->n_targets, &tape->weights);
    for (size_t k = 0; k < 2; k++) {
        take(tape, &used, most * widest.values, &tape->gradient[k]);
        take(tape, &used, n * widest.cell, &tape->dstate[k]);
    }
    take(tape, &used, turned * widest.cell, &tape->cell_dy);
    take(tape, &used, turned * widest.values, &tape->cell_dx);
    take(tape, &used, rows * widest.cell, &tape->history);
    take(tape, &used, widest.has_second ? rows * widest.cell : 0, &tape->second_history);
    take(tape, &used, n * widest.cell, &tape->scratch);
    take(tape, &used, widest.transposed, &tape->transposed);
    return used;
}

/* An array of at least n elements; its content is not kept. */
static void *grow(void *array, size_t *room, size_t n, size_t element)
{
    if (n <= *room)
        return array;
    free(array);
    *room = 0;
    array = calloc(n, element);
    if (array != NULL)
        *room = n;
    return array;
}

static enum lstm_status sort(struct tape *tape, const struct spec *spec,
                             const struct lstm_sequence *sequences, size_t n,
                             struct lstm_error *error)
{
    tape->order = grow(tape->order, &tape->order_room, n, sizeof *tape->order);
    tape->places = grow(tape->places, &tape->places_room, 2 * n, sizeof *tape->places);
    if (tape->order == NULL || tape->places == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for a batch of %zu", n);
    batch_order(spec, sequences, n, tape->order);
    const size_t steps = tape->order[0].steps;
    tape->rows_at = grow(tape->rows_at, &tape->rows_at_room, steps + 1, sizeof *tape->rows_at);
    if (tape->rows_at == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for %zu time steps", steps);
    size_t rows = n;
    tape->pack.n_steps = steps;
    tape->pack.rows = 0;
    tape->pack.rows_at = tape->rows_at;
    for (size_t t = 0; t < steps; t++) {
        while (tape->order[rows - 1].steps <= t)
            rows--;
        tape->rows_at[t] = rows;
        if (!memory_add(tape->pack.rows, rows, &tape->pack.rows))
            return lstm_fail(error, LSTM_NO_MEMORY, "the batch has too many time steps");
    }
    return LSTM_OK;
}

static enum lstm_status reverse(struct tape *tape, const struct spec *spec,
                                struct lstm_error *error)
{
    if (!spec->info.reads_backwards)
        return LSTM_OK;
    const size_t rows = tape->pack.rows;
    tape->reversed = grow(tape->reversed, &tape->reversed_room, rows, sizeof *tape->reversed);
    if (tape->reversed == NULL && rows > 0)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for %zu rows", rows);
    direction_reverse(&tape->pack, tape->reversed);
    return LSTM_OK;
}

enum lstm_status tape_prepare(struct tape *tape, const struct spec *spec,
                              const struct lstm_sequence *sequences, size_t n,
                              struct lstm_error *error)
{
    if (tape->layers == NULL)
        tape->layers = calloc(spec->n_layers, sizeof *tape->layers);
    if (tape->layers == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for the layers");
    enum lstm_status status = sort(tape, spec, sequences, n, error);
    if (status == LSTM_OK)
        status = reverse(tape, spec, error);
    if (status != LSTM_OK)
        return status;
    tape->n = n;
    status = reserve(tape, place(tape, spec), error);
    if (status == LSTM_OK)
        place(tape, spec);
    return status;
}

enum lstm_status tape_measure(const struct spec *spec, const struct lstm_sequence *sequences,
                              size_t n, size_t *bytes, struct lstm_error *error)
{
    struct tape tape = {.n = n, .layers = calloc(spec->n_layers, sizeof *tape.layers)};
    if (tape.layers == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for the layers");
    for (size_t i = 0; i < n; i++)
        tape.pack.rows += sequences[i].steps;
    *bytes = place(&tape, spec) * sizeof(float);
    if (spec->info.reads_backwards)
        *bytes += tape.pack.rows * sizeof *tape.reversed;
    free(tape.layers);
    return LSTM_OK;
}

void tape_trim(struct tape *tape)
{
    if (tape->mapped == 0 && tape->room > MAX_KEPT)
        free_memory(tape);
}

void tape_release(struct tape *tape)
{
    free_memory(tape);
    free(tape->order);
    free(tape->rows_at);
    free(tape->places);
    free(tape->reversed);
    free(tape->layers);
}
