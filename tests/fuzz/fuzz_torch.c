/* fuzz_torch.c: no bytes of a PyTorch zip file crash the reader; a model that they become can be
 * run. SPDX-License-Identifier: Apache-2.0
 *
 * Every input is read as it is, and once more with the checksums that it should have. */
#include "tests/fuzz/import_fuzz.h"
#include "tests/fuzz/zip_mend.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lstm_source_file file = {"weights.pt", data, size};
    import_fuzz(&file, 1, "pytorch");
    unsigned char *const mended = import_fuzz_copy(data, size);
    file.data = mended;
    if (zip_mend(mended, size))
        import_fuzz(&file, 1, "pytorch");
    free(mended);
    return 0;
}
