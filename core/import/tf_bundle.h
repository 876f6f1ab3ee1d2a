/* tf_bundle.h: the tensors of a TensorFlow checkpoint of version 2.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Format: TensorFlow core/util/tensor_bundle and core/protobuf/tensor_bundle.proto: an index that
 * tells type, shape and place of each tensor, and shards of raw little-endian data. Every CRC-32C
 * is checked. */
#ifndef TF_BUNDLE_H
#define TF_BUNDLE_H

#include "core/import/import.h"

/* The object graph of TensorFlow 2 (a serialised TrackableObjectGraph); NULL: there is none. */
struct tf_bundle {
    const unsigned char *graph;
    size_t graph_bytes;
};

/* Adds the tensors of an index's bytes; its shards are "<prefix>.data-00000-of-00001" and so on.
 * FORMAT: which byte or tensor; UNSUPPORTED: V1, big-endian, partitioned, compressed; NOT_FOUND: a
 * shard is missing. */
LSTM_MUST_CHECK enum lstm_status tf_bundle_read(struct import_source *source,
                                                const unsigned char *index, size_t n,
                                                const char *prefix, struct tf_bundle *bundle,
                                                struct lstm_error *error);

#endif
