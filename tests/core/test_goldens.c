/* test_goldens.c: the numbers that other implementations computed (tests/data/golden).
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "tests/support/assert_tensor.h"
#include "tests/support/cases.h"
#include "tests/support/golden_training.h"
#include "tests/support/model_builder.h"

Suite *suite_goldens(void);

enum {
    BATCH = GOLDEN_BATCH,
    TIME = GOLDEN_TIME,
    EMBED = GOLDEN_EMBED,
    UNITS = GOLDEN_UNITS,
    CLASSES = GOLDEN_CLASSES
};

static void compare_forward(const json_t *golden, const struct golden_case *this_case,
                            const struct lstm_sequence *sequences)
{
    size_t state_size = 2 * UNITS * this_case->n_cells;
    for (size_t t = 0; t < TIME; t++) {
        for (size_t cell = 0; cell < this_case->n_cells; cell++) {
            double c[BATCH * UNITS], h[BATCH * UNITS];
            golden_state(golden, this_case, t, "c", cell, c);
            golden_state(golden, this_case, t, "h", cell, h);
            for (size_t b = 0; b < BATCH; b++) {
                bool inside = t < sequences[b].steps, last = t + 1 == TIME;
                const float *state =
                    inside ? sequences[b].state_trace + t * state_size : sequences[b].final_state;
                if (!inside && !last)
                    continue;
                state += 2 * UNITS * cell;
                assert_tensor("c", state, c + b * UNITS, UNITS, 1e-6, 0);
                assert_tensor("h", state + UNITS, h + b * UNITS, UNITS, 1e-6, 0);
            }
        }
    }
}

START_TEST(test_forward_pass_gives_the_numbers_of_tensorflow_js)
{
    const struct golden_case *this_case = &golden_cases[_i];
    json_t *golden = golden_load("tfjs_golden.json");
    struct reference_network network = golden_network(golden, this_case);
    struct lstm_model *model = build_model(&network, NULL);
    struct lstm_runner *runner = create_runner(model, BATCH, 0);
    float x[BATCH * TIME * EMBED], c0[BATCH * UNITS], h0[BATCH * UNITS], initial[BATCH][2 * UNITS];
    float outputs[BATCH][TIME * UNITS], finals[BATCH][4 * UNITS], traces[BATCH][TIME * 4 * UNITS];
    golden_floats(golden, "x", x, BATCH * TIME * EMBED);
    golden_floats(golden, "c0", c0, BATCH * UNITS);
    golden_floats(golden, "h0", h0, BATCH * UNITS);
    struct lstm_sequence sequences[BATCH];
    for (size_t b = 0; b < BATCH; b++) {
        memcpy(initial[b], c0 + b * UNITS, UNITS * sizeof *c0);
        memcpy(initial[b] + UNITS, h0 + b * UNITS, UNITS * sizeof *h0);
        sequences[b] = (struct lstm_sequence){
            .input = x + b * TIME * EMBED,
            .steps = this_case->masked ? golden_lengths[b] : TIME,
            .initial_state = this_case->initial_state ? initial[b] : NULL,
            .rnn_output = outputs[b],
            .final_state = finals[b],
            .state_trace = traces[b],
        };
    }
    struct lstm_error error;
    assert_ok(lstm_runner_run(runner, model, sequences, BATCH, &error), &error);
    compare_forward(golden, this_case, sequences);
    for (size_t t = 0; t < TIME; t++) {
        double want[BATCH * UNITS];
        golden_output(golden, this_case, t, want);
        for (size_t b = 0; b < BATCH; b++)
            if (t < sequences[b].steps)
                assert_tensor("output", outputs[b] + t * UNITS, want + b * UNITS, UNITS, 1e-6, 0);
    }
    lstm_runner_destroy(runner);
    lstm_model_destroy(model);
    reference_release(&network);
    json_decref(golden);
}
END_TEST

static const struct {
    const char *key, *name;
    size_t n;
} variables[] = {
    {"kernel", "rnn/basic_lstm_cell/kernel", 180},
    {"bias", "rnn/basic_lstm_cell/bias", 20},
    {"w", "softmax/kernel", 15},
    {"b", "softmax/bias", 3},
};

static void compare_gradients(const struct lstm_trainer *trainer, const struct lstm_model *model,
                              const json_t *golden, const char *step_path)
{
    for (int k = 0; k < N_CASES(variables); k++) {
        char path[128];
        double want[180];
        snprintf(path, sizeof path, "%s/grad/%s", step_path, variables[k].key);
        golden_values(golden, path, want, variables[k].n);
        assert_tensor(path, lstm_trainer_gradient(trainer, find_tensor(model, variables[k].name)),
                      want, variables[k].n, 1e-6, 1e-5);
    }
}

static void compare_parameters(const struct lstm_trainer *trainer, const json_t *golden,
                               const char *step_path)
{
    struct lstm_model *model = NULL;
    struct lstm_error error;
    assert_ok(lstm_trainer_snapshot(trainer, &model, &error), &error);
    for (int k = 0; k < N_CASES(variables); k++) {
        char path[128];
        double want[180];
        snprintf(path, sizeof path, "%s/after/%s", step_path, variables[k].key);
        golden_values(golden, path, want, variables[k].n);
        assert_tensor(path, lstm_model_tensor(model, find_tensor(model, variables[k].name)).data,
                      want, variables[k].n, 1e-6, 0);
    }
    lstm_model_destroy(model);
}

START_TEST(test_training_gives_the_losses_gradients_and_parameters_of_tensorflow)
{
    const struct golden_training *this_case = &golden_trainings[_i];
    json_t *golden = golden_load("train_golden.json");
    struct lstm_model *model = golden_training_model(golden, this_case);
    struct lstm_trainer *trainer = NULL;
    struct lstm_error error;
    float x[BATCH * TIME * EMBED], targets[BATCH * CLASSES];
    golden_floats(golden, "x", x, BATCH * TIME * EMBED);
    golden_floats(golden, "labels_one_hot", targets, BATCH * CLASSES);
    struct lstm_sequence sequences[BATCH];
    for (size_t b = 0; b < BATCH; b++)
        sequences[b] =
            (struct lstm_sequence){.input = x + b * TIME * EMBED, .steps = this_case->lengths[b]};
    struct lstm_examples examples = {sequences, targets, NULL, BATCH};
    assert_ok(lstm_trainer_create(model, NULL, &trainer, &error), &error);
    for (size_t step = 0; step < GOLDEN_STEPS; step++) {
        char path[96], key[128];
        struct lstm_training_result result;
        snprintf(path, sizeof path, "cases/%s/steps/%zu", this_case->name, step);
        snprintf(key, sizeof key, "%s/loss", path);
        assert_ok(lstm_trainer_gradients(trainer, &examples, &result, &error), &error);
        ck_assert_double_eq_tol(result.loss, golden_number(golden, key), 1e-6);
        compare_gradients(trainer, model, golden, path);
        assert_ok(lstm_trainer_apply(trainer, &error), &error);
        compare_parameters(trainer, golden, path);
        ck_assert_uint_eq(lstm_trainer_n_steps(trainer), step + 1);
    }
    lstm_trainer_destroy(trainer);
    lstm_model_destroy(model);
    json_decref(golden);
}
END_TEST

Suite *suite_goldens(void)
{
    Suite *suite = suite_create("goldens");
    TCase *golden = tcase_create("golden");
    suite_add_tcase(suite, golden);
    tcase_add_loop_test(golden, test_forward_pass_gives_the_numbers_of_tensorflow_js, 0,
                        N_GOLDEN_CASES);
    tcase_add_loop_test(golden,
                        test_training_gives_the_losses_gradients_and_parameters_of_tensorflow, 0,
                        N_GOLDEN_TRAININGS);
    return suite;
}
