/* hdf5.c: hdf5.h: superblock and groups (specification II.A, III.A to D, IV.A.2.c, g and r).
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/import/hdf5.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/import/hdf5_reading.h"
#include "core/status.h"

/* Far beyond any network's; what is linked may go round in a circle. */
enum { MAX_DEPTH = 16, MAX_OBJECTS = 1 << 15, MAX_NODES = 1 << 20, MAX_PATH = 1024 };
enum { NODE_HEADER = 24, NODE_OF_GROUP = 0, SYMBOLS_HEADER = 8, SYMBOL_BYTES = 40 };
enum { HEAP_BYTES = 32, SOFT_LINK = 2, MAX_LEVEL = 8 };

/* ---- What the parts share ------------------------------------------------------------------- */

uint64_t hdf5_number(const unsigned char *bytes, size_t n)
{
    uint64_t value = 0;
    for (size_t k = n; k-- > 0;)
        value = value << 8 | bytes[k];
    return value;
}

const unsigned char *hdf5_at(const struct hdf5_reading *reading, uint64_t address, uint64_t n)
{
    return address <= reading->n && n <= reading->n - address ? reading->bytes + address : NULL;
}

enum lstm_status hdf5_count_node(struct hdf5_reading *reading)
{
    if (reading->n_nodes++ < MAX_NODES)
        return LSTM_OK;
    return lstm_fail(reading->error, LSTM_UNSUPPORTED,
                     "HDF5: more than %d nodes and heap entries; its links go round in a circle",
                     MAX_NODES);
}

enum lstm_status hdf5_fail_memory(struct hdf5_reading *reading)
{
    return lstm_fail(reading->error, LSTM_NO_MEMORY,
                     "HDF5: what the file of %zu bytes unpacks to needs more memory than it may "
                     "have",
                     reading->n);
}

enum lstm_status hdf5_fail_damaged(struct hdf5_reading *reading, const char *what, const char *path)
{
    return lstm_fail(reading->error, LSTM_FORMAT,
                     "HDF5: %s of '/%.120s' is damaged, or the file is cut", what, path);
}

enum lstm_status hdf5_fail_unsupported(struct hdf5_reading *reading, const char *path,
                                       const char *what)
{
    return lstm_fail(reading->error, LSTM_UNSUPPORTED,
                     "HDF5: '/%.100s' %s; save it again with h5py's default libver, or "
                     "h5repack --high=0 OLD NEW",
                     path, what);
}

void *hdf5_grow(struct hdf5_reading *reading, void *list, size_t n, size_t *room, size_t element)
{
    if (n < *room)
        return list;
    const size_t more = *room == 0 ? 64 : 2 * *room;
    void *grown = import_allocate(reading->source, more * element);
    if (grown != NULL && n > 0)
        memcpy(grown, list, n * element);
    if (grown != NULL)
        *room = more;
    return grown;
}

/* ---- Groups --------------------------------------------------------------------------------- */

/* A group being walked through. */
struct group {
    const char *path;
    size_t depth;
    struct hdf5_span names; /* of a symbol table: the local heap */
};

static enum lstm_status walk(struct hdf5_reading *reading, uint64_t address, const char *path,
                             size_t depth);

static enum lstm_status follow(struct hdf5_reading *reading, const struct group *group,
                               const char *name, size_t n_name, uint64_t address)
{
    char path[MAX_PATH];
    const int n = snprintf(path, sizeof path, "%s%s%.*s", group->path,
                           *group->path == '\0' ? "" : "/", (int)n_name, name);
    if (n < 0 || (size_t)n >= sizeof path)
        return hdf5_fail_damaged(reading, "a name in the group", group->path);
    const char *kept = import_text(reading->source, path, (size_t)n);
    return kept == NULL ? hdf5_fail_memory(reading)
                        : walk(reading, address, kept, group->depth + 1);
}

/* "SNOD", version, number, then symbols: name, object header, kind. */
static enum lstm_status read_symbols(struct hdf5_reading *reading, const struct group *group,
                                     uint64_t address)
{
    const unsigned char *node = hdf5_at(reading, address, SYMBOLS_HEADER);
    if (node == NULL || memcmp(node, "SNOD\1", 5) != 0)
        return hdf5_fail_damaged(reading, "the symbol table", group->path);
    const size_t n = (size_t)hdf5_number(node + 6, 2);
    const unsigned char *symbol = hdf5_at(reading, address + SYMBOLS_HEADER, n * SYMBOL_BYTES);
    if (symbol == NULL)
        return hdf5_fail_damaged(reading, "the symbol table", group->path);
    enum lstm_status status = LSTM_OK;
    for (size_t k = 0; k < n && status == LSTM_OK; k++, symbol += SYMBOL_BYTES) {
        const uint64_t at = hdf5_number(symbol, 8);
        if (at >= group->names.n)
            return hdf5_fail_damaged(reading, "a name in the group", group->path);
        const char *name = (const char *)group->names.data + at;
        const size_t n_name = strnlen(name, group->names.n - at);
        if (hdf5_number(symbol + 16, 4) != SOFT_LINK)
            status = follow(reading, group, name, n_name < MAX_PATH ? n_name : MAX_PATH,
                            hdf5_number(symbol + 8, 8));
    }
    return status;
}

/* A node of the B-tree: header, then keys and children in turn. Levels count down to 0. */
static enum lstm_status read_node(struct hdf5_reading *reading, const struct group *group,
                                  uint64_t address, unsigned max_level)
{
    const unsigned char *node = hdf5_at(reading, address, NODE_HEADER);
    enum lstm_status status = hdf5_count_node(reading);
    if (status != LSTM_OK)
        return status;
    if (node == NULL || memcmp(node, "TREE", 4) != 0 || node[4] != NODE_OF_GROUP ||
        node[5] > max_level)
        return hdf5_fail_damaged(reading, "the tree", group->path);
    const size_t n = (size_t)hdf5_number(node + 6, 2);
    const unsigned char *entry = hdf5_at(reading, address + NODE_HEADER, n * 16);
    if (entry == NULL)
        return hdf5_fail_damaged(reading, "the tree", group->path);
    for (size_t k = 0; k < n && status == LSTM_OK; k++, entry += 16) {
        const uint64_t child = hdf5_number(entry + 8, 8);
        status = node[5] == 0 ? read_symbols(reading, group, child)
                              : read_node(reading, group, child, node[5] - 1U);
    }
    return status;
}

/* The old kind of group: a B-tree, and a heap for the names. */
static enum lstm_status read_table(struct hdf5_reading *reading, struct group *group,
                                   struct hdf5_span message)
{
    const unsigned char *heap =
        message.n < 16 ? NULL : hdf5_at(reading, hdf5_number(message.data + 8, 8), HEAP_BYTES);
    if (heap == NULL || memcmp(heap, "HEAP", 4) != 0)
        return hdf5_fail_damaged(reading, "the heap", group->path);
    const uint64_t n = hdf5_number(heap + 8, 8);
    group->names = (struct hdf5_span){hdf5_at(reading, hdf5_number(heap + 24, 8), n), (size_t)n};
    if (group->names.data == NULL)
        return hdf5_fail_damaged(reading, "the heap", group->path);
    return read_node(reading, group, hdf5_number(message.data, 8), MAX_LEVEL);
}

/* The new kind of group has a message for each link: version, flags, what the flags say, the
 * length of the name, the name, and of a hard link an address. */
static enum lstm_status read_link(struct hdf5_reading *reading, const struct group *group,
                                  struct hdf5_span message)
{
    enum { HAS_ORDER = 4, HAS_KIND = 8, HAS_CHARSET = 16 };
    if (message.n < 2 || message.data[0] != 1)
        return hdf5_fail_damaged(reading, "a link", group->path);
    const unsigned flags = message.data[1];
    const size_t width = (size_t)1 << (flags & 3);
    const size_t skip = 2U + ((flags & HAS_KIND) != 0 ? 1U : 0U) +
                        ((flags & HAS_ORDER) != 0 ? 8U : 0U) +
                        ((flags & HAS_CHARSET) != 0 ? 1U : 0U);
    if (message.n < skip + width)
        return hdf5_fail_damaged(reading, "a link", group->path);
    const uint64_t n_name = hdf5_number(message.data + skip, width);
    const size_t rest = message.n - skip - width;
    const bool is_hard = (flags & HAS_KIND) == 0 || message.data[2] == 0;
    if (!is_hard)
        return LSTM_OK; /* another name of the same, or another file, which is not followed */
    if (rest < 8 || n_name > rest - 8 || n_name >= MAX_PATH)
        return hdf5_fail_damaged(reading, "a link", group->path);
    const unsigned char *name = message.data + skip + width;
    return follow(reading, group, (const char *)name, (size_t)n_name,
                  hdf5_number(name + n_name, 8));
}

static enum lstm_status read_group(struct hdf5_reading *reading, const struct hdf5_object *object,
                                   struct group *group)
{
    const struct hdf5_message *info = hdf5_object_find(object, HDF5_LINK_INFO);
    if (info != NULL) {
        /* Version, flags, perhaps the largest creation index, the address of a heap. */
        const size_t at = info->span.n > 1 && (info->span.data[1] & 1) != 0 ? 10 : 2;
        if (info->span.n < at + 8 || hdf5_number(info->span.data + at, 8) != HDF5_NOWHERE)
            return hdf5_fail_unsupported(reading, group->path, "has its links in a fractal heap");
    }
    enum lstm_status status = hdf5_attributes_add(reading, object, group->path);
    for (size_t k = 0; k < object->n_messages && status == LSTM_OK; k++) {
        const struct hdf5_message *message = &object->messages[k];
        if (message->type == HDF5_SYMBOL_TABLE)
            status = read_table(reading, group, message->span);
        else if (message->type == HDF5_LINK)
            status = read_link(reading, group, message->span);
    }
    return status;
}

static enum lstm_status walk(struct hdf5_reading *reading, uint64_t address, const char *path,
                             size_t depth)
{
    struct group group = {.path = path, .depth = depth};
    if (depth == MAX_DEPTH || reading->n_objects++ == MAX_OBJECTS)
        return lstm_fail(reading->error, LSTM_UNSUPPORTED,
                         "HDF5: '/%.100s': more than %d groups in each other, or %d objects", path,
                         MAX_DEPTH, MAX_OBJECTS);
    struct hdf5_object *object = malloc(sizeof *object);
    if (object == NULL)
        return hdf5_fail_memory(reading);
    enum lstm_status status = hdf5_object_read(reading, address, object);
    if (status != LSTM_OK)
        lstm_fail_in(reading->error, status, "'/%.80s'", path);
    else if (hdf5_object_find(object, HDF5_LAYOUT) != NULL)
        status = hdf5_dataset_add(reading, object, path);
    else
        status = read_group(reading, object, &group);
    free(object);
    return status;
}

/* ---- The file ------------------------------------------------------------------------------- */

bool hdf5_probe(const unsigned char *bytes, size_t n)
{
    return n >= 8 && memcmp(bytes, "\211HDF\r\n\032\n", 8) == 0;
}

/* The address of the root's object header, from any version of the superblock. */
static enum lstm_status find_root(const struct hdf5_reading *reading, uint64_t *root)
{
    enum { WHOLE = 104 };
    const unsigned char *bytes = reading->bytes;
    if (!hdf5_probe(bytes, reading->n) || reading->n < WHOLE)
        return lstm_fail(reading->error, LSTM_FORMAT,
                         "HDF5: a file of %zu bytes has no whole superblock; it is cut",
                         reading->n);
    const unsigned version = bytes[8];
    const unsigned char *sizes = bytes + (version < 2 ? 13 : 9);
    if (version > 3 || sizes[0] != 8 || sizes[1] != 8)
        return lstm_fail(reading->error, LSTM_UNSUPPORTED,
                         "HDF5: superblock of version %u with addresses of %d and lengths of %d "
                         "bytes; versions 0 to 3 with 8 and 8 are read",
                         version, sizes[0], sizes[1]);
    const size_t base = version == 0 ? 24 : version == 1 ? 28 : 12;
    if (hdf5_number(bytes + base, 8) != 0)
        return lstm_fail(reading->error, LSTM_UNSUPPORTED,
                         "HDF5: a file with a user block; h5repack -u 0 OLD NEW removes it");
    const uint64_t end = hdf5_number(bytes + base + 16, 8);
    if (end > reading->n)
        return lstm_fail(reading->error, LSTM_FORMAT,
                         "HDF5: the file is cut: it has %zu of its %llu bytes", reading->n,
                         (unsigned long long)end);
    *root = hdf5_number(bytes + base + (version < 2 ? 40 : 24), 8);
    return LSTM_OK;
}

enum lstm_status hdf5_read(struct import_source *source, const unsigned char *bytes, size_t n,
                           const char *const *wanted, struct hdf5_tree *tree,
                           struct lstm_error *error)
{
    struct hdf5_reading reading = {
        .source = source, .bytes = bytes, .n = n, .wanted = wanted, .tree = tree, .error = error};
    uint64_t root = 0;
    *tree = (struct hdf5_tree){.n_arrays = 0};
    enum lstm_status status = find_root(&reading, &root);
    return status != LSTM_OK ? status : walk(&reading, root, "", 0);
}

const struct hdf5_attribute *hdf5_find(const struct hdf5_tree *tree, const char *path,
                                       const char *name)
{
    for (size_t k = 0; k < tree->n_attributes; k++)
        if (strcmp(tree->attributes[k].path, path) == 0 &&
            strcmp(tree->attributes[k].name, name) == 0)
            return &tree->attributes[k];
    return NULL;
}
