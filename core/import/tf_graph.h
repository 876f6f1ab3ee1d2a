/* tf_graph.h: what the graph of a TensorFlow 1 SavedModel says of its cells.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Variables tell shapes; activations and the forget bias are operations. They are found by how
 * operations are connected, not by names: a cell's gates are outputs of one Split, in the order
 * i, j, f, o (TensorFlow, python/ops/rnn_cell_impl.py). Protocol buffers: core/protobuf/meta_graph,
 * core/framework/{graph,node_def,attr_value,tensor}.proto. */
#ifndef TF_GRAPH_H
#define TF_GRAPH_H

#include "core/import/tf_graph_nodes.h"

/* What was found; a fact on which the cells differ counts as unknown. */
struct tf_graph_facts {
    const char *activation;        /* of j, or of a GRU's candidate; NULL: unknown */
    const char *output_activation; /* of what the signatures give; NULL: unknown */
    double forget_bias;            /* NaN: unknown */
    struct tf_nodes nodes;
};

/* Reads the first graph of a SavedModel. What is damaged or unusual is unknown. NO_MEMORY: also
 * when there are more operations than the source may keep. */
LSTM_MUST_CHECK enum lstm_status tf_graph_read(struct import_source *source,
                                               const unsigned char *bytes, size_t n,
                                               struct tf_graph_facts *facts,
                                               struct lstm_error *error);

/* The activation behind the product with a variable, "linear" if there is none; NULL: unknown. */
const char *tf_graph_activation(const struct tf_graph_facts *facts, const char *variable);

#endif
