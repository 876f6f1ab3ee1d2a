/* trainer_layers.c: one layer forward and backward, on the tape. SPDX-License-Identifier:
 * Apache-2.0
 */
#include <string.h>

#include "core/kernels.h"
#include "core/layer_pooling.h"
#include "core/trainer.h"

/* Heads see one step with a row per sequence. */
static struct pack head_pack(const struct tape *tape)
{
    return (struct pack){.n_steps = 1,
                         .rows_at = &tape->n,
                         .rows = tape->n,
                         .give_way = tape->pack.give_way,
                         .context = tape->pack.context};
}

/* What layer l reads. */
static const float *input_of(const struct lstm_trainer *trainer, size_t l)
{
    const struct tape *tape = &trainer->tape;
    if (l == 0)
        return tape->x;
    const bool by_last_h = l == trainer->spec->n_sequence_layers && trainer->spec->pooling == NULL;
    return by_last_h ? tape->layers[l - 1].last : tape->layers[l - 1].y;
}

/* A mask depends on the seed, the step and the layer alone: a step that is taken again after a
 * restart drops the same values. */
static void draw_mask(const struct lstm_trainer *trainer, const struct layer *layer)
{
    const struct layer_tape *part = &trainer->tape.layers[layer->number];
    const float kept = (float)(1.0 / (1.0 - layer->rate));
    struct lstm_random random;
    lstm_random_init(&random, trainer->seed, trainer->step * SPEC_MAX_LAYERS + layer->number);
    for (size_t i = 0; i < part->rows * layer->outputs; i++)
        part->mask[i] = lstm_random_uniform(&random) < layer->rate ? 0.0f : kept;
}

/* The row of the layer for row i of a cell. */
static size_t place_of(const struct tape *tape, const struct layer *cell, size_t i)
{
    return cell->go_backwards ? tape->reversed[i] : i;
}

/* Puts the outputs and the final h of cell k to those of its layer, unless they are the same. */
static void merge_cell(struct lstm_trainer *trainer, const struct layer *layer, size_t k)
{
    const struct tape *tape = &trainer->tape;
    const struct layer_tape *part = &tape->layers[layer->number];
    const struct layer *cell = &layer->cells[k];
    const enum merge merge = (enum merge)layer->bidirectional;
    const size_t n = cell->outputs;
    for (size_t i = 0; i < part->rows && part->cells[k].y != part->y; i++)
        direction_merge(merge, k, part->cells[k].y + i * n, n,
                        part->y + place_of(tape, cell, i) * layer->outputs);
    for (size_t r = 0; r < tape->n && part->last != part->cells[k].state[1]; r++)
        direction_merge(merge, k, part->cells[k].state[1] + r * n, n,
                        part->last + r * layer->outputs);
}

static void forward_cells(struct lstm_trainer *trainer, const struct layer *layer, const float *x)
{
    const struct tape *tape = &trainer->tape;
    for (size_t k = 0; k < layer->n_cells; k++) {
        const struct layer *cell = &layer->cells[k];
        const struct cell_tape *part = &tape->layers[layer->number].cells[k];
        if (cell->go_backwards)
            direction_take(x, tape->reversed, tape->pack.rows, cell->inputs, part->x);
        const struct layer_forward pass = {.pack = &tape->pack,
                                           .weights = trainer->weights,
                                           .x = cell->go_backwards ? part->x : x,
                                           .y = part->y,
                                           .state = {part->state[0], part->state[1]},
                                           .gates = part->gates,
                                           .c_steps = cell->type->has_c ? part->c_steps : NULL,
                                           .scratch = tape->scratch,
                                           .keep_gates = true};
        cell->type->forward(cell, &pass);
        merge_cell(trainer, layer, k);
    }
}

void trainer_forward_layer(struct lstm_trainer *trainer, size_t l, bool training)
{
    const struct spec *spec = trainer->spec;
    struct tape *tape = &trainer->tape;
    const struct layer_tape *part = &tape->layers[l];
    const struct pack head = head_pack(tape);
    struct layer layer = spec->layers[l];
    if (layer.type->is_recurrent) {
        forward_cells(trainer, &spec->layers[l], input_of(trainer, l));
        return;
    }
    if (layer.type == &layer_pooling) {
        memset(part->y, 0, part->rows * layer.outputs * sizeof *part->y);
        pooling_add(&layer, &tape->pack, 0, input_of(trainer, l), part->y);
        return;
    }
    if (l + 1 == spec->n_layers && layer.type == &layer_dense)
        layer.activation = ACTIVATION_LINEAR;
    if (layer.type == &layer_dropout && training)
        draw_mask(trainer, &layer);
    const struct layer_forward pass = {.pack = l < spec->n_sequence_layers ? &tape->pack : &head,
                                       .weights = trainer->weights,
                                       .x = input_of(trainer, l),
                                       .y = part->y,
                                       .mask = training ? part->mask : NULL};
    layer.type->forward(&layer, &pass);
}

/* The gradient by the final h of cell k, in dstate[1]: zero where only the steps' h are used. */
static void split_final(const struct tape *tape, const struct layer *layer, size_t k,
                        const float *dlast)
{
    const struct cell_tape *cells = tape->layers[layer->number].cells;
    const size_t n = layer->cells[k].outputs;
    /* Without another cell there is nothing to point to. */
    const float *other = layer->n_cells == 2 ? cells[1 - k].state[1] : NULL;
    memset(tape->dstate[0], 0, tape->n * layer->units * sizeof *dlast);
    memset(tape->dstate[1], 0, tape->n * n * sizeof *dlast);
    for (size_t r = 0; r < tape->n && dlast != NULL; r++)
        direction_split((enum merge)layer->bidirectional, k, dlast + r * layer->outputs,
                        other != NULL ? other + r * n : NULL, n, tape->dstate[1] + r * n);
}

/* The gradient by the outputs of cell k, in its order: dy itself if they are the layer's. */
static const float *split_steps(const struct tape *tape, const struct layer *layer, size_t k,
                                const float *dy)
{
    const struct layer_tape *part = &tape->layers[layer->number];
    const struct layer *cell = &layer->cells[k];
    const size_t n = cell->outputs;
    const float *other = layer->n_cells == 2 ? part->cells[1 - k].y : NULL;
    if (dy == NULL || part->cells[k].y == part->y)
        return dy;
    for (size_t i = 0; i < part->rows; i++)
        direction_split(
            (enum merge)layer->bidirectional, k, dy + place_of(tape, cell, i) * layer->outputs,
            other != NULL ? other + tape->reversed[i] * n : NULL, n, tape->cell_dy + i * n);
    return tape->cell_dy;
}

/* Adds cell k's gradient by what it read, in its order, to that by what the layer read. */
static void add_input_gradient(const struct tape *tape, const struct layer *cell, size_t k,
                               float *dx)
{
    const size_t n = cell->inputs;
    for (size_t i = 0; i < tape->pack.rows; i++) {
        float *to = dx + place_of(tape, cell, i) * n;
        if (k == 0)
            memcpy(to, tape->cell_dx + i * n, n * sizeof *to);
        else
            kernels_best()->add(to, tape->cell_dx + i * n, n);
    }
}

/* dy is by the layer's outputs at every step, or dlast by its final h; the other is NULL. */
static void backward_cells(struct lstm_trainer *trainer, const struct layer *layer, const float *dy,
                           const float *dlast, float *dx)
{
    struct tape *tape = &trainer->tape;
    const struct layer_tape *own = &tape->layers[layer->number];
    for (size_t k = 0; k < layer->n_cells; k++) {
        const struct layer *cell = &layer->cells[k];
        const struct cell_tape *part = &own->cells[k];
        const bool is_direct = part->y == own->y;
        split_final(tape, layer, k, dlast);
        const struct layer_backward pass = {
            .pack = &tape->pack,
            .weights = trainer->weights,
            .gradients = trainer->gradients,
            .x = cell->go_backwards ? part->x : input_of(trainer, layer->number),
            .y = part->y,
            .dy = split_steps(tape, layer, k, dy),
            .dx = dx == NULL || is_direct ? dx : tape->cell_dx,
            .gates = part->gates,
            .c_steps = part->c_steps,
            .initial_state = {part->initial[0], part->initial[1]},
            .dstate = {tape->dstate[0], tape->dstate[1]},
            .history = tape->history,
            .second_history = tape->second_history,
            .scratch = tape->scratch,
            .transposed = tape->transposed};
        cell->type->backward(cell, &pass);
        if (dx != NULL && !is_direct)
            add_input_gradient(tape, cell, k, dx);
    }
}

float *trainer_backward_layer(struct lstm_trainer *trainer, size_t l, float *dy)
{
    const struct spec *spec = trainer->spec;
    struct tape *tape = &trainer->tape;
    const struct layer *layer = &spec->layers[l];
    const struct layer_tape *part = &tape->layers[l];
    const struct pack head = head_pack(tape);
    float *dx = dy == tape->gradient[0] ? tape->gradient[1] : tape->gradient[0];
    if (layer->type->is_recurrent) {
        const bool by_last_h = l + 1 == spec->n_sequence_layers && !spec->info.output_is_sequence &&
                               spec->pooling == NULL;
        backward_cells(trainer, layer, by_last_h ? NULL : dy, by_last_h ? dy : NULL,
                       l > 0 ? dx : NULL);
        return dx;
    }
    if (layer->type == &layer_pooling) {
        pooling_spread(layer, &tape->pack, input_of(trainer, l), part->y, dy, dx);
        return dx;
    }
    if (layer->type == &layer_dense && l + 1 < spec->n_layers)
        activation_backward((enum activation)layer->activation, part->y, dy, part->rows,
                            layer->units);
    const struct layer_backward pass = {.pack = l < spec->n_sequence_layers ? &tape->pack : &head,
                                        .weights = trainer->weights,
                                        .gradients = trainer->gradients,
                                        .x = input_of(trainer, l),
                                        .y = part->y,
                                        .dy = dy,
                                        .dx = l > 0 ? dx : NULL,
                                        .mask = part->mask};
    layer->type->backward(layer, &pass);
    return dx;
}
