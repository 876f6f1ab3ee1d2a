/* import_fuzz.h: what the fuzzers of the importers share. SPDX-License-Identifier: Apache-2.0 */
#ifndef IMPORT_FUZZ_H
#define IMPORT_FUZZ_H

#include <stdlib.h>
#include <string.h>

#include "core/lstm.h"

static inline void import_fuzz_require(bool truth)
{
    if (!truth)
        abort();
}

/* One step on zeros, of a model small enough to be run often. */
static inline void import_fuzz_run(const struct lstm_model *model)
{
    const struct lstm_model_info *info = lstm_model_info(model);
    const struct lstm_runner_options options = {1, 1};
    struct lstm_runner *runner;
    struct lstm_error error;
    if (info->n_parameters > 1 << 16 || info->features > 1 << 12 || info->output_size > 1 << 12)
        return;
    float *input = calloc(info->features, sizeof *input);
    float *output = calloc(info->output_size, sizeof *output);
    const struct lstm_sequence sequence = {.input = input, .steps = 1, .output = output};
    import_fuzz_require(input != NULL && output != NULL);
    import_fuzz_require(lstm_runner_create(model, &options, &runner, &error) == LSTM_OK);
    import_fuzz_require(lstm_runner_run(runner, model, &sequence, 1, &error) == LSTM_OK);
    lstm_runner_destroy(runner);
    free(output);
    free(input);
}

/* Opens the files, asks for the model and its trainer, and runs it. */
static inline void import_fuzz(const struct lstm_source_file *files, size_t n, const char *format)
{
    struct lstm_source *source;
    struct lstm_model *model;
    struct lstm_trainer *trainer;
    struct lstm_error error = {.text = ""};
    if (lstm_source_parse(files, n, format, &source, &error) != LSTM_OK) {
        import_fuzz_require(source == NULL && error.text[0] != '\0');
        return;
    }
    for (size_t k = 0; k < lstm_source_n_arrays(source); k++)
        import_fuzz_require(lstm_source_array(source, k).name != NULL);
    if (lstm_source_model(source, NULL, &model, &error) == LSTM_OK) {
        import_fuzz_run(model);
        if (lstm_model_info(model)->n_parameters <= 1 << 16 &&
            lstm_source_trainer(source, &trainer, &error) == LSTM_OK)
            lstm_trainer_destroy(trainer);
        lstm_model_destroy(model);
    }
    lstm_source_destroy(source);
}

/* Two files out of one input: 4 bytes of the first one's length, little-endian, then both. */
static inline bool import_fuzz_split(const uint8_t *data, size_t size,
                                     struct lstm_source_file files[2])
{
    if (size < 4)
        return false;
    const size_t n = data[0] | (size_t)data[1] << 8 | (size_t)data[2] << 16 | (size_t)data[3] << 24;
    if (n > size - 4)
        return false;
    files[0] = (struct lstm_source_file){.data = data + 4, .n = n};
    files[1] = (struct lstm_source_file){.data = data + 4 + n, .n = size - 4 - n};
    return true;
}

#endif
