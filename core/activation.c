/* activation.c: activations over whole arrays. SPDX-License-Identifier: Apache-2.0 */
#include "core/activation.h"

#include <math.h>
#include <string.h>

#include "core/kernels.h"

#define X(id, name) [ACTIVATION_##id] = name,
const char *const activation_names[N_ACTIVATIONS + 1] = {ACTIVATION_LIST(X)};
#undef X

/* Values whose exponentials are held at once. */
enum { BLOCK = 64 };

bool activation_is_over_rows(const char *name)
{
    return strcmp(name, activation_names[ACTIVATION_SOFTMAX]) == 0 ||
           strcmp(name, activation_names[ACTIVATION_LOG_SOFTMAX]) == 0;
}

/* Takes off the largest value, so that no exponential overflows. */
static void centre(float *x, size_t n)
{
    float largest = x[0];
    for (size_t i = 1; i < n; i++)
        largest = x[i] > largest ? x[i] : largest;
    for (size_t i = 0; i < n; i++)
        x[i] -= largest;
}

static void softmax(const struct kernels *kernels, float *x, size_t n)
{
    float sum = 0.0f;
    centre(x, n);
    kernels->exp(x, n);
    for (size_t i = 0; i < n; i++)
        sum += x[i];
    for (size_t i = 0; i < n; i++)
        x[i] /= sum;
}

static size_t exponentials(const struct kernels *kernels, const float *x, size_t n,
                           float block[BLOCK])
{
    const size_t n_block = n < BLOCK ? n : BLOCK;
    memcpy(block, x, n_block * sizeof *block);
    kernels->exp(block, n_block);
    return n_block;
}

static void log_softmax(const struct kernels *kernels, float *x, size_t n)
{
    float block[BLOCK], sum = 0.0f;
    centre(x, n);
    for (size_t first = 0, n_block; first < n; first += n_block) {
        n_block = exponentials(kernels, x + first, n - first, block);
        for (size_t i = 0; i < n_block; i++)
            sum += block[i];
    }
    const float log_of_sum = logf(sum);
    for (size_t i = 0; i < n; i++)
        x[i] -= log_of_sum;
}

void activation_apply(enum activation activation, float *x, size_t rows, size_t columns)
{
    const struct kernels *kernels = kernels_best();
    if (activation < ACTIVATION_SOFTMAX)
        kernels->activate(activation, x, rows * columns);
    for (size_t r = 0; r < rows && activation == ACTIVATION_SOFTMAX; r++)
        softmax(kernels, x + r * columns, columns);
    for (size_t r = 0; r < rows && activation == ACTIVATION_LOG_SOFTMAX; r++)
        log_softmax(kernels, x + r * columns, columns);
}

static void softmax_backward(const float *y, float *dy, size_t n)
{
    float dot = 0.0f;
    for (size_t i = 0; i < n; i++)
        dot += y[i] * dy[i];
    for (size_t i = 0; i < n; i++)
        dy[i] = y[i] * (dy[i] - dot);
}

static void log_softmax_backward(const struct kernels *kernels, const float *y, float *dy, size_t n)
{
    float block[BLOCK], sum = 0.0f;
    for (size_t i = 0; i < n; i++)
        sum += dy[i];
    for (size_t first = 0, n_block; first < n; first += n_block) {
        n_block = exponentials(kernels, y + first, n - first, block);
        for (size_t i = 0; i < n_block; i++)
            dy[first + i] -= block[i] * sum;
    }
}

void activation_backward(enum activation activation, const float *y, float *dy, size_t rows,
                         size_t columns)
{
    const struct kernels *kernels = kernels_best();
    if (activation < ACTIVATION_SOFTMAX)
        kernels->activate_backward(activation, y, dy, rows * columns);
    for (size_t r = 0; r < rows && activation == ACTIVATION_SOFTMAX; r++)
        softmax_backward(y + r * columns, dy + r * columns, columns);
    for (size_t r = 0; r < rows && activation == ACTIVATION_LOG_SOFTMAX; r++)
        log_softmax_backward(kernels, y + r * columns, dy + r * columns, columns);
}
