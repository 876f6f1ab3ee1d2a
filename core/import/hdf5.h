/* hdf5.h: the arrays and texts of an HDF5 file. SPDX-License-Identifier: Apache-2.0
 *
 * Our own reader of what Keras and h5py write (The HDF Group, "HDF5 File Format Specification
 * Version 3.0"). libhdf5 reads every such file, but is not made for hostile ones (flipped bits in a
 * global heap make 1.10.8 copy memory that is not there), would be a process-wide lock for threads,
 * and brings 35 libraries, 10 ms and 5 MB to every start.
 *
 * Read are superblocks 0 to 3, groups of both kinds with links in a B-tree of version 1 or in the
 * object header, numbers and texts of any byte order, contiguous, compact and chunked data, deflate
 * and shuffle. What only libver="latest" writes, and what no Keras file has (fractal heaps, links
 * to other files, committed types), is refused by name. */
#ifndef IMPORT_HDF5_H
#define IMPORT_HDF5_H

#include "core/import/import.h"

/* A text attribute, or a list of texts. */
struct hdf5_attribute {
    const char *path; /* of its group; "" is the root */
    const char *name;
    size_t n_texts;
    const char **texts;
};

/* Everything is in the source's memory; paths are without a slash in front. */
struct hdf5_tree {
    size_t n_arrays;
    struct import_array *arrays; /* in the order of the file: of names, or of creation */
    size_t n_attributes;
    struct hdf5_attribute *attributes;
};

/* Whether the bytes begin as HDF5. */
bool hdf5_probe(const unsigned char *bytes, size_t n);

/* Reads the data sets, and of each group the text attributes whose names are in `wanted` (ended by
 * NULL; its texts are kept). An attribute that was too long for HDF5 and lies in pieces, name0,
 * name1, ..., is put together. Contiguous little-endian arrays are views of `bytes`, which must
 * live as long as the source; others are copied to its memory. FORMAT: what is damaged, at which
 * byte. UNSUPPORTED: what it is, and how to rewrite the file. NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status hdf5_read(struct import_source *source, const unsigned char *bytes,
                                           size_t n, const char *const *wanted,
                                           struct hdf5_tree *tree, struct lstm_error *error);

/* NULL if the group has no such attribute, or one that is no text. */
const struct hdf5_attribute *hdf5_find(const struct hdf5_tree *tree, const char *path,
                                       const char *name);

#endif
