/* onnx_node.c: NodeProto and AttributeProto (onnx/onnx.proto). SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "core/import/onnx_message.h"

enum {
    NODE_INPUT = 1,
    NODE_OUTPUT = 2,
    NODE_NAME = 3,
    NODE_OP = 4,
    NODE_ATTRIBUTE = 5,
    NODE_DOMAIN = 7,
    ATTRIBUTE_NAME = 1,
    ATTRIBUTE_F = 2,
    ATTRIBUTE_I = 3,
    ATTRIBUTE_S = 4,
    ATTRIBUTE_T = 5,
    ATTRIBUTE_G = 6,
    ATTRIBUTE_FLOATS = 7,
    ATTRIBUTE_INTS = 8,
    ATTRIBUTE_STRINGS = 9
};

/* Numbers of a repeated scalar field: each alone, or packed. */
static size_t count_scalars(const struct protobuf_field *field, size_t fixed_bytes)
{
    size_t n = 0;
    if (field->wire != PROTOBUF_BYTES)
        return 1;
    if (fixed_bytes > 0)
        return field->n / fixed_bytes;
    for (size_t i = 0; i < field->n; i++)
        n += field->bytes[i] < 0x80 ? 1 : 0;
    return n;
}

static double float_at(const unsigned char *bytes)
{
    const uint32_t bits = (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
                          (uint32_t)bytes[3] << 24;
    float value;
    memcpy(&value, &bits, sizeof value);
    return (double)value;
}

static enum lstm_status read_floats(const struct onnx_reading *reading, struct protobuf message,
                                    struct onnx_attribute *attribute)
{
    struct protobuf fields = message;
    struct protobuf_field field;
    size_t n = 0;
    while (protobuf_next(&fields, &field))
        n += field.number == ATTRIBUTE_FLOATS ? count_scalars(&field, sizeof(float)) : 0;
    double *values = import_allocate(reading->source, n * sizeof *values);
    if (values == NULL)
        return onnx_fail_memory(reading);
    attribute->floats = values;
    while (protobuf_next(&message, &field)) {
        if (field.number != ATTRIBUTE_FLOATS)
            continue;
        if (field.wire == PROTOBUF_FIXED32)
            values[attribute->n_floats++] = (double)protobuf_float(&field);
        for (size_t i = 0; field.wire == PROTOBUF_BYTES && i + sizeof(float) <= field.n;
             i += sizeof(float))
            values[attribute->n_floats++] = float_at(field.bytes + i);
    }
    return LSTM_OK;
}

static enum lstm_status read_ints(const struct onnx_reading *reading, struct protobuf message,
                                  struct onnx_attribute *attribute)
{
    struct protobuf fields = message;
    struct protobuf_field field;
    size_t n = 0;
    while (protobuf_next(&fields, &field))
        n += field.number == ATTRIBUTE_INTS ? count_scalars(&field, 0) : 0;
    int64_t *values = import_allocate(reading->source, n * sizeof *values);
    if (values == NULL)
        return onnx_fail_memory(reading);
    attribute->ints = values;
    while (protobuf_next(&message, &field)) {
        uint64_t value;
        if (field.number != ATTRIBUTE_INTS)
            continue;
        if (field.wire != PROTOBUF_BYTES)
            values[attribute->n_ints++] = (int64_t)field.value;
        const unsigned char *at = field.bytes;
        while (field.wire == PROTOBUF_BYTES && attribute->n_ints < n &&
               protobuf_varint(&at, field.bytes + field.n, &value))
            values[attribute->n_ints++] = (int64_t)value;
    }
    return LSTM_OK;
}

/* All texts of one field number. *texts is new in import memory. */
static enum lstm_status read_texts(const struct onnx_reading *reading, struct protobuf message,
                                   uint32_t number, size_t *n, const char ***texts)
{
    struct protobuf_field field;
    const char **found =
        import_allocate(reading->source, onnx_count(message, number) * sizeof *found);
    if (found == NULL)
        return onnx_fail_memory(reading);
    *texts = found;
    while (protobuf_next(&message, &field))
        if (field.number == number && !onnx_copy_text(reading, &field, &found[(*n)++]))
            return onnx_fail_memory(reading);
    return LSTM_OK;
}

static enum lstm_status read_attribute(const struct onnx_reading *reading, struct protobuf message,
                                       struct onnx_attribute *attribute)
{
    struct protobuf fields = message;
    struct protobuf_field field;
    bool memory = true;
    attribute->name = "";
    while (memory && protobuf_next(&fields, &field)) {
        switch (field.number) {
        case ATTRIBUTE_NAME:
            memory = onnx_copy_text(reading, &field, &attribute->name);
            break;
        case ATTRIBUTE_F:
            attribute->f = (double)protobuf_float(&field);
            break;
        case ATTRIBUTE_I:
            attribute->i = (int64_t)field.value;
            break;
        case ATTRIBUTE_S:
            memory = onnx_copy_text(reading, &field, &attribute->s);
            break;
        case ATTRIBUTE_T:
            attribute->tensor = (struct onnx_bytes){field.bytes, field.n};
            break;
        case ATTRIBUTE_G:
            attribute->message = (struct onnx_bytes){field.bytes, field.n};
            break;
        default:
            break;
        }
    }
    if (!memory)
        return onnx_fail_memory(reading);
    enum lstm_status status = onnx_finish(reading, &fields, "an attribute");
    if (status == LSTM_OK)
        status = read_floats(reading, message, attribute);
    if (status == LSTM_OK)
        status = read_ints(reading, message, attribute);
    return status == LSTM_OK ? read_texts(reading, message, ATTRIBUTE_STRINGS,
                                          &attribute->n_strings, &attribute->strings)
                             : status;
}

static enum lstm_status read_attributes(const struct onnx_reading *reading, struct protobuf message,
                                        struct onnx_node *node)
{
    struct protobuf_field field;
    enum lstm_status status = LSTM_OK;
    struct onnx_attribute *attributes =
        import_allocate(reading->source, onnx_count(message, NODE_ATTRIBUTE) * sizeof *attributes);
    if (attributes == NULL)
        return onnx_fail_memory(reading);
    node->attributes = attributes;
    while (status == LSTM_OK && protobuf_next(&message, &field))
        if (field.number == NODE_ATTRIBUTE)
            status =
                read_attribute(reading, protobuf_enter(&field), &attributes[node->n_attributes++]);
    return status;
}

enum lstm_status onnx_node_read(const struct onnx_reading *reading, struct protobuf message,
                                struct onnx_node *node)
{
    struct protobuf fields = message;
    struct protobuf_field field;
    bool memory = true;
    node->name = node->op = node->domain = "";
    while (memory && protobuf_next(&fields, &field)) {
        if (field.number == NODE_NAME)
            memory = onnx_copy_text(reading, &field, &node->name);
        else if (field.number == NODE_OP)
            memory = onnx_copy_text(reading, &field, &node->op);
        else if (field.number == NODE_DOMAIN)
            memory = onnx_copy_text(reading, &field, &node->domain);
    }
    if (!memory)
        return onnx_fail_memory(reading);
    enum lstm_status status = onnx_finish(reading, &fields, "a node");
    if (status == LSTM_OK)
        status = read_texts(reading, message, NODE_INPUT, &node->n_inputs, &node->inputs);
    if (status == LSTM_OK)
        status = read_texts(reading, message, NODE_OUTPUT, &node->n_outputs, &node->outputs);
    if (status == LSTM_OK)
        status = read_attributes(reading, message, node);
    for (size_t i = 0; i < node->n_outputs && node->name[0] == '\0'; i++)
        node->name = node->outputs[i];
    return status;
}

const struct onnx_attribute *onnx_attribute(const struct onnx_node *node, const char *name)
{
    for (size_t i = 0; i < node->n_attributes; i++)
        if (strcmp(node->attributes[i].name, name) == 0)
            return &node->attributes[i];
    return NULL;
}

int64_t onnx_attribute_int(const struct onnx_node *node, const char *name, int64_t otherwise)
{
    const struct onnx_attribute *attribute = onnx_attribute(node, name);
    return attribute != NULL ? attribute->i : otherwise;
}

double onnx_attribute_float(const struct onnx_node *node, const char *name, double otherwise)
{
    const struct onnx_attribute *attribute = onnx_attribute(node, name);
    return attribute != NULL ? attribute->f : otherwise;
}

const char *onnx_attribute_text(const struct onnx_node *node, const char *name,
                                const char *otherwise)
{
    const struct onnx_attribute *attribute = onnx_attribute(node, name);
    return attribute != NULL && attribute->s != NULL ? attribute->s : otherwise;
}

const char *onnx_node_input(const struct onnx_node *node, size_t k)
{
    return k < node->n_inputs ? node->inputs[k] : "";
}
