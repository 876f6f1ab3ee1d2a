/* idx.c: reads the idx files of MNIST. SPDX-License-Identifier: Apache-2.0
 *
 * The format: two zero bytes, the element type (8 is unsigned bytes), the rank, one big-endian
 * 32-bit size for each dimension, then the elements. */
#include <stdlib.h>

#include "core/gzip.h"
#include "core/status.h"

enum { TYPE_UINT8 = 0x08, MAX_RANK = 3 };

static uint32_t big_endian_32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* Reads exactly n bytes. */
static enum lstm_status read_all(struct gzip_file *file, void *data, size_t n, const char *what,
                                 struct lstm_error *error)
{
    size_t n_read;
    enum lstm_status status = gzip_read(file, data, n, &n_read, error);
    if (status == LSTM_OK && n_read < n)
        status =
            lstm_fail(error, LSTM_FORMAT, "expected %zu bytes of %s, found %zu", n, what, n_read);
    return status;
}

/* Reads the header: rank and shape; *n is the number of elements. */
static enum lstm_status read_header(struct gzip_file *file, size_t max_bytes, struct lstm_idx *idx,
                                    size_t *n, struct lstm_error *error)
{
    uint8_t magic[4], sizes[4 * MAX_RANK];
    enum lstm_status status = read_all(file, magic, sizeof magic, "idx header", error);
    if (status != LSTM_OK)
        return status;
    if (magic[0] != 0 || magic[1] != 0)
        return lstm_fail(error, LSTM_FORMAT,
                         "not an idx file: it begins with %02x %02x instead of 00 00", magic[0],
                         magic[1]);
    if (magic[2] != TYPE_UINT8)
        return lstm_fail(error, LSTM_UNSUPPORTED,
                         "element type 0x%02x; only 0x08 (unsigned bytes) is supported", magic[2]);
    idx->rank = magic[3];
    if (idx->rank != 1 && idx->rank != 3)
        return lstm_fail(error, LSTM_UNSUPPORTED,
                         "rank %zu; only 1 (labels) and 3 (images) are supported", idx->rank);
    status = read_all(file, sizes, 4 * idx->rank, "idx dimensions", error);
    if (status != LSTM_OK)
        return status;
    *n = 1;
    for (size_t i = 0; i < idx->rank; i++) {
        idx->shape[i] = big_endian_32(sizes + 4 * i);
        if (idx->shape[i] != 0 && *n > max_bytes / idx->shape[i])
            return lstm_fail(error, LSTM_FORMAT, "announces more than %zu bytes of data",
                             max_bytes);
        *n *= idx->shape[i];
    }
    return LSTM_OK;
}

static enum lstm_status read_elements(struct gzip_file *file, size_t n, struct lstm_idx *idx,
                                      struct lstm_error *error)
{
    idx->data = malloc(n > 0 ? n : 1);
    if (idx->data == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "no memory for %zu bytes of data", n);
    enum lstm_status status = read_all(file, idx->data, n, "data", error);
    if (status != LSTM_OK)
        return status;
    uint8_t more;
    size_t n_more;
    status = gzip_read(file, &more, 1, &n_more, error);
    if (status == LSTM_OK && n_more > 0)
        status = lstm_fail(error, LSTM_FORMAT, "more bytes follow the %zu announced", n);
    return status;
}

enum lstm_status lstm_idx_load(const char *path, size_t max_bytes, struct lstm_idx *idx,
                               struct lstm_error *error)
{
    *idx = (struct lstm_idx){0};
    struct gzip_file *file;
    enum lstm_status status = gzip_open(path, &file, error);
    if (status != LSTM_OK)
        return status;
    size_t n = 0;
    status = read_header(file, max_bytes, idx, &n, error);
    if (status == LSTM_OK)
        status = read_elements(file, n, idx, error);
    gzip_close(file);
    if (status != LSTM_OK) {
        lstm_idx_release(idx);
        return lstm_fail_in(error, status, "%s", path);
    }
    return LSTM_OK;
}

void lstm_idx_release(struct lstm_idx *idx)
{
    if (idx == NULL)
        return;
    free(idx->data);
    *idx = (struct lstm_idx){0};
}
