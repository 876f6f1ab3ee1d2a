/* test_gru_variant_kernels.c: the loops of GRUCell's variants of every instruction set.
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "tests/support/fill.h"
#include "tests/support/kernel_variants.h"

Suite *suite_gru_variant_kernels(void);

/* What goes into one unit's step: `hidden` is what h and the candidate's recurrent kernel give,
 * before the reset gate; the loss is dh * h'. */
enum { Z_R, Z_U, Z_CANDIDATE, H_PREV, HIDDEN, N_GRU_INPUTS };
struct gru_unit {
    double in[N_GRU_INPUTS], dh, gates[3], h;
};

static double gru_loss(struct gru_unit *unit, enum activation activation, enum activation recurrent)
{
    const double *in = unit->in;
    double *gates = unit->gates;
    gates[0] = apply(recurrent, in[Z_R]);
    gates[1] = apply(recurrent, in[Z_U]);
    gates[2] = apply(activation, in[Z_CANDIDATE] + gates[0] * in[HIDDEN]);
    unit->h = gates[1] * in[H_PREV] + (1 - gates[1]) * gates[2];
    return unit->dh * unit->h;
}

static double gru_slope(struct gru_unit unit, size_t which, enum activation activation,
                        enum activation recurrent)
{
    const double kept = unit.in[which];
    unit.in[which] = kept + DIFFERENCE;
    const double above = gru_loss(&unit, activation, recurrent);
    unit.in[which] = kept - DIFFERENCE;
    return (above - gru_loss(&unit, activation, recurrent)) / (2 * DIFFERENCE);
}

struct gru_arrays {
    float bias[3 * MAX_UNITS], hidden_bias[MAX_UNITS], gates[MAX_VALUES + 1];
    float h[ROWS * MAX_UNITS + 1], h_prev[ROWS * MAX_UNITS], dh[ROWS * MAX_UNITS + 1];
    float product[ROWS * MAX_UNITS], hidden[ROWS * MAX_UNITS + 1];
    struct gru_unit want[ROWS * MAX_UNITS];
};

static void gru_arrays_init(struct gru_arrays *a, size_t units, enum activation activation,
                            enum activation recurrent)
{
    const size_t n = ROWS * units;
    fill_values(a->bias, 3 * units, 321, 0.5);
    fill_values(a->hidden_bias, units, 322, 0.5);
    fill_values(a->gates, 3 * n, 323, 2);
    fill_values(a->h_prev, n, 324, 1);
    fill_values(a->product, n, 325, 1);
    fill_values(a->dh, n, 326, 1);
    a->gates[3 * n] = a->h[n] = a->dh[n] = a->hidden[n] = GUARD;
    for (size_t k = 0; k < n; k++) {
        struct gru_unit *unit = &a->want[k];
        const size_t u = k % units;
        for (size_t g = 0; g < 3; g++)
            unit->in[g] = (double)a->gates[k / units * 3 * units + g * units + u] +
                          (double)a->bias[g * units + u];
        unit->in[H_PREV] = (double)a->h_prev[k];
        unit->in[HIDDEN] = (double)a->product[k] + (double)a->hidden_bias[u];
        a->hidden[k] = a->product[k] + a->hidden_bias[u];
        unit->dh = (double)a->dh[k];
        gru_loss(unit, activation, recurrent);
    }
}

START_TEST(test_gru_reset_after_of_every_instruction_set_is_the_formula_and_its_slope)
{
    const size_t units = unit_cases[_i / N_CASES(pairs)], n = ROWS * units;
    const enum activation activation = pairs[_i % N_CASES(pairs)].activation;
    const enum activation recurrent = pairs[_i % N_CASES(pairs)].recurrent;
    FOR_EACH_SET(kernels)
    {
        static struct gru_arrays a;
        double gates[MAX_VALUES], h[ROWS * MAX_UNITS], dz[MAX_VALUES];
        double dh[ROWS * MAX_UNITS], dhidden[ROWS * MAX_UNITS];
        gru_arrays_init(&a, units, activation, recurrent);
        for (size_t k = 0; k < n; k++) {
            h[k] = a.want[k].h;
            dh[k] = gru_slope(a.want[k], H_PREV, activation, recurrent);
            dhidden[k] = gru_slope(a.want[k], HIDDEN, activation, recurrent);
            for (size_t g = 0; g < 3; g++) {
                const size_t at = k / units * 3 * units + g * units + k % units;
                gates[at] = a.want[k].gates[g];
                dz[at] = gru_slope(a.want[k], g, activation, recurrent);
            }
        }
        memcpy(a.h, a.h_prev, n * sizeof *a.h);
        const struct gru_step step = {.rows = ROWS,
                                      .units = units,
                                      .activation = activation,
                                      .recurrent_activation = recurrent,
                                      .hidden_bias = a.hidden_bias,
                                      .gate_bias = a.bias,
                                      .candidate_bias = a.bias + 2 * units,
                                      .gates = a.gates,
                                      .h_prev = a.h,
                                      .reset_h = a.product,
                                      .h = a.h};
        kernels->gru_variant_gates(&step);
        kernels->gru_variant_output(&step);
        assert_values(kernels, "h", a.h, h, n);
        assert_values(kernels, "gates", a.gates, gates, 3 * n);
        const struct gru_step_backward back = {.rows = ROWS,
                                               .units = units,
                                               .activation = activation,
                                               .recurrent_activation = recurrent,
                                               .gates = a.gates,
                                               .h_prev = a.h_prev,
                                               .dh = a.dh,
                                               .dhidden = a.hidden};
        kernels->gru_variant_output_backward(&back);
        assert_values(kernels, "dz", a.gates, dz, 3 * n);
        assert_values(kernels, "dh", a.dh, dh, n);
        assert_values(kernels, "dhidden", a.hidden, dhidden, n);
        ck_assert(a.gates[3 * n] == GUARD && a.h[n] == GUARD && a.dh[n] == GUARD &&
                  a.hidden[n] == GUARD);
    }
}
END_TEST

/* With the activations of GRUCell the variants' loops must give what its own do. */
START_TEST(test_gru_variant_of_every_instruction_set_is_a_gru_cell)
{
    const size_t units = unit_cases[_i], n = ROWS * units;
    FOR_EACH_SET(kernels)
    {
        static struct gru_arrays a, b;
        static float reset_a[ROWS * MAX_UNITS], reset_b[ROWS * MAX_UNITS];
        gru_arrays_init(&a, units, ACTIVATION_TANH, ACTIVATION_SIGMOID);
        gru_arrays_init(&b, units, ACTIVATION_TANH, ACTIVATION_SIGMOID);
        struct gru_step step = {.rows = ROWS,
                                .units = units,
                                .activation = ACTIVATION_TANH,
                                .recurrent_activation = ACTIVATION_SIGMOID,
                                .gate_bias = a.bias,
                                .candidate_bias = a.bias + 2 * units,
                                .gates = a.gates,
                                .h_prev = a.h_prev,
                                .reset_h = reset_a,
                                .h = a.h};
        kernels->gru_gates(&step);
        kernels->gru_output(&step);
        step.gates = b.gates;
        step.reset_h = reset_b;
        step.h = b.h;
        kernels->gru_variant_gates(&step);
        kernels->gru_variant_output(&step);
        assert_tensor_float("reset_h", reset_b, reset_a, n, 1e-6, 0);
        assert_tensor_float("h", b.h, a.h, n, 1e-6, 0);
        struct gru_step_backward back = {.rows = ROWS,
                                         .units = units,
                                         .activation = ACTIVATION_TANH,
                                         .recurrent_activation = ACTIVATION_SIGMOID,
                                         .gates = a.gates,
                                         .h_prev = a.h_prev,
                                         .dh = a.dh,
                                         .dreset_h = a.product};
        kernels->gru_output_backward(&back);
        kernels->gru_gates_backward(&back);
        back.gates = b.gates;
        back.dh = b.dh;
        kernels->gru_variant_output_backward(&back);
        kernels->gru_variant_gates_backward(&back);
        assert_tensor_float("dz", b.gates, a.gates, 3 * n, 2e-6, 0);
        assert_tensor_float("dh", b.dh, a.dh, n, 2e-6, 0);
        ck_assert(b.gates[3 * n] == GUARD && b.dh[n] == GUARD);
    }
}
END_TEST

Suite *suite_gru_variant_kernels(void)
{
    Suite *suite = suite_create("gru_variant_kernels");
    TCase *tcase = tcase_create("gru_variant_kernels");
    suite_add_tcase(suite, tcase);
    tcase_add_loop_test(tcase,
                        test_gru_reset_after_of_every_instruction_set_is_the_formula_and_its_slope,
                        0, N_STEP_CASES);
    tcase_add_loop_test(tcase, test_gru_variant_of_every_instruction_set_is_a_gru_cell, 0,
                        N_CASES(unit_cases));
    return suite;
}
