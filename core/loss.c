/* loss.c: cross entropy with one softmax or two, and the squared error.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/loss.h"

#include <math.h>
#include <string.h>

#include "core/status.h"

static size_t largest(const float *x, size_t n)
{
    size_t at = 0;
    for (size_t i = 1; i < n; i++)
        if (x[i] > x[at])
            at = i;
    return at;
}

/* softmax_cross_entropy_with_logits (TensorFlow 1 core/kernels/xent_op.h):
 * sum of labels * (log sum exp(z - max) - (z - max)); gradient softmax(z) - labels. z becomes
 * softmax(z). */
static double cross_entropy(float *z, const float *labels, size_t n, float *gradient)
{
    const double most = (double)z[largest(z, n)];
    double sum = 0.0, loss = 0.0;
    for (size_t k = 0; k < n; k++)
        sum += exp((double)z[k] - most);
    for (size_t k = 0; k < n; k++) {
        const double centred = (double)z[k] - most;
        loss += (double)labels[k] * (log(sum) - centred);
        z[k] = (float)(exp(centred) / sum);
        gradient[k] = z[k] - labels[k];
    }
    return loss;
}

static double softmax_row(enum activation activation, float *z, const float *labels, size_t n,
                          float *gradient)
{
    (void)activation;
    return cross_entropy(z, labels, n, gradient);
}

/* The example program's loss: the logits are a softmax already. */
static double on_softmax_row(enum activation activation, float *z, const float *labels, size_t n,
                             float *gradient)
{
    activation_apply(activation, z, 1, n);
    double sum = 0.0, loss = 0.0;
    for (size_t k = 0; k < n; k++)
        sum += exp((double)z[k]);
    for (size_t k = 0; k < n; k++) {
        loss += (double)labels[k] * (log(sum) - (double)z[k]);
        gradient[k] = (float)(exp((double)z[k]) / sum) - labels[k];
    }
    activation_backward(activation, z, gradient, 1, n);
    return loss;
}

/* Mean over the row's values. */
static double squared_row(enum activation activation, float *z, const float *targets, size_t n,
                          float *gradient)
{
    double loss = 0.0;
    activation_apply(activation, z, 1, n);
    for (size_t k = 0; k < n; k++) {
        const double difference = (double)z[k] - (double)targets[k];
        loss += difference * difference / (double)n;
        gradient[k] = (float)(2.0 * difference / (double)n);
    }
    activation_backward(activation, z, gradient, 1, n);
    return loss;
}

/* Each loss: one row, after which z holds the outputs or what orders as they do, and the
 * activations that it can follow; without `needs`, all. */
static const struct {
    double (*row)(enum activation activation, float *z, const float *targets, size_t n,
                  float *gradient);
    const char *needs;
    bool after[N_ACTIVATIONS];
} losses[] = {
    [LSTM_SOFTMAX_CROSS_ENTROPY] = {softmax_row,
                                    "a last dense layer with activation softmax, log_softmax or "
                                    "linear",
                                    {[ACTIVATION_SOFTMAX] = true,
                                     [ACTIVATION_LOG_SOFTMAX] = true,
                                     [ACTIVATION_LINEAR] = true}},
    [LSTM_SOFTMAX_CROSS_ENTROPY_ON_SOFTMAX] = {on_softmax_row,
                                               "a last dense layer with activation softmax",
                                               {[ACTIVATION_SOFTMAX] = true}},
    [LSTM_MEAN_SQUARED_ERROR] = {squared_row, NULL, {false}}};

enum lstm_status loss_check(enum lstm_loss loss, enum activation activation,
                            struct lstm_error *error)
{
    if (losses[loss].needs == NULL || losses[loss].after[activation])
        return LSTM_OK;
    return lstm_fail(error, LSTM_UNSUPPORTED, "this loss needs %s, not %s", losses[loss].needs,
                     activation_names[activation]);
}

double loss_compute(enum lstm_loss loss, const struct loss_batch *batch, size_t *n_correct)
{
    double total = 0.0;
    for (size_t r = 0; r < batch->rows; r++) {
        float *values = batch->values + r * batch->columns;
        float *gradient = batch->gradient + r * batch->columns;
        const float *targets = batch->targets + r * batch->columns;
        const float weight = batch->weights[r];
        total += (double)weight *
                 losses[loss].row(batch->activation, values, targets, batch->columns, gradient);
        for (size_t k = 0; k < batch->columns; k++)
            gradient[k] *= weight;
        *n_correct += largest(values, batch->columns) == largest(targets, batch->columns);
    }
    return total;
}
