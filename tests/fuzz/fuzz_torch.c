/* fuzz_torch.c: no bytes of a PyTorch zip file crash the reader; what it refuses, it refuses with a
 * sentence. Checksums are mended first, so that changes inside of members get past them.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "core/gzip.h"
#include "core/lstm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth)
{
    if (!truth)
        abort();
}

/* Writes the right checksum into each entry of the central directory that can be found. */
static void mend_checksums(unsigned char *bytes, size_t n)
{
    for (size_t at = 0; at + 46 <= n; at++) {
        if (memcmp(bytes + at, "PK\1\2", 4) != 0)
            continue;
        uint32_t fields[2], local; /* packed and unpacked size; where the member begins */
        memcpy(fields, bytes + at + 20, sizeof fields);
        memcpy(&local, bytes + at + 42, sizeof local);
        if (local > n || n - local < 30)
            continue;
        const size_t header = local + (size_t)(bytes[local + 26] | bytes[local + 27] << 8) +
                              (size_t)(bytes[local + 28] | bytes[local + 29] << 8) + 30;
        if (header > n || fields[0] > n - header || fields[0] != fields[1])
            continue;
        const uint32_t crc = gzip_crc32(0, bytes + header, fields[0]);
        memcpy(bytes + at + 16, &crc, sizeof crc);
    }
}

static void use(struct lstm_source *source)
{
    struct lstm_error error = {.text = ""};
    struct lstm_model *model;
    volatile unsigned char last = 0;
    for (size_t k = 0; k < lstm_source_n_arrays(source); k++)
        last = (unsigned char)(last + lstm_source_array(source, k).name[0]);
    enum lstm_status status = lstm_source_model(source, NULL, &model, &error);
    require(status == LSTM_OK ? model != NULL : model == NULL && error.text[0] != '\0');
    lstm_model_destroy(model);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned char *bytes = malloc(size + 1);
    memcpy(bytes, data, size);
    mend_checksums(bytes, size);
    const struct lstm_source_file file = {"weights.pt", bytes, size};
    struct lstm_source *source = NULL;
    struct lstm_error error = {.text = ""};
    enum lstm_status status = lstm_source_parse(&file, 1, "pytorch", &source, &error);
    if (status == LSTM_OK)
        use(source);
    else
        require(source == NULL && error.status == status && error.text[0] != '\0');
    lstm_source_destroy(source);
    free(bytes);
    return 0;
}
