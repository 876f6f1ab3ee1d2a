/* test_kernels.c: the cell and optimizer loops of every instruction set, against their formulas.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The networks' tests run the best set alone; this one runs them all, at widths around those of
 * the vector registers. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/assert_tensor.h"
#include "tests/support/cases.h"
#include "tests/support/fill.h"
#include "tests/support/kernel_sets.h"
#include "tests/support/reference.h"

Suite *suite_kernels(void);

enum { ROWS = 3, MAX_UNITS = 70, MAX_VALUES = ROWS * 4 * MAX_UNITS };

static const size_t unit_cases[] = {1, 3, 4, 7, 8, 9, 15, 16, 17, 31, 32, 33, 70};

static const struct {
    enum activation activation;
    const char *name;
} activation_cases[] = {{ACTIVATION_TANH, "tanh"},
                        {ACTIVATION_SIGMOID, "sigmoid"},
                        {ACTIVATION_RELU, "relu"},
                        {ACTIVATION_LINEAR, "linear"}};

enum { N_STEP_CASES = N_CASES(unit_cases) * N_CASES(activation_cases) };

/* Arguments of one call. Arrays hold a guard behind their values. */
struct step_arrays {
    const char *activation;
    size_t units;
    float bias[4 * MAX_UNITS], gates[MAX_VALUES + 1];
    float c_prev[ROWS * MAX_UNITS], h_prev[ROWS * MAX_UNITS];
    float c[ROWS * MAX_UNITS + 1], h[ROWS * MAX_UNITS + 1];
    float dh[ROWS * MAX_UNITS + 1], dc[ROWS * MAX_UNITS + 1];
};

#define GUARD 12345.0F

static void arrays_init(struct step_arrays *arrays, int loop)
{
    size_t units = unit_cases[loop / N_CASES(activation_cases)], n = ROWS * units;
    arrays->activation = activation_cases[loop % N_CASES(activation_cases)].name;
    arrays->units = units;
    fill_values(arrays->bias, 4 * units, 201, 1);
    fill_values(arrays->gates, 4 * n, 202, 4);
    fill_values(arrays->c_prev, n, 203, 2);
    fill_values(arrays->h_prev, n, 204, 1);
    fill_values(arrays->dh, n, 205, 1);
    fill_values(arrays->dc, n, 206, 1);
    arrays->c[n] = arrays->h[n] = arrays->dh[n] = arrays->dc[n] = GUARD;
}

static enum activation activation_of(int loop)
{
    return activation_cases[loop % N_CASES(activation_cases)].activation;
}

static void assert_values(const struct kernels *kernels, const char *what, const float *got,
                          const double *want, size_t n)
{
    char name[64];
    snprintf(name, sizeof name, "%s of %s", what, kernels->isa);
    assert_tensor(name, got, want, n, 2e-6, 2e-6);
}

static double sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

/* The derivative of an activation as a function of its output. */
static double slope(const char *name, double y)
{
    if (strcmp(name, "tanh") == 0)
        return 1 - y * y;
    if (strcmp(name, "sigmoid") == 0)
        return y * (1 - y);
    return strcmp(name, "relu") == 0 && y <= 0 ? 0 : 1;
}

/* What lstm_step must give: gates [ROWS, 4U], c and h [ROWS, U]. */
static void want_lstm(const struct step_arrays *in, double forget_bias, double *gates, double *c,
                      double *h)
{
    size_t units = in->units;
    for (size_t k = 0; k < ROWS * units; k++) {
        double *row = gates + k / units * 4 * units + k % units, z[4];
        for (size_t gate = 0; gate < 4; gate++) {
            size_t at = k / units * 4 * units + gate * units + k % units;
            z[gate] = (double)in->gates[at] + (double)in->bias[gate * units + k % units];
        }
        row[0] = sigmoid(z[0]);
        row[units] = reference_activation(in->activation, z[1]);
        row[2 * units] = sigmoid(z[2] + forget_bias);
        row[3 * units] = sigmoid(z[3]);
        c[k] = (double)in->c_prev[k] * row[2 * units] + row[0] * row[units];
        h[k] = reference_activation(in->activation, c[k]) * row[3 * units];
    }
}

START_TEST(test_lstm_step_of_every_instruction_set_is_the_formula)
{
    FOR_EACH_SET(kernels)
    {
        for (int keep = 0; keep < 2; keep++) {
            struct step_arrays a;
            double gates[MAX_VALUES], c[ROWS * MAX_UNITS], h[ROWS * MAX_UNITS];
            arrays_init(&a, _i);
            size_t n = ROWS * a.units;
            a.gates[4 * n] = GUARD;
            want_lstm(&a, 0.75, gates, c, h);
            memcpy(a.c, a.c_prev, n * sizeof *a.c);
            const struct lstm_step step = {.rows = ROWS,
                                           .units = a.units,
                                           .activation = activation_of(_i),
                                           .forget_bias = 0.75F,
                                           .bias = a.bias,
                                           .gates = a.gates,
                                           .c_prev = keep ? a.c_prev : a.c,
                                           .c = a.c,
                                           .h = a.h,
                                           .keep_gates = keep};
            kernels->lstm_step(&step);
            assert_values(kernels, "c", a.c, c, n);
            assert_values(kernels, "h", a.h, h, n);
            if (keep)
                assert_values(kernels, "gates", a.gates, gates, 4 * n);
            ck_assert(a.c[n] == GUARD && a.h[n] == GUARD && a.gates[4 * n] == GUARD);
        }
    }
}
END_TEST

START_TEST(test_lstm_step_backward_of_every_instruction_set_is_the_derivative)
{
    FOR_EACH_SET(kernels)
    {
        struct step_arrays a;
        double gates[MAX_VALUES], c[ROWS * MAX_UNITS], h[ROWS * MAX_UNITS], dc[ROWS * MAX_UNITS];
        arrays_init(&a, _i);
        size_t units = a.units, n = ROWS * units;
        want_lstm(&a, 1, gates, c, h);
        for (size_t k = 0; k < 4 * n; k++)
            a.gates[k] = (float)gates[k];
        a.gates[4 * n] = GUARD;
        for (size_t k = 0; k < n; k++) {
            double *row = gates + k / units * 4 * units + k % units;
            double i = row[0], j = row[units], f = row[2 * units], o = row[3 * units];
            double act_c = reference_activation(a.activation, c[k]), dh = (double)a.dh[k];
            double total = (double)a.dc[k] + dh * o * slope(a.activation, act_c);
            a.c[k] = (float)act_c;
            row[0] = total * j * i * (1 - i);
            row[units] = total * i * slope(a.activation, j);
            row[2 * units] = total * (double)a.c_prev[k] * f * (1 - f);
            row[3 * units] = dh * act_c * o * (1 - o);
            dc[k] = total * f;
        }
        const struct lstm_step_backward step = {.rows = ROWS,
                                                .units = units,
                                                .activation = activation_of(_i),
                                                .gates = a.gates,
                                                .c_prev = a.c_prev,
                                                .act_c = a.c,
                                                .dh = a.dh,
                                                .dc = a.dc};
        kernels->lstm_step_backward(&step);
        assert_values(kernels, "dz", a.gates, gates, 4 * n);
        assert_values(kernels, "dc", a.dc, dc, n);
        ck_assert(a.gates[4 * n] == GUARD && a.dc[n] == GUARD);
    }
}
END_TEST

START_TEST(test_gru_step_of_every_instruction_set_is_the_formula)
{
    FOR_EACH_SET(kernels)
    {
        struct step_arrays a;
        double gates[MAX_VALUES], h[ROWS * MAX_UNITS], reset[ROWS * MAX_UNITS];
        arrays_init(&a, _i);
        size_t units = a.units, n = ROWS * units;
        a.gates[3 * n] = GUARD;
        for (size_t k = 0; k < n; k++) {
            size_t at = k / units * 3 * units + k % units, u = k % units;
            double r = sigmoid((double)a.gates[at] + (double)a.bias[u]);
            double z = sigmoid((double)a.gates[at + units] + (double)a.bias[units + u]);
            double candidate = reference_activation(
                a.activation, (double)a.gates[at + 2 * units] + (double)a.bias[2 * units + u]);
            gates[at] = r;
            gates[at + units] = z;
            gates[at + 2 * units] = candidate;
            reset[k] = r * (double)a.h_prev[k];
            h[k] = z * (double)a.h_prev[k] + (1 - z) * candidate;
        }
        memcpy(a.h, a.h_prev, n * sizeof *a.h);
        const struct gru_step step = {.rows = ROWS,
                                      .units = units,
                                      .activation = activation_of(_i),
                                      .gate_bias = a.bias,
                                      .candidate_bias = a.bias + 2 * units,
                                      .gates = a.gates,
                                      .h_prev = a.h,
                                      .reset_h = a.c,
                                      .h = a.h};
        kernels->gru_gates(&step);
        assert_values(kernels, "reset_h", a.c, reset, n);
        kernels->gru_output(&step);
        assert_values(kernels, "h", a.h, h, n);
        assert_values(kernels, "gates", a.gates, gates, 3 * n);
        ck_assert(a.gates[3 * n] == GUARD && a.c[n] == GUARD && a.h[n] == GUARD);
    }
}
END_TEST

START_TEST(test_gru_step_backward_of_every_instruction_set_is_the_derivative)
{
    FOR_EACH_SET(kernels)
    {
        struct step_arrays a;
        double gates[MAX_VALUES], dh[ROWS * MAX_UNITS];
        arrays_init(&a, _i);
        size_t units = a.units, n = ROWS * units;
        for (size_t k = 0; k < 3 * n; k++)
            a.gates[k] = (float)sigmoid((double)a.gates[k]);
        a.gates[3 * n] = GUARD;
        for (size_t k = 0; k < n; k++) {
            size_t at = k / units * 3 * units + k % units;
            double r = (double)a.gates[at], u = (double)a.gates[at + units];
            double candidate = (double)a.gates[at + 2 * units], h = (double)a.h_prev[k];
            double by_h = (double)a.dh[k], by_reset = (double)a.dc[k];
            gates[at] = by_reset * h * r * (1 - r);
            gates[at + units] = by_h * (h - candidate) * u * (1 - u);
            gates[at + 2 * units] = by_h * (1 - u) * slope(a.activation, candidate);
            dh[k] = by_h * u + by_reset * r;
        }
        const struct gru_step_backward step = {.rows = ROWS,
                                               .units = units,
                                               .activation = activation_of(_i),
                                               .gates = a.gates,
                                               .h_prev = a.h_prev,
                                               .dh = a.dh,
                                               .dreset_h = a.dc};
        kernels->gru_output_backward(&step);
        kernels->gru_gates_backward(&step);
        assert_values(kernels, "dz", a.gates, gates, 3 * n);
        assert_values(kernels, "dh", a.dh, dh, n);
        ck_assert(a.gates[3 * n] == GUARD && a.dh[n] == GUARD);
    }
}
END_TEST

START_TEST(test_adam_of_every_instruction_set_is_the_formula)
{
    FOR_EACH_SET(kernels)
    {
        size_t n = unit_cases[_i];
        float w[MAX_UNITS + 1], m[MAX_UNITS + 1], v[MAX_UNITS + 1], g[MAX_UNITS];
        double want_w[MAX_UNITS], want_m[MAX_UNITS], want_v[MAX_UNITS];
        w[n] = m[n] = v[n] = GUARD;
        fill_values(w, n, 211, 1);
        fill_values(m, n, 212, 0.1);
        fill_values(v, n, 213, 0.01);
        fill_values(g, n, 214, 1);
        for (size_t k = 0; k < n; k++) {
            v[k] = fabsf(v[k]);
            double gradient = 0.5 * (double)g[k];
            want_m[k] = (double)m[k] + (gradient - (double)m[k]) * 0.25;
            want_v[k] = (double)v[k] + (gradient * gradient - (double)v[k]) * 0.125;
            want_w[k] = (double)w[k] - 0.01 * want_m[k] / (sqrt(want_v[k]) + 0.001);
        }
        const struct adam_update update = {.n = n,
                                           .weights = w,
                                           .m = m,
                                           .v = v,
                                           .gradient = g,
                                           .scale = 0.5F,
                                           .rate = 0.01F,
                                           .beta1 = 0.75F,
                                           .beta2 = 0.875F,
                                           .epsilon = 0.001F};
        kernels->adam(&update);
        assert_values(kernels, "weights", w, want_w, n);
        assert_values(kernels, "m", m, want_m, n);
        assert_values(kernels, "v", v, want_v, n);
        ck_assert(w[n] == GUARD && m[n] == GUARD && v[n] == GUARD);
    }
}
END_TEST

START_TEST(test_exp_and_add_of_every_instruction_set_are_accurate)
{
    FOR_EACH_SET(kernels)
    {
        size_t n = unit_cases[_i];
        float x[MAX_UNITS + 1], y[MAX_UNITS];
        double want[MAX_UNITS];
        char name[64];
        snprintf(name, sizeof name, "exp of %s", kernels->isa);
        x[n] = GUARD;
        fill_values(x, n, 215, 87);
        for (size_t k = 0; k < n; k++)
            want[k] = exp((double)x[k]);
        kernels->exp(x, n);
        assert_tensor(name, x, want, n, 0, 5e-7);
        fill_values(x, n, 216, 1);
        fill_values(y, n, 217, 1);
        for (size_t k = 0; k < n; k++)
            want[k] = (double)x[k] + (double)y[k];
        kernels->add(x, y, n);
        assert_values(kernels, "sum", x, want, n);
        ck_assert(x[n] == GUARD);
    }
}
END_TEST

Suite *suite_kernels(void)
{
    Suite *suite = suite_create("kernels");
    TCase *cells = tcase_create("cells"), *arrays = tcase_create("arrays");
    suite_add_tcase(suite, cells);
    suite_add_tcase(suite, arrays);
    tcase_add_loop_test(cells, test_lstm_step_of_every_instruction_set_is_the_formula, 0,
                        N_STEP_CASES);
    tcase_add_loop_test(cells, test_lstm_step_backward_of_every_instruction_set_is_the_derivative,
                        0, N_STEP_CASES);
    tcase_add_loop_test(cells, test_gru_step_of_every_instruction_set_is_the_formula, 0,
                        N_STEP_CASES);
    tcase_add_loop_test(cells, test_gru_step_backward_of_every_instruction_set_is_the_derivative, 0,
                        N_STEP_CASES);
    tcase_add_loop_test(arrays, test_adam_of_every_instruction_set_is_the_formula, 0,
                        N_CASES(unit_cases));
    tcase_add_loop_test(arrays, test_exp_and_add_of_every_instruction_set_are_accurate, 0,
                        N_CASES(unit_cases));
    return suite;
}
