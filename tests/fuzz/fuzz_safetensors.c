/* fuzz_safetensors.c: no bytes of a weights file crash the reader; what it refuses, it refuses with
 * a sentence. SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "core/lstm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Two features to one unit: a/kernel [3, 4], a/bias [4], out/kernel [1, 2], out/bias [2]. */
static const char model_json[] =
    "{\"format\":\"lstmd-model-1\",\"input\":{\"features\":2},\"layers\":["
    "{\"type\":\"lstm\",\"name\":\"a\",\"units\":1},"
    "{\"type\":\"dense\",\"name\":\"out\",\"units\":2,\"activation\":\"softmax\"}]}";

static void require(bool truth)
{
    if (!truth)
        abort();
}

/* Reads every weight, and runs the model once: whatever the numbers are, it must not crash. */
static void use(const struct lstm_model *model)
{
    const struct lstm_runner_options options = {1, 1};
    const float input[] = {0.5F, -1};
    float output[2], sum = 0;
    struct lstm_sequence sequence = {.input = input, .steps = 1, .output = output};
    struct lstm_runner *runner;
    for (size_t k = 0; k < lstm_model_n_tensors(model); k++) {
        const struct lstm_tensor tensor = lstm_model_tensor(model, k);
        for (size_t i = 0; i < tensor.shape[0] * (tensor.rank == 2 ? tensor.shape[1] : 1); i++)
            sum += tensor.data[i];
    }
    require(sum == sum || sum != sum);
    require(lstm_runner_create(model, &options, &runner, NULL) == LSTM_OK);
    require(lstm_runner_run(runner, model, &sequence, 1, NULL) == LSTM_OK);
    lstm_runner_destroy(runner);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lstm_model *model;
    struct lstm_error error = {.text = ""};
    enum lstm_status status =
        lstm_model_parse(model_json, sizeof model_json - 1, data, size, &model, &error);
    if (status == LSTM_OK) {
        use(model);
    } else {
        require(model == NULL && error.status == status && error.text[0] != '\0');
        require(status == LSTM_FORMAT || status == LSTM_UNSUPPORTED);
    }
    lstm_model_destroy(model);
    return 0;
}
