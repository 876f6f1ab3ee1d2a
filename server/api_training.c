/* api_training.c: how a model's training is, and what may be done with what it learned.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Each is a task in the order of the train-steps, so that it tells, or does, what those before it
 * have led to. */
#include <stdlib.h>

#include "core/status.h"
#include "server/api.h"
#include "server/status_http.h"
#include "server/train_answer.h"
#include "server/train_body.h"

static void on_done(struct train_task *task)
{
    request_resume(task->context);
}

static void finish(struct app *app, struct request *request)
{
    const struct train_task *task = request->work;
    struct buf *out = &request->response.body;
    if (!train_answer_check(request, task))
        return;
    if (task->action == TRAIN_PUBLISH)
        buf_printf(out, "{\"version\":\"%s\"}", task->version);
    else
        train_answer_report(out, task, training_is_durable(app->training));
    request->response.status = 200;
}

/* A task of the model that the path names. NULL: there is an answer already. */
static struct train_task *begin(struct app *app, struct request *request, enum train_action action)
{
    const struct served_version *version;
    if (!train_answer_is_on(app, request) || !app_find_version(app, request, &version))
        return NULL;
    registry_release(version);
    struct train_task *task = calloc(1, sizeof *task);
    if (task == NULL) {
        respond_error(request, 500, "out of memory for the request");
        return NULL;
    }
    *task = (struct train_task){.action = action,
                                .model = request->parts.model,
                                .clip_norm = -1,
                                .deadline_us = request->deadline_us,
                                .done = on_done,
                                .context = request};
    request->work = task;
    request->discard = free;
    request->finish = finish;
    return task;
}

static enum handled handle(struct app *app, struct request *request, enum train_action action)
{
    struct train_task *task = begin(app, request, action);
    return task != NULL ? train_answer_submit(app, request, task) : HANDLED;
}

enum handled handle_training(struct app *app, struct request *request)
{
    return handle(app, request, TRAIN_DESCRIBE);
}

enum handled handle_publish(struct app *app, struct request *request)
{
    return handle(app, request, TRAIN_PUBLISH);
}

enum handled handle_reset(struct app *app, struct request *request)
{
    return handle(app, request, TRAIN_RESET);
}

static enum lstm_status read_settings(const struct json_t *root, struct train_task *task,
                                      struct lstm_error *error)
{
    static const char *const keys[] = {"learning_rate", "clip_norm", NULL};
    char unknown[JSON_KEY_BYTES];
    if (json_kind(root) != JSON_KIND_OBJECT)
        return lstm_fail(error, LSTM_INVALID, "the body: expected an object, found %s",
                         json_kind_name(root));
    if (json_has_unknown_key(root, keys, unknown))
        return lstm_fail(error, LSTM_INVALID, "%s: unknown key; expected learning_rate, clip_norm",
                         unknown);
    const enum lstm_status status =
        train_body_number(root, keys[0], false, &task->learning_rate, error);
    return status == LSTM_OK ? train_body_number(root, keys[1], true, &task->clip_norm, error)
                             : status;
}

enum handled handle_training_change(struct app *app, struct request *request)
{
    struct json_body body;
    struct lstm_error error;
    struct train_task *task = begin(app, request, TRAIN_CONFIGURE);
    if (task == NULL)
        return HANDLED;
    enum lstm_status status = json_body_parse(request->body, request->body_bytes, &body, &error);
    if (status == LSTM_OK)
        status = read_settings(body.root, task, &error);
    json_body_release(&body);
    if (status != LSTM_OK)
        return respond_status(request, status, &error);
    return train_answer_submit(app, request, task);
}
