/* hdf5_dataset.c: data sets of HDF5 as arrays (specification IV.A.2.i and l).
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "core/import/hdf5_reading.h"
#include "core/memory.h"
#include "core/status.h"

enum { LAYOUT_COMPACT = 0, LAYOUT_CONTIGUOUS = 1, LAYOUT_CHUNKED = 2, LAYOUT_VIRTUAL = 3 };
enum { FILTER_DEFLATE = 1, FILTER_SHUFFLE = 2, FIRST_NAMED_FILTER = 256 };

/* What deflate can make of a byte: more than this does not lie in a file. */
enum { MAX_DEFLATE_RATIO = 1032 };

/* A data set being read. */
struct dataset {
    struct hdf5_reading *reading;
    const char *path;
    struct hdf5_type type;
    struct hdf5_space space;
    size_t bytes; /* of all values */
};

/* Version 1 pads the names of filters and odd numbers of values; version 2 leaves the names of the
 * first 256 out. */
static bool next_filter(struct hdf5_span *rest, bool is_v1, unsigned *filter)
{
    if (rest->n < 6)
        return false;
    *filter = (unsigned)hdf5_number(rest->data, 2);
    const bool is_named = is_v1 || *filter >= FIRST_NAMED_FILTER;
    const size_t skip = is_named ? 8 : 6;
    if (rest->n < skip)
        return false;
    size_t n_name = is_named ? (size_t)hdf5_number(rest->data + 2, 2) : 0;
    size_t n_values = (size_t)hdf5_number(rest->data + skip - 2, 2);
    if (is_v1) {
        n_name = (n_name + 7) / 8 * 8;
        n_values = (n_values + 1) / 2 * 2;
    }
    const size_t whole = skip + n_name + 4 * n_values;
    if (whole > rest->n)
        return false;
    rest->data += whole;
    rest->n -= whole;
    return true;
}

static enum lstm_status read_filters(const struct dataset *dataset,
                                     const struct hdf5_object *object, struct hdf5_chunks *chunks)
{
    const struct hdf5_message *message = hdf5_object_find(object, HDF5_FILTERS);
    if (message == NULL)
        return LSTM_OK;
    const struct hdf5_span span = message->span;
    if (span.n < 8 || message->is_shared || span.data[0] < 1 || span.data[0] > 2)
        return hdf5_fail_damaged(dataset->reading, "the list of filters", dataset->path);
    const bool is_v1 = span.data[0] == 1;
    struct hdf5_span rest = {span.data + (is_v1 ? 8 : 2), span.n - (is_v1 ? 8 : 2)};
    for (size_t k = 0; k < span.data[1]; k++) {
        unsigned filter;
        if (!next_filter(&rest, is_v1, &filter))
            return hdf5_fail_damaged(dataset->reading, "the list of filters", dataset->path);
        if ((filter != FILTER_DEFLATE && filter != FILTER_SHUFFLE) ||
            chunks->n_filters == HDF5_MAX_FILTERS)
            return lstm_fail(dataset->reading->error, LSTM_UNSUPPORTED,
                             "HDF5: '%.100s' is packed by filter %u; deflate and shuffle are "
                             "supported: h5repack -f GZIP=1 OLD NEW rewrites it",
                             dataset->path, filter);
        chunks->filters[chunks->n_filters++] = filter;
    }
    return LSTM_OK;
}

/* Version 3: dimensions and one, the tree, the chunk's shape and the bytes of an element. */
static enum lstm_status read_chunked(const struct dataset *dataset,
                                     const struct hdf5_object *object, struct hdf5_span layout,
                                     unsigned char *values)
{
    struct hdf5_chunks chunks = {.rank = dataset->space.rank, .element = dataset->type.bytes};
    if (layout.data[0] != 3)
        return hdf5_fail_unsupported(dataset->reading, dataset->path,
                                     "has chunks of libver=\"latest\"");
    if (layout.n < 11 || layout.data[2] != chunks.rank + 1 || chunks.rank == 0 ||
        layout.n < 11 + 4 * (chunks.rank + 1))
        return hdf5_fail_damaged(dataset->reading, "the layout", dataset->path);
    chunks.tree = hdf5_number(layout.data + 3, 8);
    chunks.bytes = chunks.element;
    for (size_t k = 0; k < chunks.rank; k++) {
        chunks.shape[k] = (size_t)hdf5_number(layout.data + 11 + 4 * k, 4);
        if (chunks.shape[k] == 0 || !memory_multiply(chunks.bytes, chunks.shape[k], &chunks.bytes))
            return hdf5_fail_damaged(dataset->reading, "the shape of a chunk", dataset->path);
    }
    enum lstm_status status = read_filters(dataset, object, &chunks);
    return status != LSTM_OK ? status
                             : hdf5_chunks_read(dataset->reading, &chunks, &dataset->space, values,
                                                dataset->path);
}

/* Where the values lie in the file one after the other; NULL: they do not, or are damaged. */
static const unsigned char *find_values(const struct dataset *dataset, struct hdf5_span layout)
{
    if (layout.data[1] == LAYOUT_CONTIGUOUS && layout.n >= 18)
        return hdf5_at(dataset->reading, hdf5_number(layout.data + 2, 8), dataset->bytes);
    if (layout.data[1] == LAYOUT_COMPACT && layout.n >= 4 &&
        hdf5_number(layout.data + 2, 2) >= dataset->bytes && layout.n - 4 >= dataset->bytes)
        return layout.data + 4;
    return NULL;
}

static void turn_bytes(unsigned char *values, size_t n, size_t element)
{
    for (size_t k = 0; k < n; k++, values += element)
        for (size_t i = 0; i < element / 2; i++) {
            const unsigned char byte = values[i];
            values[i] = values[element - 1 - i];
            values[element - 1 - i] = byte;
        }
}

/* The values as an array has them: a view of the file if they lie there so, else a copy. */
static enum lstm_status read_values(const struct dataset *dataset, const struct hdf5_object *object,
                                    const unsigned char **data)
{
    struct hdf5_reading *reading = dataset->reading;
    const struct hdf5_message *message = hdf5_object_find(object, HDF5_LAYOUT);
    const struct hdf5_span layout = message->span;
    if (layout.n < 4 || message->is_shared)
        return hdf5_fail_damaged(reading, "the layout", dataset->path);
    if (layout.data[0] < 3 || layout.data[0] > 4 || layout.data[1] >= LAYOUT_VIRTUAL ||
        hdf5_object_find(object, HDF5_EXTERNAL_FILES) != NULL)
        return hdf5_fail_unsupported(reading, dataset->path,
                                     "has its values in other files, or in an early or new way");
    const bool is_chunked = layout.data[1] == LAYOUT_CHUNKED;
    const unsigned char *found = is_chunked ? NULL : find_values(dataset, layout);
    if (!is_chunked && found == NULL && dataset->bytes > 0)
        return hdf5_fail_damaged(reading, "the place of the values", dataset->path);
    *data = found;
    if (found != NULL && (!dataset->type.is_big_endian || dataset->type.bytes == 1))
        return LSTM_OK;
    if (dataset->bytes / MAX_DEFLATE_RATIO > reading->n)
        return hdf5_fail_damaged(reading, "the shape", dataset->path);
    unsigned char *values = import_allocate(reading->source, dataset->bytes + 1);
    enum lstm_status status = LSTM_OK;
    if (values == NULL)
        return hdf5_fail_memory(reading);
    if (is_chunked)
        status = read_chunked(dataset, object, layout, values);
    else if (found != NULL)
        memcpy(values, found, dataset->bytes);
    if (dataset->type.is_big_endian)
        turn_bytes(values, dataset->space.n_elements, dataset->type.bytes);
    *data = values;
    return status;
}

/* Texts and structures are listed without data. */
static enum lstm_status read_array(struct dataset *dataset, const struct hdf5_object *object,
                                   struct import_array *array)
{
    const struct hdf5_message *type = hdf5_object_find(object, HDF5_DATATYPE);
    const struct hdf5_message *space = hdf5_object_find(object, HDF5_DATASPACE);
    if (type == NULL || space == NULL || type->is_shared || space->is_shared ||
        !hdf5_type_read(type->span, &dataset->type) ||
        !hdf5_space_read(space->span, &dataset->space) ||
        !memory_multiply(dataset->space.n_elements, dataset->type.bytes, &dataset->bytes))
        return hdf5_fail_damaged(dataset->reading, "the type or the shape", dataset->path);
    if (dataset->type.dtype == IMPORT_TEXT || dataset->type.dtype == IMPORT_OTHER) {
        array->dtype = dataset->type.dtype;
        array->rank = dataset->space.rank;
        memcpy(array->shape, dataset->space.shape, sizeof array->shape);
        return LSTM_OK;
    }
    const unsigned char *data = NULL;
    enum lstm_status status = read_values(dataset, object, &data);
    return status != LSTM_OK ? status
                             : import_array_init(array, dataset->path, dataset->type.dtype,
                                                 dataset->space.rank, dataset->space.shape, data,
                                                 dataset->bytes, dataset->reading->error);
}

enum lstm_status hdf5_dataset_add(struct hdf5_reading *reading, const struct hdf5_object *object,
                                  const char *path)
{
    struct dataset dataset = {.reading = reading, .path = path};
    struct hdf5_tree *tree = reading->tree;
    struct import_array *list =
        hdf5_grow(reading, tree->arrays, tree->n_arrays, &reading->array_room, sizeof *list);
    if (list == NULL)
        return hdf5_fail_memory(reading);
    tree->arrays = list;
    list[tree->n_arrays] = (struct import_array){.name = path};
    enum lstm_status status = read_array(&dataset, object, &list[tree->n_arrays]);
    tree->n_arrays += status == LSTM_OK;
    return status;
}
