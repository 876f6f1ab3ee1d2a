/* names_keras.h: networks known by Keras' names of weights alone, without an architecture.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Files of weights only, and safetensors with such names. Shapes and kinds of layers come from the
 * arrays; activations from the options; the order from what the file lists, else from the names. */
#ifndef IMPORT_NAMES_KERAS_H
#define IMPORT_NAMES_KERAS_H

#include "core/import/import.h"

bool names_keras_probe(const struct import_source *source);

/* UNSUPPORTED: a weight that no layer of lstmd has; FORMAT: weights are missing; SHAPE: the layers
 * fit together in no order; INVALID: options->layers. */
LSTM_MUST_CHECK enum lstm_status names_keras_plan(struct import_source *source,
                                                  const struct lstm_import_options *options,
                                                  struct import_plan *plan,
                                                  struct lstm_error *error);

/* What a file of weights says beside them. Borrowed. */
struct names_keras_file {
    const char *version; /* of Keras, whose default of recurrent_activation is assumed: hard_sigmoid
                            up to 2.2; NULL: unknown */
    size_t n_layers;     /* 0: it does not list them */
    const char *const
        *layers; /* the beginnings of their weights' names, in the order of the data */
};

LSTM_MUST_CHECK enum lstm_status names_keras_plan_file(struct import_source *source,
                                                       const struct lstm_import_options *options,
                                                       const struct names_keras_file *file,
                                                       struct import_plan *plan,
                                                       struct lstm_error *error);

#endif
