/* onnx_message.h: what onnx_graph.c and onnx_node.c share to read messages.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ONNX_MESSAGE_H
#define ONNX_MESSAGE_H

#include "core/import/onnx_graph.h"
#include "core/import/protobuf.h"

/* What every function of both needs. */
struct onnx_reading {
    struct import_source *source;
    struct lstm_error *error;
};

/* NO_MEMORY, with its sentence. */
enum lstm_status onnx_fail_memory(const struct onnx_reading *reading);

/* After the last field of a message: whether it ended where it should. FORMAT: at which byte not.
 */
LSTM_MUST_CHECK enum lstm_status onnx_finish(const struct onnx_reading *reading,
                                             const struct protobuf *message, const char *what);

/* The field's text, new in import memory; false: no memory. */
LSTM_MUST_CHECK bool onnx_copy_text(const struct onnx_reading *reading,
                                    const struct protobuf_field *field, const char **text);

/* Fields of a number in a message. */
size_t onnx_count(struct protobuf message, uint32_t number);

/* A NodeProto. FORMAT, NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status onnx_node_read(const struct onnx_reading *reading,
                                                struct protobuf message, struct onnx_node *node);

#endif
