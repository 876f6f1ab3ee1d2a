/* test_activation_slopes.c: the derivatives of the activations, of every instruction set.
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "tests/support/assert_tensor.h"
#include "tests/support/cases.h"
#include "tests/support/fill.h"
#include "tests/support/kernel_sets.h"
#include "tests/support/reference.h"

Suite *suite_activation_slopes(void);

#define GUARD      12345.0F
#define DIFFERENCE 1e-5 /* of the central differences */

static double apply(enum activation activation, double x)
{
    return reference_activation(activation_names[activation], x);
}

START_TEST(test_activation_derivative_of_every_instruction_set_is_the_slope)
{
    const enum activation activation = (enum activation)_i;
    FOR_EACH_SET(kernels)
    {
        for (size_t n = 1; n <= 40; n++) {
            float x[40], y[40], dy[41];
            double want[40];
            fill_values(x, n, 301 + n, 8);
            fill_values(dy, n, 302, 1);
            dy[n] = GUARD;
            memcpy(y, x, n * sizeof *y);
            for (size_t k = 0; k < n; k++)
                want[k] = (double)dy[k] *
                          (apply(activation, (double)x[k] + DIFFERENCE) -
                           apply(activation, (double)x[k] - DIFFERENCE)) /
                          (2 * DIFFERENCE);
            kernels->activate(activation, y, n);
            kernels->activate_backward(activation, y, dy, n);
            assert_tensor(activation_names[activation], dy, want, n, 2e-6, 4e-6);
            ck_assert(dy[n] == GUARD);
        }
    }
}
END_TEST

/* Where they bend, it is TensorFlow's choice: none of the gradient passes a bound. */
START_TEST(test_activation_derivative_at_a_bound_is_zero)
{
    static const struct {
        enum activation activation;
        float x;
    } bounds[] = {{ACTIVATION_RELU, 0},
                  {ACTIVATION_RELU6, 0},
                  {ACTIVATION_RELU6, 6},
                  {ACTIVATION_RELU6, 7},
                  {ACTIVATION_HARD_SIGMOID, 3},
                  {ACTIVATION_HARD_SIGMOID, -3},
                  {ACTIVATION_HARD_SIGMOID_KERAS3, 4},
                  {ACTIVATION_HARD_SIGMOID_KERAS3, -4}};
    FOR_EACH_SET(kernels)
    {
        for (size_t k = 0; k < N_CASES(bounds); k++) {
            float y = bounds[k].x, dy = 1;
            kernels->activate(bounds[k].activation, &y, 1);
            kernels->activate_backward(bounds[k].activation, &y, &dy, 1);
            ck_assert_msg(dy == 0, "%s: %s at %g", kernels->isa,
                          activation_names[bounds[k].activation], (double)bounds[k].x);
        }
    }
}
END_TEST

Suite *suite_activation_slopes(void)
{
    Suite *suite = suite_create("activation_slopes");
    TCase *tcase = tcase_create("activation_slopes");
    suite_add_tcase(suite, tcase);
    tcase_add_loop_test(tcase, test_activation_derivative_of_every_instruction_set_is_the_slope, 0,
                        ACTIVATION_SOFTMAX);
    tcase_add_test(tcase, test_activation_derivative_at_a_bound_is_zero);
    return suite;
}
