/* test_activation_accuracy.c: sigmoid and tanh of every instruction set, over the whole range of
 * float32, against the mathematics library in double. SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <math.h>
#include <string.h>

#include "core/lstm.h"
#include "tests/support/cases.h"
#include "tests/support/kernel_sets.h"

Suite *suite_activation_accuracy(void);

/* The error that core/kernels.h promises. */
#define MAX_ERROR 2e-7

/* Every 1009th bit pattern: a prime, so that all exponents and many mantissas occur. */
enum { STRIDE = 1009, BLOCK = 4096 };

static double true_sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

static const struct {
    const char *name;
    double (*exact)(double x);
    size_t offset; /* of the function in struct kernels */
} functions[] = {
    {"sigmoid", true_sigmoid, offsetof(struct kernels, sigmoid)},
    {"tanh", tanh, offsetof(struct kernels, tanh)},
};
enum { N_FUNCTIONS = N_CASES(functions) };

typedef void apply_function(float *x, size_t n);

static apply_function *function_of(const struct kernels *kernels, int function)
{
    apply_function *apply;
    memcpy(&apply, (const char *)kernels + functions[function].offset, sizeof apply);
    return apply;
}

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
    const char *name = functions[function].name;
    if (isnan(x) && isnan(y))
        return;
    double want = functions[function].exact((double)x), got = (double)y;
    double lowest = function == 0 ? 0 : -1;
    if (fabs(got - want) <= MAX_ERROR && got <= 1 && got >= lowest)
        return;
    ck_abort_msg("%s: %s(%a) is %.9g, not %.9g: off by %.3g, within [%g, 1]: %d", isa, name,
                 (double)x, got, want, fabs(got - want), lowest, got <= 1 && got >= lowest);
}

static void check_block(const struct kernels *kernels, int function, const float *x, size_t n)
{
    float y[BLOCK];
    memcpy(y, x, n * sizeof *y);
    function_of(kernels, function)(y, n);
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
            function_of(kernels, _i)(x, n);
            for (size_t k = n; k < 48; k++)
                ck_assert_msg(x[k] == 3, "%s: %s of %zu values wrote [%zu]", kernels->isa,
                              functions[_i].name, n, k);
        }
    }
}
END_TEST

/* tanh(-x) = -tanh(x) and sigmoid(-x) = 1 - sigmoid(x), so zero is exact. */
START_TEST(test_activation_of_zero_is_exact)
{
    FOR_EACH_SET(kernels)
    {
        float x[2] = {0.0F, -0.0F};
        function_of(kernels, _i)(x, 2);
        ck_assert_msg(x[0] == (_i == 0 ? 0.5F : 0.0F) && x[0] == x[1], "%s: %s(0) is %.9g, %.9g",
                      kernels->isa, functions[_i].name, (double)x[0], (double)x[1]);
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
