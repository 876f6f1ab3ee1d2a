/* optimizer.c: TensorFlow 1's Adam and gradient descent, with clipping by the global norm.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Adam (python/training/adam.py): rate = learning_rate * sqrt(1 - beta2^t) / (1 - beta1^t), and
 * epsilon outside the bias correction ("epsilon hat"): PyTorch's and Keras's differ. Clipping
 * (clip_by_global_norm): g * clip_norm / max(norm, clip_norm). */
#include <math.h>

#include "core/kernels.h"
#include "core/status.h"
#include "core/trainer.h"

/* Adam squares gradients in float32: beyond this they would become infinite and then NaN. */
static const double max_norm = 1e18;

/* No weight may become larger: sums of products of them, and of what they make, stay far from what
 * float32 can hold. */
static const double max_weight = 1e18;

void optimizer_reset(struct lstm_trainer *trainer)
{
    trainer->step = 0;
    trainer->beta1_power = trainer->settings.beta1;
    trainer->beta2_power = trainer->settings.beta2;
    for (size_t i = 0; i < trainer->n; i++)
        trainer->m[i] = trainer->v[i] = 0.0f;
    optimizer_forget_bounds(trainer);
}

void optimizer_forget_bounds(struct lstm_trainer *trainer)
{
    trainer->weight_bound = trainer->m_bound = (double)INFINITY;
}

double optimizer_norm(const struct lstm_trainer *trainer)
{
    double sum = 0.0;
    for (size_t i = 0; i < trainer->n; i++)
        sum += (double)trainer->gradients[i] * (double)trainer->gradients[i];
    return sqrt(sum);
}

/* NaN is larger than anything. */
static double larger(double bound, float value)
{
    const double size = fabs((double)value);
    return size <= bound ? bound : isnan(size) ? (double)INFINITY : size;
}

/* What Adam does to each parameter. */
static struct adam_update adam_of(const struct lstm_trainer *trainer, float scale)
{
    const struct lstm_training *settings = &trainer->settings;
    return (struct adam_update){
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
}

static void apply_adam(struct lstm_trainer *trainer, float scale)
{
    const struct adam_update update = adam_of(trainer, scale);
    kernels_best()->adam(&update);
    trainer->beta1_power *= trainer->settings.beta1;
    trainer->beta2_power *= trainer->settings.beta2;
}

/* m is a mean of itself and gradients, of which none is larger than their norm; v is at least 0. */
static double reach_of_adam(struct lstm_trainer *trainer, double norm)
{
    const struct adam_update update = adam_of(trainer, 1.0f);
    trainer->m_bound = fmax(trainer->m_bound, norm);
    return update.epsilon > 0.0f ? (double)update.rate * trainer->m_bound / (double)update.epsilon
                                 : (double)INFINITY;
}

static void look_at_adam(struct lstm_trainer *trainer, float scale)
{
    const struct adam_update u = adam_of(trainer, scale);
    trainer->weight_bound = trainer->m_bound = 0.0;
    for (size_t i = 0; i < u.n; i++) {
        const float g = u.gradient[i] * scale, m = u.m[i] + (g - u.m[i]) * (1.0f - u.beta1);
        const float v = u.v[i] + (g * g - u.v[i]) * (1.0f - u.beta2);
        const float moved = u.weights[i] - u.rate * m / (sqrtf(v) + u.epsilon);
        trainer->weight_bound = larger(trainer->weight_bound, moved);
        trainer->m_bound = larger(trainer->m_bound, m);
    }
}

static float rate_of_sgd(const struct lstm_trainer *trainer, float scale)
{
    return (float)trainer->settings.learning_rate * scale;
}

static void apply_sgd(struct lstm_trainer *trainer, float scale)
{
    const float rate = rate_of_sgd(trainer, scale);
    for (size_t i = 0; i < trainer->n; i++)
        trainer->weights[i] -= rate * trainer->gradients[i];
}

static double reach_of_sgd(struct lstm_trainer *trainer, double norm)
{
    return (double)rate_of_sgd(trainer, 1.0f) * norm;
}

static void look_at_sgd(struct lstm_trainer *trainer, float scale)
{
    const float rate = rate_of_sgd(trainer, scale);
    trainer->weight_bound = 0.0;
    for (size_t i = 0; i < trainer->n; i++)
        trainer->weight_bound =
            larger(trainer->weight_bound, trainer->weights[i] - rate * trainer->gradients[i]);
}

static const struct {
    void (*apply)(struct lstm_trainer *trainer, float scale);
    /* How far a step may move a weight at most, known without looking at any; norm: of the clipped
     * gradients. */
    double (*reach)(struct lstm_trainer *trainer, double norm);
    /* Sets the bounds to what apply() would lead to. */
    void (*look)(struct lstm_trainer *trainer, float scale);
} optimizers[] = {[LSTM_ADAM] = {apply_adam, reach_of_adam, look_at_adam},
                  [LSTM_SGD] = {apply_sgd, reach_of_sgd, look_at_sgd}};

/* The bound grows by what each step can do at most; only when it comes to the limit, once in
 * billions of steps that are no worse than usual, are the weights looked at. */
static bool stays_bounded(struct lstm_trainer *trainer, double norm, float scale)
{
    trainer->weight_bound += optimizers[trainer->settings.optimizer].reach(trainer, norm);
    if (trainer->weight_bound <= max_weight)
        return true;
    optimizers[trainer->settings.optimizer].look(trainer, scale);
    if (trainer->weight_bound <= max_weight)
        return true;
    optimizer_forget_bounds(trainer);
    return false;
}

enum lstm_status optimizer_apply(struct lstm_trainer *trainer, struct lstm_error *error)
{
    const double norm = trainer->gradient_norm, most = trainer->settings.clip_norm;
    const double scale = most > 0.0 && norm > most ? most / norm : 1.0;
    if (!isfinite(norm) || norm * scale > max_norm)
        return lstm_fail(error, LSTM_NON_FINITE,
                         "the gradient's norm is %g; the step was not applied: the inputs or "
                         "targets are too large",
                         norm);
    if (!stays_bounded(trainer, norm * scale, (float)scale))
        return lstm_fail(error, LSTM_NON_FINITE,
                         "a weight would become larger than %g: the learning rate, %g, or the "
                         "gradient, whose norm is %g, is too large",
                         max_weight, trainer->settings.learning_rate, norm);
    optimizers[trainer->settings.optimizer].apply(trainer, (float)scale);
    trainer->step++;
    return LSTM_OK;
}
