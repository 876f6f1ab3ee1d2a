/* safetensors.h: reads and writes safetensors files. SPDX-License-Identifier: Apache-2.0
 *
 * Format and order of checks: huggingface/safetensors, README "Format" and safetensors/src/
 * tensor.rs. As strict as that implementation, and duplicate keys are refused as well. */
#ifndef SAFETENSORS_H
#define SAFETENSORS_H

#include "core/file.h"
#include "core/json_doc.h"

enum { SAFETENSORS_MAX_RANK = 8 };

struct safetensors_entry {
    const char *name;  /* borrowed */
    const char *dtype; /* "F32"; borrowed */
    size_t rank, shape[SAFETENSORS_MAX_RANK];
    size_t n;                  /* elements */
    const unsigned char *data; /* borrowed; may be unaligned */
    size_t begin, end;         /* in the buffer */
};

struct safetensors {
    struct doc *header;
    size_t n;
    struct safetensors_entry *entries; /* in order of their data */
    const unsigned char *buffer;       /* all data; borrowed from the file's bytes */
    size_t buffer_bytes;
};

/* Reads the header of a file's bytes, which must outlive *file. FORMAT: what is wrong, and where;
 * NO_MEMORY. On failure *file is empty. */
LSTM_MUST_CHECK enum lstm_status
safetensors_open(const void *bytes, size_t n, struct safetensors *file, struct lstm_error *error);
void safetensors_release(struct safetensors *file);

/* NULL if there is none. */
const struct safetensors_entry *safetensors_find(const struct safetensors *file, const char *name);

/* A text of "__metadata__"; NULL if there is none. Borrowed. */
const char *safetensors_metadata(const struct safetensors *file, const char *key);

/* Converts an entry's n elements to float32. UNSUPPORTED: not F64, F32, F16 or BF16. */
LSTM_MUST_CHECK enum lstm_status safetensors_floats(const struct safetensors_entry *entry,
                                                    float *out, struct lstm_error *error);

/* What to write: float32 data, stored as dtype. */
struct safetensors_tensor {
    const char *name;
    size_t rank, shape[2];
    const float *data;
    enum lstm_dtype dtype;
};

/* Puts the tensors' data where safetensors_header() says it is, without a copy of the whole. */
void safetensors_put(const struct safetensors_tensor *tensors, size_t n,
                     struct file_writer *writer);

struct safetensors_text {
    const char *key, *text;
};

/* The two parts of a file, each new (free()): the data first, so that a checksum of it can go into
 * the texts, which become "__metadata__". NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status safetensors_data(const struct safetensors_tensor *tensors,
                                                  size_t n, char **data, size_t *data_bytes,
                                                  struct lstm_error *error);
LSTM_MUST_CHECK enum lstm_status safetensors_header(const struct safetensors_tensor *tensors,
                                                    size_t n, const struct safetensors_text *texts,
                                                    size_t n_texts, char **header,
                                                    size_t *header_bytes, struct lstm_error *error);

#endif
