/* trainer.h: what a trainer is inside. SPDX-License-Identifier: Apache-2.0 */
#ifndef TRAINER_H
#define TRAINER_H

#include "core/tape.h"

struct lstm_trainer {
    struct spec *spec;
    struct lstm_training settings;
    uint64_t seed;
    uint64_t step;                   /* optimizer steps applied */
    double beta1_power, beta2_power; /* beta^(step + 1) */
    double gradient_norm;            /* of `gradients`; NaN: there are none to apply */
    double weight_bound, m_bound;    /* no weight, no m is larger; infinite: not known */
    size_t n;                        /* floats of each of these four */
    float *weights, *gradients, *m, *v;
    char *swap_folder;
    struct tape tape;
};

/* trainer_load.c: the examples into the tape, which was prepared for them. */
void trainer_load(struct lstm_trainer *trainer, const struct lstm_examples *examples);

/* trainer_layers.c: one layer forward on the tape. */
void trainer_forward_layer(struct lstm_trainer *trainer, size_t l, bool training);

/* One layer backward: dy is by its outputs (by the final h for the last recurrent layer of a model
 * that gives no sequence); returns the gradient by what it read, garbage for the first layer. */
float *trainer_backward_layer(struct lstm_trainer *trainer, size_t l, float *dy);

/* Sets the optimizer back to its beginning. */
void optimizer_reset(struct lstm_trainer *trainer);

/* The global norm of the gradients. */
double optimizer_norm(const struct lstm_trainer *trainer);

/* After the weights or m were changed by somebody else. */
void optimizer_forget_bounds(struct lstm_trainer *trainer);

/* Clips the gradients by their global norm and applies one step of the settings' optimizer.
 * NON_FINITE, and nothing is changed: they, or the weights that the step would lead to, are not
 * finite or too large for float32. */
LSTM_MUST_CHECK enum lstm_status optimizer_apply(struct lstm_trainer *trainer,
                                                 struct lstm_error *error);

#endif
