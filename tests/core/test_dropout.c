/* test_dropout.c: dropout's masks: what they drop, how they scale, when they change, and the
 * gradient through them. SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "tests/support/assert_tensor.h"
#include "tests/support/batch.h"
#include "tests/support/cases.h"
#include "tests/support/model_builder.h"

Suite *suite_dropout(void);

enum { UNITS = 500 };

/* cell -> dropout -> one linear output with squared error. */
static struct reference_network dropout_network(size_t units, double rate)
{
    struct reference_network network = {
        .features = 2,
        .n_layers = 3,
        .layers = {{.kind = REFERENCE_GRU, .name = "a", .units = units},
                   {.kind = REFERENCE_DROPOUT, .rate = rate},
                   {.kind = REFERENCE_DENSE, .name = "out", .units = 1}},
    };
    reference_init(&network, 91);
    return network;
}

static const struct build_options squared_error = {
    .training = "{\"loss\":\"mean_squared_error\",\"optimizer\":\"sgd\",\"learning_rate\":0}"};

static struct lstm_trainer *create_trainer(const struct lstm_model *model, uint64_t seed)
{
    struct lstm_trainer_options options = {.seed = seed};
    struct lstm_trainer *trainer = NULL;
    struct lstm_error error;
    assert_ok(lstm_trainer_create(model, &options, &trainer, &error), &error);
    return trainer;
}

/* The factor of each unit: d loss / d kernel[k] is h[k] * mask[k] * d loss / d bias. */
static void measure_mask(struct lstm_trainer *trainer, const struct lstm_model *model,
                         const struct batch *batch, double mask[UNITS])
{
    struct lstm_examples examples = batch_examples(batch);
    struct lstm_training_result result;
    struct lstm_error error;
    assert_ok(lstm_trainer_gradients(trainer, &examples, &result, &error), &error);
    const float *kernel = lstm_trainer_gradient(trainer, find_tensor(model, "out/kernel"));
    const float *bias = lstm_trainer_gradient(trainer, find_tensor(model, "out/bias"));
    for (size_t k = 0; k < UNITS; k++)
        mask[k] = (double)kernel[k] / ((double)bias[0] * (double)batch->sequences[0].rnn_output[k]);
}

/* A model, a batch of one sequence of one step with its h in rnn_output, and the trainer. */
struct fixture {
    struct reference_network network;
    struct lstm_model *model;
    struct lstm_trainer *trainer;
    struct batch batch;
};

static struct fixture fixture_create(double rate)
{
    struct fixture fixture = {.network = dropout_network(UNITS, rate)};
    fixture.model = build_model(&fixture.network, &squared_error);
    fixture.trainer = create_trainer(fixture.model, 1);
    struct lstm_runner *runner = create_runner(fixture.model, 1, 0);
    batch_init(&fixture.batch, &fixture.network, 1, (const size_t[]){1}, true, 92);
    fixture.batch.targets[0] = 5;
    batch_run(&fixture.batch, runner, fixture.model);
    lstm_runner_destroy(runner);
    return fixture;
}

static void fixture_destroy(struct fixture *fixture)
{
    batch_release(&fixture->batch);
    lstm_trainer_destroy(fixture->trainer);
    lstm_model_destroy(fixture->model);
    reference_release(&fixture->network);
}

static const double rate_cases[] = {0, 0.1, 0.5, 0.9};

START_TEST(test_dropout_drops_its_rate_of_values_and_scales_the_others_up)
{
    double rate = rate_cases[_i], mask[UNITS];
    struct fixture fixture = fixture_create(rate);
    measure_mask(fixture.trainer, fixture.model, &fixture.batch, mask);
    size_t n_dropped = 0;
    for (size_t k = 0; k < UNITS; k++) {
        n_dropped += mask[k] == 0;
        if (mask[k] != 0)
            ck_assert_double_eq_tol(mask[k], 1 / (1 - rate), 1e-3 / (1 - rate));
    }
    /* Four deviations of the binomial distribution. */
    double tolerance = 4 * sqrt(UNITS * rate * (1 - rate)) + 0.5;
    ck_assert_double_eq_tol((double)n_dropped, UNITS * rate, tolerance);
    fixture_destroy(&fixture);
}
END_TEST

static bool same_mask(const double a[UNITS], const double b[UNITS])
{
    size_t n_same = 0;
    for (size_t k = 0; k < UNITS; k++)
        n_same += (a[k] == 0) == (b[k] == 0);
    return n_same == UNITS;
}

START_TEST(test_dropout_mask_is_fixed_by_seed_and_step)
{
    double mask[UNITS], again[UNITS], next[UNITS], other[UNITS];
    struct fixture fixture = fixture_create(0.5);
    struct lstm_trainer *stranger = create_trainer(fixture.model, 2);
    struct lstm_trainer *twin = create_trainer(fixture.model, 1);
    struct lstm_error error;
    measure_mask(fixture.trainer, fixture.model, &fixture.batch, mask);
    measure_mask(fixture.trainer, fixture.model, &fixture.batch, again);
    ck_assert_msg(same_mask(mask, again), "the mask changed without a step");
    measure_mask(twin, fixture.model, &fixture.batch, again);
    ck_assert_msg(same_mask(mask, again), "the same seed gave another mask");
    measure_mask(stranger, fixture.model, &fixture.batch, other);
    ck_assert_msg(!same_mask(mask, other), "another seed gave the same mask");
    assert_ok(lstm_trainer_apply(fixture.trainer, &error), &error);
    measure_mask(fixture.trainer, fixture.model, &fixture.batch, next);
    ck_assert_msg(!same_mask(mask, next), "the next step had the same mask");
    lstm_trainer_destroy(stranger);
    lstm_trainer_destroy(twin);
    fixture_destroy(&fixture);
}
END_TEST

START_TEST(test_dropout_is_off_when_evaluating)
{
    struct fixture fixture = fixture_create(0.5);
    struct lstm_examples examples = batch_examples(&fixture.batch);
    struct lstm_training_result result;
    struct lstm_error error;
    assert_ok(lstm_trainer_evaluate(fixture.trainer, &examples, &result, &error), &error);
    double want = reference_loss(&fixture.network, LSTM_MEAN_SQUARED_ERROR, &examples);
    ck_assert_double_eq_tol(result.loss, want, 1e-4 * want);
    fixture_destroy(&fixture);
}
END_TEST

/* Stacks with dropout where a mask lies over every time step, and where it lies behind them. */
static const struct reference_network stacks[] = {
    {.features = 3,
     .n_layers = 5,
     .layers = {{.kind = REFERENCE_LSTM,
                 .name = "a",
                 .units = 4,
                 .forget_bias = 1,
                 .return_sequences = true},
                {.kind = REFERENCE_DROPOUT, .rate = 0.4},
                {.kind = REFERENCE_GRU, .name = "b", .units = 4},
                {.kind = REFERENCE_DROPOUT, .rate = 0.2},
                {.kind = REFERENCE_DENSE, .name = "out", .units = 3, .activation = "softmax"}}},
    {.features = 3,
     .n_layers = 3,
     .layers = {{.kind = REFERENCE_DROPOUT, .rate = 0.3},
                {.kind = REFERENCE_LSTM, .name = "a", .units = 4, .forget_bias = 1},
                {.kind = REFERENCE_DENSE, .name = "out", .units = 3, .activation = "softmax"}}},
};

/* The loss of a fresh trainer of the same seed, hence with the same masks. */
static double masked_loss(const struct reference_network *network,
                          const struct lstm_examples *examples)
{
    struct lstm_model *model = build_model(network, NULL);
    struct lstm_trainer *trainer = create_trainer(model, 7);
    struct lstm_training_result result;
    struct lstm_error error;
    assert_ok(lstm_trainer_gradients(trainer, examples, &result, &error), &error);
    lstm_trainer_destroy(trainer);
    lstm_model_destroy(model);
    return result.loss;
}

START_TEST(test_gradient_through_dropout_is_the_slope_of_the_masked_loss)
{
    struct reference_network network = stacks[_i];
    reference_init(&network, 93);
    struct lstm_model *model = build_model(&network, NULL);
    struct lstm_trainer *trainer = create_trainer(model, 7);
    struct lstm_training_result result;
    struct lstm_error error;
    struct batch batch;
    batch_init(&batch, &network, 4, (const size_t[]){3, 1, 4, 2}, false, 94);
    struct lstm_examples examples = batch_examples(&batch);
    assert_ok(lstm_trainer_gradients(trainer, &examples, &result, &error), &error);
    size_t k = 0;
    for (size_t l = 0; l < network.n_layers; l++) {
        for (size_t t = 0; t < network.layers[l].n_tensors; t++, k++) {
            struct reference_tensor *tensor = &network.layers[l].tensors[t];
            const float *gradient = lstm_trainer_gradient(trainer, k);
            for (size_t v = 0; v < tensor->n; v += 3) {
                /* float32 losses: a wide step, exact in binary. */
                const double step = 0x1p-7;
                double kept = tensor->data[v];
                tensor->data[v] = kept + step;
                double above = masked_loss(&network, &examples);
                tensor->data[v] = kept - step;
                double below = masked_loss(&network, &examples);
                tensor->data[v] = kept;
                double slope = (above - below) / (2 * step);
                ck_assert_msg(fabs((double)gradient[v] - slope) < 1e-4 + 1e-3 * fabs(slope),
                              "%s[%zu]: gradient %g, slope %g", lstm_model_tensor(model, k).name, v,
                              (double)gradient[v], slope);
            }
        }
    }
    lstm_trainer_destroy(trainer);
    lstm_model_destroy(model);
    batch_release(&batch);
    reference_release(&network);
}
END_TEST

Suite *suite_dropout(void)
{
    Suite *suite = suite_create("dropout");
    TCase *mask = tcase_create("mask");
    suite_add_tcase(suite, mask);
    tcase_add_loop_test(mask, test_dropout_drops_its_rate_of_values_and_scales_the_others_up, 0,
                        N_CASES(rate_cases));
    tcase_add_test(mask, test_dropout_mask_is_fixed_by_seed_and_step);
    tcase_add_test(mask, test_dropout_is_off_when_evaluating);
    tcase_add_loop_test(mask, test_gradient_through_dropout_is_the_slope_of_the_masked_loss, 0,
                        N_CASES(stacks));
    return suite;
}
