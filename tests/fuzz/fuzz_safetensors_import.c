/* fuzz_safetensors_import.c: no safetensors file crashes the recognisers of names; a model that one
 * becomes can be run. SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/import_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct lstm_source_file file = {"model.safetensors", data, size};
    import_fuzz(&file, 1, "safetensors");
    return 0;
}
