/* optimizer.c: TensorFlow 1's Adam and gradient descent, with clipping by the global norm.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Adam (python/training/adam.py): rate = learning_rate * sqrt(1 - beta2^t) / (1 - beta1^t), and
 * epsilon outside the bias correction ("epsilon hat"): PyTorch's and Keras's differ. Clipping
 * (clip_by_global_norm): g * clip_norm / max(norm, clip_norm). */
#include <math.h>

#include "core/kernels.h"
#include "core/trainer.h"

/* Adam squares gradients in float32: beyond this they would become infinite and then NaN. */
static const double max_norm = 1e18;

void optimizer_reset(struct lstm_trainer *trainer)
{
    trainer->step = 0;
    trainer->beta1_power = trainer->settings.beta1;
    trainer->beta2_power = trainer->settings.beta2;
    for (size_t i = 0; i < trainer->n; i++)
        trainer->m[i] = trainer->v[i] = 0.0f;
}

double optimizer_norm(const struct lstm_trainer *trainer)
{
    double sum = 0.0;
    for (size_t i = 0; i < trainer->n; i++)
        sum += (double)trainer->gradients[i] * (double)trainer->gradients[i];
    return sqrt(sum);
}

static void apply_adam(struct lstm_trainer *trainer, float scale)
{
    const struct lstm_training *settings = &trainer->settings;
    const struct adam_update update = {
        .n = trainer->n,
        .weights = trainer->weights,
        .m = trainer->m,
        .v = trainer->v,
        .gradient = trainer->gradients,
        .scale = scale,
        .rate = (float)(settings->learning_rate * sqrt(1.0 - trainer->beta2_power) /
                        (1.0 - trainer->beta1_power)),
        .beta1 = (float)settings->beta1,
        .beta2 = (float)settings->beta2,
        .epsilon = (float)settings->epsilon};
    kernels_best()->adam(&update);
    trainer->beta1_power *= settings->beta1;
    trainer->beta2_power *= settings->beta2;
}

static void apply_sgd(struct lstm_trainer *trainer, float scale)
{
    const float rate = (float)trainer->settings.learning_rate * scale;
    for (size_t i = 0; i < trainer->n; i++)
        trainer->weights[i] -= rate * trainer->gradients[i];
}

static void (*const optimizers[])(struct lstm_trainer *trainer,
                                  float scale) = {[LSTM_ADAM] = apply_adam, [LSTM_SGD] = apply_sgd};

bool optimizer_apply(struct lstm_trainer *trainer)
{
    const double norm = trainer->gradient_norm, most = trainer->settings.clip_norm;
    const double scale = most > 0.0 && norm > most ? most / norm : 1.0;
    if (!isfinite(norm) || norm * scale > max_norm)
        return false;
    optimizers[trainer->settings.optimizer](trainer, (float)scale);
    trainer->step++;
    return true;
}
