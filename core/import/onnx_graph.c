/* onnx_graph.c: ModelProto and GraphProto (onnx/onnx.proto).
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "core/import/onnx_message.h"
#include "core/status.h"

/* Field numbers of onnx.proto. */
enum {
    MODEL_IR_VERSION = 1,
    MODEL_PRODUCER = 2,
    MODEL_GRAPH = 7,
    MODEL_OPSET = 8,
    MODEL_LAST_FIELD = 25,
    OPSET_DOMAIN = 1,
    OPSET_VERSION = 2,
    GRAPH_NODE = 1,
    GRAPH_NAME = 2,
    GRAPH_INITIALIZER = 5,
    GRAPH_INPUT = 11,
    GRAPH_OUTPUT = 12,
    TENSOR_NAME = 8,
    VALUE_NAME = 1,
    VALUE_TYPE = 2,
    TYPE_TENSOR = 1,
    TENSOR_SHAPE = 2,
    SHAPE_DIM = 1,
    DIM_VALUE = 1
};

enum lstm_status onnx_fail_memory(const struct onnx_reading *reading)
{
    return lstm_fail(reading->error, LSTM_NO_MEMORY,
                     "the graph needs more memory than a file of its size should");
}

enum lstm_status onnx_finish(const struct onnx_reading *reading, const struct protobuf *message,
                             const char *what)
{
    if (!message->is_broken)
        return LSTM_OK;
    const struct import_source *source = reading->source;
    if (message->at >= source->bytes && message->at <= source->bytes + source->n)
        return lstm_fail(reading->error, LSTM_FORMAT,
                         "%s is cut off or not a protocol buffer, at byte %zu of the file", what,
                         (size_t)(message->at - source->bytes));
    return lstm_fail(reading->error, LSTM_FORMAT, "%s is cut off or not a protocol buffer", what);
}

bool onnx_copy_text(const struct onnx_reading *reading, const struct protobuf_field *field,
                    const char **text)
{
    *text = import_text(reading->source, (const char *)field->bytes, field->n);
    return *text != NULL;
}

size_t onnx_count(struct protobuf message, uint32_t number)
{
    struct protobuf_field field;
    size_t n = 0;
    while (protobuf_next(&message, &field))
        n += field.number == number ? 1 : 0;
    return n;
}

static void read_shape(struct protobuf shape, struct onnx_input *input)
{
    struct protobuf_field field, value;
    input->has_shape = true;
    while (protobuf_next(&shape, &field)) {
        if (field.number != SHAPE_DIM)
            continue;
        if (input->rank < IMPORT_MAX_RANK &&
            protobuf_find(protobuf_enter(&field), DIM_VALUE, &value) && value.value <= UINT32_MAX)
            input->shape[input->rank] = (size_t)value.value;
        input->rank++;
    }
}

/* ValueInfoProto. What is wrong with its type makes it one without a shape. */
static enum lstm_status read_input(const struct onnx_reading *reading, struct protobuf message,
                                   struct onnx_input *input)
{
    struct protobuf_field field;
    if (!protobuf_find(message, VALUE_NAME, &field))
        return lstm_fail(reading->error, LSTM_FORMAT,
                         "an input or output of the graph has no name");
    if (!onnx_copy_text(reading, &field, &input->name))
        return onnx_fail_memory(reading);
    if (protobuf_find(message, VALUE_TYPE, &field) &&
        protobuf_find(protobuf_enter(&field), TYPE_TENSOR, &field) &&
        protobuf_find(protobuf_enter(&field), TENSOR_SHAPE, &field))
        read_shape(protobuf_enter(&field), input);
    if (input->rank > IMPORT_MAX_RANK)
        return lstm_fail(reading->error, LSTM_FORMAT, "input '%.80s' has %zu axes; at most %d fit",
                         input->name, input->rank, IMPORT_MAX_RANK);
    return LSTM_OK;
}

static enum lstm_status read_initializer(const struct onnx_reading *reading,
                                         const struct protobuf_field *message,
                                         struct onnx_initializer *initializer)
{
    struct protobuf_field field;
    initializer->name = "";
    initializer->tensor = (struct onnx_bytes){message->bytes, message->n};
    if (protobuf_find(protobuf_enter(message), TENSOR_NAME, &field) &&
        !onnx_copy_text(reading, &field, &initializer->name))
        return onnx_fail_memory(reading);
    return LSTM_OK;
}

static enum lstm_status allocate(const struct onnx_reading *reading, struct protobuf message,
                                 struct onnx_graph *graph)
{
    const size_t nodes = onnx_count(message, GRAPH_NODE);
    if (nodes > ONNX_MAX_NODES)
        return lstm_fail(reading->error, LSTM_UNSUPPORTED,
                         "the graph has %zu nodes; a network of %d layers needs fewer than %d",
                         nodes, IMPORT_MAX_LAYERS, ONNX_MAX_NODES);
    graph->nodes = import_allocate(reading->source, nodes * sizeof *graph->nodes);
    graph->initializers = import_allocate(reading->source, onnx_count(message, GRAPH_INITIALIZER) *
                                                               sizeof *graph->initializers);
    graph->inputs =
        import_allocate(reading->source, onnx_count(message, GRAPH_INPUT) * sizeof *graph->inputs);
    graph->outputs = import_allocate(reading->source,
                                     onnx_count(message, GRAPH_OUTPUT) * sizeof *graph->outputs);
    if (graph->nodes == NULL || graph->initializers == NULL || graph->inputs == NULL ||
        graph->outputs == NULL)
        return onnx_fail_memory(reading);
    return LSTM_OK;
}

static enum lstm_status read_member(const struct onnx_reading *reading,
                                    const struct protobuf_field *field, struct onnx_graph *graph)
{
    const struct protobuf message = protobuf_enter(field);
    struct onnx_input output = {0};
    enum lstm_status status;
    switch (field->number) {
    case GRAPH_NODE:
        return onnx_node_read(reading, message, &graph->nodes[graph->n_nodes++]);
    case GRAPH_INITIALIZER:
        return read_initializer(reading, field, &graph->initializers[graph->n_initializers++]);
    case GRAPH_INPUT:
        return read_input(reading, message, &graph->inputs[graph->n_inputs++]);
    case GRAPH_OUTPUT:
        status = read_input(reading, message, &output);
        graph->outputs[graph->n_outputs++] = output.name;
        return status;
    case GRAPH_NAME:
        return onnx_copy_text(reading, field, &graph->name) ? LSTM_OK : onnx_fail_memory(reading);
    default:
        return LSTM_OK;
    }
}

enum lstm_status onnx_graph_read(struct import_source *source, struct onnx_bytes message,
                                 struct onnx_graph *graph, struct lstm_error *error)
{
    const struct onnx_reading reading = {source, error};
    struct protobuf fields = protobuf_begin(message.bytes, message.n);
    struct protobuf_field field;
    *graph = (struct onnx_graph){.name = ""};
    enum lstm_status status = allocate(&reading, fields, graph);
    while (status == LSTM_OK && protobuf_next(&fields, &field))
        status = read_member(&reading, &field, graph);
    return status == LSTM_OK ? onnx_finish(&reading, &fields, "the graph") : status;
}

bool onnx_model_probe(const unsigned char *bytes, size_t n)
{
    struct protobuf fields = protobuf_begin(bytes, n);
    struct protobuf_field field;
    bool has_version = false, has_graph = false;
    while (protobuf_next(&fields, &field)) {
        if (field.number > MODEL_LAST_FIELD)
            return false;
        has_version |= field.number == MODEL_IR_VERSION && field.wire == PROTOBUF_VARINT;
        has_graph |= field.number == MODEL_GRAPH && field.wire == PROTOBUF_BYTES;
    }
    /* A file that was cut off within its graph is ONNX still, so that it is told so. */
    has_graph |= fields.is_broken && field.number == MODEL_GRAPH;
    return has_version && has_graph;
}

static enum lstm_status read_opset(const struct onnx_reading *reading, struct protobuf message,
                                   struct onnx_model *model)
{
    struct protobuf_field domain, version;
    const bool is_onnx = !protobuf_find(message, OPSET_DOMAIN, &domain) || domain.n == 0 ||
                         protobuf_is_text(&domain, "ai.onnx");
    if (!is_onnx || !protobuf_find(message, OPSET_VERSION, &version))
        return LSTM_OK;
    if (version.value > ONNX_MAX_OPSET)
        return lstm_fail(reading->error, LSTM_UNSUPPORTED,
                         "the file needs operator set %llu of ONNX; those up to %d are known: "
                         "export it with opset_version=%d",
                         (unsigned long long)version.value, ONNX_MAX_OPSET, ONNX_MAX_OPSET);
    model->opset = (int64_t)version.value;
    return LSTM_OK;
}

enum lstm_status onnx_model_read(struct import_source *source, struct onnx_model *model,
                                 struct lstm_error *error)
{
    const struct onnx_reading reading = {source, error};
    struct protobuf fields = protobuf_begin(source->bytes, source->n);
    struct protobuf_field field;
    struct onnx_bytes graph = {0};
    enum lstm_status status = LSTM_OK;
    *model = (struct onnx_model){.producer = "", .opset = 1};
    while (status == LSTM_OK && protobuf_next(&fields, &field)) {
        if (field.number == MODEL_GRAPH)
            graph = (struct onnx_bytes){field.bytes, field.n};
        else if (field.number == MODEL_OPSET)
            status = read_opset(&reading, protobuf_enter(&field), model);
        else if (field.number == MODEL_PRODUCER &&
                 !onnx_copy_text(&reading, &field, &model->producer))
            status = onnx_fail_memory(&reading);
    }
    if (status == LSTM_OK)
        status = onnx_finish(&reading, &fields, "the model");
    if (status == LSTM_OK && graph.bytes == NULL)
        status = lstm_fail(error, LSTM_FORMAT, "the file has no graph");
    return status == LSTM_OK ? onnx_graph_read(source, graph, &model->graph, error) : status;
}
