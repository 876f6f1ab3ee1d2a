/* layer_lstm.c: BasicLSTMCell under dynamic_rnn, forward and backward; what is more than that is in
 * layer_lstm_variant.c. SPDX-License-Identifier: Apache-2.0
 *
 *   z = [x, h] @ kernel + bias;  i, j, f, o = split(z, 4)
 *   c' = c * sigmoid(f + forget_bias) + sigmoid(i) * act(j);  h' = act(c') * sigmoid(o)
 * (TensorFlow 1 python/ops/rnn_cell_impl.py). kernel [D + U, 4U]: the rows of x, then those of h;
 * the products with x need no state and are done for parallel_iterations steps at once. */
#include <float.h>
#include <stddef.h>
#include <string.h>

#include "core/kernels.h"
#include "core/layer_lstm.h"
#include "core/status.h"

static const char *const gate_names[] = {"i", "j", "f", "o"};

#define LSTM_REAL(key, member, low)                                                                \
    {                                                                                              \
        key, FIELD_REAL, offsetof(struct layer, member), low, (double)FLT_MAX, NULL, NULL, false   \
    }

static const struct field fields[] = {
    LAYER_FIELD_TYPE,
    LAYER_FIELD_NAME,
    LAYER_FIELD_UNITS,
    {"forget_bias", FIELD_REAL, offsetof(struct layer, forget_bias), -1e6, 1e6, NULL, NULL, false},
    LAYER_FIELD_ACTIVATION(recurrent_activations),
    LAYER_FIELD_RECURRENT_ACTIVATION(recurrent_activations),
    {"use_peepholes", FIELD_BOOL, offsetof(struct layer, use_peepholes), 0, 0, NULL, NULL, false},
    {"num_proj", FIELD_SIZE, offsetof(struct layer, num_proj), 0, LAYER_MAX_UNITS, NULL, NULL,
     false},
    LSTM_REAL("proj_clip", proj_clip, 0),
    LSTM_REAL("cell_clip", cell_clip, 0),
    LAYER_FIELD_SEQUENCES,
    LAYER_FIELD_DIRECTIONS,
    LAYER_FIELD_REUSE,
    LAYER_FIELD_INITIALIZERS,
    {0}};

static enum lstm_status check(const struct layer *layer, struct lstm_error *error)
{
    if (layer->proj_clip > 0.0 && layer->num_proj == 0)
        return lstm_fail(error, LSTM_INVALID,
                         "layers[%zu].proj_clip: expected 0 or none, as without num_proj there is "
                         "no projection to clip, found %g",
                         layer->number, layer->proj_clip);
    return LSTM_OK;
}

static size_t list_tensors(const struct layer *layer, struct layer_tensor *tensors)
{
    static const char *const diagonals[] = {"w_i_diag", "w_f_diag", "w_o_diag"};
    const struct initializer glorot = {.type = INITIALIZER_GLOROT_UNIFORM};
    const size_t columns = 4 * layer->units;
    size_t n = 0;
    tensors[n++] = (struct layer_tensor){
        "kernel", false, 2, {layer->inputs + layer->outputs, columns}, glorot};
    tensors[n++] =
        (struct layer_tensor){"bias", true, 1, {columns, 1}, {.type = INITIALIZER_CONSTANT}};
    for (size_t k = 0; k < 3 && layer->use_peepholes; k++)
        tensors[n++] = (struct layer_tensor){diagonals[k], false, 1, {layer->units, 1}, glorot};
    if (layer->num_proj > 0)
        tensors[n++] = (struct layer_tensor){
            "projection/kernel", false, 2, {layer->units, layer->num_proj}, glorot};
    return n;
}

/* Whether the kernels of BasicLSTMCell compute the layer. */
static bool is_basic(const struct layer *layer)
{
    return recurrent_is_basic(layer) && !layer->use_peepholes && layer->num_proj == 0 &&
           layer->cell_clip == 0.0;
}

struct lstm_weights lstm_weights_of(const struct layer *layer, const float *weights)
{
    const float *kernel = weights + layer->tensors[LSTM_KERNEL];
    const size_t columns = 4 * layer->units;
    return (struct lstm_weights){{kernel, columns, false},
                                 {kernel + layer->inputs * columns, columns, false},
                                 weights + layer->tensors[LSTM_BIAS]};
}

void lstm_project(const struct layer *layer, const struct layer_forward *pass,
                  const struct lstm_weights *w, size_t t, size_t offset)
{
    const struct pack *pack = pass->pack;
    size_t rows = 0;
    for (size_t i = t; i < pack->n_steps && i < t + pack->parallel_iterations; i++)
        rows += pack->rows_at[i];
    const struct matrix x = {pass->x + offset * layer->inputs, layer->inputs, false};
    blas_multiply(rows, 4 * layer->units, layer->inputs, x, w->by_x,
                  pass->gates + offset * 4 * layer->units, 4 * layer->units, false);
}

/* `outputs` is `units` here and in backward_steps(). */
static void basic_forward(const struct layer *layer, const struct layer_forward *pass)
{
    const struct kernels *kernels = kernels_best();
    const struct pack *pack = pass->pack;
    const struct lstm_weights w = lstm_weights_of(layer, pass->weights);
    const size_t units = layer->units;
    const float *c = pass->state[0], *h = pass->state[1];
    size_t offset = 0;
    for (size_t t = 0; t < pack->n_steps; t++) {
        const size_t rows = pack->rows_at[t];
        if (t % pack->parallel_iterations == 0)
            lstm_project(layer, pass, &w, t, offset);
        const struct lstm_step step = {
            .rows = rows,
            .units = units,
            .activation = (enum activation)layer->activation,
            .forget_bias = (float)layer->forget_bias,
            .bias = w.bias,
            .gates = pass->gates + offset * 4 * units,
            .c_prev = c,
            .c = pass->c_steps != NULL ? pass->c_steps + offset * units : pass->state[0],
            .h = pass->y != NULL ? pass->y + offset * units : pass->state[1],
            .keep_gates = pass->keep_gates};
        blas_multiply(rows, 4 * units, units, (struct matrix){h, units, false}, w.by_h, step.gates,
                      4 * units, true);
        kernels->lstm_step(&step);
        pack_give_way(pack);
        c = step.c;
        h = step.h;
        offset += rows;
    }
    if (pass->c_steps != NULL)
        recurrent_keep_last(pack, units, pass->c_steps, pass->state[0]);
    if (pass->y != NULL)
        recurrent_keep_last(pack, units, pass->y, pass->state[1]);
}

/* Through the steps, last to first: leaves the gradient before activation in pass->gates. */
static void backward_steps(const struct layer *layer, const struct layer_backward *pass)
{
    const struct kernels *kernels = kernels_best();
    const struct pack *pack = pass->pack;
    const size_t units = layer->units;
    const struct lstm_weights w = lstm_weights_of(layer, pass->weights);
    float *dc = pass->dstate[0], *dh = pass->dstate[1];
    recurrent_transpose(units, 4 * units, w.by_h.data, 4 * units, pass->transposed);
    size_t offset = pack->rows;
    for (size_t t = pack->n_steps; t-- > 0;) {
        const size_t rows = pack->rows_at[t];
        offset -= rows;
        if (pass->dy != NULL)
            kernels->add(dh, pass->dy + offset * units, rows * units);
        memcpy(pass->scratch, pass->c_steps + offset * units, rows * units * sizeof *dh);
        activation_apply((enum activation)layer->activation, pass->scratch, rows, units);
        const struct lstm_step_backward step = {
            .rows = rows,
            .units = units,
            .activation = (enum activation)layer->activation,
            .gates = pass->gates + offset * 4 * units,
            .c_prev = t > 0 ? pass->c_steps + (offset - pack->rows_at[t - 1]) * units
                            : pass->initial_state[0],
            .act_c = pass->scratch,
            .dh = dh,
            .dc = dc};
        kernels->lstm_step_backward(&step);
        blas_multiply(rows, units, 4 * units, (struct matrix){step.gates, 4 * units, false},
                      (struct matrix){pass->transposed, units, false}, dh, units, false);
        pack_give_way(pack);
    }
}

void lstm_add_gradients(const struct layer *layer, const struct layer_backward *pass)
{
    const size_t rows = pass->pack->rows, outputs = layer->outputs, columns = 4 * layer->units;
    const struct lstm_weights w = lstm_weights_of(layer, pass->weights);
    const struct matrix dz = {pass->gates, columns, false};
    float *dkernel = pass->gradients + layer->tensors[LSTM_KERNEL];
    recurrent_history(pass->pack, outputs, pass->initial_state[1], pass->y, pass->history);
    pack_add_product(pass->pack, layer->inputs, (struct matrix){pass->x, layer->inputs, false},
                     columns, dz, dkernel);
    pack_add_product(pass->pack, outputs, (struct matrix){pass->history, outputs, false}, columns,
                     dz, dkernel + layer->inputs * columns);
    blas_add_column_sums(rows, columns, pass->gates, columns,
                         pass->gradients + layer->tensors[LSTM_BIAS]);
    if (pass->dx != NULL) {
        const struct matrix by_x = {w.by_x.data, columns, true};
        blas_multiply(rows, layer->inputs, columns, dz, by_x, pass->dx, layer->inputs, false);
    }
}

static void forward(const struct layer *layer, const struct layer_forward *pass)
{
    if (is_basic(layer))
        basic_forward(layer, pass);
    else
        lstm_variant_forward(layer, pass);
}

static void backward(const struct layer *layer, const struct layer_backward *pass)
{
    if (!is_basic(layer)) {
        lstm_variant_backward(layer, pass);
        return;
    }
    backward_steps(layer, pass);
    lstm_add_gradients(layer, pass);
}

const struct layer_type layer_lstm = {.name = "lstm",
                                      .default_name = "basic_lstm_cell",
                                      .fields = fields,
                                      .is_recurrent = true,
                                      .has_c = true,
                                      .n_gates = 4,
                                      .gate_names = gate_names,
                                      .check = check,
                                      .list_tensors = list_tensors,
                                      .forward = forward,
                                      .backward = backward};
