/* tf_table.c: blocks, and the entries in them. SPDX-License-Identifier: Apache-2.0 */
#include "core/import/tf_table.h"

#include <string.h>

#include "core/crc32c.h"
#include "core/import/protobuf.h"
#include "core/status.h"

enum { FOOTER_BYTES = 48, MAGIC_BYTES = 8, TRAILER_BYTES = 5 };

static const unsigned char magic[MAGIC_BYTES] = {0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb};

struct table {
    const unsigned char *bytes;
    size_t n;
    size_t walked; /* bytes of blocks so far: no block lies in a table twice */
    const struct tf_table_visitor *visitor;
};

struct block {
    const unsigned char *begin, *end; /* of its entries */
};

/* Called for each entry of a block. */
typedef enum lstm_status entry_function(struct table *table, const char *key, size_t key_bytes,
                                        const unsigned char *value, size_t value_bytes,
                                        struct lstm_error *error);

uint32_t tf_table_word(const unsigned char *bytes)
{
    return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

uint32_t tf_table_mask(uint32_t crc)
{
    return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

bool tf_table_probe(const unsigned char *bytes, size_t n)
{
    return n >= FOOTER_BYTES && memcmp(bytes + n - MAGIC_BYTES, magic, MAGIC_BYTES) == 0;
}

static enum lstm_status open_block(struct table *table, uint64_t offset, uint64_t size,
                                   struct block *block, struct lstm_error *error)
{
    if (offset > table->n || size > table->n - offset || table->n - offset - size < TRAILER_BYTES)
        return lstm_fail(error, LSTM_FORMAT,
                         "a block of %ju bytes at byte %ju does not fit its %zu bytes: it is cut "
                         "short or damaged",
                         (uintmax_t)size, (uintmax_t)offset, table->n);
    const unsigned char *data = table->bytes + offset;
    const unsigned char type = data[size];
    table->walked += (size_t)size + TRAILER_BYTES;
    if (table->walked > table->n)
        return lstm_fail(error, LSTM_FORMAT, "its blocks overlap at byte %ju", (uintmax_t)offset);
    if (tf_table_word(data + size + 1) != tf_table_mask(crc32c(0, data, (size_t)size + 1)))
        return lstm_fail(error, LSTM_FORMAT,
                         "the checksum of the block at byte %ju is wrong: the file is damaged",
                         (uintmax_t)offset);
    if (type != 0)
        return lstm_fail(error, LSTM_UNSUPPORTED,
                         "its index is compressed, as those of V1 checkpoints are; load it in "
                         "TensorFlow and save it with tf.train.Saver(write_version=tf.train."
                         "SaverDef.V2)");
    const uint32_t n_restarts = size < 4 ? UINT32_MAX : tf_table_word(data + size - 4);
    if (n_restarts > (size - 4) / 4)
        return lstm_fail(error, LSTM_FORMAT, "the block at byte %ju has no room for its restarts",
                         (uintmax_t)offset);
    *block = (struct block){data, data + size - 4 - 4 * (size_t)n_restarts};
    return LSTM_OK;
}

/* One entry: its key shares a beginning with the last one. False: it is damaged. */
static bool read_entry(const unsigned char **at, const unsigned char *end,
                       char key[TF_TABLE_MAX_KEY + 1], size_t *key_bytes,
                       const unsigned char **value, size_t *value_bytes)
{
    uint64_t shared, own, length;
    if (!protobuf_varint(at, end, &shared) || !protobuf_varint(at, end, &own) ||
        !protobuf_varint(at, end, &length))
        return false;
    const size_t left = (size_t)(end - *at);
    if (shared > *key_bytes || own > left || length > left - own || own > TF_TABLE_MAX_KEY - shared)
        return false;
    memcpy(key + shared, *at, (size_t)own);
    *key_bytes = (size_t)(shared + own);
    key[*key_bytes] = '\0';
    *value = *at + own;
    *value_bytes = (size_t)length;
    *at = *value + length;
    return true;
}

static enum lstm_status walk_block(struct table *table, uint64_t offset, uint64_t size,
                                   entry_function *each, struct lstm_error *error)
{
    char key[TF_TABLE_MAX_KEY + 1] = "";
    size_t key_bytes = 0, value_bytes;
    const unsigned char *value;
    struct block block = {0};
    enum lstm_status status = open_block(table, offset, size, &block, error);
    for (const unsigned char *at = block.begin; status == LSTM_OK && at < block.end;) {
        const size_t place = (size_t)(at - table->bytes);
        if (!read_entry(&at, block.end, key, &key_bytes, &value, &value_bytes))
            return lstm_fail(error, LSTM_FORMAT, "the index entry at byte %zu is damaged", place);
        status = each(table, key, key_bytes, value, value_bytes, error);
    }
    return status;
}

static enum lstm_status give_entry(struct table *table, const char *key, size_t key_bytes,
                                   const unsigned char *value, size_t value_bytes,
                                   struct lstm_error *error)
{
    return table->visitor->visit(table->visitor->context, key, key_bytes, value, value_bytes,
                                 error);
}

/* An entry of the index block: where a block of entries lies. */
static enum lstm_status walk_data_block(struct table *table, const char *key, size_t key_bytes,
                                        const unsigned char *value, size_t value_bytes,
                                        struct lstm_error *error)
{
    const unsigned char *at = value, *const end = value + value_bytes;
    uint64_t offset, size;
    (void)key;
    (void)key_bytes;
    if (!protobuf_varint(&at, end, &offset) || !protobuf_varint(&at, end, &size))
        return lstm_fail(error, LSTM_FORMAT, "the place of a block is damaged at byte %zu",
                         (size_t)(value - table->bytes));
    return walk_block(table, offset, size, give_entry, error);
}

enum lstm_status tf_table_walk(const unsigned char *bytes, size_t n,
                               const struct tf_table_visitor *visitor, struct lstm_error *error)
{
    struct table table = {.bytes = bytes, .n = n, .visitor = visitor};
    uint64_t meta_offset, meta_size, offset, size;
    if (!tf_table_probe(bytes, n))
        return lstm_fail(error, LSTM_FORMAT,
                         "its last bytes are not those of a checkpoint's index: it is cut short");
    const unsigned char *at = bytes + n - FOOTER_BYTES, *const end = bytes + n - MAGIC_BYTES;
    if (!protobuf_varint(&at, end, &meta_offset) || !protobuf_varint(&at, end, &meta_size) ||
        !protobuf_varint(&at, end, &offset) || !protobuf_varint(&at, end, &size))
        return lstm_fail(error, LSTM_FORMAT, "its footer at byte %zu is damaged", n - FOOTER_BYTES);
    return walk_block(&table, offset, size, walk_data_block, error);
}
