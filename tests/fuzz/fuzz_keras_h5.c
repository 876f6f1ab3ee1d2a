/* fuzz_keras_h5.c: no bytes crash the reader of Keras' HDF5 files; a model that they become can be
 * run. SPDX-License-Identifier: Apache-2.0
 *
 * HDF5 is mostly empty, so that the corpus holds most files packed: 'Z', 4 bytes with the length of
 * the file, little-endian, and the file, deflated. What is mutated is the file. */
#include "core/gzip.h"
#include "tests/fuzz/import_fuzz.h"

enum { HEADER_BYTES = 5, MOST_BYTES = 1 << 16 };

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed);

/* Unpacks into file[MOST_BYTES]; 0: the input is no packed file. */
static size_t unpack(const uint8_t *data, size_t size, uint8_t *file)
{
    if (size < HEADER_BYTES || data[0] != 'Z')
        return 0;
    const size_t n = data[1] | (size_t)data[2] << 8 | (size_t)data[3] << 16 | (size_t)data[4] << 24;
    return n <= MOST_BYTES && gzip_inflate(data + HEADER_BYTES, size - HEADER_BYTES,
                                           (unsigned char *)file, n) == LSTM_OK
               ? n
               : 0;
}

#if defined(__clang__) && !defined(__AFL_FUZZ_TESTCASE_LEN)
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed)
{
    static uint8_t file[MOST_BYTES];
    (void)seed;
    const size_t n = unpack(data, size, file);
    if (n > 0 && n <= most) {
        memcpy(data, file, n);
        size = n;
    }
    return LLVMFuzzerMutate(data, size, most);
}
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t unpacked[MOST_BYTES];
    const size_t n = unpack(data, size, unpacked);
    unsigned char *const exact = n > 0 ? import_fuzz_copy(unpacked, n) : NULL;
    const struct lstm_source_file file = {"model.h5", exact != NULL ? exact : data,
                                          exact != NULL ? n : size};
    import_fuzz(&file, 1, "keras-h5");
    free(exact);
    return 0;
}
