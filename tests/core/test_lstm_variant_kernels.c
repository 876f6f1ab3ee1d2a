/* test_lstm_variant_kernels.c: the loops of LSTMCell's variants of every instruction set.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "tests/support/fill.h"
#include "tests/support/kernel_variants.h"

Suite *suite_lstm_variant_kernels(void);

#define CLIP 0.75

/* What goes into one unit's step, and what its loss weighs m and c' with. */
enum { Z_I, Z_J, Z_F, Z_O, C_PREV, W_I, W_F, W_O, N_LSTM_INPUTS };
struct lstm_unit {
    double in[N_LSTM_INPUTS];
    double dm, dc;
    double gates[4], c, m;
};

struct lstm_settings {
    enum activation activation, recurrent;
    double forget_bias, clip; /* 0: none */
};

/* Fills in gates, c and m; returns dm * m + dc * c'. */
static double lstm_loss(struct lstm_unit *unit, const struct lstm_settings *set)
{
    const double *in = unit->in;
    unit->gates[0] = apply(set->recurrent, in[Z_I] + in[W_I] * in[C_PREV]);
    unit->gates[1] = apply(set->activation, in[Z_J]);
    unit->gates[2] = apply(set->recurrent, in[Z_F] + set->forget_bias + in[W_F] * in[C_PREV]);
    unit->c = unit->gates[2] * in[C_PREV] + unit->gates[0] * unit->gates[1];
    if (set->clip > 0)
        unit->c = fmin(fmax(unit->c, -set->clip), set->clip);
    unit->gates[3] = apply(set->recurrent, in[Z_O] + in[W_O] * unit->c);
    unit->m = unit->gates[3] * apply(set->activation, unit->c);
    return unit->dm * unit->m + unit->dc * unit->c;
}

static double lstm_slope(struct lstm_unit unit, const struct lstm_settings *set, size_t which)
{
    const double kept = unit.in[which];
    unit.in[which] = kept + DIFFERENCE;
    const double above = lstm_loss(&unit, set);
    unit.in[which] = kept - DIFFERENCE;
    return (above - lstm_loss(&unit, set)) / (2 * DIFFERENCE);
}

/* The arrays of one call, with a guard behind what is written. */
struct lstm_arrays {
    size_t units, n;
    float bias[4 * MAX_UNITS], gates[MAX_VALUES + 1], peepholes[3][MAX_UNITS];
    float c_prev[ROWS * MAX_UNITS], c[ROWS * MAX_UNITS + 1], m[ROWS * MAX_UNITS + 1];
    float dm[ROWS * MAX_UNITS], dc[ROWS * MAX_UNITS + 1], dpeepholes[3][MAX_UNITS + 1];
    struct lstm_unit want[ROWS * MAX_UNITS];
    struct lstm_settings set;
    bool has_peepholes;
};

/* Peepholes and clip by turns. */
static void lstm_arrays_init(struct lstm_arrays *a, int loop)
{
    *a = (struct lstm_arrays){.units = unit_cases[loop / N_CASES(pairs)]};
    const size_t units = a->units, n = a->n = ROWS * units;
    a->has_peepholes = loop % 3 != 2;
    a->set =
        (struct lstm_settings){pairs[loop % N_CASES(pairs)].activation,
                               pairs[loop % N_CASES(pairs)].recurrent, 0.5, loop % 2 ? CLIP : 0};
    fill_values(a->bias, 4 * units, 311, 0.5);
    fill_values(a->gates, 4 * n, 312, 2);
    fill_values(a->c_prev, n, 313, 1);
    fill_values(a->dm, n, 314, 1);
    fill_values(a->dc, n, 315, 1);
    for (size_t p = 0; p < 3 && a->has_peepholes; p++)
        fill_values(a->peepholes[p], units, 316 + p, 1);
    a->gates[4 * n] = a->c[n] = a->m[n] = a->dc[n] = GUARD;
    for (size_t k = 0; k < n; k++) {
        struct lstm_unit *unit = &a->want[k];
        const size_t u = k % units;
        for (size_t g = 0; g < 4; g++)
            unit->in[Z_I + g] = (double)a->gates[k / units * 4 * units + g * units + u] +
                                (double)a->bias[g * units + u];
        unit->in[C_PREV] = (double)a->c_prev[k];
        for (size_t p = 0; p < 3; p++)
            unit->in[W_I + p] = (double)a->peepholes[p][u];
        unit->dm = (double)a->dm[k];
        unit->dc = (double)a->dc[k];
        lstm_loss(unit, &a->set);
    }
}

static struct lstm_peepholes peepholes_of(const struct lstm_arrays *a)
{
    if (!a->has_peepholes)
        return (struct lstm_peepholes){NULL, NULL, NULL};
    return (struct lstm_peepholes){a->peepholes[0], a->peepholes[1], a->peepholes[2]};
}

/* One call forward; c is written where c_prev is, as in a runner. */
static void run_lstm(const struct kernels *kernels, struct lstm_arrays *a)
{
    memcpy(a->c, a->c_prev, a->n * sizeof *a->c);
    const struct lstm_variant_step step = {.rows = ROWS,
                                           .units = a->units,
                                           .activation = a->set.activation,
                                           .recurrent_activation = a->set.recurrent,
                                           .forget_bias = (float)a->set.forget_bias,
                                           .cell_clip = (float)a->set.clip,
                                           .bias = a->bias,
                                           .peepholes = peepholes_of(a),
                                           .gates = a->gates,
                                           .c_prev = a->c,
                                           .c = a->c,
                                           .m = a->m};
    kernels->lstm_variant_step(&step);
}

START_TEST(test_lstm_variant_step_of_every_instruction_set_is_the_formula)
{
    FOR_EACH_SET(kernels)
    {
        static struct lstm_arrays a;
        double c[ROWS * MAX_UNITS], m[ROWS * MAX_UNITS], gates[MAX_VALUES];
        lstm_arrays_init(&a, _i);
        const size_t units = a.units, n = a.n;
        for (size_t k = 0; k < n; k++) {
            c[k] = a.want[k].c;
            m[k] = a.want[k].m;
            for (size_t g = 0; g < 4; g++)
                gates[k / units * 4 * units + g * units + k % units] = a.want[k].gates[g];
        }
        run_lstm(kernels, &a);
        assert_values(kernels, "c", a.c, c, n);
        assert_values(kernels, "m", a.m, m, n);
        assert_values(kernels, "gates", a.gates, gates, 4 * n);
        ck_assert(a.gates[4 * n] == GUARD && a.c[n] == GUARD && a.m[n] == GUARD);
    }
}
END_TEST

START_TEST(test_lstm_variant_backward_of_every_instruction_set_is_the_slope)
{
    FOR_EACH_SET(kernels)
    {
        static struct lstm_arrays a;
        double dc[ROWS * MAX_UNITS], m[ROWS * MAX_UNITS], dz[MAX_VALUES];
        double dpeepholes[3][MAX_UNITS] = {0};
        lstm_arrays_init(&a, _i);
        run_lstm(kernels, &a);
        const size_t units = a.units, n = a.n;
        for (size_t k = 0; k < n; k++) {
            const size_t u = k % units;
            dc[k] = lstm_slope(a.want[k], &a.set, C_PREV);
            m[k] = a.want[k].m;
            for (size_t g = 0; g < 4; g++)
                dz[k / units * 4 * units + g * units + u] = lstm_slope(a.want[k], &a.set, Z_I + g);
            for (size_t p = 0; p < 3; p++)
                dpeepholes[p][u] += lstm_slope(a.want[k], &a.set, W_I + p);
        }
        for (size_t p = 0; p < 3; p++)
            a.dpeepholes[p][units] = GUARD;
        a.m[0] = 0;
        const struct lstm_variant_backward step = {
            .rows = ROWS,
            .units = units,
            .activation = a.set.activation,
            .recurrent_activation = a.set.recurrent,
            .cell_clip = (float)a.set.clip,
            .peepholes = peepholes_of(&a),
            .dpeepholes = {a.dpeepholes[0], a.dpeepholes[1], a.dpeepholes[2]},
            .gates = a.gates,
            .c_prev = a.c_prev,
            .c = a.c,
            .dm = a.dm,
            .dc = a.dc,
            .m = a.m};
        kernels->lstm_variant_backward(&step);
        assert_values(kernels, "dz", a.gates, dz, 4 * n);
        assert_values(kernels, "dc", a.dc, dc, n);
        assert_values(kernels, "m", a.m, m, n);
        for (size_t p = 0; p < 3 && a.has_peepholes; p++)
            assert_values(kernels, "dw", a.dpeepholes[p], dpeepholes[p], units);
        ck_assert(a.gates[4 * n] == GUARD && a.dc[n] == GUARD && a.m[n] == GUARD &&
                  a.dpeepholes[0][units] == GUARD && a.dpeepholes[2][units] == GUARD);
    }
}
END_TEST

Suite *suite_lstm_variant_kernels(void)
{
    Suite *suite = suite_create("lstm_variant_kernels");
    TCase *tcase = tcase_create("lstm_variant_kernels");
    suite_add_tcase(suite, tcase);
    tcase_add_loop_test(tcase, test_lstm_variant_step_of_every_instruction_set_is_the_formula, 0,
                        N_STEP_CASES);
    tcase_add_loop_test(tcase, test_lstm_variant_backward_of_every_instruction_set_is_the_slope, 0,
                        N_STEP_CASES);
    return suite;
}
