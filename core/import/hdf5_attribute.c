/* hdf5_attribute.c: text attributes of HDF5 (specification IV.A.2.m, III.E).
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "core/import/hdf5_reading.h"
#include "core/status.h"

enum { MAX_TEXTS = 1 << 16, MAX_PIECES = 1 << 10, HEAP_HEADER = 16, HEAP_OBJECT = 16 };

/* An attribute as its message has it. */
struct stored {
    struct hdf5_span name; /* NUL included */
    struct hdf5_type type;
    struct hdf5_space space;
    struct hdf5_span data;
};

/* Takes n bytes, and in version 1 what fills them up to 8, off the message. */
static bool take(struct hdf5_span *rest, size_t n, bool is_padded, struct hdf5_span *part)
{
    const size_t whole = is_padded ? (n + 7) / 8 * 8 : n;
    if (n > rest->n || whole > rest->n)
        return false;
    *part = (struct hdf5_span){rest->data, n};
    rest->data += whole;
    rest->n -= whole;
    return true;
}

/* False: damaged, or of a shape or type that no text has. */
static bool parse(struct hdf5_span message, struct stored *stored)
{
    const unsigned char *data = message.data;
    const size_t skip = message.n > 0 && data[0] == 3 ? 9 : 8; /* 3 tells the character set */
    struct hdf5_span type, space, rest;
    if (message.n < skip || data[0] < 1 || data[0] > 3 || (data[0] > 1 && data[1] != 0))
        return false;
    const bool is_padded = data[0] == 1;
    rest = (struct hdf5_span){data + skip, message.n - skip};
    if (!take(&rest, (size_t)hdf5_number(data + 2, 2), is_padded, &stored->name) ||
        !take(&rest, (size_t)hdf5_number(data + 4, 2), is_padded, &type) ||
        !take(&rest, (size_t)hdf5_number(data + 6, 2), is_padded, &space))
        return false;
    stored->data = rest;
    return stored->name.n > 0 && hdf5_type_read(type, &stored->type) &&
           hdf5_space_read(space, &stored->space);
}

/* The text that a reference to a global heap points to: length, address, number. */
static enum lstm_status read_heap_text(struct hdf5_reading *reading, const unsigned char *reference,
                                       const char *path, const char **text)
{
    const size_t length = (size_t)hdf5_number(reference, 4);
    const uint64_t address = hdf5_number(reference + 4, 8);
    const unsigned char *heap = hdf5_at(reading, address, HEAP_HEADER);
    if (length == 0) {
        *text = "";
        return LSTM_OK;
    }
    if (heap == NULL || memcmp(heap, "GCOL\1", 5) != 0)
        return hdf5_fail_damaged(reading, "a text attribute", path);
    uint64_t rest = hdf5_number(heap + 8, 8);
    if (rest < HEAP_HEADER || hdf5_at(reading, address, rest) == NULL)
        return hdf5_fail_damaged(reading, "the heap of a text attribute", path);
    const unsigned char *object = heap + HEAP_HEADER;
    for (rest -= HEAP_HEADER; rest >= HEAP_OBJECT;) {
        const uint64_t n = hdf5_number(object + 8, 8);
        enum lstm_status status = hdf5_count_node(reading);
        if (status != LSTM_OK)
            return status;
        if (n > rest - HEAP_OBJECT)
            break;
        if (hdf5_number(object, 2) == hdf5_number(reference + 12, 4)) {
            if (length > n)
                break;
            *text = import_text(reading->source, (const char *)object + HEAP_OBJECT, length);
            return *text == NULL ? hdf5_fail_memory(reading) : LSTM_OK;
        }
        const uint64_t whole = HEAP_OBJECT + (n + 7) / 8 * 8;
        if (whole > rest)
            break;
        object += whole;
        rest -= whole;
    }
    return hdf5_fail_damaged(reading, "the heap of a text attribute", path);
}

static enum lstm_status read_texts(struct hdf5_reading *reading, const struct stored *stored,
                                   const char *path, const char **texts)
{
    const size_t each = stored->type.bytes;
    for (size_t k = 0; k < stored->space.n_elements; k++) {
        const unsigned char *element = stored->data.data + k * each;
        enum lstm_status status = LSTM_OK;
        if (stored->type.is_variable)
            status = read_heap_text(reading, element, path, &texts[k]);
        else
            texts[k] = import_text(reading->source, (const char *)element,
                                   strnlen((const char *)element, each));
        if (status != LSTM_OK)
            return status;
        if (texts[k] == NULL)
            return hdf5_fail_memory(reading);
    }
    return LSTM_OK;
}

/* Appends the texts of a stored attribute. One of numbers is a list without texts: h5py writes an
 * empty list as an empty array of floats. */
static enum lstm_status append(struct hdf5_reading *reading, const struct stored *stored,
                               const char *path, struct hdf5_attribute *to)
{
    const size_t n = stored->space.n_elements;
    if (stored->type.dtype != IMPORT_TEXT)
        return LSTM_OK;
    if (n > MAX_TEXTS || (n > 0 && stored->data.n / n < stored->type.bytes))
        return hdf5_fail_damaged(reading, "the size of a text attribute", path);
    const char **texts = import_allocate(reading->source, (to->n_texts + n + 1) * sizeof *texts);
    if (texts == NULL)
        return hdf5_fail_memory(reading);
    if (to->n_texts > 0)
        memcpy(texts, to->texts, to->n_texts * sizeof *texts);
    enum lstm_status status = read_texts(reading, stored, path, texts + to->n_texts);
    to->texts = texts;
    to->n_texts += n;
    return status;
}

/* Appends the attribute `name`, if the object has it. */
static enum lstm_status append_named(struct hdf5_reading *reading, const struct hdf5_object *object,
                                     const char *path, const char *name, bool *found,
                                     struct hdf5_attribute *to)
{
    *found = false;
    for (size_t k = 0; k < object->n_messages; k++) {
        const struct hdf5_message *message = &object->messages[k];
        struct stored stored = {.name = {NULL, 0}};
        const bool is_whole = message->type == HDF5_ATTRIBUTE && parse(message->span, &stored);
        if (stored.name.n != strlen(name) + 1 || memcmp(stored.name.data, name, stored.name.n) != 0)
            continue;
        if (!is_whole || message->is_shared)
            return hdf5_fail_damaged(reading, "an attribute", path);
        *found = true;
        return append(reading, &stored, path, to);
    }
    return LSTM_OK;
}

/* Keras cuts lists of more than 64,512 bytes into name0, name1, ... */
static enum lstm_status add_attribute(struct hdf5_reading *reading,
                                      const struct hdf5_object *object, const char *path,
                                      const char *name)
{
    struct hdf5_attribute attribute = {.path = path, .name = name};
    bool found = false, more = true;
    enum lstm_status status = append_named(reading, object, path, name, &found, &attribute);
    for (size_t k = 0; status == LSTM_OK && !found && more && k < MAX_PIECES; k++) {
        char piece[64];
        snprintf(piece, sizeof piece, "%.40s%zu", name, k);
        status = append_named(reading, object, path, piece, &more, &attribute);
        found = !more && k > 0;
    }
    if (status != LSTM_OK || !found)
        return status;
    struct hdf5_tree *tree = reading->tree;
    struct hdf5_attribute *list = hdf5_grow(reading, tree->attributes, tree->n_attributes,
                                            &reading->attribute_room, sizeof *list);
    if (list == NULL)
        return hdf5_fail_memory(reading);
    tree->attributes = list;
    tree->attributes[tree->n_attributes++] = attribute;
    return LSTM_OK;
}

enum lstm_status hdf5_attributes_add(struct hdf5_reading *reading, const struct hdf5_object *object,
                                     const char *path)
{
    const struct hdf5_message *info = hdf5_object_find(object, HDF5_ATTRIBUTE_INFO);
    if (info != NULL && info->span.n >= 2) {
        /* Version, flags, perhaps the largest creation index, the address of a heap. */
        const size_t at = (info->span.data[1] & 1) != 0 ? 4 : 2;
        if (info->span.n < at + 8 || hdf5_number(info->span.data + at, 8) != HDF5_NOWHERE)
            return hdf5_fail_unsupported(reading, path, "has its attributes in a fractal heap");
    }
    enum lstm_status status = LSTM_OK;
    for (size_t k = 0; reading->wanted[k] != NULL && status == LSTM_OK; k++)
        status = add_attribute(reading, object, path, reading->wanted[k]);
    return status;
}
