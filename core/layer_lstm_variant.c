/* layer_lstm_variant.c: LSTMCell with peepholes, clips, a projection or other activations, forward
 * and backward. SPDX-License-Identifier: Apache-2.0
 *
 *   z = [x, h] @ kernel + bias;  i, j, f, o = split(z, 4)
 *   c' = rec(f + forget_bias + w_f * c) * c + rec(i + w_i * c) * act(j), clipped to +-cell_clip
 *   m = rec(o + w_o * c') * act(c');  h' = m @ projection, clipped to +-proj_clip
 * (TensorFlow 1 python/ops/rnn_cell_impl.py, LSTMCell.call). kernel [D + H, 4U], projection [U, H];
 * without one h' is m. The gradient of a clip is that of clip_by_value: none for what was cut off;
 * it is told by the value's having reached the bound. */
#include <math.h>
#include <string.h>

#include "core/kernels.h"
#include "core/layer_lstm.h"

/* The tensors that only variants have, or their gradients. NULL: the layer has none. */
struct extras {
    const float *peepholes[3];
    struct matrix projection;
};

static struct extras extras_of(const struct layer *layer, const float *weights)
{
    struct extras extras = {0};
    for (size_t k = 0; k < 3 && layer->use_peepholes; k++)
        extras.peepholes[k] = weights + layer->tensors[LSTM_W_I + k];
    if (layer->num_proj > 0)
        extras.projection =
            (struct matrix){weights + layer->tensors[layer->n_tensors - 1], layer->num_proj, false};
    return extras;
}

static void clip(float *x, size_t n, float limit)
{
    for (size_t i = 0; i < n; i++)
        x[i] = fminf(fmaxf(x[i], -limit), limit);
}

/* h' of `rows` rows from m. */
static void apply_projection(const struct layer *layer, const struct extras *extras, size_t rows,
                             const float *m, float *h)
{
    blas_multiply(rows, layer->outputs, layer->units, (struct matrix){m, layer->units, false},
                  extras->projection, h, layer->outputs, false);
    if (layer->proj_clip > 0.0)
        clip(h, rows * layer->outputs, (float)layer->proj_clip);
}

void lstm_variant_forward(const struct layer *layer, const struct layer_forward *pass)
{
    const struct kernels *kernels = kernels_best();
    const struct pack *pack = pass->pack;
    const struct lstm_weights w = lstm_weights_of(layer, pass->weights);
    const struct extras extras = extras_of(layer, pass->weights);
    const size_t units = layer->units, outputs = layer->outputs;
    const float *c = pass->state[0], *h = pass->state[1];
    size_t offset = 0;
    for (size_t t = 0; t < pack->n_steps; t++) {
        const size_t rows = pack->rows_at[t];
        float *next_h = pass->y != NULL ? pass->y + offset * outputs : pass->state[1];
        if (t % pack->parallel_iterations == 0)
            lstm_project(layer, pass, &w, t, offset);
        const struct lstm_variant_step step = {
            .rows = rows,
            .units = units,
            .activation = (enum activation)layer->activation,
            .recurrent_activation = (enum activation)layer->recurrent_activation,
            .forget_bias = (float)layer->forget_bias,
            .cell_clip = (float)layer->cell_clip,
            .bias = w.bias,
            .peepholes = {extras.peepholes[0], extras.peepholes[1], extras.peepholes[2]},
            .gates = pass->gates + offset * 4 * units,
            .c_prev = c,
            .c = pass->c_steps != NULL ? pass->c_steps + offset * units : pass->state[0],
            .m = layer->num_proj > 0 ? pass->scratch : next_h};
        blas_multiply(rows, 4 * units, outputs, (struct matrix){h, outputs, false}, w.by_h,
                      step.gates, 4 * units, true);
        kernels->lstm_variant_step(&step);
        if (layer->num_proj > 0)
            apply_projection(layer, &extras, rows, step.m, next_h);
        pack_give_way(pack);
        c = step.c;
        h = next_h;
        offset += rows;
    }
    if (pass->c_steps != NULL)
        recurrent_keep_last(pack, units, pass->c_steps, pass->state[0]);
    if (pass->y != NULL)
        recurrent_keep_last(pack, outputs, pass->y, pass->state[1]);
}

/* dh of a step's rows, by h', becomes what it is before the clip, and stays in `kept`; dm, the
 * gradient by m, is made from it. */
static void unproject(const struct layer *layer, const struct extras *extras, size_t rows,
                      const float *h, const float *dh, float *kept, float *dm)
{
    const size_t n = rows * layer->outputs;
    const float limit = (float)layer->proj_clip;
    for (size_t i = 0; i < n; i++)
        kept[i] = limit > 0.0f && fabsf(h[i]) >= limit ? 0.0f : dh[i];
    const struct matrix back = {extras->projection.data, layer->outputs, true};
    blas_multiply(rows, layer->units, layer->outputs, (struct matrix){kept, layer->outputs, false},
                  back, dm, layer->units, false);
}

/* Through the steps, last to first: leaves the gradient before activation in pass->gates. With a
 * projection, leaves its gradient by h in pass->history and m in pass->second_history. */
static void backward_steps(const struct layer *layer, const struct layer_backward *pass)
{
    const struct kernels *kernels = kernels_best();
    const struct pack *pack = pass->pack;
    const size_t units = layer->units, outputs = layer->outputs;
    const bool is_projected = layer->num_proj > 0;
    const struct lstm_weights w = lstm_weights_of(layer, pass->weights);
    const struct extras extras = extras_of(layer, pass->weights);
    float *dc = pass->dstate[0], *dh = pass->dstate[1];
    recurrent_transpose(outputs, 4 * units, w.by_h.data, 4 * units, pass->transposed);
    size_t offset = pack->rows;
    for (size_t t = pack->n_steps; t-- > 0;) {
        const size_t rows = pack->rows_at[t];
        offset -= rows;
        if (pass->dy != NULL)
            kernels->add(dh, pass->dy + offset * outputs, rows * outputs);
        if (is_projected)
            unproject(layer, &extras, rows, pass->y + offset * outputs, dh,
                      pass->history + offset * outputs, pass->scratch);
        struct lstm_variant_backward step = {
            .rows = rows,
            .units = units,
            .activation = (enum activation)layer->activation,
            .recurrent_activation = (enum activation)layer->recurrent_activation,
            .cell_clip = (float)layer->cell_clip,
            .peepholes = {extras.peepholes[0], extras.peepholes[1], extras.peepholes[2]},
            .gates = pass->gates + offset * 4 * units,
            .c_prev = t > 0 ? pass->c_steps + (offset - pack->rows_at[t - 1]) * units
                            : pass->initial_state[0],
            .c = pass->c_steps + offset * units,
            .dm = is_projected ? pass->scratch : dh,
            .dc = dc,
            .m = is_projected ? pass->second_history + offset * units : NULL};
        for (size_t k = 0; k < 3 && layer->use_peepholes; k++)
            step.dpeepholes[k] = pass->gradients + layer->tensors[LSTM_W_I + k];
        kernels->lstm_variant_backward(&step);
        blas_multiply(rows, outputs, 4 * units, (struct matrix){step.gates, 4 * units, false},
                      (struct matrix){pass->transposed, outputs, false}, dh, outputs, false);
        pack_give_way(pack);
    }
}

void lstm_variant_backward(const struct layer *layer, const struct layer_backward *pass)
{
    backward_steps(layer, pass);
    if (layer->num_proj > 0)
        pack_add_product(pass->pack, layer->units,
                         (struct matrix){pass->second_history, layer->units, false}, layer->outputs,
                         (struct matrix){pass->history, layer->outputs, false},
                         pass->gradients + layer->tensors[layer->n_tensors - 1]);
    lstm_add_gradients(layer, pass);
}
