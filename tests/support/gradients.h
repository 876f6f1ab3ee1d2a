/* gradients.h: a trainer's gradients against central differences of the oracle's loss.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef GRADIENTS_H
#define GRADIENTS_H

#include <stdbool.h>

#include "core/lstm.h"
#include "tests/support/reference.h"

/* The network's model with that loss. new. */
struct lstm_model *gradients_build(const struct reference_network *network, enum lstm_loss loss);

/* Compares the gradients that the trainer holds, of values spread over every tensor. */
void gradients_compare(const struct reference_network *network, const struct lstm_model *model,
                       const struct lstm_trainer *trainer, enum lstm_loss loss,
                       const struct lstm_examples *examples);

/* Gradients and loss of one batch of five sequences, of a network that is described but not
 * initialised; `weights` may be NULL. */
void gradients_check(const struct reference_network *described, enum lstm_loss loss,
                     const size_t *lengths, bool initial_state, const float *weights);

#endif
