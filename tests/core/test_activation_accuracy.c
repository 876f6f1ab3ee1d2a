/* test_activation_accuracy.c: the activations of every instruction set, over the whole range of
 * float32, against the mathematics library in double. SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <math.h>
#include <string.h>

#include "core/lstm.h"
#include "tests/support/cases.h"
#include "tests/support/kernel_sets.h"
#include "tests/support/reference.h"

Suite *suite_activation_accuracy(void);

/* The error that core/kernels.h promises. */
#define MAX_ERROR          2e-7
#define MAX_ERROR_SELU     4e-7
#define MAX_RELATIVE_ERROR 5e-7 /* where |y| is above 1 */

/* Every 1009th bit pattern: a prime, so that all exponents and many mantissas occur. */
enum { STRIDE = 1009, BLOCK = 4096 };

/* A test's loop runs over enum activation. Softmax, the last, is not elementwise. */
enum { N_FUNCTIONS = ACTIVATION_SOFTMAX };

/* What an activation never leaves. */
static const struct {
    double lowest, largest;
} ranges[N_FUNCTIONS] = {
    [ACTIVATION_LINEAR] = {-HUGE_VAL, HUGE_VAL},
    [ACTIVATION_TANH] = {-1, 1},
    [ACTIVATION_SIGMOID] = {0, 1},
    [ACTIVATION_RELU] = {0, HUGE_VAL},
    [ACTIVATION_RELU6] = {0, 6},
    [ACTIVATION_HARD_SIGMOID] = {0, 1},
    [ACTIVATION_HARD_SIGMOID_KERAS3] = {0, 1},
    [ACTIVATION_SOFTSIGN] = {-1, 1},
    [ACTIVATION_SOFTPLUS] = {0, HUGE_VAL},
    [ACTIVATION_ELU] = {-1, HUGE_VAL},
    [ACTIVATION_SELU] = {-1.7580994, HUGE_VAL},
    [ACTIVATION_EXPONENTIAL] = {0, HUGE_VAL},
};

static const float specials[] = {0.0F,
                                 -0.0F,
                                 0x1p-149F,
                                 -0x1p-149F,
                                 0x1p-126F,
                                 -0x1p-126F,
                                 0x1.fffffep-127F,
                                 1.0F,
                                 -1.0F,
                                 0.5F,
                                 -0.5F,
                                 0x1p-12F,
                                 -0x1p-12F,
                                 9.0109F,
                                 -9.0109F,
                                 7.90531F,
                                 87.3365F,
                                 -87.3365F,
                                 88.7228F,
                                 -88.7228F,
                                 88.73F,
                                 -88.73F,
                                 103.97F,
                                 -103.97F,
                                 104.1F,
                                 -104.1F,
                                 1e10F,
                                 -1e10F,
                                 0x1.fffffep127F,
                                 -0x1.fffffep127F,
                                 INFINITY,
                                 -INFINITY};

/* Checks one value; an assertion for each of millions would take longer than the computation. */
static void check_value(const char *isa, int function, float x, float y)
{
    const char *name = activation_names[function];
    if (isnan(x) && isnan(y))
        return;
    double want = reference_activation(name, (double)x), got = (double)y;
    double lowest = ranges[function].lowest, largest = ranges[function].largest;
    double limit = function == ACTIVATION_SELU ? MAX_ERROR_SELU : MAX_ERROR;
    if (fabs(want) > 1)
        limit = MAX_RELATIVE_ERROR * fabs(want);
    bool is_inside = got >= lowest && got <= largest;
    if (is_inside && ((double)(float)want == got || fabs(got - want) <= limit))
        return;
    ck_abort_msg("%s: %s(%a) is %.9g, not %.9g: off by %.3g, within [%g, %g]: %d", isa, name,
                 (double)x, got, want, fabs(got - want), lowest, largest, is_inside);
}

static void check_block(const struct kernels *kernels, int function, const float *x, size_t n)
{
    float y[BLOCK];
    memcpy(y, x, n * sizeof *y);
    kernels->activate((enum activation)function, y, n);
    for (size_t k = 0; k < n; k++)
        check_value(kernels->isa, function, x[k], y[k]);
}

START_TEST(test_activation_over_the_whole_range_of_float32_is_accurate)
{
    FOR_EACH_SET(kernels)
    {
        float x[BLOCK];
        size_t n = 0;
        for (uint64_t bits = 0; bits <= UINT32_MAX; bits += STRIDE) {
            uint32_t pattern = (uint32_t)bits;
            memcpy(&x[n++], &pattern, sizeof pattern);
            if (n == BLOCK) {
                check_block(kernels, _i, x, n);
                n = 0;
            }
        }
        check_block(kernels, _i, x, n);
    }
}
END_TEST

START_TEST(test_activation_where_it_bends_is_accurate)
{
    FOR_EACH_SET(kernels)
    {
        float x[BLOCK];
        for (int block = -64; block < 64; block++) {
            for (int k = 0; k < BLOCK; k++)
                x[k] = (float)block * 0.25F + (float)k * (0.25F / BLOCK);
            check_block(kernels, _i, x, BLOCK);
        }
    }
}
END_TEST

START_TEST(test_activation_of_special_values_is_accurate_in_every_position)
{
    FOR_EACH_SET(kernels)
    {
        /* Every length up to 40 puts the values into full vectors and into remainders. */
        for (size_t n = 0; n <= 40; n++) {
            float x[40];
            for (size_t k = 0; k < n; k++)
                x[k] = specials[(k + n) % (size_t)N_CASES(specials)];
            check_block(kernels, _i, x, n);
        }
    }
}
END_TEST

START_TEST(test_activation_of_nan_is_nan_and_its_neighbours_are_not)
{
    FOR_EACH_SET(kernels)
    {
        for (size_t n = 1; n <= 40; n++) {
            float x[40];
            for (size_t k = 0; k < n; k++)
                x[k] = k % 3 == 0 ? NAN : (float)k;
            check_block(kernels, _i, x, n);
        }
    }
}
END_TEST

START_TEST(test_activation_writes_nothing_behind_its_values)
{
    FOR_EACH_SET(kernels)
    {
        for (size_t n = 0; n <= 40; n++) {
            float x[48];
            for (size_t k = 0; k < 48; k++)
                x[k] = 3;
            kernels->activate((enum activation)_i, x, n);
            for (size_t k = n; k < 48; k++)
                ck_assert_msg(x[k] == 3, "%s: %s of %zu values wrote [%zu]", kernels->isa,
                              activation_names[_i], n, k);
        }
    }
}
END_TEST

/* Where a derivative is 0 or 1 at 0, or a cell starts from zeros, nothing may be off. */
START_TEST(test_activation_of_zero_is_exact)
{
    FOR_EACH_SET(kernels)
    {
        float x[2] = {0.0F, -0.0F};
        const float want = (float)reference_activation(activation_names[_i], 0.0);
        kernels->activate((enum activation)_i, x, 2);
        ck_assert_msg(fabsf(x[0] - want) <= (_i == ACTIVATION_SOFTPLUS ? 6e-8F : 0.0F) &&
                          x[0] == x[1],
                      "%s: %s(0) is %.9g, %.9g", kernels->isa, activation_names[_i], (double)x[0],
                      (double)x[1]);
    }
}
END_TEST

START_TEST(test_kernels_of_this_cpu_are_the_first_supported_set)
{
    const struct kernels *const *set = kernels_all;
    while (*set != NULL && !kernels_supported(*set))
        set++;
    ck_assert_ptr_nonnull(*set);
    ck_assert_ptr_eq(*set, kernels_best());
    ck_assert_str_eq(lstm_cpu_kernels(), kernels_best()->isa);
}
END_TEST

Suite *suite_activation_accuracy(void)
{
    Suite *suite = suite_create("activation_accuracy");
    TCase *accuracy = tcase_create("accuracy");
    suite_add_tcase(suite, accuracy);
    tcase_set_timeout(accuracy, 60);
    tcase_add_loop_test(accuracy, test_activation_over_the_whole_range_of_float32_is_accurate, 0,
                        N_FUNCTIONS);
    tcase_add_loop_test(accuracy, test_activation_where_it_bends_is_accurate, 0, N_FUNCTIONS);
    tcase_add_loop_test(accuracy, test_activation_of_special_values_is_accurate_in_every_position,
                        0, N_FUNCTIONS);
    tcase_add_loop_test(accuracy, test_activation_of_nan_is_nan_and_its_neighbours_are_not, 0,
                        N_FUNCTIONS);
    tcase_add_loop_test(accuracy, test_activation_writes_nothing_behind_its_values, 0, N_FUNCTIONS);
    tcase_add_loop_test(accuracy, test_activation_of_zero_is_exact, 0, N_FUNCTIONS);
    tcase_add_test(accuracy, test_kernels_of_this_cpu_are_the_first_supported_set);
    return suite;
}
