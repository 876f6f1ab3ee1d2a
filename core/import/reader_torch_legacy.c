/* reader_torch_legacy.c: what torch.save() wrote before PyTorch 1.6.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Five pickles in a row: a magic number, a protocol number, facts of the machine, the object, and a
 * list of storages; then of each storage the number of its elements (8 bytes) and its elements
 * (PyTorch, torch/serialization.py, _legacy_save). */
#include <stdlib.h>
#include <string.h>

#include "core/import/readers.h"
#include "core/import/torch_object.h"
#include "core/memory.h"
#include "core/status.h"

enum { COUNT_BYTES = 8, PROTOCOL = 1001 };

/* A pickle of 0x1950a86a20f9469cfc6c, behind its protocol and, since protocol 4, a frame. */
static const unsigned char magic[] = {0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9,
                                      0x20, 0x6a, 0xa8, 0x50, 0x19, '.'};
enum { PROTOCOL_BYTES = 2, FRAME = 0x95, FRAME_BYTES = 9 };

struct storage_data {
    const char *key;
    size_t element_bytes; /* 0: no reference says it */
    const unsigned char *bytes;
    size_t n;
};

struct torch_legacy {
    struct pickle_foreign foreign; /* names of the object */
    size_t at;                     /* read so far */
    size_t n_storages;
    struct storage_data *storages; /* sorted by key */
};

/* Whether a frame of less than 2^40 bytes begins the pickle. */
static bool has_frame(const struct import_source *source)
{
    static const unsigned char zeros[3] = {0};
    const size_t n = PROTOCOL_BYTES + FRAME_BYTES;
    return source->n >= n && source->bytes[PROTOCOL_BYTES] == FRAME &&
           memcmp(source->bytes + n - sizeof zeros, zeros, sizeof zeros) == 0;
}

/* Where the pickle of the magic number ends; 0: there is none. */
static size_t magic_end(const struct import_source *source)
{
    const size_t at = PROTOCOL_BYTES + (has_frame(source) ? FRAME_BYTES : 0);
    const bool is_there =
        source->n >= at + sizeof magic && memcmp(source->bytes + at, magic, sizeof magic) == 0;
    return is_there ? at + sizeof magic : 0;
}

/* Also any other pickle, to say what is missing. A safetensors file may begin as one, but the
 * length of its header has zeros where a pickle has instructions, and behind it no frame's. */
static bool probe(const struct import_source *source)
{
    static const unsigned char zeros[4] = {0};
    if (source->is_folder || source->n < 8 || source->bytes[0] != 0x80)
        return false;
    return magic_end(source) > 0 ||
           (source->bytes[1] >= 2 && source->bytes[1] <= 5 &&
            (has_frame(source) || memcmp(source->bytes + 4, zeros, sizeof zeros) != 0));
}

static enum lstm_status read_next(struct import_source *source, struct torch_legacy *file,
                                  struct pickle *pickle, struct lstm_error *error)
{
    enum lstm_status status = pickle_read(source, torch_object_globals, source->bytes + file->at,
                                          source->n - file->at, pickle, error);
    if (status != LSTM_OK)
        return lstm_fail_in(error, status, "from byte %zu", file->at);
    file->at += pickle->n_bytes;
    return LSTM_OK;
}

static enum lstm_status read_header(struct import_source *source, struct torch_legacy *file,
                                    struct lstm_error *error)
{
    struct pickle pickle;
    enum lstm_status status = read_next(source, file, &pickle, error);
    if (status != LSTM_OK)
        return status;
    if (pickle.value->kind != PICKLE_INTEGER || pickle.value->integer != PROTOCOL)
        return lstm_fail(error, LSTM_FORMAT, "expected the protocol number %d in front of byte %zu",
                         PROTOCOL, file->at);
    status = read_next(source, file, &pickle, error);
    if (status != LSTM_OK)
        return status;
    const struct pickle_value *little = pickle_get(pickle.value, "little_endian");
    if (little != NULL && little->kind == PICKLE_BOOL && !little->boolean)
        return lstm_fail(error, LSTM_UNSUPPORTED,
                         "it was saved on a big-endian machine; save it again on a little-endian "
                         "one");
    return LSTM_OK;
}

static int compare_keys(const void *a, const void *b)
{
    return strcmp(((const struct storage_data *)a)->key, ((const struct storage_data *)b)->key);
}

static struct storage_data *find_key(const struct torch_legacy *file, const char *key)
{
    const struct storage_data wanted = {.key = key};
    return file->n_storages == 0
               ? NULL
               : bsearch(&wanted, file->storages, file->n_storages, sizeof wanted, compare_keys);
}

/* The storages of the list, sorted so that they can be found. */
static enum lstm_status list_storages(struct import_source *source, struct torch_legacy *file,
                                      const struct pickle_value *keys, struct lstm_error *error)
{
    if (keys->kind != PICKLE_LIST)
        return lstm_fail(error, LSTM_FORMAT, "expected a list of storages in front of byte %zu",
                         file->at);
    file->storages = import_allocate(source, (keys->n + 1) * sizeof *file->storages);
    if (file->storages == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for %zu storages", keys->n);
    for (size_t k = 0; k < keys->n; k++) {
        if (keys->items[k]->kind != PICKLE_TEXT)
            return lstm_fail(error, LSTM_FORMAT, "key %zu of the list of storages is no text", k);
        file->storages[k].key = keys->items[k]->text;
    }
    file->n_storages = keys->n;
    qsort(file->storages, keys->n, sizeof *file->storages, compare_keys);
    for (size_t k = 1; k < keys->n; k++)
        if (compare_keys(&file->storages[k - 1], &file->storages[k]) == 0)
            return lstm_fail(error, LSTM_FORMAT, "storage '%.40s' is listed twice",
                             file->storages[k].key);
    return LSTM_OK;
}

/* The references know of which type the elements are. */
static enum lstm_status size_elements(const struct torch_legacy *file,
                                      const struct pickle_value *references,
                                      struct lstm_error *error)
{
    for (size_t k = 0; k < references->n; k++) {
        struct torch_storage storage;
        enum lstm_status status = torch_object_storage(references->items[k], &storage, error);
        if (status != LSTM_OK)
            return status;
        struct storage_data *data = find_key(file, storage.key);
        if (data != NULL)
            data->element_bytes = import_dtype_bytes(storage.dtype);
    }
    return LSTM_OK;
}

/* Their bytes lie in the order of the list. */
static enum lstm_status locate_storages(const struct import_source *source,
                                        struct torch_legacy *file, const struct pickle_value *keys,
                                        struct lstm_error *error)
{
    for (size_t k = 0; k < keys->n; k++) {
        struct storage_data *data = find_key(file, keys->items[k]->text);
        uint64_t count = 0;
        if (data->element_bytes == 0)
            return lstm_fail(error, LSTM_FORMAT,
                             "storage '%.40s' is listed, but nothing refers to it", data->key);
        if (source->n - file->at < COUNT_BYTES)
            return lstm_fail(error, LSTM_FORMAT,
                             "storage '%.40s' at byte %zu: the file ends in front of it; it is cut",
                             data->key, file->at);
        for (size_t i = COUNT_BYTES; i-- > 0;)
            count = count << 8 | source->bytes[file->at + i];
        file->at += COUNT_BYTES;
        if (!memory_multiply(count, data->element_bytes, &data->n) ||
            data->n > source->n - file->at)
            return lstm_fail(error, LSTM_FORMAT,
                             "storage '%.40s' at byte %zu: %ju elements of %zu bytes reach behind "
                             "the end of the file; it is cut or damaged",
                             data->key, file->at, (uintmax_t)count, data->element_bytes);
        data->bytes = source->bytes + file->at;
        file->at += data->n;
    }
    return LSTM_OK;
}

static enum lstm_status find_storage(struct import_source *source,
                                     const struct torch_storage *storage,
                                     const unsigned char **bytes, size_t *n,
                                     struct lstm_error *error)
{
    const struct storage_data *data = find_key(source->state, storage->key);
    if (data == NULL)
        return lstm_fail(error, LSTM_FORMAT, "its storage '%.40s' is not in the file's list",
                         storage->key);
    *bytes = data->bytes;
    *n = data->n;
    return LSTM_OK;
}

static enum lstm_status open_legacy(struct import_source *source, struct lstm_error *error)
{
    struct torch_legacy *file = import_allocate(source, sizeof *file);
    struct pickle object, keys;
    if (file == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for a file of PyTorch");
    source->state = file;
    file->at = magic_end(source);
    if (file->at == 0)
        return lstm_fail(error, LSTM_UNSUPPORTED,
                         "a Python pickle that torch.save() did not write; nothing in it was run; "
                         "save the weights with torch.save(model.state_dict(), path)");
    enum lstm_status status = read_header(source, file, error);
    if (status == LSTM_OK)
        status = read_next(source, file, &object, error);
    if (status == LSTM_OK)
        status = read_next(source, file, &keys, error);
    if (status == LSTM_OK)
        status = list_storages(source, file, keys.value, error);
    if (status == LSTM_OK)
        status = size_elements(file, object.references, error);
    if (status == LSTM_OK)
        status = locate_storages(source, file, keys.value, error);
    if (status != LSTM_OK)
        return status;
    file->foreign = object.foreign;
    return torch_object_add_arrays(source, &object, find_storage, error);
}

static enum lstm_status plan(struct import_source *source,
                             const struct lstm_import_options *options, struct import_plan *network,
                             struct lstm_error *error)
{
    const struct torch_legacy *file = source->state;
    return torch_object_plan(source, &file->foreign, options, network, error);
}

const struct import_reader reader_torch_legacy = {
    .name = "pytorch-legacy",
    .title = "PyTorch state_dict (before 1.6)",
    .probe = probe,
    .open = open_legacy,
    .plan = plan,
};
