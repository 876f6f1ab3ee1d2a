/* gzip.c: gzip.h on zlib. SPDX-License-Identifier: Apache-2.0 */
#include "core/gzip.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#define ZLIB_CONST /* inputs are pointers to const */
#include <zlib.h>

#include "core/crc32_fold.h"
#include "core/status.h"

struct gzip_file {
    gzFile zlib;
};

/* zlib counts in int; larger pieces would not fit. */
static const size_t max_piece = (size_t)1 << 30;

enum lstm_status gzip_open(const char *path, struct gzip_file **file, struct lstm_error *error)
{
    *file = NULL;
    struct gzip_file *opened = malloc(sizeof *opened);
    if (opened == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "%s: out of memory", path);
    errno = 0;
    opened->zlib = gzopen(path, "rbe");
    if (opened->zlib != NULL) {
        *file = opened;
        return LSTM_OK;
    }
    free(opened);
    if (errno == ENOENT || errno == ENOTDIR)
        return lstm_fail(error, LSTM_NOT_FOUND, "%s: no such file", path);
    return lstm_fail(error, errno == 0 || errno == ENOMEM ? LSTM_NO_MEMORY : LSTM_IO,
                     "%s: cannot be opened: %s", path, strerror(errno != 0 ? errno : ENOMEM));
}

static enum lstm_status fail_read(gzFile zlib, struct lstm_error *error)
{
    int system_error = errno;
    int code = Z_OK;
    const char *text = gzerror(zlib, &code);
    if (code == Z_ERRNO)
        return lstm_fail(error, LSTM_IO, "cannot be read: %s", strerror(system_error));
    if (code == Z_MEM_ERROR)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory while it was unpacked");
    if (code == Z_BUF_ERROR)
        return lstm_fail(error, LSTM_FORMAT, "the gzip data ends too early");
    return lstm_fail(error, LSTM_FORMAT, "broken gzip data (%s)", text);
}

enum lstm_status gzip_read(struct gzip_file *file, void *data, size_t n, size_t *n_read,
                           struct lstm_error *error)
{
    *n_read = 0;
    while (*n_read < n) {
        size_t piece = n - *n_read < max_piece ? n - *n_read : max_piece;
        int got = gzread(file->zlib, (char *)data + *n_read, (unsigned)piece);
        int code = Z_OK;
        if (got >= 0)
            gzerror(file->zlib, &code);
        if (got < 0 || code < 0)
            return fail_read(file->zlib, error);
        if (got == 0)
            break;
        *n_read += (size_t)got;
    }
    return LSTM_OK;
}

void gzip_close(struct gzip_file *file)
{
    if (file == NULL)
        return;
    gzclose(file->zlib);
    free(file);
}

enum lstm_status gzip_inflate(const void *packed, size_t n_packed, void *unpacked,
                              size_t n_unpacked)
{
    z_stream stream = {.next_in = packed, .next_out = unpacked};
    if (inflateInit2(&stream, -MAX_WBITS) != Z_OK)
        return LSTM_NO_MEMORY;
    int code = Z_OK;
    while (code == Z_OK) {
        const size_t in = n_packed - (size_t)(stream.next_in - (const Bytef *)packed);
        const size_t out = n_unpacked - (size_t)(stream.next_out - (Bytef *)unpacked);
        stream.avail_in = (unsigned)(in < max_piece ? in : max_piece);
        stream.avail_out = (unsigned)(out < max_piece ? out : max_piece);
        code = inflate(&stream, Z_NO_FLUSH);
    }
    const bool whole = code == Z_STREAM_END && stream.next_in == (const Bytef *)packed + n_packed &&
                       stream.next_out == (Bytef *)unpacked + n_unpacked;
    inflateEnd(&stream);
    if (code == Z_MEM_ERROR)
        return LSTM_NO_MEMORY;
    return whole ? LSTM_OK : LSTM_FORMAT;
}

uint32_t gzip_crc32(uint32_t crc, const void *data, size_t n)
{
    unsigned char folded[CRC32_FOLD_BYTES];
    const size_t n_folded = crc32_fold(~crc, data, n, folded);
    if (n_folded > 0)
        crc = (uint32_t)crc32_z(UINT32_MAX, folded, sizeof folded);
    return (uint32_t)crc32_z(crc, (const unsigned char *)data + n_folded, n - n_folded);
}
