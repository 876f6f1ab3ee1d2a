/* fuzz_predict_body.c: no body makes the decoders of predict, state and train-step misbehave, and
 * what they accept lies within the limits and its own memory. SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/state_codec.h"
#include "server/train_body.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MODEL(input, layers)                                                                       \
    "{\"format\":\"lstmd-model-1\",\"input\":{" input "},\"layers\":[" layers "]}"

static const char *const model_texts[] = {
    MODEL("\"steps\":2,\"features\":3",
          "{\"type\":\"lstm\",\"units\":2},{\"type\":\"dense\",\"units\":2}"),
    MODEL("\"features\":1", "{\"type\":\"lstm\",\"units\":1,\"return_sequences\":true},"
                            "{\"type\":\"gru\",\"units\":2,\"return_sequences\":true}"),
    MODEL("\"features\":1", "{\"type\":\"embedding\",\"vocabulary\":10,\"units\":2},"
                            "{\"type\":\"gru\",\"units\":2}"),
    MODEL("\"features\":1", "{\"type\":\"lstm\",\"units\":1,\"return_sequences\":true},"
                            "{\"type\":\"dense\",\"units\":3,\"activation\":\"softmax\"}"),
    MODEL("\"steps\":20,\"features\":1",
          "{\"type\":\"gru\",\"units\":1},{\"type\":\"dense\",\"units\":1}"),
    MODEL("\"features\":1", "{\"type\":\"gru\",\"units\":1},{\"type\":\"dense\",\"units\":1}"),
    "{\"format\":\"lstmd-model-1\",\"input\":{\"features\":1},\"training\":{\"loss\":"
    "\"mean_squared_error\"},\"layers\":[{\"type\":\"gru\",\"units\":1}]}",
    "{\"format\":\"lstmd-model-1\",\"input\":{\"features\":1},\"training\":{\"loss\":"
    "\"mean_squared_error\"},\"layers\":[{\"type\":\"gru\",\"units\":2}]}",
};
enum { N_MODELS = sizeof model_texts / sizeof *model_texts };

static const struct predict_limits limits = {.max_instances = 8, .max_steps = 16};

static void require(bool truth)
{
    if (!truth)
        abort();
}

static struct lstm_model *get_model(size_t i)
{
    static struct lstm_model *models[N_MODELS];
    if (models[i] == NULL)
        require(lstm_model_create(model_texts[i], strlen(model_texts[i]), 1, &models[i], NULL) ==
                LSTM_OK);
    return models[i];
}

static void fill(float *values, size_t n)
{
    for (size_t k = 0; k < n; k++)
        values[k] = (float)k / 3;
}

/* Touches all that a runner would. */
static void check_sequence(const struct lstm_model_info *info, const struct lstm_sequence *sequence)
{
    const size_t stride = sequence->step_stride > 0 ? sequence->step_stride : info->features;
    require(sequence->steps <= limits.max_steps);
    for (size_t t = 0; t < sequence->steps; t++)
        for (size_t k = 0; k < info->features; k++) {
            const float value = sequence->input[t * stride + k];
            require(isfinite(value));
            require(info->vocabulary == 0 || (value >= 0 && value < (float)info->vocabulary));
        }
    for (size_t k = 0; sequence->initial_state != NULL && k < info->state_size; k++)
        require(isfinite(sequence->initial_state[k]));
    const size_t rows = info->output_is_sequence ? sequence->steps : 1;
    fill(sequence->output, rows * info->output_size);
    fill(sequence->rnn_output, sequence->steps * info->rnn_output_size);
    fill(sequence->final_state, info->state_size);
    fill(sequence->state_trace, sequence->steps * info->state_size);
    fill(sequence->gates_trace, sequence->steps * info->gates_size);
}

/* What it wants as a state request. */
static void check_state(const struct lstm_model *model, struct predict_call *call)
{
    struct state_options options;
    struct lstm_error error;
    struct buf out;
    buf_init(&out, 1 << 20);
    error.text[0] = '\0';
    if (state_options_decode(model, &predict_call_memory(call)->body, &options, &error) == LSTM_OK)
        require(state_encode(model, call, &options, &out, NULL) == LSTM_OK);
    else
        require(options.layers == NULL && error.text[0] != '\0');
    state_options_release(&options);
    buf_release(&out);
}

/* What it wants as a train-step. */
static void check_training(const struct lstm_model *model, struct predict_call *call)
{
    struct train_body body;
    struct lstm_error error = {.text = ""};
    if (train_body_decode(model, &predict_call_memory(call)->body, call->sequences, call->n, &body,
                          &error) == LSTM_OK)
        require(isfinite(body.targets[0]) && isfinite(body.learning_rate));
    else
        require(body.targets == NULL && body.weights == NULL && error.text[0] != '\0');
    train_body_release(&body);
}

static void check_accepted(const struct lstm_model *model, struct predict_call *call)
{
    const struct lstm_model_info *const info = lstm_model_info(model);
    const struct predict_outputs wanted = {true, true, true, true, true, true, SIZE_MAX};
    require(predict_call_add_outputs(call, info, &wanted, NULL) == LSTM_OK);
    require(call->n >= 1 && call->n <= limits.max_instances);
    for (size_t i = 0; i < call->n; i++) {
        check_sequence(info, &call->sequences[i]);
        require(info->steps == 0 || call->form == PREDICT_COLUMN ||
                call->sequences[i].steps == info->steps);
    }
    struct buf out;
    buf_init(&out, 1 << 20);
    require(predict_encode(model, call, &out, NULL) == LSTM_OK);
    buf_release(&out);
    check_state(model, call);
    check_training(model, call);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < N_MODELS; i++) {
        const struct lstm_model *const model = get_model(i);
        struct predict_call call;
        struct lstm_error error;
        const enum lstm_status status =
            predict_decode_json(model, &limits, (const char *)data, size, &call, &error);
        if (status == LSTM_OK)
            check_accepted(model, &call);
        else
            require(call.sequences == NULL && call.memory == NULL && error.text[0] != '\0');
        predict_call_release(&call);
    }
    return 0;
}
