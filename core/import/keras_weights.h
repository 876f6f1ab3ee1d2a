/* keras_weights.h: which array is which weight of a Keras layer, in every generation's names.
 * SPDX-License-Identifier: Apache-2.0
 *
 *   Keras 1         lstm_1/lstm_1_W_i, _U_i, _b_i and so on for c, f, o; dense_1_W, dense_1_b
 *   Keras 2         lstm_1/lstm_1/kernel:0 (":0" with TensorFlow only)
 *   tf.keras        lstm/lstm/lstm_cell/kernel:0, bidirectional/.../forward_lstm/lstm_cell/kernel:0
 *   Keras 3 .h5     lstm/sequential/lstm/lstm_cell/kernel
 *   Keras 3 .keras  layers/lstm/cell/vars/0, layers/bidirectional/forward_layer/cell/vars/0 */
#ifndef IMPORT_KERAS_WEIGHTS_H
#define IMPORT_KERAS_WEIGHTS_H

#include "core/import/import.h"

/* A weight matrix of a cell: whole, or gate by gate, by the gate's place in keras_gates. */
#define KERAS_GATES "ifcozrh"
enum { KERAS_N_GATES = sizeof KERAS_GATES - 1 };

struct keras_weight {
    const struct import_array *whole; /* NULL: there is none */
    const struct import_array *gates[KERAS_N_GATES];
};

/* The arrays of one direction of a layer; of a dense layer kernel and bias. Borrowed. */
struct keras_cell {
    struct keras_weight kernel, recurrent, bias;
};

struct keras_weights {
    bool is_bidirectional;
    struct keras_cell cells[2]; /* forward, backward */
    const struct import_array *embeddings;
    const struct import_array *other; /* a weight that no supported layer has; NULL: none */
    size_t n_arrays;
};

/* Length of the layer's part of an array's name: 18 of "bidirectional/lstm/forward_lstm/kernel:0".
 * n_layer: so many first bytes are a layer by what else the file says, so that they tell nothing of
 * what is inside, though they be "forward_lstm" or "cell"; 0: unknown. SIZE_MAX: not a weight of a
 * layer (state of an optimizer or of a random generator). */
size_t keras_scope_bytes(const struct import_array *array, size_t n_layer);

/* Whether the array is, by its name, the recurrent kernel of a layer. */
bool keras_is_recurrent(const struct import_array *array);

/* Collects all weights of the layer of this name, which is known. FORMAT: two arrays for one
 * weight. */
LSTM_MUST_CHECK enum lstm_status keras_weights_collect(const struct import_source *source,
                                                       const char *scope,
                                                       struct keras_weights *weights,
                                                       struct lstm_error *error);

/* The arrays that are a layer's by their names: those whose keras_scope_bytes() are the first n of
 * `scope`. FORMAT: as above. */
LSTM_MUST_CHECK enum lstm_status keras_weights_gather(const struct import_source *source,
                                                      const char *scope, size_t n, size_t n_layer,
                                                      struct keras_weights *weights,
                                                      struct lstm_error *error);

/* Fills the cells, units and, of a GRU, reset_after of a recurrent layer, whose kind says LSTM or
 * GRU: gates in lstmd's order, weights of CuDNNLSTM and CuDNNGRU put in Keras' order. `layer_name`
 * is for messages. FORMAT: a weight is missing; SHAPE; NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status keras_cells_fill(struct import_source *source,
                                                  const struct keras_weights *weights,
                                                  struct import_layer *layer,
                                                  struct lstm_error *error);

/* LSTM or GRU by the shape of the recurrent kernel; false: neither. */
bool keras_cell_kind(const struct keras_cell *cell, enum import_kind *kind);

#endif
