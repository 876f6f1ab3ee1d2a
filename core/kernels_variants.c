/* kernels_variants.c: the steps of the cells that BasicLSTMCell and GRUCell do not cover, for the
 * instruction set that KERNEL_ISA names. SPDX-License-Identifier: Apache-2.0
 *
 * Activations are told apart at every vector, and vectors that a row does not fill are copied: a
 * third slower than kernels_simd.c, but one loop for all combinations. Values are loaded before any
 * is stored to the same place, so that in and out may share memory as kernels.h says. */
#include "core/kernels_vector.h"

/* Not inlined: a cell has several activations, and a copy of all of them for each is large. */
static __attribute__((noinline)) vf activate(enum activation activation, vf x)
{
    return activation_v(activation, x);
}

static __attribute__((noinline)) vf slope(enum activation activation, vf y)
{
    return slope_v(activation, y);
}

/* ---- LSTMCell ------------------------------------------------------------------------------- */

static vf peephole(const float *weights, size_t k, size_t n, vf c)
{
    return weights != NULL ? load_some(weights + k, n) * c : (vf){0};
}

/* What a gate is before its activation, without the peephole. */
static vf gate_sum(const struct lstm_variant_step *step, const float *gates, size_t gate, size_t k,
                   size_t n)
{
    const size_t at = gate * step->units + k;
    return load_some(gates + at, n) + load_some(step->bias + at, n);
}

/* Values k .. k + n of row r. */
static void lstm_vector(const struct lstm_variant_step *step, size_t r, size_t k, size_t n)
{
    const size_t units = step->units, at = r * units + k;
    const struct lstm_peepholes *peep = &step->peepholes;
    float *gates = step->gates + r * 4 * units;
    const vf c_prev = load_some(step->c_prev + at, n);
    const vf i = activate(step->recurrent_activation,
                          gate_sum(step, gates, 0, k, n) + peephole(peep->i, k, n, c_prev));
    const vf j = activate(step->activation, gate_sum(step, gates, 1, k, n));
    const vf f =
        activate(step->recurrent_activation, gate_sum(step, gates, 2, k, n) + step->forget_bias +
                                                 peephole(peep->f, k, n, c_prev));
    vf c = f * c_prev + i * j;
    if (step->cell_clip > 0.0f)
        c = clamp(c, step->cell_clip);
    const vf o = activate(step->recurrent_activation,
                          gate_sum(step, gates, 3, k, n) + peephole(peep->o, k, n, c));
    store_some(gates + k, i, n);
    store_some(gates + units + k, j, n);
    store_some(gates + 2 * units + k, f, n);
    store_some(gates + 3 * units + k, o, n);
    store_some(step->c + at, c, n);
    store_some(step->m + at, o * activate(step->activation, c), n);
}

void KERNEL_NAME(kernels_lstm_variant_step)(const struct lstm_variant_step *step)
{
    for (size_t r = 0; r < step->rows; r++)
        for (size_t k = 0; k < step->units; k += LANES)
            lstm_vector(step, r, k, step->units - k);
}

static void add_some(float *to, size_t k, vf x, size_t n)
{
    store_some(to + k, load_some(to + k, n) + x, n);
}

static void lstm_vector_backward(const struct lstm_variant_backward *step, size_t r, size_t k,
                                 size_t n)
{
    const size_t units = step->units, at = r * units + k;
    const struct lstm_peepholes *peep = &step->peepholes;
    float *gates = step->gates + r * 4 * units;
    const vf i = load_some(gates + k, n), j = load_some(gates + units + k, n);
    const vf f = load_some(gates + 2 * units + k, n), o = load_some(gates + 3 * units + k, n);
    const vf c_prev = load_some(step->c_prev + at, n), c = load_some(step->c + at, n);
    const vf dm = load_some(step->dm + at, n);
    const vf act_c = activate(step->activation, c);

    const vf dz_o = dm * act_c * slope(step->recurrent_activation, o);
    vf dc = load_some(step->dc + at, n) + dm * o * slope(step->activation, act_c) +
            peephole(peep->o, k, n, dz_o);
    if (step->cell_clip > 0.0f)
        dc = choose(absolute(c) < step->cell_clip, dc, (vf){0});
    const vf dz_i = dc * j * slope(step->recurrent_activation, i);
    const vf dz_f = dc * c_prev * slope(step->recurrent_activation, f);
    store_some(gates + k, dz_i, n);
    store_some(gates + units + k, dc * i * slope(step->activation, j), n);
    store_some(gates + 2 * units + k, dz_f, n);
    store_some(gates + 3 * units + k, dz_o, n);
    store_some(step->dc + at,
               dc * f + peephole(peep->i, k, n, dz_i) + peephole(peep->f, k, n, dz_f), n);
    if (step->m != NULL)
        store_some(step->m + at, o * act_c, n);
    if (peep->i != NULL) {
        add_some(step->dpeepholes[0], k, dz_i * c_prev, n);
        add_some(step->dpeepholes[1], k, dz_f * c_prev, n);
        add_some(step->dpeepholes[2], k, dz_o * c, n);
    }
}

void KERNEL_NAME(kernels_lstm_variant_backward)(const struct lstm_variant_backward *step)
{
    for (size_t r = 0; r < step->rows; r++)
        for (size_t k = 0; k < step->units; k += LANES)
            lstm_vector_backward(step, r, k, step->units - k);
}

/* ---- GRUCell -------------------------------------------------------------------------------- */

static void gru_gates_vector(const struct gru_step *step, size_t r, size_t k, size_t n)
{
    const size_t units = step->units, at = r * units + k;
    float *gates = step->gates + r * 3 * units;
    const vf reset = activate(step->recurrent_activation,
                              load_some(gates + k, n) + load_some(step->gate_bias + k, n));
    const vf update =
        activate(step->recurrent_activation,
                 load_some(gates + units + k, n) + load_some(step->gate_bias + units + k, n));
    store_some(gates + k, reset, n);
    store_some(gates + units + k, update, n);
    if (step->hidden_bias == NULL)
        store_some(step->reset_h + at, reset * load_some(step->h_prev + at, n), n);
}

void KERNEL_NAME(kernels_gru_variant_gates)(const struct gru_step *step)
{
    for (size_t r = 0; r < step->rows; r++)
        for (size_t k = 0; k < step->units; k += LANES)
            gru_gates_vector(step, r, k, step->units - k);
}

static void gru_output_vector(const struct gru_step *step, size_t r, size_t k, size_t n)
{
    const size_t units = step->units, at = r * units + k;
    float *gates = step->gates + r * 3 * units;
    const vf update = load_some(gates + units + k, n), h_prev = load_some(step->h_prev + at, n);
    vf z = load_some(gates + 2 * units + k, n) + load_some(step->candidate_bias + k, n);
    if (step->hidden_bias != NULL)
        z += load_some(gates + k, n) *
             (load_some(step->reset_h + at, n) + load_some(step->hidden_bias + k, n));
    const vf candidate = activate(step->activation, z);
    store_some(gates + 2 * units + k, candidate, n);
    store_some(step->h + at, update * h_prev + (1.0f - update) * candidate, n);
}

void KERNEL_NAME(kernels_gru_variant_output)(const struct gru_step *step)
{
    for (size_t r = 0; r < step->rows; r++)
        for (size_t k = 0; k < step->units; k += LANES)
            gru_output_vector(step, r, k, step->units - k);
}

static void gru_output_vector_backward(const struct gru_step_backward *step, size_t r, size_t k,
                                       size_t n)
{
    const size_t units = step->units, at = r * units + k;
    float *gates = step->gates + r * 3 * units;
    const vf update = load_some(gates + units + k, n);
    const vf candidate = load_some(gates + 2 * units + k, n);
    const vf dh = load_some(step->dh + at, n), h_prev = load_some(step->h_prev + at, n);
    const vf dz = dh * (1.0f - update) * slope(step->activation, candidate);
    store_some(gates + units + k,
               dh * (h_prev - candidate) * slope(step->recurrent_activation, update), n);
    store_some(gates + 2 * units + k, dz, n);
    store_some(step->dh + at, dh * update, n);
    if (step->dhidden != NULL) {
        const vf reset = load_some(gates + k, n), hidden = load_some(step->dhidden + at, n);
        store_some(gates + k, dz * hidden * slope(step->recurrent_activation, reset), n);
        store_some(step->dhidden + at, dz * reset, n);
    }
}

void KERNEL_NAME(kernels_gru_variant_output_backward)(const struct gru_step_backward *step)
{
    for (size_t r = 0; r < step->rows; r++)
        for (size_t k = 0; k < step->units; k += LANES)
            gru_output_vector_backward(step, r, k, step->units - k);
}

static void gru_gates_vector_backward(const struct gru_step_backward *step, size_t r, size_t k,
                                      size_t n)
{
    const size_t units = step->units, at = r * units + k;
    float *gates = step->gates + r * 3 * units;
    const vf reset = load_some(gates + k, n), dreset_h = load_some(step->dreset_h + at, n);
    const vf dreset = dreset_h * load_some(step->h_prev + at, n);
    store_some(gates + k, dreset * slope(step->recurrent_activation, reset), n);
    add_some(step->dh, at, dreset_h * reset, n);
}

void KERNEL_NAME(kernels_gru_variant_gates_backward)(const struct gru_step_backward *step)
{
    for (size_t r = 0; r < step->rows; r++)
        for (size_t k = 0; k < step->units; k += LANES)
            gru_gates_vector_backward(step, r, k, step->units - k);
}
