/* fuzz_tf_checkpoint.c: no checkpoint crashes its reader or takes the machine's memory; a model
 * that one becomes can be run. SPDX-License-Identifier: Apache-2.0
 *
 * An input is an index, 4 bytes with its length in front, and the data behind it. It is read as it
 * is, and once more with the checksums that it should have. */
#include "tests/fuzz/import_fuzz.h"
#include "tests/fuzz/tf_mend.h"

static void read_files(struct lstm_source_file files[2])
{
    files[0].path = "model.index";
    files[1].path = "model.data-00000-of-00001";
    import_fuzz(files, 2, "tf-checkpoint");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lstm_source_file files[2];
    if (!import_fuzz_split(data, size, files))
        return 0;
    read_files(files);
    struct tf_mend mended = {import_fuzz_copy(files[0].data, files[0].n),
                             import_fuzz_copy(files[1].data, files[1].n), files[0].n, files[1].n};
    tf_mend(&mended);
    files[0].data = mended.index;
    files[1].data = mended.data;
    read_files(files);
    free(mended.index);
    free(mended.data);
    return 0;
}
