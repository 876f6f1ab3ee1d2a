/* activation.c: activations over whole arrays. SPDX-License-Identifier: Apache-2.0 */
#include "core/activation.h"

#include "core/kernels.h"

const char *const activation_names[N_ACTIVATIONS + 1] = {
#define X(id, name) [ACTIVATION_##id] = name,
    ACTIVATION_LIST(X)
#undef X
};

static void relu(float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = x[i] < 0.0f ? 0.0f : x[i];
}

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
    switch (activation) {
    case ACTIVATION_TANH:
        kernels->tanh(x, rows * columns);
        break;
    case ACTIVATION_SIGMOID:
        kernels->sigmoid(x, rows * columns);
        break;
    case ACTIVATION_RELU:
        relu(x, rows * columns);
        break;
    case ACTIVATION_SOFTMAX:
        for (size_t r = 0; r < rows; r++)
            softmax(kernels, x + r * columns, columns);
        break;
    case ACTIVATION_LINEAR:
    case N_ACTIVATIONS:
        break;
    }
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
    const size_t n = rows * columns;
    switch (activation) {
    case ACTIVATION_TANH:
        for (size_t i = 0; i < n; i++)
            dy[i] *= 1.0f - y[i] * y[i];
        break;
    case ACTIVATION_SIGMOID:
        for (size_t i = 0; i < n; i++)
            dy[i] *= y[i] * (1.0f - y[i]);
        break;
    case ACTIVATION_RELU:
        for (size_t i = 0; i < n; i++)
            dy[i] = y[i] > 0.0f ? dy[i] : 0.0f;
        break;
    case ACTIVATION_SOFTMAX:
        for (size_t r = 0; r < rows; r++)
            softmax_backward(y + r * columns, dy + r * columns, columns);
        break;
    case ACTIVATION_LINEAR:
    case N_ACTIVATIONS:
        break;
    }
}
