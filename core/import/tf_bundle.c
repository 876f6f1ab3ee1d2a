/* tf_bundle.c: index entries to arrays. SPDX-License-Identifier: Apache-2.0 */
#include "core/import/tf_bundle.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "core/crc32c.h"
#include "core/import/protobuf.h"
#include "core/import/tf_table.h"
#include "core/memory.h"
#include "core/status.h"

enum { MAX_SHARDS = 4096 };

static const char graph_key[] = "_CHECKPOINTABLE_OBJECT_GRAPH";

struct shard {
    const unsigned char *bytes;
    size_t n;
};

struct reading {
    struct import_source *source;
    const char *prefix;
    struct tf_bundle *bundle;
    struct shard *shards;
    size_t n_shards;   /* 0: the header has not come yet */
    size_t n_bytes;    /* of all shards */
    size_t n_assigned; /* of tensors so far: they do not overlap */
};

/* A BundleEntryProto. */
struct entry {
    uint64_t dtype, shard, offset, size;
    uint32_t crc;
    size_t rank, shape[IMPORT_MAX_RANK];
    bool has_unknown_rank, is_partitioned;
};

/* ---- Header --------------------------------------------------------------------------------- */

static enum lstm_status map_shards(struct reading *reading, struct lstm_error *error)
{
    for (size_t i = 0; i < reading->n_shards; i++) {
        char path[PATH_MAX];
        const int n = snprintf(path, sizeof path, "%s.data-%05zu-of-%05zu", reading->prefix, i,
                               reading->n_shards);
        if (n < 0 || (size_t)n >= sizeof path)
            return lstm_fail(error, LSTM_INVALID, "the path of its data is too long");
        struct shard *shard = &reading->shards[i];
        enum lstm_status status =
            import_map(reading->source, path, &shard->bytes, &shard->n, error);
        if (status != LSTM_OK)
            return lstm_fail_in(error, status, "its data");
        reading->n_bytes += shard->n;
    }
    return LSTM_OK;
}

/* The entry of the empty key: a BundleHeaderProto. A V1 checkpoint has its own message there, whose
 * first field is one too. */
static enum lstm_status read_header(struct reading *reading, const unsigned char *value, size_t n,
                                    struct lstm_error *error)
{
    struct protobuf message = protobuf_begin(value, n);
    struct protobuf_field field;
    uint64_t n_shards = 0, endianness = 0;
    while (protobuf_next(&message, &field)) {
        if (field.number == 1 && field.wire == PROTOBUF_BYTES)
            return lstm_fail(error, LSTM_UNSUPPORTED,
                             "this is a checkpoint of version 1, which TensorFlow wrote before "
                             "0.12; load it there and save it with write_version=tf.train."
                             "SaverDef.V2");
        if (field.number == 1)
            n_shards = field.value;
        if (field.number == 2)
            endianness = field.value;
    }
    if (message.is_broken)
        return lstm_fail(error, LSTM_FORMAT, "the header of its index is damaged");
    if (endianness != 0)
        return lstm_fail(error, LSTM_UNSUPPORTED,
                         "it was written by a big-endian machine; save it anew on a little-endian "
                         "one");
    if (n_shards == 0 || n_shards > MAX_SHARDS)
        return lstm_fail(error, LSTM_FORMAT, "its header tells of %ju shards; expected 1 to %d",
                         (uintmax_t)n_shards, MAX_SHARDS);
    reading->n_shards = (size_t)n_shards;
    reading->shards = import_allocate(reading->source, reading->n_shards * sizeof *reading->shards);
    if (reading->shards == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for its shards");
    return map_shards(reading, error);
}

/* ---- Entries -------------------------------------------------------------------------------- */

/* A TensorShapeProto; false: damaged. A size that is not there is 0. */
static bool read_shape(const struct protobuf_field *shape, struct entry *entry)
{
    struct protobuf message = protobuf_enter(shape);
    struct protobuf_field field, size;
    while (protobuf_next(&message, &field)) {
        if (field.number == 3 && field.value != 0)
            entry->has_unknown_rank = true;
        if (field.number != 2)
            continue;
        const bool has_size = protobuf_find(protobuf_enter(&field), 1, &size);
        if (entry->rank == IMPORT_MAX_RANK || (has_size && size.value > SIZE_MAX / 2))
            return false;
        entry->shape[entry->rank++] = has_size ? (size_t)size.value : 0;
    }
    return !message.is_broken;
}

static bool read_entry(const unsigned char *value, size_t n, struct entry *entry)
{
    struct protobuf message = protobuf_begin(value, n);
    struct protobuf_field field;
    *entry = (struct entry){0};
    while (protobuf_next(&message, &field)) {
        switch (field.number) {
        case 1:
            entry->dtype = field.value;
            break;
        case 2:
            if (!read_shape(&field, entry))
                return false;
            break;
        case 3:
            entry->shard = field.value;
            break;
        case 4:
            entry->offset = field.value;
            break;
        case 5:
            entry->size = field.value;
            break;
        case 6:
            entry->crc = (uint32_t)field.value;
            break;
        case 7:
            entry->is_partitioned = true;
            break;
        default:
            break;
        }
    }
    return !message.is_broken;
}

/* By TensorFlow's DataType. */
static enum import_dtype dtype_of(uint64_t number)
{
    static const enum import_dtype dtypes[] = {
        [1] = IMPORT_F32 + 1,   [2] = IMPORT_F64 + 1,  [3] = IMPORT_I32 + 1,
        [4] = IMPORT_U8 + 1,    [5] = IMPORT_I16 + 1,  [6] = IMPORT_I8 + 1,
        [7] = IMPORT_TEXT + 1,  [9] = IMPORT_I64 + 1,  [10] = IMPORT_BOOL + 1,
        [14] = IMPORT_BF16 + 1, [17] = IMPORT_U16 + 1, [19] = IMPORT_F16 + 1,
        [22] = IMPORT_U32 + 1,  [23] = IMPORT_U64 + 1};
    if (number >= sizeof dtypes / sizeof *dtypes || dtypes[number] == 0)
        return IMPORT_OTHER;
    return (enum import_dtype)(dtypes[number] - 1);
}

static enum lstm_status fail_checksum(const char *name, struct lstm_error *error)
{
    return lstm_fail(error, LSTM_FORMAT,
                     "tensor '%.80s': the checksum of its data is wrong: the file is damaged",
                     name);
}

/* One length, as it enters the checksum. */
static uint32_t add_length(uint32_t crc, uint64_t length)
{
    unsigned char bytes[8];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(length >> 8 * i);
    return crc32c(crc, bytes, length > UINT32_MAX ? 8 : 4);
}

/* Strings: their lengths as varints, a checksum of these, then all characters. *text is the first
 * string, which is all there is of a scalar. */
static enum lstm_status check_strings(const char *name, const struct entry *entry,
                                      const unsigned char *data, const unsigned char **text,
                                      size_t *text_bytes, struct lstm_error *error)
{
    const unsigned char *at = data, *const end = data + entry->size;
    uint32_t crc = 0;
    size_t n = 1;
    uint64_t sum = 0, length;
    *text_bytes = 0;
    for (size_t i = 0; i < entry->rank; i++)
        if (!memory_multiply(n, entry->shape[i], &n))
            n = SIZE_MAX;
    for (size_t i = 0; i < n; i++) {
        if (!protobuf_varint(&at, end, &length) || length > entry->size - sum)
            return lstm_fail(error, LSTM_FORMAT, "tensor '%.80s': its strings are cut short", name);
        crc = add_length(crc, length);
        *text_bytes = i == 0 ? (size_t)length : *text_bytes;
        sum += length;
    }
    if ((uint64_t)(end - at) != sum + 4)
        return lstm_fail(error, LSTM_FORMAT, "tensor '%.80s': its strings take another size", name);
    if (tf_table_word(at) != tf_table_mask(crc))
        return fail_checksum(name, error);
    *text = at + 4;
    return tf_table_mask(crc32c(crc, at, (size_t)(end - at))) == entry->crc
               ? LSTM_OK
               : fail_checksum(name, error);
}

/* The entry's bytes, once they are known to be there and to be nobody else's. */
static enum lstm_status find_data(struct reading *reading, const char *name,
                                  const struct entry *entry, const unsigned char **data,
                                  struct lstm_error *error)
{
    if (entry->shard >= reading->n_shards)
        return lstm_fail(error, LSTM_FORMAT, "tensor '%.80s' lies in shard %ju of %zu", name,
                         (uintmax_t)entry->shard, reading->n_shards);
    const struct shard *shard = &reading->shards[entry->shard];
    if (entry->offset > shard->n || entry->size > shard->n - entry->offset)
        return lstm_fail(
            error, LSTM_FORMAT,
            "tensor '%.80s': bytes %ju to %ju are not in its shard of %zu bytes, which "
            "is cut short",
            name, (uintmax_t)entry->offset, (uintmax_t)(entry->offset + entry->size), shard->n);
    if (entry->size > reading->n_bytes - reading->n_assigned)
        return lstm_fail(error, LSTM_FORMAT, "tensor '%.80s' overlaps another", name);
    reading->n_assigned += (size_t)entry->size;
    *data = shard->bytes + entry->offset;
    return LSTM_OK;
}

static enum lstm_status add_tensor(struct reading *reading, const char *name,
                                   const struct entry *entry, struct lstm_error *error)
{
    const enum import_dtype dtype = dtype_of(entry->dtype);
    const unsigned char *data = NULL, *text = NULL;
    size_t text_bytes = 0;
    struct import_array array;
    enum lstm_status status = find_data(reading, name, entry, &data, error);
    if (status == LSTM_OK && dtype == IMPORT_TEXT)
        status = check_strings(name, entry, data, &text, &text_bytes, error);
    else if (status == LSTM_OK && tf_table_mask(crc32c(0, data, (size_t)entry->size)) != entry->crc)
        status = fail_checksum(name, error);
    if (status == LSTM_OK)
        status = import_array_init(&array, name, dtype, entry->rank, entry->shape, data,
                                   (size_t)entry->size, error);
    if (status != LSTM_OK)
        return status;
    size_t bytes = import_dtype_bytes(dtype);
    for (size_t i = 0; i < array.rank; i++)
        bytes *= array.shape[i];
    if (bytes != entry->size && import_dtype_bytes(dtype) > 0)
        return lstm_fail(error, LSTM_FORMAT,
                         "tensor '%.80s': its shape takes %zu bytes, its entry tells of %ju", name,
                         bytes, (uintmax_t)entry->size);
    if (text != NULL && entry->rank == 0 && strcmp(name, graph_key) == 0)
        *reading->bundle = (struct tf_bundle){text, text_bytes};
    return import_add_array(reading->source, &array, error);
}

static enum lstm_status visit(void *context, const char *key, size_t key_bytes,
                              const unsigned char *value, size_t value_bytes,
                              struct lstm_error *error)
{
    struct reading *reading = context;
    struct entry entry;
    if (key_bytes == 0 && reading->n_shards == 0)
        return read_header(reading, value, value_bytes, error);
    if (reading->n_shards == 0)
        return lstm_fail(error, LSTM_FORMAT, "its index does not begin with a header");
    const char *name = import_text(reading->source, key, key_bytes);
    if (name == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for its tensors");
    if (strlen(name) != key_bytes || !read_entry(value, value_bytes, &entry))
        return lstm_fail(error, LSTM_FORMAT, "the index entry of '%.80s' is damaged", name);
    if (entry.is_partitioned)
        return lstm_fail(error, LSTM_UNSUPPORTED,
                         "variable '%.80s' is partitioned; save it as one variable", name);
    if (entry.has_unknown_rank)
        return lstm_fail(error, LSTM_FORMAT, "tensor '%.80s' has no shape", name);
    return add_tensor(reading, name, &entry, error);
}

enum lstm_status tf_bundle_read(struct import_source *source, const unsigned char *index, size_t n,
                                const char *prefix, struct tf_bundle *bundle,
                                struct lstm_error *error)
{
    struct reading reading = {.source = source, .prefix = prefix, .bundle = bundle};
    const struct tf_table_visitor visitor = {visit, &reading};
    *bundle = (struct tf_bundle){0};
    enum lstm_status status = tf_table_walk(index, n, &visitor, error);
    if (status == LSTM_OK && reading.n_shards == 0)
        return lstm_fail(error, LSTM_FORMAT, "its index is empty");
    return status;
}
