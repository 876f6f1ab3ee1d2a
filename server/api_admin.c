/* api_admin.c: load and unload. SPDX-License-Identifier: Apache-2.0
 *
 * Loading takes its time, so the watcher's thread does it while the request waits. */
#include <stdlib.h>

#include "server/api.h"
#include "server/app.h"
#include "server/status_http.h"

static void on_done(struct watcher_task *task)
{
    request_resume(task->context);
}

static void finish(struct app *app, struct request *request)
{
    const struct watcher_task *task = request->work;
    if (task->status == LSTM_OK)
        handle_model_status(app, request);
    else
        respond_status(request, task->status, &task->error);
}

static enum handled submit(struct app *app, struct request *request,
                           enum lstm_status (*run)(struct registry *, const char *,
                                                   struct lstm_error *))
{
    struct watcher_task *task = calloc(1, sizeof *task);
    if (task == NULL)
        return respond_error(request, 500, "out of memory for the request");
    *task = (struct watcher_task){
        .run = run, .model = request->parts.model, .done = on_done, .context = request};
    request->work = task;
    request->discard = free;
    request->finish = finish;
    if (model_watcher_submit(app->watcher, task))
        return LATER;
    return respond_stopping(request);
}

enum handled handle_model_load(struct app *app, struct request *request)
{
    return submit(app, request, registry_load);
}

enum handled handle_model_unload(struct app *app, struct request *request)
{
    return submit(app, request, registry_unload);
}
