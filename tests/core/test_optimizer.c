/* test_optimizer.c: Adam, gradient descent and clipping against the oracle's; the settings in
 * force. SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "tests/support/assert_tensor.h"
#include "tests/support/batch.h"
#include "tests/support/cases.h"
#include "tests/support/model_builder.h"

Suite *suite_optimizer(void);

static const struct reference_network classifier = {
    .features = 3,
    .n_layers = 2,
    .layers = {{.kind = REFERENCE_LSTM, .name = "a", .units = 6, .forget_bias = 1},
               {.kind = REFERENCE_DENSE, .name = "out", .units = 4, .activation = "softmax"}},
};

enum { N_TENSORS = 4, MAX_VALUES = 9 * 24 };

struct fixture {
    struct reference_network network;
    struct lstm_model *model;
    struct lstm_trainer *trainer;
    struct batch batch;
    struct lstm_examples examples;
};

static struct fixture fixture_create(const char *training)
{
    struct build_options options = {.training = training};
    struct fixture fixture = {.network = classifier};
    struct lstm_error error;
    reference_init(&fixture.network, 101);
    fixture.model = build_model(&fixture.network, &options);
    batch_init(&fixture.batch, &fixture.network, 6, (const size_t[]){3, 2, 4, 1, 4, 3}, false, 102);
    fixture.examples = batch_examples(&fixture.batch);
    assert_ok(lstm_trainer_create(fixture.model, NULL, &fixture.trainer, &error), &error);
    return fixture;
}

static void fixture_destroy(struct fixture *fixture)
{
    batch_release(&fixture->batch);
    lstm_trainer_destroy(fixture->trainer);
    lstm_model_destroy(fixture->model);
    reference_release(&fixture->network);
}

static size_t count(const struct lstm_model *model, size_t k)
{
    struct lstm_tensor tensor = lstm_model_tensor(model, k);
    return tensor.shape[0] * (tensor.rank == 2 ? tensor.shape[1] : 1);
}

/* The oracle's copy of weights and slots. */
struct oracle {
    double weights[N_TENSORS][MAX_VALUES], m[N_TENSORS][MAX_VALUES], v[N_TENSORS][MAX_VALUES];
};

static void oracle_init(struct oracle *oracle, const struct lstm_model *model)
{
    *oracle = (struct oracle){.m = {{0}}};
    for (size_t k = 0; k < N_TENSORS; k++)
        for (size_t i = 0; i < count(model, k); i++)
            oracle->weights[k][i] = (double)lstm_model_tensor(model, k).data[i];
}

/* The gradients that the trainer holds; returns their global norm. */
static double copy_gradients(const struct fixture *fixture, double gradients[][MAX_VALUES])
{
    double sum = 0;
    for (size_t k = 0; k < N_TENSORS; k++) {
        for (size_t i = 0; i < count(fixture->model, k); i++) {
            gradients[k][i] = (double)lstm_trainer_gradient(fixture->trainer, k)[i];
            sum += gradients[k][i] * gradients[k][i];
        }
    }
    return sqrt(sum);
}

static void oracle_step(struct oracle *oracle, const struct fixture *fixture,
                        const struct lstm_training *settings, uint64_t step)
{
    double gradients[N_TENSORS][MAX_VALUES];
    double norm = copy_gradients(fixture, gradients);
    double factor = reference_clip_factor(norm, settings->clip_norm);
    for (size_t k = 0; k < N_TENSORS; k++) {
        size_t n = count(fixture->model, k);
        for (size_t i = 0; i < n; i++)
            gradients[k][i] *= factor;
        if (settings->optimizer == LSTM_ADAM)
            reference_adam(settings, step, gradients[k], n, oracle->m[k], oracle->v[k],
                           oracle->weights[k]);
        else
            reference_sgd(settings, gradients[k], n, oracle->weights[k]);
    }
}

/* float32's 1 - 0.999F is 4.7e-5 off (TensorFlow's too), hence a step of Adam by half of that. */
static void compare_weights(const struct oracle *oracle, const struct fixture *fixture,
                            double learning_rate, uint64_t step)
{
    double tolerance = 1e-6 + 3e-5 * learning_rate * (double)step;
    struct lstm_model *model = NULL;
    struct lstm_error error;
    assert_ok(lstm_trainer_snapshot(fixture->trainer, &model, &error), &error);
    for (size_t k = 0; k < N_TENSORS; k++) {
        struct lstm_tensor tensor = lstm_model_tensor(model, k);
        assert_tensor(tensor.name, tensor.data, oracle->weights[k], count(model, k), tolerance,
                      1e-6);
    }
    lstm_model_destroy(model);
}

static const char *const training_cases[] = {
    "{\"optimizer\":\"adam\"}",
    "{\"optimizer\":\"adam\",\"learning_rate\":0.05}",
    "{\"optimizer\":\"adam\",\"learning_rate\":0.01,\"beta1\":0.5,\"beta2\":0.75}",
    "{\"optimizer\":\"adam\",\"learning_rate\":0.01,\"beta1\":0,\"beta2\":0.9}",
    "{\"optimizer\":\"adam\",\"learning_rate\":0.01,\"epsilon\":0.1}",
    "{\"optimizer\":\"adam\",\"learning_rate\":0.01,\"clip_norm\":0.001}",
    "{\"optimizer\":\"adam\",\"learning_rate\":0.01,\"clip_norm\":1000}",
    "{\"optimizer\":\"sgd\"}",
    "{\"optimizer\":\"sgd\",\"learning_rate\":0.5}",
    "{\"optimizer\":\"sgd\",\"learning_rate\":0.5,\"clip_norm\":0.01}",
    "{\"optimizer\":\"sgd\",\"learning_rate\":0.5,\"clip_norm\":1000}",
};

START_TEST(test_optimizer_moves_the_weights_as_the_oracle_does)
{
    struct fixture fixture = fixture_create(training_cases[_i]);
    struct lstm_training settings = lstm_model_info(fixture.model)->training;
    struct oracle oracle;
    oracle_init(&oracle, fixture.model);
    for (uint64_t step = 1; step <= 10; step++) {
        struct lstm_training_result result;
        struct lstm_error error;
        assert_ok(lstm_trainer_gradients(fixture.trainer, &fixture.examples, &result, &error),
                  &error);
        oracle_step(&oracle, &fixture, &settings, step);
        assert_ok(lstm_trainer_apply(fixture.trainer, &error), &error);
        compare_weights(&oracle, &fixture, settings.learning_rate, step);
    }
    fixture_destroy(&fixture);
}
END_TEST

START_TEST(test_optimizer_uses_the_settings_in_force_at_each_step)
{
    struct fixture fixture = fixture_create("{\"learning_rate\":0.01}");
    struct lstm_training settings = lstm_model_info(fixture.model)->training;
    struct oracle oracle;
    oracle_init(&oracle, fixture.model);
    for (uint64_t step = 1; step <= 6; step++) {
        struct lstm_training_result result;
        struct lstm_error error;
        settings.learning_rate = 0.01 / (double)step;
        settings.clip_norm = step % 2 == 0 ? 0.02 : 0;
        lstm_trainer_settings(fixture.trainer)->learning_rate = settings.learning_rate;
        lstm_trainer_settings(fixture.trainer)->clip_norm = settings.clip_norm;
        assert_ok(lstm_trainer_gradients(fixture.trainer, &fixture.examples, &result, &error),
                  &error);
        oracle_step(&oracle, &fixture, &settings, step);
        assert_ok(lstm_trainer_apply(fixture.trainer, &error), &error);
        compare_weights(&oracle, &fixture, 0.01, step);
    }
    fixture_destroy(&fixture);
}
END_TEST

START_TEST(test_gradient_norm_is_the_global_norm_before_clipping)
{
    struct fixture fixture = fixture_create(training_cases[_i]);
    double gradients[N_TENSORS][MAX_VALUES];
    struct lstm_training_result result;
    struct lstm_error error;
    assert_ok(lstm_trainer_gradients(fixture.trainer, &fixture.examples, &result, &error), &error);
    double norm = copy_gradients(&fixture, gradients);
    ck_assert_double_gt(norm, 0.01);
    ck_assert_double_eq_tol(result.gradient_norm, norm, 1e-6 * norm);
    fixture_destroy(&fixture);
}
END_TEST

START_TEST(test_clipped_step_of_gradient_descent_has_the_length_of_the_clip_norm)
{
    struct fixture fixture =
        fixture_create("{\"optimizer\":\"sgd\",\"learning_rate\":1,\"clip_norm\":0.0625}");
    struct lstm_model *after = NULL;
    struct lstm_training_result result;
    struct lstm_error error;
    double sum = 0;
    assert_ok(lstm_trainer_step(fixture.trainer, &fixture.examples, &result, &error), &error);
    assert_ok(lstm_trainer_snapshot(fixture.trainer, &after, &error), &error);
    for (size_t k = 0; k < N_TENSORS; k++)
        for (size_t i = 0; i < count(after, k); i++)
            sum += pow((double)lstm_model_tensor(after, k).data[i] -
                           (double)lstm_model_tensor(fixture.model, k).data[i],
                       2);
    ck_assert_double_eq_tol(sqrt(sum), 0.0625, 1e-5);
    lstm_model_destroy(after);
    fixture_destroy(&fixture);
}
END_TEST

START_TEST(test_learning_rate_of_zero_changes_no_weight)
{
    struct fixture fixture = fixture_create(
        _i == 0 ? "{\"learning_rate\":0}" : "{\"optimizer\":\"sgd\",\"learning_rate\":0}");
    struct lstm_model *after = NULL;
    struct lstm_training_result result;
    struct lstm_error error;
    assert_ok(lstm_trainer_step(fixture.trainer, &fixture.examples, &result, &error), &error);
    ck_assert_uint_eq(result.step, 1);
    assert_ok(lstm_trainer_snapshot(fixture.trainer, &after, &error), &error);
    for (size_t k = 0; k < N_TENSORS; k++)
        assert_tensor_identical(lstm_model_tensor(after, k).name, lstm_model_tensor(after, k).data,
                                lstm_model_tensor(fixture.model, k).data, count(after, k));
    lstm_model_destroy(after);
    fixture_destroy(&fixture);
}
END_TEST

Suite *suite_optimizer(void)
{
    Suite *suite = suite_create("optimizer");
    TCase *steps = tcase_create("steps");
    suite_add_tcase(suite, steps);
    tcase_add_loop_test(steps, test_optimizer_moves_the_weights_as_the_oracle_does, 0,
                        N_CASES(training_cases));
    tcase_add_test(steps, test_optimizer_uses_the_settings_in_force_at_each_step);
    tcase_add_loop_test(steps, test_gradient_norm_is_the_global_norm_before_clipping, 0,
                        N_CASES(training_cases));
    tcase_add_test(steps, test_clipped_step_of_gradient_descent_has_the_length_of_the_clip_norm);
    tcase_add_loop_test(steps, test_learning_rate_of_zero_changes_no_weight, 0, 2);
    return suite;
}
