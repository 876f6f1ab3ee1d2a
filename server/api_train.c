/* api_train.c: train-step and evaluate: predict's bodies with labels.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/status.h"
#include "server/api.h"
#include "server/clock.h"
#include "server/inference.h"
#include "server/predict_call.h"
#include "server/train_answer.h"
#include "server/train_body.h"

struct train_work {
    struct inference inference;
    struct train_body body;
    struct train_task task;
};

/* Whether the activations of a step are not too many. */
static enum lstm_status check_work(const struct inference *inference, struct lstm_error *error)
{
    size_t bytes;
    const enum lstm_status status = lstm_trainer_measure(
        inference_model(inference), inference->call.sequences, inference->call.n, &bytes, error);
    if (status != LSTM_OK || bytes <= inference->max_work_bytes)
        return status;
    return lstm_fail(error, LSTM_INVALID,
                     "the step would take %zu bytes for its activations, more than the server's "
                     "--max-work-bytes (%zu); send fewer or shorter instances at a time",
                     bytes, inference->max_work_bytes);
}

static enum lstm_status prepare(struct inference *inference, const struct request *request,
                                struct lstm_error *error)
{
    struct train_body *body = &((struct train_work *)inference)->body;
    const struct lstm_model *model = inference_model(inference);
    const enum lstm_status status = check_work(inference, error);
    if (status != LSTM_OK)
        return status;
    const struct json_body *json = &predict_call_memory(&inference->call)->body;
    return json->root != NULL ? train_body_decode(model, json, inference->call.sequences,
                                                  inference->call.n, body, error)
                              : train_body_read_query(model, request, inference->call.sequences,
                                                      inference->call.n, body, error);
}

static enum lstm_status encode(const struct inference *inference, struct buf *out,
                               struct lstm_error *error)
{
    (void)error;
    const struct train_task *task = &((const struct train_work *)inference)->task;
    train_answer_result(out, task, lstm_model_info(inference_model(inference)));
    return LSTM_OK;
}

static void release(struct inference *inference)
{
    train_body_release(&((struct train_work *)inference)->body);
}

static const struct inference_kind inference_train = {
    .bytes = sizeof(struct train_work), .prepare = prepare, .encode = encode, .release = release};

static void finish(struct app *app, struct request *request)
{
    (void)app;
    const struct train_work *work = request->work;
    struct lstm_error error;
    const int64_t begin = monotonic_us();
    if (!train_answer_check(request, &work->task))
        return;
    if (encode(&work->inference, &request->response.body, &error) == LSTM_OK)
        request->response.status = 200;
    request->encode_us = monotonic_us() - begin;
}

static void on_done(struct train_task *task)
{
    request_resume(task->context);
}

static bool is_gone(const struct train_task *task)
{
    return request_is_gone(task->context);
}

/* The memory that the request takes while it waits: its body, its inputs and its targets. */
static size_t count_bytes(const struct request *request, const struct train_work *work)
{
    const struct predict_call *const call = &work->inference.call;
    const struct lstm_model_info *const info = lstm_model_info(inference_model(&work->inference));
    size_t n_steps = 0;
    for (size_t i = 0; i < call->n; i++)
        n_steps += call->sequences[i].steps;
    const size_t n_targets = info->output_is_sequence ? n_steps : call->n;
    return request->body_bytes +
           (n_steps * info->features + n_targets * info->output_size) * sizeof(float);
}

static enum handled handle(struct app *app, struct request *request, enum train_action action)
{
    if (!train_answer_is_on(app, request))
        return HANDLED;
    struct inference *inference = inference_begin(request, &inference_train);
    if (inference == NULL || !inference_find_version(app, request, inference) ||
        !inference_decode(app, request, inference))
        return HANDLED;
    struct train_work *work = (struct train_work *)inference;
    work->task = (struct train_task){.action = action,
                                     .model = request->parts.model,
                                     .shape = inference_model(inference),
                                     .examples = {.sequences = inference->call.sequences,
                                                  .targets = work->body.targets,
                                                  .weights = work->body.weights,
                                                  .n = inference->call.n},
                                     .bytes = count_bytes(request, work),
                                     .learning_rate = work->body.learning_rate,
                                     .deadline_us = request->deadline_us,
                                     .is_gone = is_gone,
                                     .done = on_done,
                                     .context = request};
    request->finish = finish;
    return train_answer_submit(app, request, &work->task);
}

enum handled handle_train_step(struct app *app, struct request *request)
{
    return handle(app, request, TRAIN_STEP);
}

enum handled handle_evaluate(struct app *app, struct request *request)
{
    return handle(app, request, TRAIN_EVALUATE);
}
