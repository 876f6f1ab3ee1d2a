/* tf_table.h: the sorted table of a TensorFlow checkpoint's index.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Format: TensorFlow core/lib/io/format.cc, block_builder.cc, table_builder.cc (that of LevelDB,
 * without filters). Every block's CRC-32C is checked. */
#ifndef TF_TABLE_H
#define TF_TABLE_H

#include "core/lstm.h"

enum { TF_TABLE_MAX_KEY = 4096 };

/* One entry; a status other than LSTM_OK ends the walk and is returned. The key has a NUL behind
 * it, and may hold others. Both are gone after the call. */
struct tf_table_visitor {
    enum lstm_status (*visit)(void *context, const char *key, size_t key_bytes,
                              const unsigned char *value, size_t value_bytes,
                              struct lstm_error *error);
    void *context;
};

/* Whether the bytes end as such a table does. */
bool tf_table_probe(const unsigned char *bytes, size_t n);

/* Gives the entries in their order. FORMAT: at which byte, what; UNSUPPORTED: compressed. */
LSTM_MUST_CHECK enum lstm_status tf_table_walk(const unsigned char *bytes, size_t n,
                                               const struct tf_table_visitor *visitor,
                                               struct lstm_error *error);

/* The CRC that TensorFlow stores for a CRC, so that a CRC of CRCs is not trivial. */
uint32_t tf_table_mask(uint32_t crc);

/* Four bytes as a number. */
uint32_t tf_table_word(const unsigned char *bytes);

#endif
