/* file.h: whole files, in and out. SPDX-License-Identifier: Apache-2.0 */
#ifndef FILE_H
#define FILE_H

#include "core/lstm.h"

/* Reads a file of at most max_bytes. *data is new (free()), with a NUL behind it.
 * NOT_FOUND, IO, FORMAT (larger than max_bytes), NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status file_read(const char *path, size_t max_bytes, char **data,
                                           size_t *n, struct lstm_error *error);

/* A piece of a file to be written. */
struct file_part {
    const void *data;
    size_t n;
};

/* Writes the parts as the whole content of path so that a crash leaves the old file or the new
 * one: to "<path>.tmp", flushed to disk, renamed, the folder flushed. IO, NO_SPACE. */
LSTM_MUST_CHECK enum lstm_status file_write(const char *path, const struct file_part *parts,
                                            size_t n_parts, struct lstm_error *error);

#endif
