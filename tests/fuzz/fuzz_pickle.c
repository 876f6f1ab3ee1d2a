/* fuzz_pickle.c: no PyTorch file of before 1.6 crashes the machine of pickles or the search for
 * tensors in what it leaves. SPDX-License-Identifier: Apache-2.0
 *
 * The input is all that stands behind the file's header; an input that begins with such a header is
 * a whole file. */
#include "tests/fuzz/import_fuzz.h"

static const char header[] = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."
                             "\x80\x02M\xe9\x03.\x80\x02}.";

enum { N_HEADER = sizeof header - 1, N_MAGIC = 15 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const bool is_whole = size >= N_MAGIC && memcmp(data, header, N_MAGIC) == 0;
    const size_t n_header = is_whole ? 0 : N_HEADER;
    unsigned char *const bytes = malloc(n_header + size + 1);
    import_fuzz_require(bytes != NULL);
    memcpy(bytes, header, n_header);
    if (size > 0)
        memcpy(bytes + n_header, data, size);
    unsigned char *const exact = import_fuzz_copy(bytes, n_header + size);
    const struct lstm_source_file file = {"weights.pt", exact, n_header + size};
    import_fuzz(&file, 1, NULL);
    free(exact);
    free(bytes);
    return 0;
}
