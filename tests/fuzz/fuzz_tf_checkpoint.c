/* fuzz_tf_checkpoint.c: no checkpoint crashes its reader or takes the machine's memory; a model
 * that one becomes can be run. SPDX-License-Identifier: Apache-2.0
 *
 * An input is an index, 4 bytes with its length in front, and the data behind it. */
#include "tests/fuzz/import_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lstm_source_file files[2];
    if (!import_fuzz_split(data, size, files))
        return 0;
    files[0].path = "model.index";
    files[1].path = "model.data-00000-of-00001";
    import_fuzz(files, 2, "tf-checkpoint");
    return 0;
}
