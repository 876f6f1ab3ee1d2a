/* protobuf.c: fields out of bytes. SPDX-License-Identifier: Apache-2.0 */
#include "core/import/protobuf.h"

#include <string.h>

enum { MAX_VARINT_BYTES = 10, MAX_FIELD = (1 << 29) - 1 };

struct protobuf protobuf_begin(const unsigned char *bytes, size_t n)
{
    static const unsigned char nothing[1];
    const unsigned char *begin = n > 0 ? bytes : nothing;
    return (struct protobuf){.begin = begin, .at = begin, .end = begin + n};
}

bool protobuf_varint(const unsigned char **at, const unsigned char *end, uint64_t *value)
{
    uint64_t number = 0;
    const unsigned char *from = *at;
    for (unsigned i = 0; i < MAX_VARINT_BYTES && from < end; i++) {
        const unsigned char byte = *from++;
        number |= (uint64_t)(byte & 0x7fu) << 7 * i;
        if (byte < 0x80) {
            *value = number;
            *at = from;
            return true;
        }
    }
    return false;
}

static bool read_fixed(struct protobuf *message, size_t bytes, uint64_t *value)
{
    if ((size_t)(message->end - message->at) < bytes)
        return false;
    *value = 0;
    for (size_t i = bytes; i-- > 0;)
        *value = *value << 8 | message->at[i];
    message->at += bytes;
    return true;
}

static bool read_bytes(struct protobuf *message, struct protobuf_field *field)
{
    uint64_t n;
    if (!protobuf_varint(&message->at, message->end, &n) ||
        n > (uint64_t)(message->end - message->at))
        return false;
    field->bytes = message->at;
    field->n = (size_t)n;
    message->at += n;
    return true;
}

static bool read_value(struct protobuf *message, uint64_t wire, struct protobuf_field *field)
{
    switch (wire) {
    case PROTOBUF_VARINT:
        field->wire = PROTOBUF_VARINT;
        return protobuf_varint(&message->at, message->end, &field->value);
    case PROTOBUF_FIXED64:
        field->wire = PROTOBUF_FIXED64;
        return read_fixed(message, 8, &field->value);
    case PROTOBUF_BYTES:
        field->wire = PROTOBUF_BYTES;
        return read_bytes(message, field);
    case PROTOBUF_FIXED32:
        field->wire = PROTOBUF_FIXED32;
        return read_fixed(message, 4, &field->value);
    default:
        return false;
    }
}

bool protobuf_next(struct protobuf *message, struct protobuf_field *field)
{
    uint64_t tag;
    *field = (struct protobuf_field){0};
    if (message->is_broken || message->at == message->end)
        return false;
    if (!protobuf_varint(&message->at, message->end, &tag) || tag >> 3 == 0 ||
        tag >> 3 > MAX_FIELD) {
        message->is_broken = true;
        return false;
    }
    field->number = (uint32_t)(tag >> 3);
    message->is_broken = !read_value(message, tag & 7, field);
    return !message->is_broken;
}

size_t protobuf_offset(const struct protobuf *message)
{
    return (size_t)(message->at - message->begin);
}

struct protobuf protobuf_enter(const struct protobuf_field *field)
{
    return protobuf_begin(field->bytes, field->n);
}

bool protobuf_find(struct protobuf message, uint32_t number, struct protobuf_field *field)
{
    struct protobuf_field next;
    bool found = false;
    *field = (struct protobuf_field){0};
    while (protobuf_next(&message, &next))
        if (next.number == number) {
            *field = next;
            found = true;
        }
    return found;
}

bool protobuf_is_text(const struct protobuf_field *field, const char *text)
{
    const size_t n = strlen(text);
    return field->wire == PROTOBUF_BYTES && field->n == n &&
           (n == 0 || memcmp(field->bytes, text, n) == 0);
}

float protobuf_float(const struct protobuf_field *field)
{
    const uint32_t bits = (uint32_t)field->value;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}
