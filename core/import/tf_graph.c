/* tf_graph.c: operations and what they are connected to. SPDX-License-Identifier: Apache-2.0 */
#include "core/import/tf_graph.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/import/protobuf.h"
#include "core/status.h"

enum { N_GATES = 4, GATE_J = 1, GATE_F = 2, MAX_PASSED = 8, TYPE_FLOAT = 1 };

/* A NodeDef. Texts are fields: not ended by NUL. */
struct node {
    struct protobuf_field name, op, self;
};

struct graph {
    struct node *nodes; /* sorted by name */
    size_t n;
    bool is_activation_mixed, is_bias_mixed;
    struct tf_graph_facts *facts;
};

/* One output of an operation. */
struct output {
    const struct node *node; /* NULL: there is none */
    unsigned long number;
};

static const struct {
    const char *op, *activation;
} activations[] = {
    {"Tanh", "tanh"},         {"Sigmoid", "sigmoid"},   {"Relu", "relu"},  {"Relu6", "relu6"},
    {"Softsign", "softsign"}, {"Softplus", "softplus"}, {"Elu", "elu"},    {"Selu", "selu"},
    {"Softmax", "softmax"},   {"BiasAdd", "linear"},    {"Add", "linear"}, {"AddV2", "linear"},
    {"MatMul", "linear"},
};

static const char *activation_of(const struct node *node)
{
    for (size_t i = 0; i < sizeof activations / sizeof *activations; i++)
        if (protobuf_is_text(&node->op, activations[i].op))
            return activations[i].activation;
    return NULL;
}

static bool is_any_of(const struct node *node, const char *const *ops)
{
    while (*ops != NULL && !protobuf_is_text(&node->op, *ops))
        ops++;
    return *ops != NULL;
}

/* ---- Nodes ---------------------------------------------------------------------------------- */

static int compare_nodes(const void *a, const void *b)
{
    const struct protobuf_field *x = &((const struct node *)a)->name;
    const struct protobuf_field *y = &((const struct node *)b)->name;
    if (x->n != y->n)
        return x->n < y->n ? -1 : 1;
    return x->n == 0 ? 0 : memcmp(x->bytes, y->bytes, x->n);
}

/* The next NodeDef of a GraphDef that has a name and an operation. */
static bool next_node(struct protobuf *graph, struct node *node)
{
    while (protobuf_next(graph, &node->self))
        if (node->self.number == 1 && protobuf_find(protobuf_enter(&node->self), 1, &node->name) &&
            protobuf_find(protobuf_enter(&node->self), 2, &node->op))
            return true;
    return false;
}

static enum lstm_status list_nodes(struct import_source *source,
                                   const struct protobuf_field *definition, struct graph *graph,
                                   struct lstm_error *error)
{
    struct protobuf message = protobuf_enter(definition);
    struct node node;
    size_t n = 0;
    while (next_node(&message, &node))
        n++;
    graph->nodes = import_allocate(source, (n + 1) * sizeof *graph->nodes);
    if (graph->nodes == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for a graph of %zu operations", n);
    message = protobuf_enter(definition);
    while (graph->n < n && next_node(&message, &node))
        graph->nodes[graph->n++] = node;
    if (n > 1)
        qsort(graph->nodes, graph->n, sizeof *graph->nodes, compare_nodes);
    return LSTM_OK;
}

/* What "name" or "name:1" refers to. */
static struct output find_output(const struct graph *graph, const struct protobuf_field *reference)
{
    struct node wanted = {.name = *reference};
    struct output output = {0};
    const unsigned char *colon =
        reference->n == 0 ? NULL : memchr(reference->bytes, ':', reference->n);
    if (colon != NULL) {
        wanted.name.n = (size_t)(colon - reference->bytes);
        for (size_t i = wanted.name.n + 1; i < reference->n && output.number < 1000; i++)
            output.number = output.number * 10 + (unsigned long)(reference->bytes[i] - '0');
    }
    if (graph->n > 0)
        output.node = bsearch(&wanted, graph->nodes, graph->n, sizeof *graph->nodes, compare_nodes);
    return output;
}

/* Input k of an operation, past those that only hand on. */
static struct output input_of(const struct graph *graph, const struct node *node, size_t k)
{
    static const char *const handing_on[] = {"Identity", "Enter", NULL};
    struct output output = {0};
    for (size_t passed = 0; passed < MAX_PASSED; passed++, k = 0) {
        struct protobuf message = protobuf_enter(&node->self);
        struct protobuf_field field;
        size_t i = 0;
        output = (struct output){0};
        while (output.node == NULL && protobuf_next(&message, &field))
            if (field.number == 3 && field.wire == PROTOBUF_BYTES && i++ == k)
                output = find_output(graph, &field);
        if (output.node == NULL || !is_any_of(output.node, handing_on))
            return output;
        node = output.node;
    }
    return (struct output){0};
}

/* An AttrValue; false: the operation has no such attribute. */
static bool find_attribute(const struct node *node, const char *name, struct protobuf_field *value)
{
    struct protobuf message = protobuf_enter(&node->self);
    struct protobuf_field field, key;
    while (protobuf_next(&message, &field))
        if (field.number == 5 && protobuf_find(protobuf_enter(&field), 1, &key) &&
            protobuf_is_text(&key, name))
            return protobuf_find(protobuf_enter(&field), 2, value);
    return false;
}

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

static bool is_gate(struct output output, unsigned long gate)
{
    struct protobuf_field value, number;
    return output.node != NULL && output.number == gate &&
           protobuf_is_text(&output.node->op, "Split") &&
           find_attribute(output.node, "num_split", &value) &&
           protobuf_find(protobuf_enter(&value), 3, &number) && number.value == N_GATES;
}

/* The value of a Const of one float: a TensorProto with its bytes, or a list of one. */
static bool is_constant(struct output output, double *found)
{
    struct protobuf_field value, tensor, dtype, content;
    float number;
    if (output.node == NULL || !protobuf_is_text(&output.node->op, "Const") ||
        !find_attribute(output.node, "value", &value) ||
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
static void look_for_bias(struct graph *graph, const struct node *node)
{
    static const char *const sums[] = {"Add", "AddV2", NULL};
    static const char *const cells[] = {"LSTMBlockCell", "BlockLSTM", NULL};
    struct protobuf_field value, number;
    double bias;
    if (is_any_of(node, sums)) {
        const struct output a = input_of(graph, node, 0), b = input_of(graph, node, 1);
        if ((is_gate(a, GATE_F) && is_constant(b, &bias)) ||
            (is_gate(b, GATE_F) && is_constant(a, &bias)))
            tell_forget_bias(graph, bias);
    } else if (is_any_of(node, cells) && find_attribute(node, "forget_bias", &value) &&
               protobuf_find(protobuf_enter(&value), 4, &number) &&
               number.wire == PROTOBUF_FIXED32 && isfinite(protobuf_float(&number))) {
        tell_forget_bias(graph, (double)protobuf_float(&number));
        tell_activation(graph, "tanh");
    }
}

/* Of j, or of what a GRU's candidate layer gives. */
static void look_for_activation(struct graph *graph, const struct node *node)
{
    static const char candidate[] = "candidate/";
    const char *activation = activation_of(node);
    if (activation == NULL || strcmp(activation, "linear") == 0 ||
        strcmp(activation, "softmax") == 0)
        return;
    const struct output from = input_of(graph, node, 0);
    if (is_gate(from, GATE_J) ||
        (from.node != NULL && protobuf_is_text(&from.node->op, "BiasAdd") &&
         memmem(from.node->name.bytes, from.node->name.n, candidate, sizeof candidate - 1) != NULL))
        tell_activation(graph, activation);
}

/* A SignatureDef's outputs: of several, that with an activation. */
static void look_at_signature(struct graph *graph, const struct protobuf_field *signature)
{
    static const struct node nobody;
    struct protobuf message = protobuf_enter(signature);
    struct protobuf_field field, info, name;
    while (protobuf_next(&message, &field)) {
        if (field.number != 2 || !protobuf_find(protobuf_enter(&field), 2, &info) ||
            !protobuf_find(protobuf_enter(&info), 1, &name))
            continue;
        struct output output = find_output(graph, &name);
        if (output.node != NULL && protobuf_is_text(&output.node->op, "Identity"))
            output = input_of(graph, output.node, 0);
        const char *activation = activation_of(output.node != NULL ? output.node : &nobody);
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
    const enum lstm_status status = list_nodes(source, &definition, &graph, error);
    if (status != LSTM_OK)
        return status;
    for (size_t i = 0; i < graph.n; i++) {
        look_for_bias(&graph, &graph.nodes[i]);
        look_for_activation(&graph, &graph.nodes[i]);
    }
    look_at_signatures(&graph, &meta_graph);
    if (graph.is_activation_mixed)
        facts->activation = NULL;
    if (graph.is_bias_mixed)
        facts->forget_bias = (double)NAN;
    return LSTM_OK;
}
