/* trainer_load.c: examples into the tape, packed. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "core/trainer.h"

/* The weight of each example's rows: divided by the sum over all rows, so that the loss is a mean.
 */
static double sum_of_weights(const struct tape *tape, const struct lstm_examples *examples,
                             bool is_sequence)
{
    double sum = 0.0;
    for (size_t r = 0; r < examples->n; r++) {
        const struct sequence_key key = tape->order[r];
        const double weight =
            examples->weights != NULL ? (double)examples->weights[key.index] : 1.0;
        sum += is_sequence ? weight * (double)key.steps : weight;
    }
    return sum;
}

/* One row of targets and its weight: row `from` of the examples' targets, of example i. */
static void load_target(struct lstm_trainer *trainer, const struct lstm_examples *examples,
                        size_t row, size_t from, size_t i, double sum)
{
    struct tape *tape = &trainer->tape;
    const size_t n = trainer->spec->info.output_size;
    const double weight = examples->weights != NULL ? (double)examples->weights[i] : 1.0;
    memcpy(tape->targets + row * n, examples->targets + from * n, n * sizeof *tape->targets);
    tape->weights[row] = (float)(weight / sum);
}

static void load_state(struct lstm_trainer *trainer, const struct lstm_sequence *sequences,
                       const struct layer *cell, struct cell_tape *part)
{
    const struct tape *tape = &trainer->tape;
    const struct layer_state state = layer_state(cell);
    for (size_t r = 0; r < tape->n; r++) {
        const float *from = sequences[tape->order[r].index].initial_state;
        for (size_t k = 0; k < 2; k++) {
            const size_t bytes = state.units[k] * sizeof(float);
            float *to = part->initial[k] + r * state.units[k];
            if (from == NULL)
                memset(to, 0, bytes);
            else
                memcpy(to, from + state.offset[k], bytes);
            memcpy(part->state[k] + r * state.units[k], to, bytes);
        }
    }
}

/* The inputs of the packed rows, and the targets where every step has one. */
static void load_rows(struct lstm_trainer *trainer, const struct lstm_examples *examples,
                      double sum)
{
    const struct tape *tape = &trainer->tape;
    const struct spec *spec = trainer->spec;
    const size_t features = spec->info.features;
    size_t *next = tape->places, *first_target = tape->places + tape->n, row = 0;
    for (size_t i = 0; i < tape->n; i++) {
        next[i] = 0;
        first_target[i] = i > 0 ? first_target[i - 1] + examples->sequences[i - 1].steps : 0;
    }
    for (size_t t = 0; t < tape->pack.n_steps; t++)
        for (size_t r = 0; r < tape->pack.rows_at[t]; r++, row++) {
            const size_t i = tape->order[r].index;
            const struct lstm_sequence *sequence = &examples->sequences[i];
            const size_t stride = sequence->step_stride > 0 ? sequence->step_stride : features;
            while (batch_skips(spec, sequence, next[i]))
                next[i]++;
            memcpy(tape->x + row * features, sequence->input + next[i] * stride,
                   features * sizeof *tape->x);
            if (spec->info.output_is_sequence)
                load_target(trainer, examples, row, first_target[i] + next[i], i, sum);
            next[i]++;
        }
}

void trainer_load(struct lstm_trainer *trainer, const struct lstm_examples *examples)
{
    const struct spec *spec = trainer->spec;
    struct tape *tape = &trainer->tape;
    const double sum = sum_of_weights(tape, examples, spec->info.output_is_sequence);
    load_rows(trainer, examples, sum);
    for (size_t r = 0; r < tape->n && !spec->info.output_is_sequence; r++)
        load_target(trainer, examples, r, tape->order[r].index, tape->order[r].index, sum);
    for (size_t l = 0; l < spec->n_layers; l++)
        for (size_t k = 0; k < spec->layers[l].n_cells; k++)
            load_state(trainer, examples->sequences, &spec->layers[l].cells[k],
                       &tape->layers[l].cells[k]);
}
