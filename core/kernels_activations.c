/* kernels_activations.c: the activations and their derivatives over arrays, for the instruction set
 * that KERNEL_ISA names. SPDX-License-Identifier: Apache-2.0 */
#include "core/kernels_vector.h"

/* A loop for each activation, so that which one it is is asked once for an array. */
#define X(id, name)                                                                                \
    static void apply_##id(float *x, size_t n)                                                     \
    {                                                                                              \
        for (size_t i = 0; i < n; i += LANES)                                                      \
            store_some(x + i, activation_v(ACTIVATION_##id, load_some(x + i, n - i)), n - i);      \
    }                                                                                              \
    static void chain_##id(const float *y, float *dy, size_t n)                                    \
    {                                                                                              \
        for (size_t i = 0; i < n; i += LANES) {                                                    \
            const vf slope = slope_v(ACTIVATION_##id, load_some(y + i, n - i));                    \
            store_some(dy + i, load_some(dy + i, n - i) * slope, n - i);                           \
        }                                                                                          \
    }
ACTIVATION_LIST(X)
#undef X

void KERNEL_NAME(kernels_activate)(enum activation activation, float *x, size_t n)
{
    static void (*const apply[])(float *x, size_t n) = {
#define X(id, name) [ACTIVATION_##id] = apply_##id,
        ACTIVATION_LIST(X)
#undef X
    };
    apply[activation](x, n);
}

void KERNEL_NAME(kernels_activate_backward)(enum activation activation, const float *y, float *dy,
                                            size_t n)
{
    static void (*const chain[])(const float *y, float *dy, size_t n) = {
#define X(id, name) [ACTIVATION_##id] = chain_##id,
        ACTIVATION_LIST(X)
#undef X
    };
    chain[activation](y, dy, n);
}
