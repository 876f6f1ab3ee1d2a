/* fuzz_model_json.c: no description crashes the reader or takes the machine's memory; one that it
 * accepts can be made, described, run and read again. SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "core/lstm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An empty weights file: a good description fails on its first missing tensor, unallocated. */
static const uint8_t no_weights[] = {2, 0, 0, 0, 0, 0, 0, 0, '{', '}'};

static void require(bool truth)
{
    if (!truth)
        abort();
}

/* Descriptions whose numbers all have one or two digits are of models of a few megabytes. */
static bool is_small(const uint8_t *data, size_t size)
{
    size_t digits = 0;
    for (size_t i = 0; i < size; i++) {
        digits = data[i] >= '0' && data[i] <= '9' ? digits + 1 : 0;
        if (digits > 2)
            return false;
    }
    return true;
}

/* One step on zeros: token 0 for an embedding. */
static void run(const struct lstm_model *model)
{
    const struct lstm_model_info *info = lstm_model_info(model);
    const struct lstm_runner_options options = {1, 1};
    struct lstm_runner *runner;
    struct lstm_error error;
    float *input = calloc(info->features, sizeof *input);
    float *output = calloc(info->output_size, sizeof *output);
    float *state = calloc(info->state_size, sizeof *state);
    struct lstm_sequence sequence = {
        .input = input, .steps = 1, .output = output, .final_state = state};
    require(input != NULL && output != NULL && state != NULL);
    require(lstm_runner_create(model, &options, &runner, &error) == LSTM_OK);
    require(lstm_runner_run(runner, model, &sequence, 1, &error) == LSTM_OK);
    lstm_runner_destroy(runner);
    free(state);
    free(output);
    free(input);
}

static void check_description(const struct lstm_model *model)
{
    const struct lstm_model_info *info = lstm_model_info(model);
    size_t n_parameters = 0, state_size = 0;
    for (size_t k = 0; k < lstm_model_n_tensors(model); k++) {
        const struct lstm_tensor tensor = lstm_model_tensor(model, k);
        require(strlen(tensor.name) > 0 && (tensor.rank == 1 || tensor.rank == 2));
        n_parameters += tensor.shape[0] * (tensor.rank == 2 ? tensor.shape[1] : 1);
    }
    for (size_t k = 0; k < info->n_recurrent; k++) {
        const struct lstm_state_info *state = lstm_model_state(model, k);
        state_size += (state->has_c ? state->units : 0) + state->h_units;
    }
    require(n_parameters == info->n_parameters && state_size == info->state_size);
    require(info->n_labels == 0 || info->n_labels == info->output_size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lstm_model *model, *again;
    struct lstm_error error = {.text = ""};
    const char *json = (const char *)data;
    enum lstm_status parsed =
        lstm_model_parse(json, size, no_weights, sizeof no_weights, &model, &error);
    require(parsed == LSTM_INVALID || parsed == LSTM_FORMAT);
    require(model == NULL && error.status == parsed && error.text[0] != '\0');
    if (!is_small(data, size))
        return 0;
    enum lstm_status created = lstm_model_create(json, size, 1, &model, &error);
    require((created == LSTM_OK) == (parsed == LSTM_FORMAT));
    if (created != LSTM_OK)
        return 0;
    check_description(model);
    run(model);
    require(lstm_model_create(json, size, 1, &again, &error) == LSTM_OK);
    require(lstm_model_same_architecture(model, again));
    lstm_model_destroy(again);
    lstm_model_destroy(model);
    return 0;
}
