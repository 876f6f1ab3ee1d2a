/* protobuf.h: a bounded reader of protocol buffers' wire format. SPDX-License-Identifier:
 * Apache-2.0
 *
 * Format: protobuf.dev/programming-guides/encoding. Nothing is copied and nothing recurses: a
 * message is a range of bytes, and a caller opens the messages within that it wants. */
#ifndef PROTOBUF_H
#define PROTOBUF_H

#include "core/lstm.h"

enum protobuf_wire {
    PROTOBUF_VARINT = 0,
    PROTOBUF_FIXED64 = 1,
    PROTOBUF_BYTES = 2,
    PROTOBUF_FIXED32 = 5
};

/* A message that is being read. */
struct protobuf {
    const unsigned char *begin, *at, *end;
    bool is_broken; /* it ended in the middle of a field, or a field is of no known wire type */
};

struct protobuf_field {
    uint32_t number;
    enum protobuf_wire wire;
    uint64_t value;             /* of a number */
    const unsigned char *bytes; /* of PROTOBUF_BYTES: a text, a message, packed numbers */
    size_t n;
};

struct protobuf protobuf_begin(const unsigned char *bytes, size_t n);

/* The next field; false at the end, or if the message is broken. */
LSTM_MUST_CHECK bool protobuf_next(struct protobuf *message, struct protobuf_field *field);

/* Where reading stopped, from the beginning of the message. */
size_t protobuf_offset(const struct protobuf *message);

/* The message, or text, that a field holds: empty if it is a number. */
struct protobuf protobuf_enter(const struct protobuf_field *field);

/* The last field of a number in a message (as protobuf defines repeated scalars); false: none. */
LSTM_MUST_CHECK bool protobuf_find(struct protobuf message, uint32_t number,
                                   struct protobuf_field *field);

/* Whether a field holds just this text. */
bool protobuf_is_text(const struct protobuf_field *field, const char *text);

/* One varint of at most 10 bytes; false, and *at unchanged, if it does not end before `end`. */
LSTM_MUST_CHECK bool protobuf_varint(const unsigned char **at, const unsigned char *end,
                                     uint64_t *value);

/* A float of a FIXED32 field. */
float protobuf_float(const struct protobuf_field *field);

#endif
