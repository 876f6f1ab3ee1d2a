/* keras_graph.h: functional models of Keras: what each layer is called with, and what comes out.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IMPORT_KERAS_GRAPH_H
#define IMPORT_KERAS_GRAPH_H

#include "core/import/keras_config.h"

/* Brings the layers into the order of the data, and honours which of their tensors are read:
 * `config` is the model's, with output_layers. UNSUPPORTED: branches, shared layers, arguments
 * other than one tensor, outputs that lstmd does not serve; INVALID: tensors that no layer gives.
 */
LSTM_MUST_CHECK enum lstm_status keras_graph_order(struct import_source *source,
                                                   const struct doc *config,
                                                   struct keras_layers *layers,
                                                   struct lstm_error *error);

#endif
