/* fuzz_onnx.c: no bytes of an ONNX file crash the reader; a model that they become can be run.
 * SPDX-License-Identifier: Apache-2.0
 *
 * What stands behind the last "\nGIVEN\n" of an input is the file of its graph's input 1. */
#include "tests/fuzz/import_fuzz.h"

static const char separator[] = "\nGIVEN\n";

enum { N_SEPARATOR = sizeof separator - 1 };

/* Where the last separator begins; size: nowhere. */
static size_t find_separator(const uint8_t *data, size_t size)
{
    for (size_t at = size < N_SEPARATOR ? 0 : size - N_SEPARATOR + 1; at-- > 0;)
        if (memcmp(data + at, separator, N_SEPARATOR) == 0)
            return at;
    return size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const size_t n = find_separator(data, size);
    const size_t given = n < size ? n + N_SEPARATOR : size;
    const struct lstm_source_file files[] = {
        {"model.onnx", data, n}, {IMPORT_FUZZ_INPUTS "/input_1.pb", data + given, size - given}};
    import_fuzz(files, n < size ? 2 : 1, "onnx");
    return 0;
}
