/* readers.h: the readers, one file each, and what they share. SPDX-License-Identifier: Apache-2.0
 */
#ifndef READERS_H
#define READERS_H

#include "core/import/import.h"

extern const struct import_reader reader_lstmd, reader_onnx, reader_safetensors,
    reader_tf_checkpoint, reader_saved_model;
extern const struct import_reader reader_keras, reader_keras_h5;
extern const struct import_reader reader_torch, reader_torch_legacy;

/* reader_safetensors.c: adds the tensors of a safetensors file's bytes. FORMAT, NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status import_add_safetensors(struct import_source *source,
                                                        const unsigned char *bytes, size_t n,
                                                        struct lstm_error *error);

/* Recognises the network by the names of the arrays, with the first of import_namings that knows
 * them. UNSUPPORTED: none does. */
LSTM_MUST_CHECK enum lstm_status import_plan_by_names(struct import_source *source,
                                                      const struct lstm_import_options *options,
                                                      struct import_plan *plan,
                                                      struct lstm_error *error);

#endif
