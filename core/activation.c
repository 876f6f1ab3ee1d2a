/* activation.c: activations over whole arrays. SPDX-License-Identifier: Apache-2.0 */
#include "core/activation.h"

#include "core/kernels.h"

#define X(id, name) [ACTIVATION_##id] = name,
const char *const activation_names[N_ACTIVATIONS + 1] = {ACTIVATION_LIST(X)};
#undef X

/* The largest value is taken off first, so that no exponential overflows. */
static void softmax(const struct kernels *kernels, float *x, size_t n)
{
    float largest = x[0], sum = 0.0f;
    for (size_t i = 1; i < n; i++)
        largest = x[i] > largest ? x[i] : largest;
    for (size_t i = 0; i < n; i++)
        x[i] -= largest;
    kernels->exp(x, n);
    for (size_t i = 0; i < n; i++)
        sum += x[i];
    for (size_t i = 0; i < n; i++)
        x[i] /= sum;
}

void activation_apply(enum activation activation, float *x, size_t rows, size_t columns)
{
    const struct kernels *kernels = kernels_best();
    if (activation != ACTIVATION_SOFTMAX) {
        kernels->activate(activation, x, rows * columns);
        return;
    }
    for (size_t r = 0; r < rows; r++)
        softmax(kernels, x + r * columns, columns);
}

static void softmax_backward(const float *y, float *dy, size_t n)
{
    float dot = 0.0f;
    for (size_t i = 0; i < n; i++)
        dot += y[i] * dy[i];
    for (size_t i = 0; i < n; i++)
        dy[i] = y[i] * (dy[i] - dot);
}

void activation_backward(enum activation activation, const float *y, float *dy, size_t rows,
                         size_t columns)
{
    if (activation != ACTIVATION_SOFTMAX) {
        kernels_best()->activate_backward(activation, y, dy, rows * columns);
        return;
    }
    for (size_t r = 0; r < rows; r++)
        softmax_backward(y + r * columns, dy + r * columns, columns);
}
