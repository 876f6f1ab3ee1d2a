/* version_load.c: load, check, warm up, make a queue. SPDX-License-Identifier: Apache-2.0
 *
 * The warm-up runs on a runner of its own: it brings the weights into memory and shows a model that
 * cannot run before anybody is given it, while the workers go on with the versions that serve. */
#include "server/version_load.h"

#include <stdlib.h>

#include "core/status.h"
#include "server/log.h"

/* As long as one piece of dynamic_rnn, whatever the length that the model asks for. */
enum { WARM_STEPS = 32 };

/* Zeros are numbers as well as token ids. */
static enum lstm_status warm_up(const struct lstm_model *model, struct lstm_error *error)
{
    const struct lstm_model_info *info = lstm_model_info(model);
    const struct lstm_runner_options options = {.max_batch = 1};
    const size_t output_steps = info->output_is_sequence ? WARM_STEPS : 1;
    struct lstm_runner *runner = NULL;
    float *input = calloc(info->features, WARM_STEPS * sizeof *input);
    float *output = calloc(info->output_size, output_steps * sizeof *output);
    enum lstm_status status =
        input != NULL && output != NULL
            ? lstm_runner_create(model, &options, &runner, error)
            : lstm_fail(error, LSTM_NO_MEMORY, "out of memory for the warm-up");
    if (status == LSTM_OK) {
        const struct lstm_sequence sequence = {
            .input = input, .steps = WARM_STEPS, .output = output};
        status = lstm_runner_run(runner, model, &sequence, 1, error);
    }
    lstm_runner_destroy(runner);
    free(output);
    free(input);
    return status;
}

/* Takes the model. */
static enum lstm_status start(struct lstm_model *loaded, const char *model, struct batcher *batcher,
                              struct batch_queue **queue, struct lstm_error *error)
{
    enum lstm_status status = lstm_model_check(loaded, error);
    if (status == LSTM_OK)
        status = warm_up(loaded, error);
    if (status == LSTM_OK)
        return batch_queue_create(batcher, loaded, model, queue, error);
    lstm_model_destroy(loaded);
    return status;
}

enum lstm_status version_load(const char *folder, const char *model, struct batcher *batcher,
                              struct batch_queue **queue, struct lstm_error *error)
{
    struct lstm_model *loaded;
    *queue = NULL;
    const enum lstm_status status = lstm_model_load(folder, &loaded, error);
    return status == LSTM_OK ? start(loaded, model, batcher, queue, error) : status;
}

enum lstm_status version_load_source(const char *path, const char *model, struct batcher *batcher,
                                     struct batch_queue **queue, struct lstm_error *error)
{
    struct lstm_source *source;
    struct lstm_model *loaded;
    *queue = NULL;
    enum lstm_status status = lstm_source_open(path, NULL, &source, error);
    if (status != LSTM_OK)
        return status;
    status = lstm_source_model(source, NULL, &loaded, error);
    for (size_t k = 0; status == LSTM_OK && k < lstm_source_n_notes(source); k++)
        log_info("model_assumed", L_STR("model", model), L_STR("what", lstm_source_note(source, k)),
                 L_STR("options_of", "lstmd convert"));
    lstm_source_destroy(source);
    return status == LSTM_OK ? start(loaded, model, batcher, queue, error) : status;
}
