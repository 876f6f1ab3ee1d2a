/* gzip.h: reads files that may be gzip-compressed, unpacks and sums bytes; gzip.c is the one file
 * that knows zlib. SPDX-License-Identifier: Apache-2.0
 *
 * The caller says how many bytes it wants, so a small file that unpacks to a huge one costs no more
 * than that. */
#ifndef GZIP_H
#define GZIP_H

#include "core/lstm.h"

struct gzip_file;

/* Opens a plain or a gzip file. *file is new. NOT_FOUND, IO, NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status gzip_open(const char *path, struct gzip_file **file,
                                           struct lstm_error *error);

/* Reads the next n unpacked bytes; *n_read is less only at the end of the file.
 * FORMAT: broken or cut gzip data. IO, NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status gzip_read(struct gzip_file *file, void *data, size_t n,
                                           size_t *n_read, struct lstm_error *error);

void gzip_close(struct gzip_file *file);

/* Unpacks raw deflate data (RFC 1951, as zip archives have it) into exactly n_unpacked bytes.
 * FORMAT: it is broken, or of another size. NO_MEMORY. The sentence is the caller's to make. */
LSTM_MUST_CHECK enum lstm_status gzip_inflate(const void *packed, size_t n_packed, void *unpacked,
                                              size_t n_unpacked);

/* The CRC-32 of gzip and PNG, of bytes that go on where `crc` ended; begin with 0. */
uint32_t gzip_crc32(uint32_t crc, const void *data, size_t n);

#endif
