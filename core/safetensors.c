/* safetensors.c: the reading half: header checks in the order of the reference implementation.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/safetensors.h"

#include <stdlib.h>
#include <string.h>

#include "core/float_formats.h"
#include "core/memory.h"
#include "core/spec.h"
#include "core/status.h"

enum { LENGTH_BYTES = 8, MAX_HEADER_BYTES = 100000000 };

/* Every dtype that a file may hold, and its size in bits. */
static const struct {
    const char *name;
    size_t bits;
} dtypes[] = {{"BOOL", 8},    {"F4", 4},          {"F6_E2M3", 6},     {"F6_E3M2", 6},
              {"U8", 8},      {"I8", 8},          {"F8_E5M2", 8},     {"F8_E4M3", 8},
              {"F8_E8M0", 8}, {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8}, {"I16", 16},
              {"U16", 16},    {"F16", 16},        {"BF16", 16},       {"I32", 32},
              {"U32", 32},    {"F32", 32},        {"C64", 64},        {"F64", 64},
              {"I64", 64},    {"U64", 64}};

static size_t dtype_bits(const char *name)
{
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++)
        if (strcmp(dtypes[i].name, name) == 0)
            return dtypes[i].bits;
    return 0;
}

static enum lstm_status read_shape(const struct doc *shape, struct safetensors_entry *entry,
                                   struct lstm_error *error)
{
    if (!doc_is_array(shape) || doc_length(shape) > SAFETENSORS_MAX_RANK)
        return lstm_fail(error, LSTM_FORMAT,
                         "tensor '%.60s': expected \"shape\" to be an array of at most %d sizes",
                         entry->name, SAFETENSORS_MAX_RANK);
    entry->rank = doc_length(shape);
    entry->n = 1;
    for (size_t i = 0; i < entry->rank; i++) {
        if (!doc_size(doc_at(shape, i), &entry->shape[i]))
            return lstm_fail(error, LSTM_FORMAT,
                             "tensor '%.60s': shape[%zu]: expected a size, found %s", entry->name,
                             i, doc_kind(doc_at(shape, i)));
        if (!memory_multiply(entry->n, entry->shape[i], &entry->n))
            return lstm_fail(error, LSTM_FORMAT,
                             "tensor '%.60s': the product of its shape overflows", entry->name);
    }
    return LSTM_OK;
}

static bool has_only_known_keys(const struct doc *object)
{
    for (void *member = doc_first(object); member != NULL; member = doc_next(object, member))
        if (strcmp(doc_key(member), "dtype") != 0 && strcmp(doc_key(member), "shape") != 0 &&
            strcmp(doc_key(member), "data_offsets") != 0)
            return false;
    return true;
}

static enum lstm_status read_entry(const struct doc *object, struct safetensors_entry *entry,
                                   struct lstm_error *error)
{
    const struct doc *offsets = doc_get(object, "data_offsets");
    if (!doc_is_object(object) || !has_only_known_keys(object))
        return lstm_fail(error, LSTM_FORMAT,
                         "tensor '%.60s': expected an object of dtype, shape and data_offsets",
                         entry->name);
    if (!doc_text(doc_get(object, "dtype"), &entry->dtype) || dtype_bits(entry->dtype) == 0)
        return lstm_fail(error, LSTM_FORMAT, "tensor '%.60s': unknown or missing dtype",
                         entry->name);
    if (!doc_is_array(offsets) || doc_length(offsets) != 2 ||
        !doc_size(doc_at(offsets, 0), &entry->begin) || !doc_size(doc_at(offsets, 1), &entry->end))
        return lstm_fail(error, LSTM_FORMAT,
                         "tensor '%.60s': expected \"data_offsets\" to be [begin, end]",
                         entry->name);
    return read_shape(doc_get(object, "shape"), entry, error);
}

static enum lstm_status check_metadata(const struct doc *metadata, struct lstm_error *error)
{
    const char *text;
    if (!doc_is_object(metadata))
        return lstm_fail(error, LSTM_FORMAT, "__metadata__: expected an object, found %s",
                         doc_kind(metadata));
    for (void *m = doc_first(metadata); m != NULL; m = doc_next(metadata, m))
        if (!doc_text(doc_value(m), &text))
            return lstm_fail(error, LSTM_FORMAT, "__metadata__.%.60s: expected a string, found %s",
                             doc_key(m), doc_kind(doc_value(m)));
    return LSTM_OK;
}

static enum lstm_status read_entries(struct safetensors *file, struct lstm_error *error)
{
    size_t most = 0;
    for (void *m = doc_first(file->header); m != NULL; m = doc_next(file->header, m))
        most++;
    file->entries = calloc(most + 1, sizeof *file->entries);
    if (file->entries == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for %zu tensors", most);
    for (void *m = doc_first(file->header); m != NULL; m = doc_next(file->header, m)) {
        enum lstm_status status;
        if (strcmp(doc_key(m), "__metadata__") == 0) {
            status = check_metadata(doc_value(m), error);
        } else {
            struct safetensors_entry *entry = &file->entries[file->n++];
            entry->name = doc_key(m);
            status = read_entry(doc_value(m), entry, error);
        }
        if (status != LSTM_OK)
            return status;
    }
    return LSTM_OK;
}

static int by_offsets(const void *a, const void *b)
{
    const struct safetensors_entry *x = a, *y = b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return x->end == y->end ? 0 : x->end < y->end ? -1 : 1;
}

/* Sorted, the tensors must fill the buffer from its first byte to its last. */
static enum lstm_status check_layout(struct safetensors *file, struct lstm_error *error)
{
    size_t at = 0;
    if (file->n > 0)
        qsort(file->entries, file->n, sizeof *file->entries, by_offsets);
    for (size_t i = 0; i < file->n; i++) {
        struct safetensors_entry *entry = &file->entries[i];
        size_t bits;
        if (entry->begin != at || entry->end < entry->begin)
            return lstm_fail(error, LSTM_FORMAT,
                             "tensor '%.60s': data_offsets [%zu, %zu] must begin at %zu: tensors "
                             "may leave no hole and not overlap",
                             entry->name, entry->begin, entry->end, at);
        if (!memory_multiply(entry->n, dtype_bits(entry->dtype), &bits))
            return lstm_fail(error, LSTM_FORMAT, "tensor '%.60s': its size overflows", entry->name);
        if (bits % 8 != 0 || entry->end - entry->begin != bits / 8)
            return lstm_fail(error, LSTM_FORMAT,
                             "tensor '%.60s': its shape and dtype %s take %zu bytes, its "
                             "data_offsets hold %zu",
                             entry->name, entry->dtype, bits / 8, entry->end - entry->begin);
        entry->data = file->buffer + entry->begin;
        at = entry->end;
        if (at > file->buffer_bytes)
            break;
    }
    if (at != file->buffer_bytes)
        return lstm_fail(error, LSTM_FORMAT,
                         "the tensors end at byte %zu of the data, but the file holds %zu bytes of "
                         "data: it is cut short, or something is appended",
                         at, file->buffer_bytes);
    return LSTM_OK;
}

static enum lstm_status read_header(const unsigned char *bytes, size_t n, struct safetensors *file,
                                    struct lstm_error *error)
{
    uint64_t length = 0;
    if (n < LENGTH_BYTES)
        return lstm_fail(error, LSTM_FORMAT, "%zu bytes are too few for a safetensors file", n);
    for (size_t i = LENGTH_BYTES; i-- > 0;)
        length = length << 8 | bytes[i];
    if (length > MAX_HEADER_BYTES)
        return lstm_fail(error, LSTM_FORMAT,
                         "a header of %ju bytes is too large (at most %d): not a safetensors file?",
                         (uintmax_t)length, MAX_HEADER_BYTES);
    if (length > n - LENGTH_BYTES)
        return lstm_fail(error, LSTM_FORMAT,
                         "the header has %ju bytes, but the file ends after %zu of them",
                         (uintmax_t)length, n - LENGTH_BYTES);
    enum lstm_status status =
        doc_parse((const char *)bytes + LENGTH_BYTES, (size_t)length, &file->header, error);
    if (status != LSTM_OK)
        return lstm_fail_in(error, status == LSTM_INVALID ? LSTM_FORMAT : status, "header");
    if (!doc_is_object(file->header))
        return lstm_fail(error, LSTM_FORMAT, "header: expected an object, found %s",
                         doc_kind(file->header));
    file->buffer = bytes + LENGTH_BYTES + length;
    file->buffer_bytes = n - LENGTH_BYTES - (size_t)length;
    return LSTM_OK;
}

enum lstm_status safetensors_open(const void *bytes, size_t n, struct safetensors *file,
                                  struct lstm_error *error)
{
    *file = (struct safetensors){0};
    enum lstm_status status = read_header(bytes, n, file, error);
    if (status == LSTM_OK)
        status = read_entries(file, error);
    if (status == LSTM_OK)
        status = check_layout(file, error);
    if (status != LSTM_OK)
        safetensors_release(file);
    return status;
}

void safetensors_release(struct safetensors *file)
{
    doc_destroy(file->header);
    free(file->entries);
    *file = (struct safetensors){0};
}

const struct safetensors_entry *safetensors_find(const struct safetensors *file, const char *name)
{
    for (size_t i = 0; i < file->n; i++)
        if (strcmp(file->entries[i].name, name) == 0)
            return &file->entries[i];
    return NULL;
}

const char *safetensors_metadata(const struct safetensors *file, const char *key)
{
    const char *text = NULL;
    doc_text(doc_get(doc_get(file->header, "__metadata__"), key), &text);
    return text;
}

enum lstm_status safetensors_floats(const struct safetensors_entry *entry, float *out,
                                    struct lstm_error *error)
{
    for (int i = 0; spec_dtype_names[i] != NULL; i++)
        if (strcmp(entry->dtype, spec_dtype_names[i]) == 0) {
            float_format_read((enum lstm_dtype)i, entry->data, entry->n, out);
            return LSTM_OK;
        }
    return lstm_fail(error, LSTM_UNSUPPORTED,
                     "tensor '%.60s': dtype %s is no weight's; expected F32, F64, F16 or BF16",
                     entry->name, entry->dtype);
}
