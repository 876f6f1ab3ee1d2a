/* fuzz_keras_zip.c: no bytes crash the reader of .keras archives, or make half a model.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/fuzz_import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_import(data, size, "keras");
    return 0;
}
