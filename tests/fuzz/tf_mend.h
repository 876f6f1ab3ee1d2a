/* tf_mend.h: the checksums of a TensorFlow checkpoint made right again, so that changes inside of
 * its tables, messages and values get past them. SPDX-License-Identifier: Apache-2.0
 *
 * An index is a table: blocks of entries, each with 5 bytes behind it, the last 4 a checksum; an
 * entry tells of a tensor, with the checksum of its data. */
#ifndef TF_MEND_H
#define TF_MEND_H

#include <stdbool.h>
#include <string.h>

#include "core/crc32c.h"
#include "core/import/protobuf.h"
#include "core/import/tf_table.h"

struct tf_mend {
    unsigned char *index, *data;
    size_t n_index, n_data;
};

/* What is done to each entry of a block; [value, end) is its value. */
typedef void tf_mend_entry(struct tf_mend *files, unsigned char *value, unsigned char *end);

static inline void tf_mend_write(unsigned char *at, uint32_t crc)
{
    const uint32_t masked = tf_table_mask(crc);
    memcpy(at, &masked, sizeof masked);
}

/* The checksum within a text: of its length, which stands in front. */
static inline uint32_t tf_mend_text(unsigned char *data, size_t n)
{
    const unsigned char *at = data;
    uint64_t length;
    if (!protobuf_varint(&at, data + n, &length) || (size_t)(data + n - at) < 4)
        return 0;
    unsigned char bytes[8];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(length >> 8 * i);
    const uint32_t crc = crc32c(0, bytes, length > UINT32_MAX ? 8 : 4);
    tf_mend_write(data + (at - data), crc);
    return crc32c(crc, at, (size_t)(data + n - at));
}

/* The checksum of a tensor, where its BundleEntryProto has it. */
static inline void tf_mend_tensor(struct tf_mend *files, unsigned char *value, unsigned char *end)
{
    enum { DTYPE = 1, OFFSET = 4, SIZE = 5, CRC = 6, DT_STRING = 7 };
    struct protobuf message = protobuf_begin(value, (size_t)(end - value));
    struct protobuf_field field;
    uint64_t dtype = 0, offset = 0, size = 0;
    unsigned char *crc = NULL;
    while (protobuf_next(&message, &field)) {
        dtype = field.number == DTYPE ? field.value : dtype;
        offset = field.number == OFFSET ? field.value : offset;
        size = field.number == SIZE ? field.value : size;
        if (field.number == CRC && field.wire == PROTOBUF_FIXED32)
            crc = value + protobuf_offset(&message) - 4;
    }
    if (crc == NULL || offset > files->n_data || size > files->n_data - offset)
        return;
    unsigned char *const data = files->data + offset;
    tf_mend_write(crc, dtype == DT_STRING ? tf_mend_text(data, (size_t)size)
                                          : crc32c(0, data, (size_t)size));
}

/* Mends what a block's entries tell of, then its own checksum. */
static inline void tf_mend_block(struct tf_mend *files, uint64_t offset, uint64_t size,
                                 tf_mend_entry *each)
{
    enum { TRAILER_BYTES = 5 };
    if (offset > files->n_index || size > files->n_index - offset ||
        files->n_index - offset - size < TRAILER_BYTES)
        return;
    unsigned char *const block = files->index + offset, *const trailer = block + size;
    const uint32_t n_restarts = size < 4 ? UINT32_MAX : tf_table_word(trailer - 4);
    if (n_restarts <= size / 4 && size >= 4 + 4 * (uint64_t)n_restarts) {
        const unsigned char *at = block, *const end = trailer - 4 - 4 * (size_t)n_restarts;
        uint64_t shared, own, length;
        while (at < end && protobuf_varint(&at, end, &shared) && protobuf_varint(&at, end, &own) &&
               protobuf_varint(&at, end, &length) && own <= (uint64_t)(end - at) &&
               length <= (uint64_t)(end - at) - own) {
            unsigned char *const value = block + (at - block) + own;
            each(files, value, value + length);
            at = value + length;
        }
    }
    tf_mend_write(trailer + 1, crc32c(0, block, (size_t)size + 1));
}

/* A block of tensors, whose place an entry of the index block tells. */
static inline void tf_mend_tensors(struct tf_mend *files, unsigned char *value, unsigned char *end)
{
    const unsigned char *at = value;
    uint64_t offset, size;
    if (protobuf_varint(&at, end, &offset) && protobuf_varint(&at, end, &size))
        tf_mend_block(files, offset, size, tf_mend_tensor);
}

static inline void tf_mend(struct tf_mend *files)
{
    enum { FOOTER_BYTES = 48 };
    if (!tf_table_probe(files->index, files->n_index))
        return;
    const unsigned char *at = files->index + files->n_index - FOOTER_BYTES;
    const unsigned char *const end = files->index + files->n_index;
    uint64_t place[4]; /* of the meta block and the index block: offset, size */
    for (size_t k = 0; k < 4; k++)
        if (!protobuf_varint(&at, end, &place[k]))
            return;
    tf_mend_block(files, place[2], place[3], tf_mend_tensors);
}

#endif
