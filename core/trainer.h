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

/* Clips the gradients by their global norm and applies one step of the settings' optimizer; false,
 * and nothing is changed, if they are not finite or too large for float32. */
LSTM_MUST_CHECK bool optimizer_apply(struct lstm_trainer *trainer);

#endif
