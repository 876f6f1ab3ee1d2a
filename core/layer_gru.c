/* layer_gru.c: GRUCell under dynamic_rnn, forward and backward. SPDX-License-Identifier: Apache-2.0
 *
 *   r, u = split(sigmoid([x, h] @ gates/kernel + gates/bias), 2)
 *   c = act([x, r * h] @ candidate/kernel + candidate/bias);  h' = u * h + (1 - u) * c
 * (TensorFlow 1 python/ops/rnn_cell_impl.py: the reset is applied before the product.) A row of
 * `gates` is r, u, c. */
#include <stddef.h>
#include <string.h>

#include "core/blas.h"
#include "core/kernels.h"
#include "core/recurrent.h"

static const char *const gate_names[] = {"r", "u", "c"};

static const struct field fields[] = {
    LAYER_FIELD_TYPE,         LAYER_FIELD_NAME,
    LAYER_FIELD_UNITS,        LAYER_FIELD_ACTIVATION(recurrent_activations),
    LAYER_FIELD_SEQUENCES,    LAYER_FIELD_REUSE,
    LAYER_FIELD_INITIALIZERS, {0}};

static size_t list_tensors(const struct layer *layer, struct layer_tensor *tensors)
{
    const size_t units = layer->units, rows = layer->inputs + units;
    const struct initializer glorot = {.type = INITIALIZER_GLOROT_UNIFORM};
    const struct initializer ones = {.type = INITIALIZER_CONSTANT, .value = 1.0};
    const struct initializer zeros = {.type = INITIALIZER_CONSTANT};
    tensors[0] = (struct layer_tensor){"gates/kernel", false, 2, {rows, 2 * units}, glorot};
    tensors[1] = (struct layer_tensor){"gates/bias", true, 1, {2 * units, 1}, ones};
    tensors[2] = (struct layer_tensor){"candidate/kernel", false, 2, {rows, units}, glorot};
    tensors[3] = (struct layer_tensor){"candidate/bias", true, 1, {units, 1}, zeros};
    return 4;
}

/* One of the two kernels: its x rows, its h rows, and where its columns lie in a row of gates. */
struct part {
    struct matrix by_x, by_h;
    size_t columns, first;
};

static struct part part_of(const struct layer *layer, const float *weights, bool candidate)
{
    const size_t units = layer->units, columns = candidate ? units : 2 * units;
    const float *kernel = weights + layer->tensors[candidate ? 2 : 0];
    return (struct part){{kernel, columns, false},
                         {kernel + layer->inputs * columns, columns, false},
                         columns,
                         candidate ? 2 * units : 0};
}

static void project(const struct layer *layer, const struct layer_forward *pass,
                    const struct part *part, size_t t, size_t offset)
{
    const struct pack *pack = pass->pack;
    const size_t width = 3 * layer->units;
    size_t rows = 0;
    for (size_t i = t; i < pack->n_steps && i < t + pack->parallel_iterations; i++)
        rows += pack->rows_at[i];
    const struct matrix x = {pass->x + offset * layer->inputs, layer->inputs, false};
    blas_multiply(rows, part->columns, layer->inputs, x, part->by_x,
                  pass->gates + offset * width + part->first, width, false);
}

static void forward(const struct layer *layer, const struct layer_forward *pass)
{
    const struct kernels *kernels = kernels_best();
    const struct pack *pack = pass->pack;
    const struct part gates = part_of(layer, pass->weights, false);
    const struct part candidate = part_of(layer, pass->weights, true);
    const size_t units = layer->units, width = 3 * units;
    const float *h = pass->state[1];
    size_t offset = 0;
    for (size_t t = 0; t < pack->n_steps; t++) {
        const size_t rows = pack->rows_at[t];
        if (t % pack->parallel_iterations == 0) {
            project(layer, pass, &gates, t, offset);
            project(layer, pass, &candidate, t, offset);
        }
        const struct gru_step step = {.rows = rows,
                                      .units = units,
                                      .activation = (enum activation)layer->activation,
                                      .gate_bias = pass->weights + layer->tensors[1],
                                      .candidate_bias = pass->weights + layer->tensors[3],
                                      .gates = pass->gates + offset * width,
                                      .h_prev = h,
                                      .reset_h = pass->scratch,
                                      .h = pass->y != NULL ? pass->y + offset * units
                                                           : pass->state[1]};
        blas_multiply(rows, 2 * units, units, (struct matrix){h, units, false}, gates.by_h,
                      step.gates, width, true);
        kernels->gru_gates(&step);
        blas_multiply(rows, units, units, (struct matrix){step.reset_h, units, false},
                      candidate.by_h, step.gates + candidate.first, width, true);
        kernels->gru_output(&step);
        h = step.h;
        offset += rows;
    }
    if (pass->y != NULL)
        recurrent_keep_last(pack, units, pass->y, pass->state[1]);
}

/* Through the steps, last to first: leaves the gradient before activation in pass->gates.
 * pass->history holds h before each step. */
static void backward_steps(const struct layer *layer, const struct layer_backward *pass)
{
    const struct kernels *kernels = kernels_best();
    const struct pack *pack = pass->pack;
    const struct part gates = part_of(layer, pass->weights, false);
    const struct part candidate = part_of(layer, pass->weights, true);
    const size_t units = layer->units, width = 3 * units;
    float *dh = pass->dstate[1];
    float *gates_by_h = pass->transposed, *candidate_by_h = pass->transposed + 2 * units * units;
    recurrent_transpose(units, 2 * units, gates.by_h.data, 2 * units, gates_by_h);
    recurrent_transpose(units, units, candidate.by_h.data, units, candidate_by_h);
    size_t offset = pack->rows;
    for (size_t t = pack->n_steps; t-- > 0;) {
        const size_t rows = pack->rows_at[t];
        offset -= rows;
        if (pass->dy != NULL)
            kernels->add(dh, pass->dy + offset * units, rows * units);
        const struct gru_step_backward step = {.rows = rows,
                                               .units = units,
                                               .activation = (enum activation)layer->activation,
                                               .gates = pass->gates + offset * width,
                                               .h_prev = pass->history + offset * units,
                                               .dh = dh,
                                               .dreset_h = pass->scratch};
        kernels->gru_output_backward(&step);
        blas_multiply(rows, units, units,
                      (struct matrix){step.gates + candidate.first, width, false},
                      (struct matrix){candidate_by_h, units, false}, pass->scratch, units, false);
        kernels->gru_gates_backward(&step);
        blas_multiply(rows, units, 2 * units, (struct matrix){step.gates, width, false},
                      (struct matrix){gates_by_h, units, false}, dh, units, true);
    }
}

/* Adds one kernel's gradients: by x, and by what its h rows were multiplied with. */
static void add_gradients(const struct layer *layer, const struct layer_backward *pass,
                          const struct part *part, const float *by_h, size_t tensor)
{
    const size_t rows = pass->pack->rows, width = 3 * layer->units;
    float *dkernel = pass->gradients + layer->tensors[tensor];
    const struct matrix dz = {pass->gates + part->first, width, false};
    blas_multiply(layer->inputs, part->columns, rows, (struct matrix){pass->x, layer->inputs, true},
                  dz, dkernel, part->columns, true);
    blas_multiply(layer->units, part->columns, rows, (struct matrix){by_h, layer->units, true}, dz,
                  dkernel + layer->inputs * part->columns, part->columns, true);
    blas_add_column_sums(rows, part->columns, dz.data, width,
                         pass->gradients + layer->tensors[tensor + 1]);
    if (pass->dx != NULL) {
        const struct matrix by_x = {part->by_x.data, part->columns, true};
        blas_multiply(rows, layer->inputs, part->columns, dz, by_x, pass->dx, layer->inputs,
                      part->first > 0);
    }
}

/* r * h of every step: what the candidate kernel was multiplied with. The reset gate is gone from
 * `gates` once backward_steps() has run, so this goes first. */
static void fill_reset_history(const struct layer *layer, const struct layer_backward *pass)
{
    const size_t units = layer->units;
    for (size_t r = 0; r < pass->pack->rows; r++)
        for (size_t k = 0; k < units; k++)
            pass->reset_history[r * units + k] =
                pass->gates[r * 3 * units + k] * pass->history[r * units + k];
}

static void backward(const struct layer *layer, const struct layer_backward *pass)
{
    const struct part gates = part_of(layer, pass->weights, false);
    const struct part candidate = part_of(layer, pass->weights, true);
    recurrent_history(pass->pack, layer->units, pass->initial_state[1], pass->y, pass->history);
    fill_reset_history(layer, pass);
    backward_steps(layer, pass);
    add_gradients(layer, pass, &gates, pass->history, 0);
    add_gradients(layer, pass, &candidate, pass->reset_history, 2);
}

const struct layer_type layer_gru = {.name = "gru",
                                     .default_name = "gru_cell",
                                     .fields = fields,
                                     .is_recurrent = true,
                                     .n_gates = 3,
                                     .gate_names = gate_names,
                                     .list_tensors = list_tensors,
                                     .forward = forward,
                                     .backward = backward};
