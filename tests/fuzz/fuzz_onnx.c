/* fuzz_onnx.c: no bytes of an ONNX file crash the reader; what it refuses, it refuses with a
 * sentence, and what it takes becomes a model that runs. SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>

#include "core/lstm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_VALUES = 1 << 16 };

static void require(bool truth)
{
    if (!truth)
        abort();
}

/* One step of zeros, if there is room for it: whatever the weights are, it must not crash. */
static void use(const struct lstm_model *model)
{
    static const float input[MAX_VALUES];
    static float output[MAX_VALUES];
    const struct lstm_runner_options options = {1, 1};
    const struct lstm_model_info *info = lstm_model_info(model);
    const struct lstm_sequence sequence = {.input = input, .steps = 1, .output = output};
    struct lstm_runner *runner;
    if (info->features > MAX_VALUES || info->output_size > MAX_VALUES)
        return;
    require(lstm_runner_create(model, &options, &runner, NULL) == LSTM_OK);
    require(lstm_runner_run(runner, model, &sequence, 1, NULL) == LSTM_OK);
    lstm_runner_destroy(runner);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct lstm_source_file files[] = {{"model.onnx", data, size},
                                             {"given_data/input_1.pb", data, size / 2}};
    const struct lstm_import_options options = {.forget_bias = (double)NAN, .inputs = "given_data"};
    struct lstm_source *source = NULL;
    struct lstm_model *model = NULL;
    struct lstm_error error = {.text = ""};
    enum lstm_status status = lstm_source_parse(files, 2, "onnx", &source, &error);
    if (status == LSTM_OK)
        status = lstm_source_model(source, &options, &model, &error);
    if (status == LSTM_OK)
        use(model);
    else
        require(model == NULL && error.text[0] != '\0');
    lstm_model_destroy(model);
    lstm_source_destroy(source);
    return 0;
}
