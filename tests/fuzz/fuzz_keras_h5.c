/* fuzz_keras_h5.c: no bytes crash the reader of Keras' HDF5 files, or make half a model.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/fuzz_import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_import(data, size, "keras-h5");
    return 0;
}
