/* kernel_variants.h: what the tests of the variants' loops have in common.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Gradients are compared with central differences of the formulas in double, so that no derivative
 * is written down a second time. */
#ifndef KERNEL_VARIANTS_H
#define KERNEL_VARIANTS_H

#include <stdio.h>

#include "tests/support/assert_tensor.h"
#include "tests/support/cases.h"
#include "tests/support/kernel_sets.h"
#include "tests/support/reference.h"

enum { ROWS = 3, MAX_UNITS = 33, MAX_VALUES = ROWS * 4 * MAX_UNITS };

static const size_t unit_cases[] = {1, 3, 4, 7, 8, 9, 16, 17, 33};

/* Of the new input and the output; of the gates. */
static const struct {
    enum activation activation, recurrent;
} pairs[] = {
    {ACTIVATION_TANH, ACTIVATION_SIGMOID},
    {ACTIVATION_SOFTSIGN, ACTIVATION_HARD_SIGMOID},
    {ACTIVATION_RELU6, ACTIVATION_HARD_SIGMOID_KERAS3},
    {ACTIVATION_SELU, ACTIVATION_SOFTPLUS},
    {ACTIVATION_ELU, ACTIVATION_TANH},
    {ACTIVATION_RELU, ACTIVATION_EXPONENTIAL},
    {ACTIVATION_LINEAR, ACTIVATION_SOFTSIGN},
};

enum { N_STEP_CASES = N_CASES(unit_cases) * N_CASES(pairs) };

/* Behind what a call writes; the step of a central difference. */
#define GUARD      12345.0F
#define DIFFERENCE 1e-5

static inline double apply(enum activation activation, double x)
{
    return reference_activation(activation_names[activation], x);
}

static inline void assert_values(const struct kernels *kernels, const char *what, const float *got,
                                 const double *want, size_t n)
{
    char name[64];
    snprintf(name, sizeof name, "%s of %s", what, kernels->isa);
    assert_tensor(name, got, want, n, 4e-6, 4e-6);
}

#endif
