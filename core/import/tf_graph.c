/* tf_graph.c: what operations say of the cells around them. SPDX-License-Identifier: Apache-2.0 */
#include "core/import/tf_graph.h"

#include <math.h>
#include <string.h>

#include "core/activation.h"
#include "core/status.h"

enum { N_GATES = 4, GATE_J = 1, GATE_F = 2, TYPE_FLOAT = 1 };

struct graph {
    struct tf_nodes nodes;
    bool is_activation_mixed, is_bias_mixed;
    struct tf_graph_facts *facts;
};

/* ---- Facts ---------------------------------------------------------------------------------- */

static void tell_activation(struct graph *graph, const char *activation)
{
    const char *known = graph->facts->activation;
    graph->is_activation_mixed |= known != NULL && strcmp(known, activation) != 0;
    graph->facts->activation = activation;
}

static void tell_forget_bias(struct graph *graph, double bias)
{
    const double known = graph->facts->forget_bias;
    graph->is_bias_mixed |= !isnan(known) && known != bias;
    graph->facts->forget_bias = bias;
}

static bool is_gate(struct tf_output output, unsigned long gate)
{
    struct protobuf_field value, number;
    return output.node != NULL && output.number == gate &&
           protobuf_is_text(&output.node->op, "Split") &&
           tf_node_attribute(output.node, "num_split", &value) &&
           protobuf_find(protobuf_enter(&value), 3, &number) && number.value == N_GATES;
}

/* The value of a Const of one float: a TensorProto with its bytes, or a list of one. */
static bool is_constant(struct tf_output output, double *found)
{
    struct protobuf_field value, tensor, dtype, content;
    float number;
    if (output.node == NULL || !protobuf_is_text(&output.node->op, "Const") ||
        !tf_node_attribute(output.node, "value", &value) ||
        !protobuf_find(protobuf_enter(&value), 8, &tensor) ||
        !protobuf_find(protobuf_enter(&tensor), 1, &dtype) || dtype.value != TYPE_FLOAT)
        return false;
    if (protobuf_find(protobuf_enter(&tensor), 5, &content) && content.wire == PROTOBUF_FIXED32)
        number = protobuf_float(&content);
    else if ((protobuf_find(protobuf_enter(&tensor), 5, &content) ||
              protobuf_find(protobuf_enter(&tensor), 4, &content)) &&
             content.wire == PROTOBUF_BYTES && content.n == sizeof number)
        memcpy(&number, content.bytes, sizeof number);
    else
        return false;
    *found = (double)number;
    return isfinite(number);
}

/* f + forget_bias, or the attribute of a cell that is one operation. */
static void look_for_bias(struct graph *graph, const struct tf_node *node)
{
    static const char *const sums[] = {"Add", "AddV2", NULL};
    static const char *const cells[] = {"LSTMBlockCell", "BlockLSTM", NULL};
    struct protobuf_field value, number;
    double bias;
    if (tf_node_is_any(node, sums)) {
        const struct tf_output a = tf_node_input(&graph->nodes, node, 0),
                               b = tf_node_input(&graph->nodes, node, 1);
        if ((is_gate(a, GATE_F) && is_constant(b, &bias)) ||
            (is_gate(b, GATE_F) && is_constant(a, &bias)))
            tell_forget_bias(graph, bias);
    } else if (tf_node_is_any(node, cells) && tf_node_attribute(node, "forget_bias", &value) &&
               protobuf_find(protobuf_enter(&value), 4, &number) &&
               number.wire == PROTOBUF_FIXED32 && isfinite(protobuf_float(&number))) {
        tell_forget_bias(graph, (double)protobuf_float(&number));
        tell_activation(graph, "tanh");
    }
}

/* Of j, or of what a GRU's candidate layer gives. */
static void look_for_activation(struct graph *graph, const struct tf_node *node)
{
    static const char candidate[] = "candidate/";
    const char *activation = tf_node_activation(node);
    if (activation == NULL || strcmp(activation, "linear") == 0 ||
        activation_is_over_rows(activation))
        return;
    const struct tf_output from = tf_node_input(&graph->nodes, node, 0);
    if (is_gate(from, GATE_J) ||
        (from.node != NULL && protobuf_is_text(&from.node->op, "BiasAdd") &&
         memmem(from.node->name.bytes, from.node->name.n, candidate, sizeof candidate - 1) != NULL))
        tell_activation(graph, activation);
}

/* A SignatureDef's outputs: of several, that with an activation. */
static void look_at_signature(struct graph *graph, const struct protobuf_field *signature)
{
    static const struct tf_node nobody;
    struct protobuf message = protobuf_enter(signature);
    struct protobuf_field field, info, name;
    while (protobuf_next(&message, &field)) {
        if (field.number != 2 || !protobuf_find(protobuf_enter(&field), 2, &info) ||
            !protobuf_find(protobuf_enter(&info), 1, &name))
            continue;
        struct tf_output output = tf_output_find(&graph->nodes, &name);
        if (output.node != NULL && protobuf_is_text(&output.node->op, "Identity"))
            output = tf_node_input(&graph->nodes, output.node, 0);
        const char *activation = tf_node_activation(output.node != NULL ? output.node : &nobody);
        if (activation != NULL && (graph->facts->output_activation == NULL ||
                                   strcmp(graph->facts->output_activation, "linear") == 0))
            graph->facts->output_activation = activation;
    }
}

static void look_at_signatures(struct graph *graph, const struct protobuf_field *meta_graph)
{
    struct protobuf message = protobuf_enter(meta_graph);
    struct protobuf_field field, signature;
    while (protobuf_next(&message, &field))
        if (field.number == 5 && protobuf_find(protobuf_enter(&field), 2, &signature))
            look_at_signature(graph, &signature);
}

enum lstm_status tf_graph_read(struct import_source *source, const unsigned char *bytes, size_t n,
                               struct tf_graph_facts *facts, struct lstm_error *error)
{
    struct graph graph = {.facts = facts};
    struct protobuf_field meta_graph, definition;
    *facts = (struct tf_graph_facts){.forget_bias = (double)NAN};
    if (!protobuf_find(protobuf_begin(bytes, n), 2, &meta_graph) ||
        !protobuf_find(protobuf_enter(&meta_graph), 2, &definition))
        return LSTM_OK;
    const enum lstm_status status = tf_nodes_list(source, &definition, &graph.nodes, error);
    if (status != LSTM_OK)
        return status;
    for (size_t i = 0; i < graph.nodes.n; i++) {
        look_for_bias(&graph, &graph.nodes.list[i]);
        look_for_activation(&graph, &graph.nodes.list[i]);
    }
    look_at_signatures(&graph, &meta_graph);
    tf_graph_find_activations(&graph.nodes);
    facts->nodes = graph.nodes;
    if (graph.is_activation_mixed)
        facts->activation = NULL;
    if (graph.is_bias_mixed)
        facts->forget_bias = (double)NAN;
    return LSTM_OK;
}

const char *tf_graph_activation(const struct tf_graph_facts *facts, const char *variable)
{
    const struct protobuf_field name = {.bytes = (const unsigned char *)variable,
                                        .n = strlen(variable)};
    const struct tf_node *node = tf_nodes_find(&facts->nodes, &name);
    return node == NULL || node->is_mixed ? NULL : node->activation;
}
