/* fuzz_saved_model.c: no SavedModel crashes its reader; a model that one becomes can be run.
 * SPDX-License-Identifier: Apache-2.0
 *
 * An input is keras_metadata.pb and saved_model.pb, 4 bytes with the length of the first in front.
 * The variables are those of tests/data/import/tf1: without the first, of a graph, else of Keras.
 */
#include <stdio.h>

#include "tests/fuzz/import_fuzz.h"

#define FOLDER    "tests/data/import/tf1/"
#define VARIABLES "/variables/variables"

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
    static const char *const paths[2][2] = {{FOLDER "graph_model" VARIABLES ".index",
                                             FOLDER "graph_model" VARIABLES ".data-00000-of-00001"},
                                            {FOLDER "saved_model" VARIABLES ".index", FOLDER
                                             "saved_model" VARIABLES ".data-00000-of-00001"}};
    static unsigned char bytes[2][2][MAX_FILE];
    static size_t n[2][2];
    struct lstm_source_file inputs[2];
    for (size_t k = 0; k < 4 && n[1][1] == 0; k++)
        n[k / 2][k % 2] = read_file(paths[k / 2][k % 2], bytes[k / 2][k % 2]);
    if (!import_fuzz_split(data, size, inputs))
        return 0;
    const size_t kind = inputs[0].n > 0;
    const struct lstm_source_file graph[] = {
        {"m", NULL, 0},
        {"m/saved_model.pb", inputs[1].data, inputs[1].n},
        {"m/variables/variables.index", bytes[kind][0], n[kind][0]},
        {"m/variables/variables.data-00000-of-00001", bytes[kind][1], n[kind][1]},
        {"m/keras_metadata.pb", inputs[0].data, inputs[0].n}};
    import_fuzz(graph, kind == 0 ? 4 : 5, "saved-model");
    return 0;
}
