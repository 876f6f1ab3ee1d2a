/* test_direction_gradients.c: gradients of models that read backwards, skip steps or give
 * sequences. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "tests/support/assert_tensor.h"
#include "tests/support/batch.h"
#include "tests/support/cases.h"
#include "tests/support/direction_networks.h"
#include "tests/support/fill.h"
#include "tests/support/gradients.h"
#include "tests/support/reference_layers.h"

Suite *suite_direction_gradients(void);

/* Models that give a sequence, the loss at every step; the last layer of each kind. */
static const struct {
    enum lstm_loss loss;
    struct reference_network network;
} sequence_cases[] = {
    {LSTM_SOFTMAX_CROSS_ENTROPY,
     {.features = 2, .n_layers = 2, .layers = {LSTM("a", 4, true), DENSE("out", 3, "softmax")}}},
    {LSTM_SOFTMAX_CROSS_ENTROPY_ON_SOFTMAX,
     {.features = 2, .n_layers = 2, .layers = {GRU("a", 4, true), DENSE("out", 3, "softmax")}}},
    {LSTM_MEAN_SQUARED_ERROR, {.features = 2, .n_layers = 1, .layers = {LSTM("a", 4, true)}}},
    {LSTM_SOFTMAX_CROSS_ENTROPY,
     {.features = 2,
      .n_layers = 1,
      .layers = {{.kind = REFERENCE_GRU,
                  .name = "a",
                  .units = 4,
                  .activation = "linear",
                  .return_sequences = true}}}},
    {LSTM_MEAN_SQUARED_ERROR,
     {.features = 2,
      .n_layers = 6,
      .layers = {DENSE("in", 4, "sigmoid"), LSTM("a", 4, true), DENSE("mid", 5, "tanh"),
                 GRU("b", 3, true), DENSE("d1", 6, "softmax"), DENSE("d2", 2, "sigmoid")}}},
    {LSTM_SOFTMAX_CROSS_ENTROPY,
     {.features = 2,
      .n_layers = 4,
      .layers = {LSTM("a", 4, true), DENSE("d1", 6, "relu"), DENSE("d2", 5, "tanh"),
                 DENSE("out", 3, "softmax")}}},
};

static const size_t length_cases[][5] = {{3, 3, 3, 3, 3}, {4, 1, 3, 2, 4}, {1, 0, 5, 0, 2}};
static const float weights[] = {1, 0.5F, 2.5F, 0.125F, 3};

START_TEST(test_gradients_of_directions_are_the_slopes_of_the_loss)
{
    const struct reference_network *network = &direction_networks[_i];
    const bool ends_dense = network->layers[network->n_layers - 1].kind == REFERENCE_DENSE;
    const bool is_softmax =
        ends_dense && strcmp(network->layers[network->n_layers - 1].activation, "softmax") == 0;
    const enum lstm_loss loss = is_softmax ? LSTM_SOFTMAX_CROSS_ENTROPY : LSTM_MEAN_SQUARED_ERROR;
    gradients_check(network, loss, length_cases[0], false, NULL);
    gradients_check(network, loss, length_cases[1], true, weights);
    gradients_check(network, loss, length_cases[2], true, NULL);
}
END_TEST

START_TEST(test_gradients_of_sequence_outputs_are_the_slopes_of_the_loss)
{
    const struct reference_network *network = &sequence_cases[_i].network;
    const enum lstm_loss loss = sequence_cases[_i].loss;
    gradients_check(network, loss, length_cases[0], false, NULL);
    gradients_check(network, loss, length_cases[1], true, weights);
    gradients_check(network, loss, length_cases[2], true, NULL);
}
END_TEST

/* Every step of every example counts once, whatever the example's length. */
START_TEST(test_loss_of_sequences_is_the_mean_over_their_steps)
{
    struct reference_network network = sequence_cases[2].network;
    reference_init(&network, 91);
    struct lstm_model *model = gradients_build(&network, LSTM_MEAN_SQUARED_ERROR);
    struct lstm_trainer *trainer = NULL;
    struct lstm_training_result both, one[2];
    struct lstm_error error;
    struct batch batch;
    const size_t lengths[] = {2, 6};
    batch_init(&batch, &network, 2, lengths, false, 92);
    struct lstm_examples examples = batch_examples(&batch);
    assert_ok(lstm_trainer_create(model, NULL, &trainer, &error), &error);
    assert_ok(lstm_trainer_evaluate(trainer, &examples, &both, &error), &error);
    for (size_t k = 0; k < 2; k++) {
        struct lstm_examples single = {
            batch.sequences + k, batch.targets + k * lengths[0] * network.output_size, NULL, 1};
        assert_ok(lstm_trainer_evaluate(trainer, &single, &one[k], &error), &error);
        ck_assert_uint_eq(one[k].n_targets, lengths[k]);
    }
    ck_assert_uint_eq(both.n_targets, 8);
    ck_assert_uint_eq(both.n_correct, one[0].n_correct + one[1].n_correct);
    ck_assert_double_eq_tol(both.loss, (2 * one[0].loss + 6 * one[1].loss) / 8, 1e-7);
    lstm_trainer_destroy(trainer);
    lstm_model_destroy(model);
    batch_release(&batch);
    reference_release(&network);
}
END_TEST

/* No target is no loss: all sequences are empty, or all their steps are skipped. */
START_TEST(test_batch_of_sequences_without_a_step_is_refused)
{
    struct reference_network network = direction_networks[20];
    static const float masked[] = {0, 0, 0, 0};
    static const float targets[6];
    reference_init(&network, 93);
    struct lstm_model *model = gradients_build(&network, LSTM_SOFTMAX_CROSS_ENTROPY);
    struct lstm_trainer *trainer = NULL;
    struct lstm_training_result result;
    struct lstm_error error;
    const struct lstm_sequence sequences[] = {{.input = masked, .steps = 2}, {.input = masked}};
    const struct lstm_examples examples = {sequences, targets, NULL, 2};
    assert_ok(lstm_trainer_create(model, NULL, &trainer, &error), &error);
    assert_failure(lstm_trainer_step(trainer, &examples, &result, &error), LSTM_INVALID, &error,
                   "at least one time step");
    lstm_trainer_destroy(trainer);
    lstm_model_destroy(model);
    reference_release(&network);
}
END_TEST

/* A cell that reads backwards can know the first value only; one that reads forwards cannot. */
START_TEST(test_training_of_sequences_learns_what_only_a_backward_cell_can_know)
{
    static const char *const directions[] = {NULL, "concat"};
    double losses[2];
    for (size_t k = 0; k < 2; k++) {
        struct reference_network network = {
            .features = 2,
            .n_layers = 2,
            .layers = {LSTM("a", 8, true), DENSE("out", 2, "softmax")}};
        network.layers[0].bidirectional = directions[k];
        reference_init(&network, 94);
        struct lstm_model *model = gradients_build(&network, LSTM_SOFTMAX_CROSS_ENTROPY);
        struct lstm_trainer *trainer = NULL;
        struct lstm_training_result result;
        struct lstm_error error;
        struct batch batch;
        size_t lengths[32];
        batch_lengths(lengths, 32, 6, 95);
        batch_init(&batch, &network, 32, lengths, false, 96);
        /* The class of a step is the sign of the first value of the step behind it. */
        float *target = batch.targets;
        for (size_t b = 0; b < 32; b++)
            for (size_t t = 0; t < lengths[b]; t++, target += 2) {
                const float *next = batch.sequences[b].input + 2 * (t + 1);
                const bool is_first = t + 1 < lengths[b] && next[0] > 0;
                target[0] = is_first ? 1.0F : 0.0F;
                target[1] = is_first ? 0.0F : 1.0F;
            }
        struct lstm_examples examples = batch_examples(&batch);
        assert_ok(lstm_trainer_create(model, NULL, &trainer, &error), &error);
        lstm_trainer_settings(trainer)->learning_rate = 0.03;
        for (size_t step = 0; step < 60; step++)
            assert_ok(lstm_trainer_step(trainer, &examples, &result, &error), &error);
        losses[k] = result.loss;
        lstm_trainer_destroy(trainer);
        lstm_model_destroy(model);
        batch_release(&batch);
        reference_release(&network);
    }
    ck_assert_double_lt(losses[1], 0.1);
    ck_assert_double_gt(losses[0], 0.3);
}
END_TEST

Suite *suite_direction_gradients(void)
{
    Suite *suite = suite_create("direction_gradients");
    TCase *slopes = tcase_create("slopes"), *sequences = tcase_create("sequences");
    suite_add_tcase(suite, slopes);
    suite_add_tcase(suite, sequences);
    tcase_set_timeout(slopes, 60);
    tcase_set_timeout(sequences, 30);
    tcase_add_loop_test(slopes, test_gradients_of_directions_are_the_slopes_of_the_loss, 0,
                        N_DIRECTION_NETWORKS);
    tcase_add_loop_test(slopes, test_gradients_of_sequence_outputs_are_the_slopes_of_the_loss, 0,
                        N_CASES(sequence_cases));
    tcase_add_test(sequences, test_loss_of_sequences_is_the_mean_over_their_steps);
    tcase_add_test(sequences, test_batch_of_sequences_without_a_step_is_refused);
    tcase_add_test(sequences, test_training_of_sequences_learns_what_only_a_backward_cell_can_know);
    return suite;
}
