/* kernels_vector.h: vectors of KERNEL_LANES floats and the activations over them, for the files
 * that are compiled once per instruction set. SPDX-License-Identifier: Apache-2.0
 *
 * Every function here is inline, so each of those files has its own copy, in its own set. */
#ifndef KERNELS_VECTOR_H
#define KERNELS_VECTOR_H

#include <stdint.h>
#include <string.h>

#ifdef __AVX2__
#include <immintrin.h>
#endif

#include "core/kernels.h"

#ifndef KERNEL_ISA /* for tools that look at one file; the Makefile defines both */
#define KERNEL_ISA   generic
#define KERNEL_LANES 4
#endif

#define JOIN_(a, b)       a##b
#define JOIN(a, b)        JOIN_(a, b)
#define KERNEL_NAME(name) JOIN(JOIN(name, _), KERNEL_ISA)
#define INLINE            static inline __attribute__((always_inline))

enum { LANES = KERNEL_LANES };

/* What the files of one set have for its struct kernels. */
void KERNEL_NAME(kernels_activate)(enum activation activation, float *x, size_t n);
void KERNEL_NAME(kernels_activate_backward)(enum activation activation, const float *y, float *dy,
                                            size_t n);
void KERNEL_NAME(kernels_lstm_variant_step)(const struct lstm_variant_step *step);
void KERNEL_NAME(kernels_lstm_variant_backward)(const struct lstm_variant_backward *step);
void KERNEL_NAME(kernels_gru_variant_gates)(const struct gru_step *step);
void KERNEL_NAME(kernels_gru_variant_output)(const struct gru_step *step);
void KERNEL_NAME(kernels_gru_variant_output_backward)(const struct gru_step_backward *step);
void KERNEL_NAME(kernels_gru_variant_gates_backward)(const struct gru_step_backward *step);

typedef float vf __attribute__((vector_size(KERNEL_LANES * sizeof(float))));
typedef int32_t vi __attribute__((vector_size(KERNEL_LANES * sizeof(int32_t))));
typedef uint32_t vu __attribute__((vector_size(KERNEL_LANES * sizeof(uint32_t))));

INLINE vf load(const float *p)
{
    vf v;
    memcpy(&v, p, sizeof v);
    return v;
}

INLINE void store(float *p, vf v)
{
    memcpy(p, &v, sizeof v);
}

/* The first n values; zeros behind them. */
INLINE vf load_some(const float *p, size_t n)
{
    vf v = {0};
    if (n >= LANES)
        return load(p);
    memcpy(&v, p, n * sizeof *p);
    return v;
}

INLINE void store_some(float *p, vf v, size_t n)
{
    if (n >= LANES)
        store(p, v);
    else
        memcpy(p, &v, n * sizeof *p);
}

INLINE vf splat(float x)
{
    return x - (vf){0};
}

INLINE vf choose(vi mask, vf yes, vf no)
{
    return (vf)((mask & (vi)yes) | (~mask & (vi)no));
}

/* The smaller and the larger of a and x; x where one is NaN. Compilers do not find the minimum
 * instruction in the portable form, and the gates are mostly arithmetic like this. */
#if defined(__AVX512F__)
INLINE vf least(vf a, vf x)
{
    return (vf)_mm512_min_ps((__m512)a, (__m512)x);
}

INLINE vf most(vf a, vf x)
{
    return (vf)_mm512_max_ps((__m512)a, (__m512)x);
}
#elif defined(__AVX2__)
INLINE vf least(vf a, vf x)
{
    return (vf)_mm256_min_ps((__m256)a, (__m256)x);
}

INLINE vf most(vf a, vf x)
{
    return (vf)_mm256_max_ps((__m256)a, (__m256)x);
}
#else
INLINE vf least(vf a, vf x)
{
    return choose(a < x, a, x);
}

INLINE vf most(vf a, vf x)
{
    return choose(a > x, a, x);
}
#endif

/* NaN passes. */
INLINE vf clamp(vf x, float limit)
{
    return most(splat(-limit), least(splat(limit), x));
}

/* e^x - 1 = scale * fraction + (scale - 1) with scale = 2^n, for |x| <= 87. n is x / ln 2 rounded
 * (adding 1.5 * 2^23 leaves it in the low bits), fraction = e^r - 1 for the rest |r| <= ln 2 / 2:
 * its Taylor series to r^6, whose remainder is at most 1.2e-7 of e^r, one unit in the last place.
 */
struct power {
    vf scale, fraction;
};

INLINE struct power power_of_e(vf x)
{
    const float shift = 12582912.0f, log2_e = 1.44269504f;
    const float ln2_high = 0.693359375f, ln2_low = -2.12194440e-4f;
    vf shifted = x * log2_e + shift;
    vf n = shifted - shift;
    vf r = x - n * ln2_high;
    r = r - n * ln2_low;
    vf series = r * (1.0f / 720) + 1.0f / 120;
    series = series * r + 1.0f / 24;
    series = series * r + 1.0f / 6;
    series = series * r + 0.5f;
    vu exponent = ((vu)shifted << 23) + 0x3f800000u;
    return (struct power){(vf)exponent, series * (r * r) + r};
}

INLINE vf exp_v(vf x)
{
    struct power e = power_of_e(clamp(x, 87.0f));
    return e.scale * e.fraction + e.scale;
}

INLINE vf sigmoid_v(vf x)
{
    return 1.0f / (1.0f + exp_v(-x));
}

/* tanh x = (e^2x - 1) / (e^2x + 1): exact near 0 because e^2x - 1 is never formed by subtraction
 * there. At |2x| = 40 it has long been 1 in float32. */
INLINE vf tanh_v(vf x)
{
    struct power e = power_of_e(clamp(x + x, 40.0f));
    vf less_one = e.scale * e.fraction + (e.scale - 1.0f);
    return less_one / (less_one + 2.0f);
}

/* e^x over the whole range: what exp_v() leaves out is a factor of its own, exactly 1 within. */
INLINE vf exponential_v(vf x)
{
    return exp_v(x) * exp_v(x - clamp(x, 87.0f));
}

/* e^x - 1, exact near 0, for x <= 0. */
INLINE vf expm1_v(vf x)
{
    const struct power e = power_of_e(clamp(x, 87.0f));
    return e.scale * e.fraction + (e.scale - 1.0f);
}

INLINE vf absolute(vf x)
{
    return (vf)((vi)x & 0x7fffffff);
}

/* log(1 + e) = 2 artanh(s), s = e / (2 + e): for e in [0, 1] s is at most 1/3, and the rest of the
 * series behind s^15 is below 2e-9 of it. */
INLINE vf log1p_v(vf e)
{
    const vf s = e / (e + 2.0f), square = s * s;
    vf series = square * (1.0f / 15) + 1.0f / 13;
    series = series * square + 1.0f / 11;
    series = series * square + 1.0f / 9;
    series = series * square + 1.0f / 7;
    series = series * square + 1.0f / 5;
    series = series * square + 1.0f / 3;
    return 2.0f * (s + s * square * series);
}

/* log(1 + e^x) without overflow: max(x, 0) + log(1 + e^-|x|). */
INLINE vf softplus_v(vf x)
{
    return most(splat(0.0f), x) + log1p_v(exp_v(-absolute(x)));
}

/* TensorFlow's constants of selu (Klambauer et al. 2017, arXiv 1706.02515). */
#define SELU_SCALE       1.0507009873554805f
#define SELU_SCALE_ALPHA 1.7580993408473769f

INLINE vf choose_negative(vf x, vf negative, vf other)
{
    return choose(x < 0.0f, negative, other);
}

INLINE vf between(vf x, float low, float high)
{
    return most(splat(low), least(splat(high), x));
}

/* An activation; softmax, which is not elementwise, leaves x alone. */
INLINE vf activation_v(enum activation activation, vf x)
{
    switch (activation) {
    case ACTIVATION_TANH:
        return tanh_v(x);
    case ACTIVATION_SIGMOID:
        return sigmoid_v(x);
    case ACTIVATION_RELU:
        return choose_negative(x, splat(0.0f), x);
    case ACTIVATION_RELU6:
        return between(x, 0.0f, 6.0f);
    case ACTIVATION_HARD_SIGMOID:
        return between(x * 0.2f + 0.5f, 0.0f, 1.0f);
    case ACTIVATION_HARD_SIGMOID_KERAS3:
        return between(x + 3.0f, 0.0f, 6.0f) * (1.0f / 6);
    case ACTIVATION_SOFTSIGN:
        x = clamp(x, 1e30f); /* so that infinity gives 1 */
        return x / (absolute(x) + 1.0f);
    case ACTIVATION_SOFTPLUS:
        return softplus_v(x);
    case ACTIVATION_ELU:
        return choose_negative(x, expm1_v(x), x);
    case ACTIVATION_SELU:
        return choose_negative(x, SELU_SCALE_ALPHA * expm1_v(x), SELU_SCALE * x);
    case ACTIVATION_EXPONENTIAL:
        return exponential_v(x);
    case ACTIVATION_LINEAR:
    case ACTIVATION_SOFTMAX:
    case ACTIVATION_LOG_SOFTMAX:
    case N_ACTIVATIONS:
        break;
    }
    return x;
}

INLINE vf inside(vf y, float low, float high, float slope)
{
    return choose((y > low) & (y < high), splat(slope), splat(0.0f));
}

/* The derivative by the input, from the output y alone (formulas: activation.h). */
INLINE vf slope_v(enum activation activation, vf y)
{
    const vf one = splat(1.0f);
    switch (activation) {
    case ACTIVATION_TANH:
        return 1.0f - y * y;
    case ACTIVATION_SIGMOID:
        return y * (1.0f - y);
    case ACTIVATION_RELU:
        return choose(y > 0.0f, one, splat(0.0f));
    case ACTIVATION_RELU6:
        return inside(y, 0.0f, 6.0f, 1.0f);
    case ACTIVATION_HARD_SIGMOID:
        return inside(y, 0.0f, 1.0f, 0.2f);
    case ACTIVATION_HARD_SIGMOID_KERAS3:
        return inside(y, 0.0f, 1.0f, 1.0f / 6);
    case ACTIVATION_SOFTSIGN:
        return (1.0f - absolute(y)) * (1.0f - absolute(y));
    case ACTIVATION_SOFTPLUS:
        return -expm1_v(-y);
    case ACTIVATION_ELU:
        return choose_negative(y, y + 1.0f, one);
    case ACTIVATION_SELU:
        return choose_negative(y, y + SELU_SCALE_ALPHA, splat(SELU_SCALE));
    case ACTIVATION_EXPONENTIAL:
        return y;
    case ACTIVATION_LINEAR:
    case ACTIVATION_SOFTMAX:
    case ACTIVATION_LOG_SOFTMAX:
    case N_ACTIVATIONS:
        break;
    }
    return one;
}
#endif
