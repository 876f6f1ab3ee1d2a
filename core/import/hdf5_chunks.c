/* hdf5_chunks.c: chunked data of HDF5, deflated and shuffled or not (specification III.A.1,
 * IV.A.2.l). SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "core/gzip.h"
#include "core/import/hdf5_reading.h"
#include "core/status.h"

enum { NODE_HEADER = 24, NODE_OF_CHUNKS = 1, ZLIB_HEADER = 2, ZLIB_CHECKSUM = 4 };
enum { FILTER_DEFLATE = 1, FILTER_SHUFFLE = 2 };

/* All chunks together are hardly more than the array; so much more is a bomb. */
enum { MAX_EXCESS = 16, MIN_BUDGET = 1 << 20 };

/* Chunks being put together. */
struct assembly {
    struct hdf5_reading *reading;
    const struct hdf5_chunks *chunks;
    const struct hdf5_space *space;
    const char *path;
    size_t budget;                            /* bytes that may still be unpacked */
    unsigned char *values, *unpacked, *spare; /* the array; two chunks */
};

/* Bytes of equal weight lie together: first of all elements, second of all, ... */
static void unshuffle(const unsigned char *from, unsigned char *to, size_t bytes, size_t element)
{
    const size_t n = bytes / element;
    for (size_t b = 0; b < element; b++)
        for (size_t k = 0; k < n; k++)
            to[k * element + b] = from[b * n + k];
    memcpy(to + n * element, from + n * element, bytes - n * element);
}

static enum lstm_status fail_packing(const struct assembly *assembly)
{
    return hdf5_fail_damaged(assembly->reading, "the packing of a chunk", assembly->path);
}

static enum lstm_status inflate_chunk(const struct assembly *assembly, struct hdf5_span packed,
                                      unsigned char *to)
{
    if (packed.n < ZLIB_HEADER + ZLIB_CHECKSUM)
        return fail_packing(assembly);
    const enum lstm_status status =
        gzip_inflate(packed.data + ZLIB_HEADER, packed.n - ZLIB_HEADER - ZLIB_CHECKSUM, to,
                     assembly->chunks->bytes);
    if (status == LSTM_NO_MEMORY)
        return hdf5_fail_memory(assembly->reading);
    return status == LSTM_OK ? LSTM_OK : fail_packing(assembly);
}

/* Undoes the filters, last first. *data becomes the chunk's bytes. A set bit of `skipped` says that
 * a filter was not applied to this chunk. */
static enum lstm_status unpack(struct assembly *assembly, struct hdf5_span packed, uint64_t skipped,
                               const unsigned char **data)
{
    const struct hdf5_chunks *chunks = assembly->chunks;
    for (size_t k = chunks->n_filters; k-- > 0;) {
        if ((skipped >> k & 1) != 0)
            continue;
        unsigned char *to = assembly->unpacked;
        if (chunks->filters[k] == FILTER_DEFLATE) {
            const enum lstm_status status = inflate_chunk(assembly, packed, to);
            if (status != LSTM_OK)
                return status;
        } else {
            if (packed.n != chunks->bytes)
                return fail_packing(assembly);
            unshuffle(packed.data, to, chunks->bytes, chunks->element);
        }
        packed = (struct hdf5_span){to, chunks->bytes};
        assembly->unpacked = assembly->spare;
        assembly->spare = to;
    }
    *data = packed.data;
    return packed.n >= chunks->bytes ? LSTM_OK : fail_packing(assembly);
}

/* Copies the part of a chunk at `offset` that lies inside the array, row by row. */
static void place(const struct assembly *assembly, const unsigned char *data, const size_t *offset)
{
    const struct hdf5_chunks *chunks = assembly->chunks;
    const size_t rank = chunks->rank, *shape = assembly->space->shape;
    size_t index[IMPORT_MAX_RANK] = {0}, n[IMPORT_MAX_RANK];
    for (size_t k = 0; k < rank; k++)
        n[k] = shape[k] - offset[k] < chunks->shape[k] ? shape[k] - offset[k] : chunks->shape[k];
    const size_t row = n[rank - 1] * chunks->element;
    for (;;) {
        size_t from = 0, to = 0, k = rank - 1;
        for (size_t i = 0; i < rank; i++) {
            from = from * chunks->shape[i] + index[i];
            to = to * shape[i] + offset[i] + index[i];
        }
        memcpy(assembly->values + to * chunks->element, data + from * chunks->element, row);
        while (k > 0 && ++index[k - 1] == n[k - 1])
            index[--k] = 0;
        if (k == 0)
            return;
    }
}

/* The chunk of a key: its size in the file, filters that were skipped, offsets. */
static enum lstm_status read_chunk(struct assembly *assembly, const unsigned char *key,
                                   uint64_t address)
{
    struct hdf5_reading *reading = assembly->reading;
    const struct hdf5_chunks *chunks = assembly->chunks;
    const size_t n = (size_t)hdf5_number(key, 4);
    const struct hdf5_span packed = {hdf5_at(reading, address, n), n};
    size_t offset[IMPORT_MAX_RANK];
    const unsigned char *data = NULL;
    for (size_t k = 0; k < chunks->rank; k++) {
        offset[k] = (size_t)hdf5_number(key + 8 + 8 * k, 8);
        if (offset[k] >= assembly->space->shape[k])
            return hdf5_fail_damaged(reading, "the place of a chunk", assembly->path);
    }
    if (packed.data == NULL || chunks->bytes > assembly->budget)
        return hdf5_fail_damaged(reading, "a chunk", assembly->path);
    assembly->budget -= chunks->bytes;
    const enum lstm_status status = unpack(assembly, packed, hdf5_number(key + 4, 4), &data);
    if (status == LSTM_OK)
        place(assembly, data, offset);
    return status;
}

/* A node: header, then keys and children in turn. Levels count down to 0. */
static enum lstm_status read_node(struct assembly *assembly, uint64_t address, unsigned max_level)
{
    struct hdf5_reading *reading = assembly->reading;
    const size_t key_bytes = 8 + 8 * (assembly->chunks->rank + 1);
    const unsigned char *node = hdf5_at(reading, address, NODE_HEADER);
    enum lstm_status status = hdf5_count_node(reading);
    if (status != LSTM_OK)
        return status;
    if (node == NULL || memcmp(node, "TREE", 4) != 0 || node[4] != NODE_OF_CHUNKS ||
        node[5] > max_level)
        return hdf5_fail_damaged(reading, "the tree of chunks", assembly->path);
    const size_t n = (size_t)hdf5_number(node + 6, 2);
    const unsigned char *entries = hdf5_at(reading, address + NODE_HEADER, n * (key_bytes + 8));
    if (entries == NULL)
        return hdf5_fail_damaged(reading, "the tree of chunks", assembly->path);
    for (size_t k = 0; k < n && status == LSTM_OK; k++) {
        const unsigned char *key = entries + k * (key_bytes + 8);
        const uint64_t child = hdf5_number(key + key_bytes, 8);
        if (node[5] == 0)
            status = read_chunk(assembly, key, child);
        else
            status = read_node(assembly, child, node[5] - 1U);
    }
    return status;
}

enum lstm_status hdf5_chunks_read(struct hdf5_reading *reading, const struct hdf5_chunks *chunks,
                                  const struct hdf5_space *space, unsigned char *values,
                                  const char *path)
{
    enum { MAX_LEVEL = 8 };
    const size_t bytes = space->n_elements * chunks->element;
    struct assembly assembly = {.reading = reading,
                                .chunks = chunks,
                                .space = space,
                                .path = path,
                                .budget = MAX_EXCESS * bytes + MIN_BUDGET,
                                .values = values};
    if (chunks->tree == HDF5_NOWHERE || bytes == 0)
        return LSTM_OK; /* nothing was written */
    if (chunks->bytes > assembly.budget)
        return hdf5_fail_damaged(reading, "the size of a chunk", path);
    enum lstm_status status = LSTM_OK;
    unsigned char *room = malloc(2 * chunks->bytes);
    if (room == NULL)
        return hdf5_fail_memory(reading);
    assembly.unpacked = room;
    assembly.spare = room + chunks->bytes;
    status = read_node(&assembly, chunks->tree, MAX_LEVEL);
    free(room);
    return status;
}
