/* loss.h: the losses, from the last layer's values before its activation.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef LOSS_H
#define LOSS_H

#include "core/activation.h"
#include "core/lstm.h"

/* A batch at the end of the network. Everything is borrowed. */
struct loss_batch {
    size_t rows, columns;
    enum activation activation; /* of the last layer */
    float *values;              /* [rows, columns] before activation; overwritten */
    const float *targets;       /* [rows, columns] */
    const float *weights;       /* [rows], already divided by their sum */
    float *gradient;            /* [rows, columns] by the values, out */
};

/* Whether a loss can follow a last layer of this activation. UNSUPPORTED: what it needs. */
LSTM_MUST_CHECK enum lstm_status loss_check(enum lstm_loss loss, enum activation activation,
                                            struct lstm_error *error);

/* The weighted loss; adds to *n_correct the rows whose largest output is where the largest target
 * is. */
double loss_compute(enum lstm_loss loss, const struct loss_batch *batch, size_t *n_correct);

#endif
