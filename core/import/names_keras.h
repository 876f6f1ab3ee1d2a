/* names_keras.h: networks known by Keras' names of weights alone, without an architecture.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Files of weights only, and safetensors with such names. Order, shapes and kinds of layers come
 * from the arrays; activations from the options. */
#ifndef IMPORT_NAMES_KERAS_H
#define IMPORT_NAMES_KERAS_H

#include "core/import/import.h"

bool names_keras_probe(const struct import_source *source);

/* UNSUPPORTED: a weight that no layer of lstmd has; FORMAT: weights are missing; SHAPE: the layers
 * fit together in no order. */
LSTM_MUST_CHECK enum lstm_status names_keras_plan(struct import_source *source,
                                                  const struct lstm_import_options *options,
                                                  struct import_plan *plan,
                                                  struct lstm_error *error);

/* The same of a file that tells Keras' version, whose default of recurrent_activation is assumed:
 * hard_sigmoid up to 2.2. NULL: unknown. */
LSTM_MUST_CHECK enum lstm_status
names_keras_plan_version(struct import_source *source, const struct lstm_import_options *options,
                         const char *version, struct import_plan *plan, struct lstm_error *error);

#endif
