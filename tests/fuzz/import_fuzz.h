/* import_fuzz.h: what the fuzzers of the importers share. SPDX-License-Identifier: Apache-2.0 */
#ifndef IMPORT_FUZZ_H
#define IMPORT_FUZZ_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/lstm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void import_fuzz_require(bool truth)
{
    if (!truth)
        abort();
}

/* A copy to change, of just its size, so that AddressSanitizer sees every read behind its end. */
static inline unsigned char *import_fuzz_copy(const uint8_t *data, size_t size)
{
    unsigned char *const copy = malloc(size);
    import_fuzz_require(copy != NULL);
    if (size > 0)
        memcpy(copy, data, size);
    return copy;
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

/* Whether what was written is the model, to the bit. */
static inline void import_fuzz_compare(const struct lstm_model *model, const char *folder)
{
    struct lstm_model *again;
    import_fuzz_require(lstm_model_load(folder, &again, NULL) == LSTM_OK);
    import_fuzz_require(lstm_model_same_architecture(model, again));
    for (size_t k = 0; k < lstm_model_n_tensors(model); k++) {
        const struct lstm_tensor a = lstm_model_tensor(model, k), b = lstm_model_tensor(again, k);
        const size_t n = a.shape[0] * (a.rank == 2 ? a.shape[1] : 1);
        import_fuzz_require(memcmp(a.data, b.data, n * sizeof *a.data) == 0);
    }
    lstm_model_destroy(again);
}

/* What is written piece by piece is the model, unless its weights are no finite numbers in the
 * type that they are stored in; the disk is asked for few of them. */
static inline void import_fuzz_save(struct lstm_source *source, const struct lstm_model *model)
{
    static unsigned turns[2]; /* of models of lstmd's own, which take another way */
    char folder[] = "/tmp/fuzz-import-XXXXXX", path[64];
    struct lstm_error error = {.text = ""};
    if (turns[strcmp(lstm_source_name(source), "lstmd") == 0]++ % 64 != 0 ||
        mkdtemp(folder) == NULL)
        return;
    const enum lstm_status status = lstm_source_save(source, folder, &error);
    if (status == LSTM_OK)
        import_fuzz_compare(model, folder);
    else
        import_fuzz_require(status == LSTM_NON_FINITE && error.text[0] != '\0');
    static const char *const files[] = {"/model.json", "/weights.safetensors", ""};
    for (size_t k = 0; k < sizeof files / sizeof *files; k++) {
        snprintf(path, sizeof path, "%s%s", folder, files[k]);
        remove(path);
    }
}

/* A model made with these options, run; its trainer, if it has one. What is refused has a sentence,
 * and leaves nothing behind. */
static inline void import_fuzz_model(struct lstm_source *source,
                                     const struct lstm_import_options *options)
{
    struct lstm_model *model;
    struct lstm_trainer *trainer;
    struct lstm_error error = {.text = ""};
    if (lstm_source_model(source, options, &model, &error) != LSTM_OK) {
        import_fuzz_require(model == NULL && error.text[0] != '\0');
        return;
    }
    for (size_t k = 0; k < lstm_source_n_notes(source); k++)
        import_fuzz_require(lstm_source_note(source, k)[0] != '\0');
    for (size_t k = 0; k < lstm_source_n_layers(source); k++)
        import_fuzz_require(lstm_source_layer(source, k).type != NULL);
    import_fuzz_run(model);
    if (lstm_model_info(model)->n_parameters <= 1 << 16) {
        import_fuzz_save(source, model);
        error.text[0] = '\0';
        if (lstm_source_trainer(source, &trainer, &error) != LSTM_OK)
            import_fuzz_require(trainer == NULL && error.text[0] != '\0');
        lstm_trainer_destroy(trainer);
    }
    lstm_model_destroy(model);
}

/* Whether a source says the name and the title of a format that is known. */
static inline bool import_fuzz_is_known(const struct lstm_source *source)
{
    const char *name, *title;
    bool is_known = false;
    for (size_t k = 0; lstm_source_format(k, &name, &title); k++)
        if (strcmp(name, lstm_source_name(source)) == 0)
            is_known = strcmp(title, lstm_source_title(source)) == 0;
    return is_known;
}

/* The folder of inputs that are weights, as ONNX's options name it. */
#define IMPORT_FUZZ_INPUTS "given_data"

enum { IMPORT_FUZZ_LAYERS = 2, IMPORT_FUZZ_NAME = 128 };

/* What --layers could name: the first arrays' names without their last part. */
static inline size_t import_fuzz_layers(const struct lstm_source *source,
                                        char names[IMPORT_FUZZ_LAYERS][IMPORT_FUZZ_NAME])
{
    size_t n = 0;
    for (size_t k = 0; k < lstm_source_n_arrays(source) && n < IMPORT_FUZZ_LAYERS; k++) {
        snprintf(names[n], IMPORT_FUZZ_NAME, "%s", lstm_source_array(source, k).name);
        char *end = strrchr(names[n], strchr(names[n], '/') != NULL ? '/' : '.');
        if (end != NULL)
            *end = '\0';
        n += n == 0 || strcmp(names[0], names[n]) != 0;
    }
    return n;
}

/* Asks for the model by the conventions, and by options: few at a time, as one that decides nothing
 * is refused. */
static inline void import_fuzz_options(struct lstm_source *source)
{
    static const char *const labels[] = {"no", "yes"};
    char names[IMPORT_FUZZ_LAYERS][IMPORT_FUZZ_NAME];
    const char *const layers[IMPORT_FUZZ_LAYERS] = {names[0], names[1]};
    const double none = (double)NAN;
    static const char *const poolings[] = {"mean", "max", "last", "least"};
    const size_t n = lstm_source_n_arrays(source);
    const struct lstm_import_options options[] = {
        {.forget_bias = none, .inputs = IMPORT_FUZZ_INPUTS},
        {.forget_bias = none,
         .activation = "relu",
         .recurrent_activation = "hard_sigmoid",
         .steps = 2,
         .scale = 1.0 / 255,
         .labels = labels,
         .n_labels = 2},
        {.forget_bias = none, .hidden_activation = "tanh", .output_activation = "softmax"},
        {.forget_bias = 0.5, .return_sequences = true},
        {.forget_bias = none, .pooling = poolings[n % 4], .return_sequences = n % 5 == 0},
        {.forget_bias = none, .shared_layers = 2},
        {.forget_bias = none, .layers = layers, .n_layers = import_fuzz_layers(source, names)},
        {.activation = "a name that is longer than that of any activation",
         .forget_bias = none,
         .scope = "a"},
    };
    import_fuzz_model(source, NULL);
    for (size_t k = 0; k < sizeof options / sizeof *options; k++)
        import_fuzz_model(source, &options[k]);
}

/* Opens the files and asks for models of them. */
static inline void import_fuzz(const struct lstm_source_file *files, size_t n, const char *format)
{
    struct lstm_source *source;
    struct lstm_error error = {.text = ""};
    const enum lstm_status status = lstm_source_parse(files, n, format, &source, &error);
    if (status != LSTM_OK) {
        import_fuzz_require(source == NULL && error.status == status && error.text[0] != '\0');
        return;
    }
    import_fuzz_require(import_fuzz_is_known(source));
    for (size_t k = 0; k < lstm_source_n_arrays(source); k++) {
        const struct lstm_source_array array = lstm_source_array(source, k);
        import_fuzz_require(strlen(array.name) < SIZE_MAX && array.dtype[0] != '\0');
    }
    import_fuzz_options(source);
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
