/* reference_training.c: losses, slopes by central differences, and optimizers of the oracle.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "tests/support/reference.h"

void reference_softmax(const double *z, size_t n, double *p)
{
    double largest = z[0], sum = 0;
    for (size_t k = 1; k < n; k++)
        largest = fmax(largest, z[k]);
    for (size_t k = 0; k < n; k++)
        sum += p[k] = exp(z[k] - largest);
    for (size_t k = 0; k < n; k++)
        p[k] /= sum;
}

double reference_cross_entropy(const double *z, const float *labels, size_t n)
{
    double largest = z[0], sum = 0, loss = 0;
    for (size_t k = 1; k < n; k++)
        largest = fmax(largest, z[k]);
    for (size_t k = 0; k < n; k++)
        sum += exp(z[k] - largest);
    for (size_t k = 0; k < n; k++)
        loss += (double)labels[k] * (log(sum) - (z[k] - largest));
    return loss;
}

static double mean_squared_error(const double *output, const float *target, size_t n)
{
    double sum = 0;
    for (size_t k = 0; k < n; k++)
        sum += pow(output[k] - (double)target[k], 2);
    return sum / (double)n;
}

static double row_loss(const struct reference_network *network, enum lstm_loss loss,
                       const double *logits, const double *output, const float *target)
{
    switch (loss) {
    case LSTM_SOFTMAX_CROSS_ENTROPY:
        return reference_cross_entropy(logits, target, network->output_size);
    case LSTM_SOFTMAX_CROSS_ENTROPY_ON_SOFTMAX:
        return reference_cross_entropy(output, target, network->output_size);
    case LSTM_MEAN_SQUARED_ERROR:
        return mean_squared_error(output, target, network->output_size);
    }
    return (double)NAN;
}

/* The sum over the targets of an example; adds their number to *count. */
static double example_loss(const struct reference_network *network, enum lstm_loss loss,
                           const struct lstm_sequence *sequence, const float *targets,
                           size_t *count)
{
    struct reference_run run;
    double sum = 0;
    size_t rows = network->output_is_sequence ? sequence->steps : 1, n = network->output_size;
    reference_run(network, sequence, &run);
    *count = 0;
    for (size_t t = 0; t < rows; t++) {
        if (network->output_is_sequence && reference_skips(network, sequence, t))
            continue;
        sum += row_loss(network, loss, run.logits + t * n, run.output + t * n, targets + t * n);
        ++*count;
    }
    reference_run_release(&run);
    return sum;
}

double reference_loss(const struct reference_network *network, enum lstm_loss loss,
                      const struct lstm_examples *examples)
{
    const float *targets = examples->targets;
    double sum = 0, weights = 0;
    for (size_t k = 0; k < examples->n; k++) {
        double weight = examples->weights ? (double)examples->weights[k] : 1;
        size_t count, rows = network->output_is_sequence ? examples->sequences[k].steps : 1;
        sum += weight * example_loss(network, loss, &examples->sequences[k], targets, &count);
        weights += weight * (double)count;
        targets += rows * network->output_size;
    }
    return sum / weights;
}

double reference_slope(const struct reference_network *network, double *weight, enum lstm_loss loss,
                       const struct lstm_examples *examples)
{
    /* The cube root of the double's precision: the best step for a central difference. */
    const double step = 6e-6;
    double kept = *weight;
    *weight = kept + step;
    double above = reference_loss(network, loss, examples);
    *weight = kept - step;
    double below = reference_loss(network, loss, examples);
    *weight = kept;
    return (above - below) / (2 * step);
}

void reference_adam(const struct lstm_training *training, uint64_t step, const double *gradient,
                    size_t n, double *m, double *v, double *variable)
{
    double beta1_power = pow(training->beta1, (double)step);
    double beta2_power = pow(training->beta2, (double)step);
    double rate = training->learning_rate * sqrt(1 - beta2_power) / (1 - beta1_power);
    for (size_t k = 0; k < n; k++) {
        m[k] += (gradient[k] - m[k]) * (1 - training->beta1);
        v[k] += (gradient[k] * gradient[k] - v[k]) * (1 - training->beta2);
        variable[k] -= rate * m[k] / (sqrt(v[k]) + training->epsilon);
    }
}

void reference_sgd(const struct lstm_training *training, const double *gradient, size_t n,
                   double *variable)
{
    for (size_t k = 0; k < n; k++)
        variable[k] -= training->learning_rate * gradient[k];
}

double reference_clip_factor(double global_norm, double clip_norm)
{
    return clip_norm > 0 && global_norm > clip_norm ? clip_norm / global_norm : 1;
}
