/* tf_graph_nodes.c: tf_graph_nodes.h. SPDX-License-Identifier: Apache-2.0 */
#include "core/import/tf_graph_nodes.h"

#include <stdlib.h>
#include <string.h>

#include "core/status.h"

enum { MAX_PASSED = 8 };

static const struct {
    const char *op, *activation;
} activations[] = {
    {"Tanh", "tanh"},         {"Sigmoid", "sigmoid"},
    {"Relu", "relu"},         {"Relu6", "relu6"},
    {"Softsign", "softsign"}, {"Softplus", "softplus"},
    {"Elu", "elu"},           {"Selu", "selu"},
    {"Softmax", "softmax"},   {"LogSoftmax", "log_softmax"},
    {"BiasAdd", "linear"},    {"Add", "linear"},
    {"AddV2", "linear"},      {"MatMul", "linear"},
};

const char *tf_node_activation(const struct tf_node *node)
{
    for (size_t i = 0; i < sizeof activations / sizeof *activations; i++)
        if (protobuf_is_text(&node->op, activations[i].op))
            return activations[i].activation;
    return NULL;
}

bool tf_node_is_any(const struct tf_node *node, const char *const *ops)
{
    while (*ops != NULL && !protobuf_is_text(&node->op, *ops))
        ops++;
    return *ops != NULL;
}

static int compare_nodes(const void *a, const void *b)
{
    const struct protobuf_field *x = &((const struct tf_node *)a)->name;
    const struct protobuf_field *y = &((const struct tf_node *)b)->name;
    if (x->n != y->n)
        return x->n < y->n ? -1 : 1;
    return x->n == 0 ? 0 : memcmp(x->bytes, y->bytes, x->n);
}

static void read_inputs(struct tf_node *node)
{
    struct protobuf message = protobuf_enter(&node->self);
    struct protobuf_field field;
    size_t n = 0;
    while (n < 2 && protobuf_next(&message, &field))
        if (field.number == 3 && field.wire == PROTOBUF_BYTES)
            node->inputs[n++] = field;
}

/* The next NodeDef of a GraphDef that has a name and an operation. */
static bool next_node(struct protobuf *graph, struct tf_node *node)
{
    *node = (struct tf_node){0};
    while (protobuf_next(graph, &node->self))
        if (node->self.number == 1 && protobuf_find(protobuf_enter(&node->self), 1, &node->name) &&
            protobuf_find(protobuf_enter(&node->self), 2, &node->op))
            return true;
    return false;
}

enum lstm_status tf_nodes_list(struct import_source *source,
                               const struct protobuf_field *definition, struct tf_nodes *nodes,
                               struct lstm_error *error)
{
    struct protobuf message = protobuf_enter(definition);
    struct tf_node node;
    size_t n = 0;
    while (next_node(&message, &node))
        n++;
    nodes->n = 0;
    nodes->list = import_allocate(source, (n + 1) * sizeof *nodes->list);
    if (nodes->list == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for a graph of %zu operations", n);
    message = protobuf_enter(definition);
    while (nodes->n < n && next_node(&message, &node)) {
        read_inputs(&node);
        nodes->list[nodes->n++] = node;
    }
    if (n > 1)
        qsort(nodes->list, nodes->n, sizeof *nodes->list, compare_nodes);
    return LSTM_OK;
}

struct tf_node *tf_nodes_find(const struct tf_nodes *nodes, const struct protobuf_field *name)
{
    const struct tf_node wanted = {.name = *name};
    return nodes->n == 0 || name->n == 0
               ? NULL
               : bsearch(&wanted, nodes->list, nodes->n, sizeof *nodes->list, compare_nodes);
}

struct tf_output tf_output_find(const struct tf_nodes *nodes,
                                const struct protobuf_field *reference)
{
    struct protobuf_field name = *reference;
    struct tf_output output = {0};
    const unsigned char *colon =
        reference->n == 0 ? NULL : memchr(reference->bytes, ':', reference->n);
    if (colon != NULL) {
        name.n = (size_t)(colon - reference->bytes);
        for (size_t i = name.n + 1; i < reference->n && output.number < 1000; i++)
            output.number = output.number * 10 + (unsigned long)(reference->bytes[i] - '0');
    }
    output.node = tf_nodes_find(nodes, &name);
    return output;
}

struct tf_output tf_output_past(const struct tf_nodes *nodes, struct tf_output output,
                                const char *const *handing_on)
{
    for (size_t passed = 0; passed < MAX_PASSED; passed++) {
        if (output.node == NULL || !tf_node_is_any(output.node, handing_on))
            return output;
        output = tf_output_find(nodes, &output.node->inputs[0]);
    }
    return (struct tf_output){0};
}

struct tf_output tf_node_input(const struct tf_nodes *nodes, const struct tf_node *node, size_t k)
{
    static const char *const handing_on[] = {"Identity", "Enter", NULL};
    return tf_output_past(nodes, tf_output_find(nodes, &node->inputs[k]), handing_on);
}

bool tf_node_attribute(const struct tf_node *node, const char *name, struct protobuf_field *value)
{
    struct protobuf message = protobuf_enter(&node->self);
    struct protobuf_field field, key;
    while (protobuf_next(&message, &field))
        if (field.number == 5 && protobuf_find(protobuf_enter(&field), 1, &key) &&
            protobuf_is_text(&key, name))
            return protobuf_find(protobuf_enter(&field), 2, value);
    return false;
}
