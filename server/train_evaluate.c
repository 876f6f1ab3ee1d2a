/* train_evaluate.c: train_evaluate.h, in slices of one batch. SPDX-License-Identifier: Apache-2.0
 */
#include "server/train_evaluate.h"

#include <math.h>

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

enum lstm_status train_evaluate_trainer(struct lstm_trainer *trainer,
                                        const struct mnist_split *split, struct mnist_batch *batch,
                                        double *loss, double *accuracy, struct lstm_error *error)
{
    double loss_sum = 0;
    size_t n_correct = 0;
    for (size_t first = 0; first < split->n; first += batch->n) {
        mnist_batch_fill(batch, split, first, smaller(batch->max_n, split->n - first));
        const struct lstm_examples examples = {batch->sequences, batch->targets, NULL, batch->n};
        struct lstm_training_result result;
        enum lstm_status status = lstm_trainer_evaluate(trainer, &examples, &result, error);
        if (status != LSTM_OK)
            return status;
        loss_sum += result.loss * (double)batch->n;
        n_correct += result.n_correct;
    }
    *loss = split->n > 0 ? loss_sum / (double)split->n : (double)NAN;
    *accuracy = split->n > 0 ? (double)n_correct / (double)split->n : (double)NAN;
    return LSTM_OK;
}

static size_t index_of_largest(const float *values, size_t n)
{
    size_t largest = 0;
    for (size_t i = 1; i < n; i++)
        if (values[i] > values[largest])
            largest = i;
    return largest;
}

enum lstm_status train_evaluate_model(struct lstm_runner *runner, const struct lstm_model *model,
                                      const struct mnist_split *split, struct mnist_batch *batch,
                                      double *accuracy, struct lstm_error *error)
{
    size_t n_correct = 0;
    for (size_t first = 0; first < split->n; first += batch->n) {
        mnist_batch_fill(batch, split, first, smaller(batch->max_n, split->n - first));
        enum lstm_status status = lstm_runner_run(runner, model, batch->sequences, batch->n, error);
        if (status != LSTM_OK)
            return status;
        for (size_t i = 0; i < batch->n; i++)
            n_correct += index_of_largest(batch->outputs + i * batch->output_size,
                                          batch->output_size) == split->labels[first + i];
    }
    *accuracy = (double)n_correct / (double)split->n;
    return LSTM_OK;
}
