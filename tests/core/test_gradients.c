/* test_gradients.c: every gradient of every kind of layer and loss against central differences of
 * the oracle's loss. SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "tests/support/assert_tensor.h"
#include "tests/support/batch.h"
#include "tests/support/cases.h"
#include "tests/support/gradients.h"
#include "tests/support/model_builder.h"

Suite *suite_gradients(void);

#define LSTM(label, width, function, sequences)                                                    \
    {                                                                                              \
        .kind = REFERENCE_LSTM, .name = label, .units = width, .activation = function,             \
        .forget_bias = 1, .return_sequences = sequences                                            \
    }
#define GRU(label, width, function, sequences)                                                     \
    {                                                                                              \
        .kind = REFERENCE_GRU, .name = label, .units = width, .activation = function,              \
        .return_sequences = sequences                                                              \
    }
#define DENSE(width, function)                                                                     \
    {                                                                                              \
        .kind = REFERENCE_DENSE, .name = "out", .units = width, .activation = function             \
    }

/* What a cell may have besides, each behind its kind and width. */
#define PEEPHOLES   .use_peepholes = true, .forget_bias = 0.5
#define RESET_AFTER .reset_after = true
#define CELL(type, width, ...)                                                                     \
    {                                                                                              \
        .kind = REFERENCE_##type, .name = "a", .units = width, __VA_ARGS__                         \
    }
/* A cell whose every activation is this one; its output through a dense layer. */
#define ACTIVATED(type, function)                                                                  \
    {                                                                                              \
        LSTM_SOFTMAX_CROSS_ENTROPY,                                                                \
            NETWORK(2, CELL(type, 5, .activation = function, .recurrent_activation = function),    \
                    DENSE(3, "softmax"))                                                           \
    }
#define DENSE_BETWEEN(function)                                                                    \
    {                                                                                              \
        LSTM_SOFTMAX_CROSS_ENTROPY,                                                                \
            NETWORK(3, GRU("a", 4, "tanh", false),                                                 \
                    {.kind = REFERENCE_DENSE, .name = "d", .units = 5, .activation = function},    \
                    DENSE(3, "softmax"))                                                           \
    }

/* Three features, these layers. */
#define NETWORK(count, ...)                                                                        \
    {                                                                                              \
        .features = 3, .n_layers = count, .layers = { __VA_ARGS__ }                                \
    }

static const struct gradient_case {
    enum lstm_loss loss;
    struct reference_network network;
} gradient_cases[] = {
    /* Each cell, each of its activations. */
    {LSTM_SOFTMAX_CROSS_ENTROPY, NETWORK(2, LSTM("a", 4, "tanh", false), DENSE(3, "softmax"))},
    {LSTM_SOFTMAX_CROSS_ENTROPY, NETWORK(2, LSTM("a", 4, "sigmoid", false), DENSE(3, "softmax"))},
    {LSTM_SOFTMAX_CROSS_ENTROPY, NETWORK(2, LSTM("a", 4, "linear", false), DENSE(3, "softmax"))},
    {LSTM_SOFTMAX_CROSS_ENTROPY, NETWORK(2, LSTM("a", 4, "relu", false), DENSE(3, "softmax"))},
    {LSTM_SOFTMAX_CROSS_ENTROPY, NETWORK(2, GRU("a", 4, "tanh", false), DENSE(3, "softmax"))},
    {LSTM_SOFTMAX_CROSS_ENTROPY, NETWORK(2, GRU("a", 4, "sigmoid", false), DENSE(3, "softmax"))},
    {LSTM_SOFTMAX_CROSS_ENTROPY, NETWORK(2, GRU("a", 4, "linear", false), DENSE(3, "softmax"))},
    {LSTM_SOFTMAX_CROSS_ENTROPY, NETWORK(2, GRU("a", 4, "relu", false), DENSE(3, "softmax"))},
    /* Widths beyond a vector register, so that whole vectors and remainders both occur. */
    {LSTM_SOFTMAX_CROSS_ENTROPY, NETWORK(2, LSTM("a", 18, "tanh", false), DENSE(3, "softmax"))},
    {LSTM_SOFTMAX_CROSS_ENTROPY, NETWORK(2, GRU("a", 18, "tanh", false), DENSE(3, "softmax"))},
    /* Each loss, after each activation that it may follow. */
    {LSTM_SOFTMAX_CROSS_ENTROPY, NETWORK(2, LSTM("a", 4, "tanh", false), DENSE(3, "linear"))},
    {LSTM_SOFTMAX_CROSS_ENTROPY_ON_SOFTMAX,
     NETWORK(2, LSTM("a", 4, "tanh", false), DENSE(3, "softmax"))},
    {LSTM_MEAN_SQUARED_ERROR, NETWORK(2, LSTM("a", 4, "tanh", false), DENSE(3, "linear"))},
    {LSTM_MEAN_SQUARED_ERROR, NETWORK(2, LSTM("a", 4, "tanh", false), DENSE(3, "tanh"))},
    {LSTM_MEAN_SQUARED_ERROR, NETWORK(2, LSTM("a", 4, "tanh", false), DENSE(3, "sigmoid"))},
    {LSTM_MEAN_SQUARED_ERROR, NETWORK(2, LSTM("a", 4, "tanh", false), DENSE(3, "relu"))},
    {LSTM_MEAN_SQUARED_ERROR, NETWORK(2, LSTM("a", 4, "tanh", false), DENSE(3, "softmax"))},
    {LSTM_MEAN_SQUARED_ERROR, NETWORK(2, LSTM("a", 4, "tanh", false), DENSE(3, "elu"))},
    {LSTM_SOFTMAX_CROSS_ENTROPY, NETWORK(2, LSTM("a", 4, "tanh", false), DENSE(3, "log_softmax"))},
    /* More values than are raised at once. */
    {LSTM_MEAN_SQUARED_ERROR, NETWORK(2, LSTM("a", 4, "tanh", false), DENSE(70, "log_softmax"))},
    {LSTM_SOFTMAX_CROSS_ENTROPY,
     NETWORK(3, LSTM("a", 4, "tanh", false),
             {.kind = REFERENCE_DENSE, .name = "d", .units = 65, .activation = "log_softmax"},
             DENSE(3, "softmax"))},
    /* A cell as the last layer. */
    {LSTM_MEAN_SQUARED_ERROR, NETWORK(1, LSTM("a", 4, "tanh", false))},
    {LSTM_MEAN_SQUARED_ERROR, NETWORK(1, GRU("a", 4, "tanh", false))},
    {LSTM_SOFTMAX_CROSS_ENTROPY, NETWORK(1, GRU("a", 4, "linear", false))},
    /* Stacks. */
    {LSTM_SOFTMAX_CROSS_ENTROPY,
     NETWORK(3, LSTM("a", 4, "tanh", true), LSTM("b", 3, "tanh", false), DENSE(2, "softmax"))},
    {LSTM_SOFTMAX_CROSS_ENTROPY,
     NETWORK(3, GRU("a", 3, "tanh", true), GRU("b", 4, "tanh", false), DENSE(2, "softmax"))},
    {LSTM_SOFTMAX_CROSS_ENTROPY, NETWORK(4, LSTM("a", 2, "tanh", true), GRU("b", 5, "tanh", true),
                                         LSTM("c", 3, "tanh", false), DENSE(2, "softmax"))},
    {LSTM_SOFTMAX_CROSS_ENTROPY,
     NETWORK(3, LSTM("a", 3, "tanh", true),
             {.kind = REFERENCE_LSTM, .name = "a", .units = 3, .forget_bias = 1, .reuse = true},
             DENSE(2, "softmax"))},
    /* Dense layers before, between and behind the cells. */
    {LSTM_SOFTMAX_CROSS_ENTROPY,
     NETWORK(4, {.kind = REFERENCE_DENSE, .name = "in", .units = 4, .activation = "tanh"},
             LSTM("a", 3, "tanh", true),
             {.kind = REFERENCE_DENSE, .name = "mid", .units = 4, .activation = "sigmoid"},
             GRU("b", 3, "tanh", false))},
    {LSTM_SOFTMAX_CROSS_ENTROPY,
     NETWORK(4, LSTM("a", 4, "tanh", false),
             {.kind = REFERENCE_DENSE, .name = "d1", .units = 5, .activation = "relu"},
             {.kind = REFERENCE_DENSE, .name = "d2", .units = 4, .activation = "softmax"},
             DENSE(3, "softmax"))},
    /* Variants of the cells, alone and together, as the last layer, below and above others. */
    {LSTM_SOFTMAX_CROSS_ENTROPY, NETWORK(2, CELL(LSTM, 4, PEEPHOLES), DENSE(3, "softmax"))},
    {LSTM_SOFTMAX_CROSS_ENTROPY, NETWORK(2, CELL(LSTM, 18, PEEPHOLES), DENSE(3, "softmax"))},
    {LSTM_SOFTMAX_CROSS_ENTROPY, NETWORK(2, CELL(LSTM, 5, .num_proj = 2), DENSE(3, "softmax"))},
    {LSTM_SOFTMAX_CROSS_ENTROPY, NETWORK(2, CELL(LSTM, 3, .num_proj = 19), DENSE(3, "softmax"))},
    {LSTM_SOFTMAX_CROSS_ENTROPY,
     NETWORK(2, CELL(LSTM, 5, .num_proj = 4, .proj_clip = 0.05), DENSE(3, "softmax"))},
    {LSTM_SOFTMAX_CROSS_ENTROPY, NETWORK(2, CELL(LSTM, 5, .cell_clip = 0.2), DENSE(3, "softmax"))},
    {LSTM_SOFTMAX_CROSS_ENTROPY,
     NETWORK(2, CELL(LSTM, 6, PEEPHOLES, .num_proj = 4, .cell_clip = 0.3, .proj_clip = 0.2),
             DENSE(3, "softmax"))},
    {LSTM_MEAN_SQUARED_ERROR, NETWORK(1, CELL(LSTM, 5, PEEPHOLES, .num_proj = 3))},
    {LSTM_SOFTMAX_CROSS_ENTROPY,
     NETWORK(3, CELL(LSTM, 4, PEEPHOLES, .num_proj = 6, .return_sequences = true),
             LSTM("b", 3, "tanh", false), DENSE(2, "softmax"))},
    {LSTM_SOFTMAX_CROSS_ENTROPY,
     NETWORK(3, GRU("b", 3, "tanh", true),
             CELL(LSTM, 6, PEEPHOLES, .num_proj = 2, .proj_clip = 0.1), DENSE(2, "softmax"))},
    {LSTM_SOFTMAX_CROSS_ENTROPY, NETWORK(2, CELL(GRU, 4, RESET_AFTER), DENSE(3, "softmax"))},
    {LSTM_SOFTMAX_CROSS_ENTROPY, NETWORK(2, CELL(GRU, 18, RESET_AFTER), DENSE(3, "softmax"))},
    {LSTM_SOFTMAX_CROSS_ENTROPY, NETWORK(2,
                                         CELL(GRU, 5, RESET_AFTER, .activation = "softsign",
                                              .recurrent_activation = "hard_sigmoid"),
                                         DENSE(3, "softmax"))},
    {LSTM_SOFTMAX_CROSS_ENTROPY, NETWORK(3, CELL(GRU, 3, RESET_AFTER, .return_sequences = true),
                                         LSTM("b", 4, "tanh", false), DENSE(2, "softmax"))},
    /* Every activation in every place. */
    ACTIVATED(LSTM, "relu6"),
    ACTIVATED(LSTM, "hard_sigmoid"),
    ACTIVATED(LSTM, "hard_sigmoid_keras3"),
    ACTIVATED(LSTM, "softsign"),
    ACTIVATED(LSTM, "softplus"),
    ACTIVATED(LSTM, "elu"),
    ACTIVATED(LSTM, "selu"),
    /* Not in both places: e^(e^x) leaves the range of float32 within a few steps. */
    {LSTM_SOFTMAX_CROSS_ENTROPY,
     NETWORK(2, CELL(LSTM, 2, .forget_bias = -2, .recurrent_activation = "exponential"),
             DENSE(3, "softmax"))},
    ACTIVATED(LSTM, "tanh"),
    ACTIVATED(LSTM, "linear"),
    ACTIVATED(GRU, "relu"),
    ACTIVATED(GRU, "relu6"),
    ACTIVATED(GRU, "hard_sigmoid"),
    ACTIVATED(GRU, "hard_sigmoid_keras3"),
    ACTIVATED(GRU, "softsign"),
    ACTIVATED(GRU, "softplus"),
    ACTIVATED(GRU, "elu"),
    ACTIVATED(GRU, "selu"),
    {LSTM_SOFTMAX_CROSS_ENTROPY,
     NETWORK(2, CELL(GRU, 1, .activation = "exponential", .recurrent_activation = "hard_sigmoid"),
             DENSE(3, "softmax"))},
    DENSE_BETWEEN("relu6"),
    DENSE_BETWEEN("hard_sigmoid"),
    DENSE_BETWEEN("hard_sigmoid_keras3"),
    DENSE_BETWEEN("softsign"),
    DENSE_BETWEEN("softplus"),
    DENSE_BETWEEN("elu"),
    DENSE_BETWEEN("selu"),
    DENSE_BETWEEN("exponential"),
    /* An embedding. */
    {LSTM_SOFTMAX_CROSS_ENTROPY,
     {.features = 1,
      .n_layers = 3,
      .layers = {{.kind = REFERENCE_EMBEDDING, .name = "words", .units = 3, .vocabulary = 6},
                 GRU("a", 4, "tanh", false),
                 DENSE(3, "softmax")}}},
};

static const size_t length_cases[][5] = {{3, 3, 3, 3, 3}, {4, 1, 3, 2, 4}, {1, 0, 5, 0, 2}};

START_TEST(test_gradients_of_whole_sequences_are_the_slopes_of_the_loss)
{
    gradients_check(&gradient_cases[_i].network, gradient_cases[_i].loss, length_cases[0], false,
                    NULL);
}
END_TEST

START_TEST(test_gradients_of_masked_sequences_are_the_slopes_of_the_loss)
{
    gradients_check(&gradient_cases[_i].network, gradient_cases[_i].loss, length_cases[1], false,
                    NULL);
}
END_TEST

START_TEST(test_gradients_after_an_initial_state_are_the_slopes_of_the_loss)
{
    gradients_check(&gradient_cases[_i].network, gradient_cases[_i].loss, length_cases[2], true,
                    NULL);
}
END_TEST

START_TEST(test_gradients_of_weighted_examples_are_the_slopes_of_the_loss)
{
    static const float weights[] = {1, 0, 2.5F, 0.125F, 3};
    gradients_check(&gradient_cases[_i].network, gradient_cases[_i].loss, length_cases[1], true,
                    weights);
}
END_TEST

/* Targets need not be one-hot: any probability row. */
START_TEST(test_gradients_of_soft_targets_are_the_slopes_of_the_loss)
{
    struct reference_network network = gradient_cases[0].network;
    reference_init(&network, 84);
    struct lstm_model *model = gradients_build(&network, LSTM_SOFTMAX_CROSS_ENTROPY);
    struct lstm_trainer *trainer = NULL;
    struct lstm_training_result result;
    struct lstm_error error;
    struct batch batch;
    batch_init(&batch, &network, 5, length_cases[1], false, 85);
    for (size_t k = 0; k < 5; k++)
        memcpy(batch.targets + 3 * k, ((const float[]){0.25F, 0.125F, 0.625F}), 3 * sizeof(float));
    struct lstm_examples examples = batch_examples(&batch);
    assert_ok(lstm_trainer_create(model, NULL, &trainer, &error), &error);
    assert_ok(lstm_trainer_gradients(trainer, &examples, &result, &error), &error);
    gradients_compare(&network, model, trainer, LSTM_SOFTMAX_CROSS_ENTROPY, &examples);
    lstm_trainer_destroy(trainer);
    lstm_model_destroy(model);
    batch_release(&batch);
    reference_release(&network);
}
END_TEST

static const size_t iteration_cases[] = {1, 2, 7, 1000};

START_TEST(test_gradients_do_not_depend_on_parallel_iterations)
{
    struct reference_network network = gradient_cases[22].network;
    reference_init(&network, 86);
    struct lstm_model *model = gradients_build(&network, LSTM_SOFTMAX_CROSS_ENTROPY);
    struct lstm_trainer_options options = {.parallel_iterations = iteration_cases[_i]};
    struct lstm_trainer *trainer = NULL;
    struct lstm_training_result result;
    struct lstm_error error;
    struct batch batch;
    batch_init(&batch, &network, 5, ((const size_t[]){40, 3, 0, 17, 40}), true, 87);
    struct lstm_examples examples = batch_examples(&batch);
    assert_ok(lstm_trainer_create(model, &options, &trainer, &error), &error);
    assert_ok(lstm_trainer_gradients(trainer, &examples, &result, &error), &error);
    gradients_compare(&network, model, trainer, LSTM_SOFTMAX_CROSS_ENTROPY, &examples);
    lstm_trainer_destroy(trainer);
    lstm_model_destroy(model);
    batch_release(&batch);
    reference_release(&network);
}
END_TEST

Suite *suite_gradients(void)
{
    Suite *suite = suite_create("gradients");
    TCase *slopes = tcase_create("slopes");
    int n = N_CASES(gradient_cases);
    suite_add_tcase(suite, slopes);
    tcase_set_timeout(slopes, 60);
    tcase_add_loop_test(slopes, test_gradients_of_whole_sequences_are_the_slopes_of_the_loss, 0, n);
    tcase_add_loop_test(slopes, test_gradients_of_masked_sequences_are_the_slopes_of_the_loss, 0,
                        n);
    tcase_add_loop_test(slopes, test_gradients_after_an_initial_state_are_the_slopes_of_the_loss, 0,
                        n);
    tcase_add_loop_test(slopes, test_gradients_of_weighted_examples_are_the_slopes_of_the_loss, 0,
                        n);
    tcase_add_test(slopes, test_gradients_of_soft_targets_are_the_slopes_of_the_loss);
    tcase_add_loop_test(slopes, test_gradients_do_not_depend_on_parallel_iterations, 0,
                        N_CASES(iteration_cases));
    return suite;
}
