/* layer_gru.c: GRUCell under dynamic_rnn, forward and backward. SPDX-License-Identifier: Apache-2.0
 *
 *   r, u = split(rec([x, h] @ gates/kernel + gates/bias), 2)
 *   c = act([x, r * h] @ candidate/kernel + candidate/bias);  h' = u * h + (1 - u) * c
 * (TensorFlow 1 python/ops/rnn_cell_impl.py: the reset is applied before the product.) With
 * reset_after (contrib/cudnn_rnn's CudnnCompatibleGRUCell, PyTorch, Keras) it is
 *   c = act(x @ input_projection/kernel + input_projection/bias
 *           + r * (h @ hidden_projection/kernel + hidden_projection/bias))
 * instead. A row of `gates` is r, u, c. */
#include <stddef.h>
#include <string.h>

#include "core/blas.h"
#include "core/kernels.h"
#include "core/recurrent.h"

static const char *const gate_names[] = {"r", "u", "c"};

static const struct field fields[] = {
    LAYER_FIELD_TYPE,
    LAYER_FIELD_NAME,
    LAYER_FIELD_UNITS,
    LAYER_FIELD_ACTIVATION(recurrent_activations),
    LAYER_FIELD_RECURRENT_ACTIVATION(recurrent_activations),
    {"reset_after", FIELD_BOOL, offsetof(struct layer, reset_after), 0, 0, NULL, NULL, false},
    LAYER_FIELD_SEQUENCES,
    LAYER_FIELD_DIRECTIONS,
    LAYER_FIELD_REUSE,
    LAYER_FIELD_INITIALIZERS,
    {0}};

/* Where its tensors are in layer->tensors. The candidate's kernel is one, [D + U, U], or in two
 * with a bias each. */
enum { GATES_KERNEL, GATES_BIAS, CANDIDATE_KERNEL, CANDIDATE_BIAS, HIDDEN_KERNEL, HIDDEN_BIAS };

static size_t list_tensors(const struct layer *layer, struct layer_tensor *tensors)
{
    const size_t inputs = layer->inputs, units = layer->units, rows = inputs + units;
    const struct initializer glorot = {.type = INITIALIZER_GLOROT_UNIFORM};
    const struct initializer ones = {.type = INITIALIZER_CONSTANT, .value = 1.0};
    const struct initializer zeros = {.type = INITIALIZER_CONSTANT};
    tensors[0] = (struct layer_tensor){"gates/kernel", false, 2, {rows, 2 * units}, glorot};
    tensors[1] = (struct layer_tensor){"gates/bias", true, 1, {2 * units, 1}, ones};
    tensors[2] = (struct layer_tensor){"candidate/kernel", false, 2, {rows, units}, glorot};
    tensors[3] = (struct layer_tensor){"candidate/bias", true, 1, {units, 1}, zeros};
    if (!layer->reset_after)
        return 4;
    tensors[2] = (struct layer_tensor){
        "candidate/input_projection/kernel", false, 2, {inputs, units}, glorot};
    tensors[3] =
        (struct layer_tensor){"candidate/input_projection/bias", true, 1, {units, 1}, zeros};
    tensors[4] = (struct layer_tensor){
        "candidate/hidden_projection/kernel", false, 2, {units, units}, glorot};
    tensors[5] =
        (struct layer_tensor){"candidate/hidden_projection/bias", true, 1, {units, 1}, zeros};
    return 6;
}

/* The loops of a step: those of GRUCell, or the variants'. */
struct loops {
    void (*gates)(const struct gru_step *step);
    void (*output)(const struct gru_step *step);
    void (*output_backward)(const struct gru_step_backward *step);
    void (*gates_backward)(const struct gru_step_backward *step);
};

static struct loops loops_of(const struct layer *layer)
{
    const struct kernels *k = kernels_best();
    if (recurrent_is_basic(layer) && !layer->reset_after)
        return (struct loops){k->gru_gates, k->gru_output, k->gru_output_backward,
                              k->gru_gates_backward};
    return (struct loops){k->gru_variant_gates, k->gru_variant_output,
                          k->gru_variant_output_backward, k->gru_variant_gates_backward};
}

/* The gates' or the candidate's weights: for x, for h, and where its columns lie in a row of
 * `gates`. by_x_offset and by_h_offset: of the matrices in the weights. */
struct part {
    struct matrix by_x, by_h;
    size_t by_x_offset, by_h_offset, bias_offset;
    size_t columns, first;
};

static struct part part_of(const struct layer *layer, const float *weights, bool candidate)
{
    const size_t units = layer->units, columns = candidate ? units : 2 * units;
    const size_t by_x = layer->tensors[candidate ? CANDIDATE_KERNEL : GATES_KERNEL];
    const size_t by_h = candidate && layer->reset_after ? layer->tensors[HIDDEN_KERNEL]
                                                        : by_x + layer->inputs * columns;
    return (struct part){{weights + by_x, columns, false},
                         {weights + by_h, columns, false},
                         by_x,
                         by_h,
                         layer->tensors[candidate ? CANDIDATE_BIAS : GATES_BIAS],
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

/* One step: the gates, then what h (or r * h) gives to the candidate, then h'. */
static void run_step(const struct layer *layer, const struct loops *loops, const struct part *gates,
                     const struct part *candidate, const struct gru_step *step)
{
    const size_t rows = step->rows, units = step->units, width = 3 * units;
    const struct matrix h = {step->h_prev, units, false}, reset_h = {step->reset_h, units, false};
    blas_multiply(rows, 2 * units, units, h, gates->by_h, step->gates, width, true);
    loops->gates(step);
    if (layer->reset_after)
        blas_multiply(rows, units, units, h, candidate->by_h, step->reset_h, units, false);
    else
        blas_multiply(rows, units, units, reset_h, candidate->by_h, step->gates + candidate->first,
                      width, true);
    loops->output(step);
}

static void forward(const struct layer *layer, const struct layer_forward *pass)
{
    const struct loops loops = loops_of(layer);
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
        const struct gru_step step = {
            .rows = rows,
            .units = units,
            .activation = (enum activation)layer->activation,
            .recurrent_activation = (enum activation)layer->recurrent_activation,
            .gate_bias = pass->weights + gates.bias_offset,
            .candidate_bias = pass->weights + candidate.bias_offset,
            .hidden_bias = layer->reset_after ? pass->weights + layer->tensors[HIDDEN_BIAS] : NULL,
            .gates = pass->gates + offset * width,
            .h_prev = h,
            .reset_h = pass->scratch,
            .h = pass->y != NULL ? pass->y + offset * units : pass->state[1]};
        run_step(layer, &loops, &gates, &candidate, &step);
        pack_give_way(pack);
        h = step.h;
        offset += rows;
    }
    if (pass->y != NULL)
        recurrent_keep_last(pack, units, pass->y, pass->state[1]);
}

/* One step back: from dh, by h', to dh, by h before the step. The recurrent kernels come
 * transposed. */
static void run_step_backward(const struct layer *layer, const struct loops *loops,
                              const struct gru_step_backward *step, float *scratch,
                              const float *gates_by_h, const float *candidate_by_h)
{
    const size_t rows = step->rows, units = step->units, width = 3 * units;
    const struct matrix by_candidate = {candidate_by_h, units, false};
    loops->output_backward(step);
    if (layer->reset_after) {
        blas_multiply(rows, units, units, (struct matrix){step->dhidden, units, false},
                      by_candidate, step->dh, units, true);
    } else {
        blas_multiply(rows, units, units, (struct matrix){step->gates + 2 * units, width, false},
                      by_candidate, scratch, units, false);
        loops->gates_backward(step);
    }
    blas_multiply(rows, units, 2 * units, (struct matrix){step->gates, width, false},
                  (struct matrix){gates_by_h, units, false}, step->dh, units, true);
}

/* Through the steps, last to first: leaves the gradient before activation in pass->gates, and with
 * reset_after that by the hidden projection in pass->second_history. pass->history holds h before
 * each step. */
static void backward_steps(const struct layer *layer, const struct layer_backward *pass)
{
    const struct loops loops = loops_of(layer);
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
            kernels_best()->add(dh, pass->dy + offset * units, rows * units);
        const struct gru_step_backward step = {
            .rows = rows,
            .units = units,
            .activation = (enum activation)layer->activation,
            .recurrent_activation = (enum activation)layer->recurrent_activation,
            .gates = pass->gates + offset * width,
            .h_prev = pass->history + offset * units,
            .dh = dh,
            .dreset_h = pass->scratch,
            .dhidden = layer->reset_after ? pass->second_history + offset * units : NULL};
        run_step_backward(layer, &loops, &step, pass->scratch, gates_by_h, candidate_by_h);
        pack_give_way(pack);
    }
}

/* Adds the gradients of the gates' or the candidate's weights. by_h, whose gradient is dh, is what
 * the recurrent kernel was multiplied with. */
static void add_gradients(const struct layer *layer, const struct layer_backward *pass,
                          const struct part *part, const float *by_h, struct matrix dh)
{
    const size_t rows = pass->pack->rows, width = 3 * layer->units;
    const struct matrix dz = {pass->gates + part->first, width, false};
    pack_add_product(pass->pack, layer->inputs, (struct matrix){pass->x, layer->inputs, false},
                     part->columns, dz, pass->gradients + part->by_x_offset);
    pack_add_product(pass->pack, layer->units, (struct matrix){by_h, layer->units, false},
                     part->columns, dh, pass->gradients + part->by_h_offset);
    blas_add_column_sums(rows, part->columns, dz.data, width, pass->gradients + part->bias_offset);
    if (pass->dx != NULL) {
        const struct matrix by_x = {part->by_x.data, part->columns, true};
        blas_multiply(rows, layer->inputs, part->columns, dz, by_x, pass->dx, layer->inputs,
                      part->first > 0);
    }
}

/* What the backward pass needs of every step besides h before it, while `gates` still has r:
 * r * h, which the candidate kernel was multiplied with, or with reset_after the hidden
 * projection. */
static void fill_second_history(const struct layer *layer, const struct layer_backward *pass)
{
    const size_t units = layer->units, rows = pass->pack->rows;
    float *second = pass->second_history;
    if (!layer->reset_after) {
        for (size_t r = 0; r < rows; r++)
            for (size_t k = 0; k < units; k++)
                second[r * units + k] =
                    pass->gates[r * 3 * units + k] * pass->history[r * units + k];
        return;
    }
    const struct part candidate = part_of(layer, pass->weights, true);
    for (size_t r = 0; r < rows; r++)
        memcpy(second + r * units, pass->weights + layer->tensors[HIDDEN_BIAS],
               units * sizeof *second);
    blas_multiply(rows, units, units, (struct matrix){pass->history, units, false}, candidate.by_h,
                  second, units, true);
}

static void backward(const struct layer *layer, const struct layer_backward *pass)
{
    const size_t units = layer->units, width = 3 * units, rows = pass->pack->rows;
    const struct part gates = part_of(layer, pass->weights, false);
    const struct part candidate = part_of(layer, pass->weights, true);
    recurrent_history(pass->pack, units, pass->initial_state[1], pass->y, pass->history);
    fill_second_history(layer, pass);
    backward_steps(layer, pass);
    add_gradients(layer, pass, &gates, pass->history, (struct matrix){pass->gates, width, false});
    if (layer->reset_after) {
        const struct matrix dhidden = {pass->second_history, units, false};
        add_gradients(layer, pass, &candidate, pass->history, dhidden);
        blas_add_column_sums(rows, units, dhidden.data, units,
                             pass->gradients + layer->tensors[HIDDEN_BIAS]);
    } else {
        const struct matrix dz = {pass->gates + candidate.first, width, false};
        add_gradients(layer, pass, &candidate, pass->second_history, dz);
    }
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
