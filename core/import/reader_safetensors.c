/* reader_safetensors.c: safetensors files, whose names tell what they hold.
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "core/import/readers.h"
#include "core/safetensors.h"
#include "core/status.h"

enum { LENGTH_BYTES = 8, MAX_HEADER_BYTES = 100000000 };

static const struct {
    const char *name;
    enum import_dtype dtype;
} dtypes[] = {{"F32", IMPORT_F32},  {"F64", IMPORT_F64}, {"F16", IMPORT_F16}, {"BF16", IMPORT_BF16},
              {"I8", IMPORT_I8},    {"I16", IMPORT_I16}, {"I32", IMPORT_I32}, {"I64", IMPORT_I64},
              {"U8", IMPORT_U8},    {"U16", IMPORT_U16}, {"U32", IMPORT_U32}, {"U64", IMPORT_U64},
              {"BOOL", IMPORT_BOOL}};

/* The length of a header that begins an object: no other format begins so. */
static bool probe(const struct import_source *source)
{
    uint64_t length = 0;
    if (source->n <= LENGTH_BYTES)
        return false;
    for (size_t i = LENGTH_BYTES; i-- > 0;)
        length = length << 8 | source->bytes[i];
    size_t first = LENGTH_BYTES;
    while (first < source->n && strchr(" \t\r\n", source->bytes[first]) != NULL &&
           source->bytes[first] != '\0')
        first++;
    return length <= MAX_HEADER_BYTES && first < source->n && source->bytes[first] == '{';
}

static enum import_dtype dtype_of(const char *name)
{
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++)
        if (strcmp(dtypes[i].name, name) == 0)
            return dtypes[i].dtype;
    return IMPORT_OTHER;
}

static enum lstm_status add_entry(struct import_source *source,
                                  const struct safetensors_entry *entry, struct lstm_error *error)
{
    struct import_array array;
    const char *name = import_text(source, entry->name, strlen(entry->name));
    if (name == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for the tensors");
    enum lstm_status status =
        import_array_init(&array, name, dtype_of(entry->dtype), entry->rank, entry->shape,
                          entry->data, entry->end - entry->begin, error);
    return status == LSTM_OK ? import_add_array(source, &array, error) : status;
}

enum lstm_status import_add_safetensors(struct import_source *source, const unsigned char *bytes,
                                        size_t n, struct lstm_error *error)
{
    struct safetensors file;
    enum lstm_status status = safetensors_open(bytes, n, &file, error);
    if (status != LSTM_OK)
        return status;
    for (size_t i = 0; i < file.n && status == LSTM_OK; i++)
        status = add_entry(source, &file.entries[i], error);
    safetensors_release(&file);
    return status;
}

static enum lstm_status open_file(struct import_source *source, struct lstm_error *error)
{
    return import_add_safetensors(source, source->bytes, source->n, error);
}

const struct import_reader reader_safetensors = {.name = "safetensors",
                                                 .title = "safetensors",
                                                 .probe = probe,
                                                 .open = open_file,
                                                 .plan = import_plan_by_names};
