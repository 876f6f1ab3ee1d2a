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

/* Sets the optimizer back to its beginning. */
void optimizer_reset(struct lstm_trainer *trainer);

/* The global norm of the gradients. */
double optimizer_norm(const struct lstm_trainer *trainer);

/* Clips the gradients by their global norm and applies one step of the settings' optimizer; false,
 * and nothing is changed, if they are not finite or too large for float32. */
LSTM_MUST_CHECK bool optimizer_apply(struct lstm_trainer *trainer);

#endif
