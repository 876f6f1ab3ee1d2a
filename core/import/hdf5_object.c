/* hdf5_object.c: object headers of HDF5 (specification IV.A). SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "core/import/hdf5_reading.h"
#include "core/status.h"

enum { V1_PREFIX = 16, V1_MESSAGE = 8, V2_PREFIX = 6, V2_MESSAGE = 4, CHECKSUM = 4 };
enum { MAX_CHUNKS = 64, FLAG_SHARED = 2 };
enum { V2_HAS_ORDER = 4, V2_HAS_PHASE = 16, V2_HAS_TIMES = 32 };

/* An object header being read: its pieces, the first and those that continue it. */
struct header {
    bool is_v2, has_order;
    size_t n_chunks;
    struct hdf5_span chunks[MAX_CHUNKS];
};

static enum lstm_status fail_header(struct hdf5_reading *reading, uint64_t address)
{
    return lstm_fail(reading->error, LSTM_FORMAT,
                     "HDF5: there is no proper object header at byte %llu of %zu",
                     (unsigned long long)address, reading->n);
}

/* Version 1: 16 bytes, then messages. */
static bool begin_v1(struct hdf5_reading *reading, uint64_t address, struct header *header)
{
    const unsigned char *prefix = hdf5_at(reading, address, V1_PREFIX);
    if (prefix == NULL || prefix[0] != 1)
        return false;
    const size_t n = (size_t)hdf5_number(prefix + 8, 4);
    header->chunks[0] = (struct hdf5_span){hdf5_at(reading, address + V1_PREFIX, n), n};
    header->n_chunks = 1;
    return header->chunks[0].data != NULL;
}

/* Version 2: "OHDR", version, flags, what the flags say, the size, then messages and a checksum. */
static bool begin_v2(struct hdf5_reading *reading, uint64_t address, struct header *header)
{
    const unsigned char *prefix = hdf5_at(reading, address, V2_PREFIX);
    if (prefix == NULL || memcmp(prefix, "OHDR\2", 5) != 0)
        return false;
    const unsigned flags = prefix[5];
    const size_t width = (size_t)1 << (flags & 3);
    const size_t skip = V2_PREFIX + ((flags & V2_HAS_TIMES) != 0 ? 16U : 0U) +
                        ((flags & V2_HAS_PHASE) != 0 ? 4U : 0U);
    const unsigned char *size = hdf5_at(reading, address, skip + width);
    if (size == NULL)
        return false;
    const uint64_t n = hdf5_number(size + skip, width);
    header->is_v2 = true;
    header->has_order = (flags & V2_HAS_ORDER) != 0;
    header->chunks[0] = (struct hdf5_span){hdf5_at(reading, address + skip + width, n), (size_t)n};
    header->n_chunks = 1;
    return header->chunks[0].data != NULL;
}

/* Of version 2 "OCHK", messages and a checksum; of version 1 just messages. */
static bool continue_header(struct hdf5_reading *reading, struct header *header,
                            struct hdf5_span message)
{
    if (message.n < 16 || header->n_chunks == MAX_CHUNKS)
        return false;
    const uint64_t n = hdf5_number(message.data + 8, 8);
    const unsigned char *data = hdf5_at(reading, hdf5_number(message.data, 8), n);
    if (data == NULL || (header->is_v2 && (n < 4 + CHECKSUM || memcmp(data, "OCHK", 4) != 0)))
        return false;
    header->chunks[header->n_chunks++] =
        header->is_v2 ? (struct hdf5_span){data + 4, (size_t)n - 4 - CHECKSUM}
                      : (struct hdf5_span){data, (size_t)n};
    return true;
}

/* Takes the first message off the chunk; false: it does not fit. */
static bool next_message(const struct header *header, struct hdf5_span *chunk,
                         struct hdf5_message *message)
{
    const unsigned char *at = chunk->data;
    const size_t skip = !header->is_v2 ? V1_MESSAGE : V2_MESSAGE + (header->has_order ? 2U : 0U);
    const size_t n = (size_t)hdf5_number(at + (header->is_v2 ? 1 : 2), 2);
    if (n > chunk->n - skip)
        return false;
    message->type = header->is_v2 ? at[0] : (unsigned)hdf5_number(at, 2);
    message->is_shared = (at[header->is_v2 ? 3 : 4] & FLAG_SHARED) != 0;
    message->span = (struct hdf5_span){at + skip, n};
    chunk->data += skip + n;
    chunk->n -= skip + n;
    return true;
}

/* Collects the messages of one chunk. */
static bool read_chunk(struct hdf5_reading *reading, struct header *header, struct hdf5_span chunk,
                       struct hdf5_object *object)
{
    const size_t least = !header->is_v2 ? V1_MESSAGE : V2_MESSAGE + (header->has_order ? 2U : 0U);
    while (chunk.n >= least) {
        struct hdf5_message message;
        if (object->n_messages == HDF5_MAX_MESSAGES || !next_message(header, &chunk, &message))
            return false;
        if (message.type == HDF5_CONTINUATION) {
            if (!continue_header(reading, header, message.span))
                return false;
        } else if (message.type != 0) {
            object->messages[object->n_messages++] = message;
        }
    }
    return true;
}

enum lstm_status hdf5_object_read(struct hdf5_reading *reading, uint64_t address,
                                  struct hdf5_object *object)
{
    struct header header = {.n_chunks = 0};
    object->n_messages = 0;
    if (!begin_v1(reading, address, &header) && !begin_v2(reading, address, &header))
        return fail_header(reading, address);
    for (size_t k = 0; k < header.n_chunks; k++)
        if (!read_chunk(reading, &header, header.chunks[k], object))
            return fail_header(reading, address);
    return LSTM_OK;
}

const struct hdf5_message *hdf5_object_find(const struct hdf5_object *object, unsigned type)
{
    for (size_t k = 0; k < object->n_messages; k++)
        if (object->messages[k].type == type)
            return &object->messages[k];
    return NULL;
}
