/* hdf5_reading.h: what the parts of the HDF5 reader share. SPDX-License-Identifier: Apache-2.0
 *
 * Every address, size and count of a file goes through hdf5_at() or a check of its own; every loop
 * over what a file points to takes from a budget, so that circles end. */
#ifndef IMPORT_HDF5_READING_H
#define IMPORT_HDF5_READING_H

#include "core/import/hdf5.h"

enum { HDF5_MAX_MESSAGES = 512, HDF5_MAX_FILTERS = 4 };

/* The messages of an object header that are looked at. */
enum {
    HDF5_DATASPACE = 0x01,
    HDF5_LINK_INFO = 0x02,
    HDF5_DATATYPE = 0x03,
    HDF5_LINK = 0x06,
    HDF5_EXTERNAL_FILES = 0x07,
    HDF5_LAYOUT = 0x08,
    HDF5_FILTERS = 0x0b,
    HDF5_ATTRIBUTE = 0x0c,
    HDF5_CONTINUATION = 0x10,
    HDF5_SYMBOL_TABLE = 0x11,
    HDF5_ATTRIBUTE_INFO = 0x15
};

#define HDF5_NOWHERE UINT64_MAX /* the address of what is not there */

/* A file being read. */
struct hdf5_reading {
    struct import_source *source;
    const unsigned char *bytes;
    size_t n;
    const char *const *wanted; /* names of attributes, ended by NULL */
    struct hdf5_tree *tree;
    size_t array_room, attribute_room;
    size_t n_objects; /* seen so far */
    size_t n_nodes;   /* of B-trees, and entries of heaps */
    struct lstm_error *error;
};

/* Bytes of a file with their number. */
struct hdf5_span {
    const unsigned char *data;
    size_t n;
};

struct hdf5_message {
    unsigned type;
    bool is_shared; /* it is a reference to a message elsewhere */
    struct hdf5_span span;
};

struct hdf5_object {
    size_t n_messages;
    struct hdf5_message messages[HDF5_MAX_MESSAGES];
};

/* A type of elements. */
struct hdf5_type {
    enum import_dtype dtype;
    size_t bytes;
    bool is_big_endian;
    bool is_variable; /* texts of a variable length, in a global heap */
};

struct hdf5_space {
    size_t rank, shape[IMPORT_MAX_RANK];
    size_t n_elements;
};

/* n <= 8 bytes, little-endian. */
uint64_t hdf5_number(const unsigned char *bytes, size_t n);

/* The n bytes at an address; NULL: they are not all in the file. */
const unsigned char *hdf5_at(const struct hdf5_reading *reading, uint64_t address, uint64_t n);

/* Takes one from the budget of nodes. UNSUPPORTED: it is used up. */
LSTM_MUST_CHECK enum lstm_status hdf5_count_node(struct hdf5_reading *reading);

/* hdf5_object.c: the messages of the object header at an address; the first of a type, or NULL.
 * Files of Keras have no shared messages of the types that are looked at: UNSUPPORTED. */
LSTM_MUST_CHECK enum lstm_status hdf5_object_read(struct hdf5_reading *reading, uint64_t address,
                                                  struct hdf5_object *object);
const struct hdf5_message *hdf5_object_find(const struct hdf5_object *object, unsigned type);

/* hdf5_type.c: a datatype and a dataspace message. False: damaged. */
LSTM_MUST_CHECK bool hdf5_type_read(struct hdf5_span span, struct hdf5_type *type);
LSTM_MUST_CHECK bool hdf5_space_read(struct hdf5_span span, struct hdf5_space *space);

/* hdf5_attribute.c: adds an object's wanted attributes to the tree. `path` is kept. */
LSTM_MUST_CHECK enum lstm_status hdf5_attributes_add(struct hdf5_reading *reading,
                                                     const struct hdf5_object *object,
                                                     const char *path);

/* hdf5_dataset.c: adds a data set to the tree. `path` is kept. */
LSTM_MUST_CHECK enum lstm_status
hdf5_dataset_add(struct hdf5_reading *reading, const struct hdf5_object *object, const char *path);

/* How chunked data lie in the file. */
struct hdf5_chunks {
    uint64_t tree; /* address of the B-tree */
    size_t rank, shape[IMPORT_MAX_RANK];
    size_t element, bytes; /* of an element; of a chunk */
    size_t n_filters;
    unsigned filters[HDF5_MAX_FILTERS]; /* in the order of writing */
};

/* hdf5_chunks.c: puts the chunks together in `values`, which has the array's size. */
LSTM_MUST_CHECK enum lstm_status hdf5_chunks_read(struct hdf5_reading *reading,
                                                  const struct hdf5_chunks *chunks,
                                                  const struct hdf5_space *space,
                                                  unsigned char *values, const char *path);

/* A list in the source's memory with room for one more than n elements; NULL: no memory. */
void *hdf5_grow(struct hdf5_reading *reading, void *list, size_t n, size_t *room, size_t element);

/* "HDF5: <what> of '<path>' is damaged"; "HDF5: '<path>' <has what>; h5repack ..."; no memory. */
enum lstm_status hdf5_fail_damaged(struct hdf5_reading *reading, const char *what,
                                   const char *path);
enum lstm_status hdf5_fail_unsupported(struct hdf5_reading *reading, const char *path,
                                       const char *what);
enum lstm_status hdf5_fail_memory(struct hdf5_reading *reading);

#endif
