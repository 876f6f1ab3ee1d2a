/* keras_read.h: what the layers of Keras have in common: configurations, activations, weights.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef KERAS_READ_H
#define KERAS_READ_H

#include "core/import/keras_config.h"
#include "core/import/keras_weights.h"

/* A plan being made. */
struct keras_planning {
    struct import_source *source;
    const struct keras_model *model;
    struct import_plan *plan;
    struct lstm_error *error;
};

/* A key of a layer's configuration; absent, null or of another kind is false, `value`, NULL. */
bool keras_read_flag(const struct doc *config, const char *key);
double keras_read_real(const struct doc *config, const char *key, double value);
const char *keras_read_text(const struct doc *config, const char *key);

/* UNSUPPORTED, with a sentence that names the layer. */
enum lstm_status keras_read_refuse(struct keras_planning *planning, const struct keras_layer *layer,
                                   const char *why);

/* The name of an activation: a text, or since Keras 3 perhaps {"class_name": "function", "config":
 * "tanh"}. NULL: none is said. */
const char *keras_read_activation_text(const struct doc *config, const char *key);

/* Puts lstmd's name of an activation of Keras into name[32]. UNSUPPORTED: it has none. */
LSTM_MUST_CHECK enum lstm_status keras_read_named_activation(struct keras_planning *planning,
                                                             const struct keras_layer *layer,
                                                             const char *keras_name, bool is_gate,
                                                             char name[32]);

/* The same of a key of the configuration; absent is `convention`. */
LSTM_MUST_CHECK enum lstm_status keras_read_activation(struct keras_planning *planning,
                                                       const struct keras_layer *layer,
                                                       const struct doc *config, const char *key,
                                                       const char *convention, bool is_gate,
                                                       char name[32]);

/* The arrays of a layer. UNSUPPORTED: one that lstmd's layers have not; FORMAT: there are none. */
LSTM_MUST_CHECK enum lstm_status keras_read_weights(struct keras_planning *planning,
                                                    const struct keras_layer *layer,
                                                    struct keras_weights *weights);

/* keras_recurrent.c: LSTM, GRU, CuDNNLSTM and CuDNNGRU; one of them inside of a Bidirectional.
 * UNSUPPORTED, FORMAT, SHAPE: which layer, and why. */
LSTM_MUST_CHECK enum lstm_status keras_recurrent_add(struct keras_planning *planning,
                                                     const struct keras_layer *layer,
                                                     const struct doc *config);
LSTM_MUST_CHECK enum lstm_status keras_recurrent_add_bidirectional(struct keras_planning *planning,
                                                                   const struct keras_layer *layer,
                                                                   const struct doc *config);

#endif
