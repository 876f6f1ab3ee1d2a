/* fuzz_saved_model.c: no SavedModel crashes its reader; a model that one becomes can be run.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The variables are those of tests/data/import/tf1/saved_model; an input is its keras_metadata.pb
 * and saved_model.pb, 4 bytes with the length of the first in front. */
#include <stdio.h>

#include "tests/fuzz/import_fuzz.h"

#define VARIABLES "tests/data/import/tf1/saved_model/variables/variables"

enum { MAX_FILE = 1 << 16 };

static size_t read_file(const char *path, unsigned char bytes[MAX_FILE])
{
    FILE *file = fopen(path, "rbe");
    import_fuzz_require(file != NULL);
    const size_t n = fread(bytes, 1, MAX_FILE, file);
    fclose(file);
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static unsigned char index[MAX_FILE], values[MAX_FILE];
    static size_t n_index, n_values;
    struct lstm_source_file inputs[2];
    if (n_index == 0) {
        n_index = read_file(VARIABLES ".index", index);
        n_values = read_file(VARIABLES ".data-00000-of-00001", values);
    }
    if (!import_fuzz_split(data, size, inputs))
        return 0;
    const struct lstm_source_file files[] = {
        {"m", NULL, 0},
        {"m/keras_metadata.pb", inputs[0].data, inputs[0].n},
        {"m/saved_model.pb", inputs[1].data, inputs[1].n},
        {"m/variables/variables.index", index, n_index},
        {"m/variables/variables.data-00000-of-00001", values, n_values}};
    import_fuzz(files, 5, "saved-model");
    return 0;
}
