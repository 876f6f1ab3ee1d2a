/* train_answer.c: tasks of the training thread in HTTP's terms. SPDX-License-Identifier: Apache-2.0
 */
#include "server/train_answer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/status.h"
#include "server/status_http.h"

bool train_answer_is_on(const struct app *app, struct request *request)
{
    if (app->training != NULL)
        return true;
    respond_error(request, 403, "training is off on this server (--training off)");
    return false;
}

enum handled train_answer_submit(struct app *app, struct request *request, struct train_task *task)
{
    switch (training_submit(app->training, task)) {
    case TRAIN_QUEUED:
        return LATER;
    case TRAIN_FULL:
        return respond_retry(request,
                             "too many or too large train-steps wait; nothing was applied: try "
                             "again in %d second",
                             RETRY_AFTER_S);
    case TRAIN_STOPPING:
        break;
    }
    return respond_stopping(request);
}

bool train_answer_check(struct request *request, const struct train_task *task)
{
    request->queue_us = task->started_us - task->submitted_us;
    request->compute_us = task->finished_us - task->started_us;
    if (task->fate == TRAIN_EXPIRED) {
        respond_error(request, 504,
                      "the deadline passed before the model's trainer was free; nothing was "
                      "applied: allow more time (X-Request-Timeout-Ms) or send less");
        return false;
    }
    if (task->status == LSTM_OK)
        return true;
    /* Numbers that overflow came with the examples. */
    const int code = task->fate == TRAIN_CONFLICT      ? 409
                     : task->status == LSTM_NON_FINITE ? 400
                                                       : status_http(task->status);
    respond_error(request, code, "%s", task->error.text);
    return false;
}

void train_answer_result(struct buf *out, const struct train_task *task,
                         const struct lstm_model_info *info)
{
    const struct lstm_training_result *result = &task->result;
    buf_printf(out, "{\"step\":%" PRIu64 ",\"loss\":%.9g", result->step, result->loss);
    if (info->training.loss != LSTM_MEAN_SQUARED_ERROR)
        buf_printf(out, ",\"accuracy\":%.9g",
                   (double)result->n_correct / (double)result->n_targets);
    if (task->action == TRAIN_STEP)
        buf_printf(out, ",\"gradient_norm\":%.9g", result->gradient_norm);
    buf_printf(out, ",\"examples\":%zu}", task->examples.n);
}

/* With as many digits as read back to the same double. */
static void write_setting(struct buf *out, const char *key, double value)
{
    char text[32];
    snprintf(text, sizeof text, "%.15g", value);
    if (strtod(text, NULL) != value)
        snprintf(text, sizeof text, "%.17g", value);
    buf_printf(out, ",\"%s\":%s", key, text);
}

static void write_settings(struct buf *out, const struct lstm_training *settings)
{
    static const char *const losses[] = {[LSTM_SOFTMAX_CROSS_ENTROPY] = "softmax_cross_entropy",
                                         [LSTM_SOFTMAX_CROSS_ENTROPY_ON_SOFTMAX] =
                                             "softmax_cross_entropy_on_softmax",
                                         [LSTM_MEAN_SQUARED_ERROR] = "mean_squared_error"};
    buf_printf(out, "\"loss\":\"%s\",\"optimizer\":\"%s\"", losses[settings->loss],
               settings->optimizer == LSTM_ADAM ? "adam" : "sgd");
    write_setting(out, "learning_rate", settings->learning_rate);
    if (settings->optimizer == LSTM_ADAM) {
        write_setting(out, "beta1", settings->beta1);
        write_setting(out, "beta2", settings->beta2);
        write_setting(out, "epsilon", settings->epsilon);
    }
    write_setting(out, "clip_norm", settings->clip_norm);
}

void train_answer_report(struct buf *out, const struct train_task *task, bool is_durable)
{
    const struct training_report *report = &task->report;
    buf_printf(out,
               "{\"base_version\":\"%" PRIu64 "\",\"step\":%" PRIu64
               ",\"unpublished_steps\":%" PRIu64 ",\"durable\":%s,\"settings\":{",
               report->base_version, report->step, report->n_unpublished,
               is_durable ? "true" : "false");
    write_settings(out, &report->settings);
    buf_text(out, "},\"losses\":[");
    for (size_t i = 0; i < report->n_losses; i++)
        buf_printf(out, "%s%.9g", i > 0 ? "," : "", report->losses[i]);
    buf_text(out, "]}");
}
