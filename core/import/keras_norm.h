/* keras_norm.h: BatchNormalization of Keras. SPDX-License-Identifier: Apache-2.0 */
#ifndef IMPORT_KERAS_NORM_H
#define IMPORT_KERAS_NORM_H

#include "core/import/keras_read.h"

/* Folds it into the dense layer in front of it, if that has no activation, or adds a dense layer
 * with its factors. UNSUPPORTED, FORMAT, SHAPE, NO_MEMORY: which layer, and why. */
LSTM_MUST_CHECK enum lstm_status keras_norm_add(struct keras_planning *planning,
                                                const struct keras_layer *layer,
                                                const struct doc *config);

#endif
