/* tf_graph_nodes.h: a graph's operations and what they are connected to.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TF_GRAPH_NODES_H
#define TF_GRAPH_NODES_H

#include "core/import/import.h"
#include "core/import/protobuf.h"

/* A NodeDef. Texts are fields: not ended by NUL. */
struct tf_node {
    struct protobuf_field name, op, self;
    struct protobuf_field inputs[2]; /* the first two; n 0: there is none */
    const char *activation; /* of a variable: what comes behind its product; NULL: unknown */
    bool is_mixed;          /* it is not the same everywhere, or none that is known */
};

struct tf_nodes {
    struct tf_node *list; /* sorted by name */
    size_t n;
};

/* One output of an operation. */
struct tf_output {
    const struct tf_node *node; /* NULL: there is none */
    unsigned long number;
};

/* Lists a GraphDef's operations. NO_MEMORY: more than the source may keep. */
LSTM_MUST_CHECK enum lstm_status tf_nodes_list(struct import_source *source,
                                               const struct protobuf_field *definition,
                                               struct tf_nodes *nodes, struct lstm_error *error);

/* The operation of this name; NULL: there is none, as of the empty name. */
struct tf_node *tf_nodes_find(const struct tf_nodes *nodes, const struct protobuf_field *name);

/* What "name" or "name:1" refers to. */
struct tf_output tf_output_find(const struct tf_nodes *nodes,
                                const struct protobuf_field *reference);

/* The output, or that which comes to it through operations of these kinds: the first input of each,
 * up to a few of them. The table ends with NULL. */
struct tf_output tf_output_past(const struct tf_nodes *nodes, struct tf_output output,
                                const char *const *handing_on);

/* Input 0 or 1 of an operation, past those that only hand on. */
struct tf_output tf_node_input(const struct tf_nodes *nodes, const struct tf_node *node, size_t k);

/* An AttrValue; false: the operation has no such attribute. */
bool tf_node_attribute(const struct tf_node *node, const char *name, struct protobuf_field *value);

bool tf_node_is_any(const struct tf_node *node, const char *const *ops);

/* The activation that an operation is; "linear" of a sum; NULL: none that lstmd has. */
const char *tf_node_activation(const struct tf_node *node);

/* Finds the activation behind each variable that multiplies. */
void tf_graph_find_activations(const struct tf_nodes *nodes);

#endif
