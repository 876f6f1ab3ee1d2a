/* onnx_graph.h: what an ONNX file says, before anybody asks what it means.
 * SPDX-License-Identifier: Apache-2.0
 *
 * ModelProto as nodes, attributes, initializers, inputs and outputs (onnx/onnx.proto). Everything
 * is a view of the source's bytes or lies in its import memory. Nothing is allocated by a count
 * that the bytes themselves do not bear out, which is why the messages are read by our own bounded
 * reader and not by protobuf-c: that copies every tensor and trusts every repeated field. */
#ifndef ONNX_GRAPH_H
#define ONNX_GRAPH_H

#include "core/import/import.h"

/* Subgraphs of If nodes lie at most this deep. */
enum { ONNX_MAX_DEPTH = 4, ONNX_MAX_NODES = 1 << 16 };

/* Operator sets up to this one are known: what those above 17 changed of the operators that are
 * read here is more types, and inputs in the place of attributes. */
enum { ONNX_MAX_OPSET = 24 };

struct onnx_bytes {
    const unsigned char *bytes;
    size_t n;
};

struct onnx_graph;

/* Only the member that the file has is set; the others are zero or NULL. */
struct onnx_attribute {
    const char *name;
    double f;
    int64_t i;
    const char *s;             /* NULL: no text */
    struct onnx_bytes tensor;  /* a TensorProto, for onnx_tensor_read() */
    struct onnx_bytes message; /* a GraphProto, for onnx_graph_read() */
    size_t n_floats, n_ints, n_strings;
    const double *floats;
    const int64_t *ints;
    const char **strings;
};

struct onnx_node {
    const char *name; /* the node's, or its first output's; for messages */
    const char *op, *domain;
    size_t n_inputs, n_outputs, n_attributes;
    const char **inputs, **outputs; /* "": absent */
    const struct onnx_attribute *attributes;
};

struct onnx_input {
    const char *name;
    bool has_shape;
    size_t rank, shape[IMPORT_MAX_RANK]; /* 0: not said, or a symbol */
};

struct onnx_initializer {
    const char *name;
    struct onnx_bytes tensor;
};

struct onnx_graph {
    const char *name;
    size_t n_nodes, n_initializers, n_inputs, n_outputs;
    struct onnx_node *nodes;
    struct onnx_initializer *initializers;
    struct onnx_input *inputs;
    const char **outputs;
};

struct onnx_model {
    const char *producer;
    int64_t opset; /* of the operators of ONNX itself */
    struct onnx_graph graph;
};

/* Whether bytes begin as a ModelProto with a graph; reads the tags of its outermost fields alone.
 */
bool onnx_model_probe(const unsigned char *bytes, size_t n);

/* FORMAT: the byte where it is wrong. UNSUPPORTED: too many nodes. NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status
onnx_model_read(struct import_source *source, struct onnx_model *model, struct lstm_error *error);
LSTM_MUST_CHECK enum lstm_status onnx_graph_read(struct import_source *source,
                                                 struct onnx_bytes message,
                                                 struct onnx_graph *graph,
                                                 struct lstm_error *error);

/* NULL: the node has none of this name. */
const struct onnx_attribute *onnx_attribute(const struct onnx_node *node, const char *name);
int64_t onnx_attribute_int(const struct onnx_node *node, const char *name, int64_t otherwise);
double onnx_attribute_float(const struct onnx_node *node, const char *name, double otherwise);
const char *onnx_attribute_text(const struct onnx_node *node, const char *name,
                                const char *otherwise);

/* "" for an input that the node does not have. */
const char *onnx_node_input(const struct onnx_node *node, size_t k);

#endif
