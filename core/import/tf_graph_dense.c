/* tf_graph_dense.c: the activation of each dense layer. SPDX-License-Identifier: Apache-2.0
 *
 * A dense layer is a MatMul with a variable, a sum with its bias, and an operation behind that.
 * What takes the sum decides: an activation, or the next product, for which there is none. Anything
 * else (a product with its own sigmoid, a leaky relu) is unknown. */
#include <string.h>

#include "core/import/tf_graph_nodes.h"

/* What changes no value: of a layer's outputs, and of its weights. */
static const char *const same_outputs[] = {"Identity", "Enter",      "Reshape",
                                           "Squeeze",  "ExpandDims", NULL};
static const char *const same_weights[] = {"Identity",  "Enter",          "Reshape",
                                           "Transpose", "ReadVariableOp", NULL};

static const char *const products[] = {"MatMul", "BatchMatMul", "BatchMatMulV2", NULL};
static const char *const sums[] = {"BiasAdd", "Add", "AddV2", NULL};
static const char *const variables[] = {"VariableV2", "Variable", "VarHandleOp", NULL};

/* What looks at values without being a part of the network. */
static bool is_aside(const struct tf_node *node)
{
    static const char *const asides[] = {"Shape", "Rank", "Size", "BiasAddGrad", "HistogramSummary",
                                         NULL};
    static const char gradients[] = "gradients/";
    const struct protobuf_field *name = &node->name;
    return tf_node_is_any(node, asides) ||
           (name->n > 0 && memmem(name->bytes, name->n, gradients, sizeof gradients - 1) != NULL);
}

/* The variable that an output is the sum, or product, with; NULL: it is none. */
static struct tf_node *find_variable(const struct tf_nodes *nodes, struct tf_output output)
{
    output = tf_output_past(nodes, output, same_outputs);
    if (output.node != NULL && tf_node_is_any(output.node, sums))
        output =
            tf_output_past(nodes, tf_output_find(nodes, &output.node->inputs[0]), same_outputs);
    if (output.node == NULL || !tf_node_is_any(output.node, products))
        return NULL;
    const struct tf_output weights =
        tf_output_past(nodes, tf_output_find(nodes, &output.node->inputs[1]), same_weights);
    return weights.node != NULL && tf_node_is_any(weights.node, variables)
               ? tf_nodes_find(nodes, &weights.node->name)
               : NULL;
}

/* What an operation does with the sum that is its first input; NULL: nothing that is known. */
static const char *activation_by(const struct tf_node *node)
{
    if (tf_node_is_any(node, products))
        return "linear";
    return tf_node_is_any(node, sums) ? NULL : tf_node_activation(node);
}

static void tell(struct tf_node *variable, const char *activation)
{
    variable->is_mixed |= activation == NULL || (variable->activation != NULL &&
                                                 strcmp(variable->activation, activation) != 0);
    variable->activation = activation;
}

/* Whether an operation is the sum that belongs to a product, and no taker of a sum. */
static bool is_own_sum(const struct tf_nodes *nodes, const struct tf_node *node)
{
    const struct tf_output from =
        tf_output_past(nodes, tf_output_find(nodes, &node->inputs[0]), same_outputs);
    return tf_node_is_any(node, sums) && from.node != NULL && tf_node_is_any(from.node, products);
}

void tf_graph_find_activations(const struct tf_nodes *nodes)
{
    for (size_t i = 0; i < nodes->n; i++) {
        const struct tf_node *node = &nodes->list[i];
        if (is_aside(node) || tf_node_is_any(node, same_outputs) || is_own_sum(nodes, node))
            continue;
        for (size_t k = 0; k < 2; k++) {
            struct tf_node *variable =
                find_variable(nodes, tf_output_find(nodes, &node->inputs[k]));
            if (variable != NULL)
                tell(variable, k == 0 ? activation_by(node) : NULL);
        }
    }
}
