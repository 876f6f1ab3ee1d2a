/* kernels_simd.c: the loops of kernels.h for the instruction set that KERNEL_ISA names, in vectors
 * of KERNEL_LANES floats. SPDX-License-Identifier: Apache-2.0
 *
 * A row of U values is done in whole vectors; where U is no multiple of KERNEL_LANES, the last
 * vector overlaps the one before. It is computed first and stored last, so that what it reads is
 * not yet overwritten, and both write the same values where they overlap. Rows shorter than one
 * vector go through padded copies. */
#include <math.h>

#include "core/kernels_vector.h"

#define TEXT_(a) #a
#define TEXT(a)  TEXT_(a)

INLINE vf activate(enum activation activation, vf x)
{
    switch (activation) {
    case ACTIVATION_TANH:
        return tanh_v(x);
    case ACTIVATION_SIGMOID:
        return sigmoid_v(x);
    case ACTIVATION_RELU:
        return choose(x < 0.0f, splat(0.0f), x);
    default:
        return x;
    }
}

/* Calls `call` with the activation as a constant, so that each gets a loop of its own. */
#define BY_ACTIVATION(activation, call)                                                            \
    switch (activation) {                                                                          \
    case ACTIVATION_TANH:                                                                          \
        call(ACTIVATION_TANH);                                                                     \
        break;                                                                                     \
    case ACTIVATION_SIGMOID:                                                                       \
        call(ACTIVATION_SIGMOID);                                                                  \
        break;                                                                                     \
    case ACTIVATION_RELU:                                                                          \
        call(ACTIVATION_RELU);                                                                     \
        break;                                                                                     \
    default:                                                                                       \
        call(ACTIVATION_LINEAR);                                                                   \
    }

/* Applies `function` to x [n] in place. */
#define DEFINE_MAP(name, function)                                                                 \
    static void name(float *x, size_t n)                                                           \
    {                                                                                              \
        size_t i = 0;                                                                              \
        for (; i + LANES <= n; i += LANES)                                                         \
            store(x + i, function(load(x + i)));                                                   \
        if (i < n) {                                                                               \
            float rest[LANES] = {0};                                                               \
            memcpy(rest, x + i, (n - i) * sizeof *x);                                              \
            store(rest, function(load(rest)));                                                     \
            memcpy(x + i, rest, (n - i) * sizeof *x);                                              \
        }                                                                                          \
    }

DEFINE_MAP(exp_map, exp_v)
DEFINE_MAP(sigmoid_map, sigmoid_v)
DEFINE_MAP(tanh_map, tanh_v)

/* ---- BasicLSTMCell -------------------------------------------------------------------------- */

/* Pointers to one row of a step; U apart within gates and bias. */
struct lstm_row {
    size_t units;
    float forget_bias;
    const float *bias, *c_prev;
    float *gates, *c, *h;
};

/* i, j and o are filled only where gates are kept. */
struct lstm_values {
    vf i, j, f, o, c, h;
};

/* sigmoid(gate) * tanh(x) with one division instead of two, which are what the gates' time goes to:
 * with a = e^-gate and b = e^2x - 1 it is b / ((1 + a) * (b + 2)). Neither factor exceeds e^40, and
 * sigmoid(-40) is 4e-18. */
INLINE vf sigmoid_times_tanh(vf gate, vf x)
{
    const struct power a = power_of_e(clamp(-gate, 40.0f));
    const struct power b = power_of_e(clamp(x + x, 40.0f));
    const vf one_and_a = a.scale * a.fraction + (a.scale + 1.0f);
    const vf less_one = b.scale * b.fraction + (b.scale - 1.0f);
    return less_one / (one_and_a * (less_one + 2.0f));
}

INLINE struct lstm_values lstm_compute(const struct lstm_row *row, size_t k,
                                       enum activation activation, bool keep_gates)
{
    const size_t units = row->units;
    const float *gates = row->gates + k, *bias = row->bias + k;
    const vf i = load(gates) + load(bias), j = load(gates + units) + load(bias + units);
    const vf f = load(gates + 2 * units) + load(bias + 2 * units) + row->forget_bias;
    const vf o = load(gates + 3 * units) + load(bias + 3 * units);
    struct lstm_values v = {.f = sigmoid_v(f)};
    if (activation == ACTIVATION_TANH && !keep_gates) {
        v.c = load(row->c_prev + k) * v.f + sigmoid_times_tanh(i, j);
        v.h = sigmoid_times_tanh(o, v.c);
        return v;
    }
    v.i = sigmoid_v(i);
    v.j = activate(activation, j);
    v.o = sigmoid_v(o);
    v.c = load(row->c_prev + k) * v.f + v.i * v.j;
    v.h = activate(activation, v.c) * v.o;
    return v;
}

INLINE void lstm_store(const struct lstm_row *row, size_t k, const struct lstm_values *v,
                       bool keep_gates)
{
    store(row->c + k, v->c);
    store(row->h + k, v->h);
    if (!keep_gates)
        return;
    store(row->gates + k, v->i);
    store(row->gates + row->units + k, v->j);
    store(row->gates + 2 * row->units + k, v->f);
    store(row->gates + 3 * row->units + k, v->o);
}

INLINE void lstm_wide_row(const struct lstm_row *row, enum activation activation, bool keep_gates)
{
    const size_t last = row->units - LANES;
    const struct lstm_values tail = lstm_compute(row, last, activation, keep_gates);
    for (size_t k = 0; k < last; k += LANES) {
        struct lstm_values v = lstm_compute(row, k, activation, keep_gates);
        lstm_store(row, k, &v, keep_gates);
    }
    lstm_store(row, last, &tail, keep_gates);
}

/* Copies `blocks` blocks of n values that lie `stride` apart to blocks LANES apart, or back. */
static void spread(float *to, size_t to_stride, const float *from, size_t from_stride,
                   size_t blocks, size_t n)
{
    for (size_t b = 0; b < blocks; b++)
        memcpy(to + b * to_stride, from + b * from_stride, n * sizeof *to);
}

INLINE void lstm_narrow_row(const struct lstm_row *row, enum activation activation, bool keep_gates)
{
    const size_t units = row->units;
    float gates[4 * LANES] = {0}, bias[4 * LANES] = {0}, c[LANES] = {0}, h[LANES];
    spread(gates, LANES, row->gates, units, 4, units);
    spread(bias, LANES, row->bias, units, 4, units);
    memcpy(c, row->c_prev, units * sizeof *c);
    const struct lstm_row padded = {LANES, row->forget_bias, bias, c, gates, c, h};
    const struct lstm_values v = lstm_compute(&padded, 0, activation, keep_gates);
    lstm_store(&padded, 0, &v, keep_gates);
    memcpy(row->c, c, units * sizeof *c);
    memcpy(row->h, h, units * sizeof *h);
    if (keep_gates)
        spread(row->gates, units, gates, LANES, 4, units);
}

INLINE void lstm_rows(const struct lstm_step *step, enum activation activation, bool keep_gates)
{
    const size_t units = step->units;
    for (size_t r = 0; r < step->rows; r++) {
        const struct lstm_row row = {.units = units,
                                     .forget_bias = step->forget_bias,
                                     .bias = step->bias,
                                     .c_prev = step->c_prev + r * units,
                                     .gates = step->gates + r * 4 * units,
                                     .c = step->c + r * units,
                                     .h = step->h + r * units};
        if (units >= LANES)
            lstm_wide_row(&row, activation, keep_gates);
        else
            lstm_narrow_row(&row, activation, keep_gates);
    }
}

static void lstm_step(const struct lstm_step *step)
{
#define CALL(constant)                                                                             \
    if (step->keep_gates)                                                                          \
        lstm_rows(step, constant, true);                                                           \
    else                                                                                           \
        lstm_rows(step, constant, false)
    BY_ACTIVATION(step->activation, CALL)
#undef CALL
}

/* ---- Plain loops: the compiler vectorises them (this file is built with -O3) ------------------
 */

/* The derivative, by the output. */
INLINE float slope(enum activation activation, float y)
{
    switch (activation) {
    case ACTIVATION_TANH:
        return 1.0f - y * y;
    case ACTIVATION_SIGMOID:
        return y * (1.0f - y);
    case ACTIVATION_RELU:
        return y > 0.0f ? 1.0f : 0.0f;
    default:
        return 1.0f;
    }
}

INLINE void lstm_backward_rows(const struct lstm_step_backward *step, enum activation activation)
{
    const size_t units = step->units;
    for (size_t r = 0; r < step->rows; r++) {
        float *restrict gates = step->gates + r * 4 * units;
        float *restrict dc = step->dc + r * units;
        const float *restrict dh = step->dh + r * units;
        const float *restrict act_c = step->act_c + r * units;
        const float *restrict c_prev = step->c_prev + r * units;
        for (size_t k = 0; k < units; k++) {
            const float i = gates[k], j = gates[units + k];
            const float f = gates[2 * units + k], o = gates[3 * units + k];
            const float by_c = dc[k] + dh[k] * o * slope(activation, act_c[k]);
            gates[k] = by_c * j * i * (1.0f - i);
            gates[units + k] = by_c * i * slope(activation, j);
            gates[2 * units + k] = by_c * c_prev[k] * f * (1.0f - f);
            gates[3 * units + k] = dh[k] * act_c[k] * o * (1.0f - o);
            dc[k] = by_c * f;
        }
    }
}

static void lstm_step_backward(const struct lstm_step_backward *step)
{
#define CALL(constant) lstm_backward_rows(step, constant)
    BY_ACTIVATION(step->activation, CALL)
#undef CALL
}

static void add(float *restrict y, const float *restrict x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] += x[i];
}

/* ---- GRUCell -------------------------------------------------------------------------------- */

static void gru_gates(const struct gru_step *step)
{
    const size_t units = step->units;
    for (size_t r = 0; r < step->rows; r++) {
        float *gates = step->gates + r * 3 * units;
        const float *restrict h_prev = step->h_prev + r * units;
        float *restrict reset_h = step->reset_h + r * units;
        add(gates, step->gate_bias, 2 * units);
        sigmoid_map(gates, 2 * units);
        for (size_t k = 0; k < units; k++)
            reset_h[k] = gates[k] * h_prev[k];
    }
}

static void activate_map(enum activation activation, float *x, size_t n)
{
    if (activation == ACTIVATION_TANH)
        tanh_map(x, n);
    else if (activation == ACTIVATION_SIGMOID)
        sigmoid_map(x, n);
    else if (activation == ACTIVATION_RELU)
        for (size_t i = 0; i < n; i++)
            x[i] = x[i] < 0.0f ? 0.0f : x[i];
}

static void gru_output(const struct gru_step *step)
{
    const size_t units = step->units;
    for (size_t r = 0; r < step->rows; r++) {
        const float *update = step->gates + r * 3 * units + units;
        float *candidate = step->gates + r * 3 * units + 2 * units;
        const float *h_prev = step->h_prev + r * units;
        float *h = step->h + r * units;
        add(candidate, step->candidate_bias, units);
        activate_map(step->activation, candidate, units);
        for (size_t k = 0; k < units; k++)
            h[k] = update[k] * h_prev[k] + (1.0f - update[k]) * candidate[k];
    }
}

INLINE void gru_output_backward_rows(const struct gru_step_backward *step,
                                     enum activation activation)
{
    const size_t units = step->units;
    for (size_t r = 0; r < step->rows; r++) {
        float *restrict gates = step->gates + r * 3 * units;
        float *restrict dh = step->dh + r * units;
        const float *restrict h_prev = step->h_prev + r * units;
        for (size_t k = 0; k < units; k++) {
            const float u = gates[units + k], candidate = gates[2 * units + k];
            gates[units + k] = dh[k] * (h_prev[k] - candidate) * u * (1.0f - u);
            gates[2 * units + k] = dh[k] * (1.0f - u) * slope(activation, candidate);
            dh[k] *= u;
        }
    }
}

static void gru_output_backward(const struct gru_step_backward *step)
{
#define CALL(constant) gru_output_backward_rows(step, constant)
    BY_ACTIVATION(step->activation, CALL)
#undef CALL
}

static void gru_gates_backward(const struct gru_step_backward *step)
{
    const size_t units = step->units;
    for (size_t r = 0; r < step->rows; r++) {
        float *restrict gates = step->gates + r * 3 * units;
        float *restrict dh = step->dh + r * units;
        const float *restrict h_prev = step->h_prev + r * units;
        const float *restrict dreset_h = step->dreset_h + r * units;
        for (size_t k = 0; k < units; k++) {
            const float reset = gates[k];
            gates[k] = dreset_h[k] * h_prev[k] * reset * (1.0f - reset);
            dh[k] += dreset_h[k] * reset;
        }
    }
}

/* ---- Optimizer ------------------------------------------------------------------------------ */

static void adam(const struct adam_update *update)
{
    float *restrict w = update->weights, *restrict m = update->m, *restrict v = update->v;
    const float *restrict g = update->gradient;
    const float scale = update->scale, rate = update->rate, epsilon = update->epsilon;
    const float beta1 = update->beta1, beta2 = update->beta2;
    for (size_t i = 0; i < update->n; i++) {
        const float gradient = g[i] * scale;
        m[i] += (gradient - m[i]) * (1.0f - beta1);
        v[i] += (gradient * gradient - v[i]) * (1.0f - beta2);
        w[i] -= rate * m[i] / (sqrtf(v[i]) + epsilon);
    }
}

const struct kernels JOIN(kernels_, KERNEL_ISA) = {
    .isa = TEXT(KERNEL_ISA),
    .exp = exp_map,
    .activate = KERNEL_NAME(kernels_activate),
    .activate_backward = KERNEL_NAME(kernels_activate_backward),
    .add = add,
    .lstm_step = lstm_step,
    .lstm_step_backward = lstm_step_backward,
    .gru_gates = gru_gates,
    .gru_output = gru_output,
    .gru_output_backward = gru_output_backward,
    .gru_gates_backward = gru_gates_backward,
    .lstm_variant_step = KERNEL_NAME(kernels_lstm_variant_step),
    .lstm_variant_backward = KERNEL_NAME(kernels_lstm_variant_backward),
    .gru_variant_gates = KERNEL_NAME(kernels_gru_variant_gates),
    .gru_variant_output = KERNEL_NAME(kernels_gru_variant_output),
    .gru_variant_output_backward = KERNEL_NAME(kernels_gru_variant_output_backward),
    .gru_variant_gates_backward = KERNEL_NAME(kernels_gru_variant_gates_backward),
    .adam = adam,
};
