/* test_trainer_errors.c: what a trainer refuses leaves it as it was, and no number that it takes
 * may spoil it. SPDX-License-Identifier: Apache-2.0 */
#include <float.h>
#include <math.h>

#include "core/subnormals.h"
#include "core/trainer.h"
#include "tests/support/assert_tensor.h"
#include "tests/support/cases.h"
#include "tests/support/model_builder.h"
#include "tests/support/toy_task.h"

Suite *suite_trainer_errors(void);

START_TEST(test_no_examples_are_refused)
{
    struct toy_task f;
    toy_task_init(&f, &toy_networks[0], NULL);
    f.examples.n = 0;
    assert_failure(lstm_trainer_step(f.trainer, &f.examples, &f.result, &f.error), LSTM_INVALID,
                   &f.error, "example");
    ck_assert_uint_eq(lstm_trainer_n_steps(f.trainer), 0);
    toy_task_release(&f);
}
END_TEST

/* A trainer that was given a large batch once does not keep its memory, and what it took was told
 * before. */
START_TEST(test_large_batch_is_measured_and_given_back)
{
    enum { STEPS = 400000 };
    static float input[STEPS * 2];
    struct toy_task f;
    size_t bytes;
    toy_task_init(&f, &toy_networks[0], NULL);
    ck_assert_uint_eq(lstm_model_info(f.model)->features, 2);
    const struct lstm_sequence kept = f.batch.sequences[0];
    f.batch.sequences[0].input = input;
    f.batch.sequences[0].steps = STEPS;
    assert_ok(lstm_trainer_measure(f.model, f.examples.sequences, f.examples.n, &bytes, &f.error),
              &f.error);
    ck_assert_uint_gt(bytes, 64 << 20);
    assert_ok(tape_prepare(&f.trainer->tape, f.trainer->spec, f.examples.sequences, f.examples.n,
                           &f.error),
              &f.error);
    ck_assert_uint_eq(f.trainer->tape.room * sizeof(float), bytes);
    toy_task_step(&f, f.trainer);
    ck_assert_uint_eq(f.trainer->tape.room, 0);
    f.batch.sequences[0] = kept;
    toy_task_step(&f, f.trainer);
    ck_assert_uint_gt(f.trainer->tape.room, 0);
    toy_task_release(&f);
}
END_TEST

static bool has_subnormals(void)
{
    volatile float least = FLT_MIN;
    return least * 0.5F > 0;
}

START_TEST(test_step_leaves_subnormal_numbers_as_they_were)
{
    struct toy_task f;
    const uint64_t mode = subnormals_flush();
    const bool is_flushed = !has_subnormals();
    subnormals_restore(mode);
    ck_assert(has_subnormals());
#if defined(__SSE2__) || defined(__aarch64__)
    ck_assert(is_flushed);
#else
    (void)is_flushed;
#endif
    toy_task_init(&f, &toy_networks[0], NULL);
    toy_task_step(&f, f.trainer);
    ck_assert(has_subnormals());
    toy_task_release(&f);
}
END_TEST

static const float non_finite_cases[] = {NAN, INFINITY, -INFINITY};

START_TEST(test_step_on_a_non_finite_input_is_not_applied)
{
    struct toy_task f;
    toy_task_init(&f, &toy_networks[0], NULL);
    toy_task_step(&f, f.trainer);
    struct lstm_model *before = snapshot_trainer(f.trainer);
    const float input[2] = {0, NAN}, *kept = f.batch.sequences[3].input;
    f.batch.sequences[3].input = input;
    f.batch.sequences[3].steps = 1;
    assert_failure(lstm_trainer_step(f.trainer, &f.examples, &f.result, &f.error), LSTM_NON_FINITE,
                   &f.error, "");
    f.batch.sequences[3].input = kept;
    ck_assert_uint_eq(lstm_trainer_n_steps(f.trainer), 1);
    assert_trainer_holds(f.trainer, before);
    toy_task_step(&f, f.trainer);
    ck_assert_uint_eq(lstm_trainer_n_steps(f.trainer), 2);
    lstm_model_destroy(before);
    toy_task_release(&f);
}
END_TEST

START_TEST(test_step_on_a_non_finite_target_is_not_applied)
{
    struct toy_task f;
    toy_task_init(&f, &toy_networks[0], "{\"loss\":\"mean_squared_error\"}");
    f.batch.targets[5] = non_finite_cases[_i];
    assert_failure(lstm_trainer_step(f.trainer, &f.examples, &f.result, &f.error), LSTM_NON_FINITE,
                   &f.error, "");
    ck_assert_uint_eq(lstm_trainer_n_steps(f.trainer), 0);
    assert_trainer_holds(f.trainer, f.model);
    toy_task_release(&f);
}
END_TEST

/* What would make a weight infinite, NaN, or so large that no output is a number any more. */
static const struct {
    const char *training;
    double learning_rate;
} rate_cases[] = {{"{\"optimizer\":\"adam\"}", 1e30},  {"{\"optimizer\":\"adam\"}", 3e38},
                  {"{\"optimizer\":\"adam\"}", 1e300}, {"{\"optimizer\":\"sgd\"}", 1e30},
                  {"{\"optimizer\":\"sgd\"}", 3e38},   {"{\"optimizer\":\"sgd\"}", 1e300}};

START_TEST(test_step_that_would_spoil_the_weights_is_not_applied)
{
    struct toy_task f, twin;
    toy_task_init(&f, &toy_networks[0], rate_cases[_i].training);
    toy_task_init(&twin, &toy_networks[0], rate_cases[_i].training);
    for (unsigned k = 0; k < 3; k++) {
        double *rate = &lstm_trainer_settings(f.trainer)->learning_rate;
        const double usual = *rate;
        *rate = rate_cases[_i].learning_rate;
        assert_failure(lstm_trainer_step(f.trainer, &f.examples, &f.result, &f.error),
                       LSTM_NON_FINITE, &f.error, "a weight would become larger than 1e+18");
        *rate = usual;
        toy_task_step(&f, f.trainer);
        toy_task_step(&twin, twin.trainer);
        ck_assert_uint_eq(lstm_trainer_n_steps(f.trainer), k + 1);
    }
    struct lstm_model *expected = snapshot_trainer(twin.trainer);
    assert_trainer_holds(f.trainer, expected);
    lstm_model_destroy(expected);
    toy_task_release(&twin);
    toy_task_release(&f);
}
END_TEST

/* Squares of these overflow float32 somewhere on the way to the slots of Adam. */
static const float huge_cases[] = {1e10F, 1e18F, 1e19F, 1e20F, 1e25F, 3e38F};

START_TEST(test_huge_target_is_refused_or_learned_but_never_poisons_the_weights)
{
    static const char *const trainings[] = {
        "{\"loss\":\"mean_squared_error\"}",
        "{\"loss\":\"mean_squared_error\",\"optimizer\":\"sgd\",\"learning_rate\":1}"};
    struct reference_network network = toy_networks[0];
    network.layers[1].activation = "linear";
    struct toy_task f;
    toy_task_init(&f, &network, trainings[_i % 2]);
    float kept = f.batch.targets[5];
    f.batch.targets[5] = huge_cases[_i / 2];
    enum lstm_status status = LSTM_OK;
    for (int k = 0; k < 3 && status == LSTM_OK; k++)
        status = lstm_trainer_step(f.trainer, &f.examples, &f.result, &f.error);
    ck_assert_msg(status == LSTM_OK || status == LSTM_NON_FINITE, "%s", f.error.text);
    f.batch.targets[5] = kept;
    for (int k = 0; k < 3; k++)
        status = lstm_trainer_step(f.trainer, &f.examples, &f.result, &f.error);
    struct lstm_model *after = snapshot_trainer(f.trainer);
    for (size_t k = 0; k < lstm_model_n_tensors(after); k++) {
        struct lstm_tensor tensor = lstm_model_tensor(after, k);
        ck_assert_msg(isfinite(tensor.data[0]), "%s[0] is %g", tensor.name, (double)tensor.data[0]);
    }
    lstm_model_destroy(after);
    toy_task_release(&f);
}
END_TEST

static const struct {
    const char *last, *training;
    bool sequences;
} unsupported_cases[] = {
    {"tanh", "{\"loss\":\"softmax_cross_entropy\"}", true},
    {"tanh", "{\"loss\":\"softmax_cross_entropy\"}", false},
    {"linear", "{\"loss\":\"softmax_cross_entropy_on_softmax\"}", false},
};

START_TEST(test_model_that_cannot_be_trained_is_refused)
{
    struct reference_network network = toy_networks[0];
    network.layers[0].return_sequences = unsupported_cases[_i].sequences;
    network.layers[1].activation = unsupported_cases[_i].last;
    struct build_options options = {.training = unsupported_cases[_i].training};
    reference_init(&network, 123);
    struct lstm_model *model = build_model(&network, &options);
    struct lstm_trainer *trainer = NULL;
    struct lstm_error error;
    assert_failure(lstm_trainer_create(model, NULL, &trainer, &error), LSTM_UNSUPPORTED, &error,
                   "");
    ck_assert_ptr_null(trainer);
    lstm_model_destroy(model);
    reference_release(&network);
}
END_TEST

Suite *suite_trainer_errors(void)
{
    Suite *suite = suite_create("trainer_errors");
    TCase *refuse = tcase_create("refuse");
    suite_add_tcase(suite, refuse);
    tcase_add_test(refuse, test_no_examples_are_refused);
    tcase_add_test(refuse, test_large_batch_is_measured_and_given_back);
    tcase_add_test(refuse, test_step_leaves_subnormal_numbers_as_they_were);
    tcase_add_test(refuse, test_step_on_a_non_finite_input_is_not_applied);
    tcase_add_loop_test(refuse, test_step_on_a_non_finite_target_is_not_applied, 0,
                        N_CASES(non_finite_cases));
    tcase_add_loop_test(refuse, test_step_that_would_spoil_the_weights_is_not_applied, 0,
                        N_CASES(rate_cases));
    tcase_add_loop_test(refuse,
                        test_huge_target_is_refused_or_learned_but_never_poisons_the_weights, 0,
                        2 * N_CASES(huge_cases));
    tcase_add_loop_test(refuse, test_model_that_cannot_be_trained_is_refused, 0,
                        N_CASES(unsupported_cases));
    return suite;
}
