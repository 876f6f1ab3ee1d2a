/* gradients.c: a trainer's gradients against the oracle's slopes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/gradients.h"

#include <math.h>

#include "tests/support/assert_tensor.h"
#include "tests/support/batch.h"
#include "tests/support/fill.h"
#include "tests/support/model_builder.h"

struct lstm_model *gradients_build(const struct reference_network *network, enum lstm_loss loss)
{
    static const char *const trainings[] = {
        [LSTM_SOFTMAX_CROSS_ENTROPY] = "{\"loss\":\"softmax_cross_entropy\"}",
        [LSTM_SOFTMAX_CROSS_ENTROPY_ON_SOFTMAX] = "{\"loss\":\"softmax_cross_entropy_on_softmax\"}",
        [LSTM_MEAN_SQUARED_ERROR] = "{\"loss\":\"mean_squared_error\"}",
    };
    struct build_options options = {.training = trainings[loss]};
    return build_model(network, &options);
}

/* At most this many values of a tensor are checked, spread over all of it. */
enum { MAX_SLOPES = 24 };

void gradients_compare(const struct reference_network *network, const struct lstm_model *model,
                       const struct lstm_trainer *trainer, enum lstm_loss loss,
                       const struct lstm_examples *examples)
{
    size_t k = 0;
    for (size_t l = 0; l < network->n_layers; l++) {
        const struct reference_layer *layer = &network->layers[l];
        for (size_t t = 0; !layer->reuse && t < layer->n_tensors; t++, k++) {
            double want[MAX_SLOPES];
            float got[MAX_SLOPES];
            const struct reference_tensor *tensor = &layer->tensors[t];
            size_t stride = (tensor->n + MAX_SLOPES - 1) / MAX_SLOPES, n = 0;
            for (size_t v = 0; v < tensor->n; v += stride, n++) {
                want[n] = reference_slope(network, &tensor->data[v], loss, examples);
                got[n] = lstm_trainer_gradient(trainer, k)[v];
            }
            assert_tensor(lstm_model_tensor(model, k).name, got, want, n, 2e-6, 2e-5);
        }
    }
}

void gradients_check(const struct reference_network *described, enum lstm_loss loss,
                     const size_t *lengths, bool initial_state, const float *weights)
{
    struct reference_network network = *described;
    reference_init(&network, 81);
    struct lstm_model *model = gradients_build(&network, loss);
    struct lstm_trainer *trainer = NULL;
    struct lstm_training_result result;
    struct lstm_error error;
    struct batch batch;
    batch_init(&batch, &network, 5, lengths, initial_state, 82);
    struct lstm_examples examples = batch_examples(&batch);
    examples.weights = weights;
    if (loss == LSTM_MEAN_SQUARED_ERROR)
        fill_values(batch.targets, batch.n_targets * network.output_size, 83, 1);
    assert_ok(lstm_trainer_create(model, NULL, &trainer, &error), &error);
    assert_ok(lstm_trainer_gradients(trainer, &examples, &result, &error), &error);
    ck_assert_uint_le(result.n_correct, result.n_targets);
    const double want = reference_loss(&network, loss, &examples);
    ck_assert_double_eq_tol(result.loss, want, 1e-6 * fmax(1, want));
    gradients_compare(&network, model, trainer, loss, &examples);
    lstm_trainer_destroy(trainer);
    lstm_model_destroy(model);
    batch_release(&batch);
    reference_release(&network);
}
