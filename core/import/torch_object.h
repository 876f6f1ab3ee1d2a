/* torch_object.h: the tensors of a checkpoint that torch.save() pickled.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A tensor is pickled as a call, torch._utils._rebuild_tensor_v2(storage, offset, size, stride,
 * ...), whose storage is a reference to bytes outside of the pickle (PyTorch,
 * torch/serialization.py and torch/_utils.py). */
#ifndef TORCH_OBJECT_H
#define TORCH_OBJECT_H

#include "core/import/pickle.h"

/* The names that pickles of weights use. */
extern const struct pickle_global torch_object_globals[];

/* What a reference says of a storage. */
struct torch_storage {
    const char *key; /* in the file */
    enum import_dtype dtype;
    size_t n;                  /* elements */
    size_t view_begin, view_n; /* the elements that the reference means; else all */
};

/* UNSUPPORTED: complex or quantised numbers. FORMAT: it is no reference to a storage. */
LSTM_MUST_CHECK enum lstm_status torch_object_storage(const struct pickle_value *reference,
                                                      struct torch_storage *storage,
                                                      struct lstm_error *error);

/* A whole number >= 0. */
bool torch_object_size(const struct pickle_value *value, size_t *size);

/* Adds every tensor in dicts, lists and tuples of the pickle to the source's arrays. An array's
 * name is the dict's key, with the keys of the dicts around it and '/' in front:
 * "state_dict/fc.weight". `find` gives the bytes of a storage. An opaque value there that may hold
 * weights is an array of type OTHER without data.
 * FORMAT: which tensor, what is wrong. UNSUPPORTED: a tensor of another kind; there are opaque
 * values and no tensors. NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status torch_object_add_arrays(
    struct import_source *source, const struct pickle *pickle,
    enum lstm_status (*find)(struct import_source *source, const struct torch_storage *storage,
                             const unsigned char **bytes, size_t *n, struct lstm_error *error),
    struct lstm_error *error);

/* names_torch_plan(), and a note that tells which foreign names were passed over. */
LSTM_MUST_CHECK enum lstm_status torch_object_plan(struct import_source *source,
                                                   const struct pickle_foreign *foreign,
                                                   const struct lstm_import_options *options,
                                                   struct import_plan *plan,
                                                   struct lstm_error *error);

#endif
