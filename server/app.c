/* app.c: readiness, and versions found for requests. SPDX-License-Identifier: Apache-2.0 */
#include "server/app.h"

#include "server/status_http.h"

bool app_find_version(struct app *app, struct request *request,
                      const struct served_version **version)
{
    struct lstm_error error;
    const enum lstm_status status = registry_find(app->registry, &request->parts, version, &error);
    request->has_model = status == LSTM_OK;
    if (status == LSTM_NOT_FOUND && !atomic_load(&app->is_loaded))
        respond_starting(request);
    else if (status != LSTM_OK)
        respond_status(request, status, &error);
    return status == LSTM_OK;
}

bool app_ready(const struct app *app, const char **reason)
{
    *reason = "";
    if (atomic_load(&app->is_draining))
        *reason = "the server is draining";
    else if (!atomic_load(&app->is_loaded))
        *reason = "the server is starting";
    else if (!registry_is_ready(app->registry))
        *reason = "a model is still loading or failed to load";
    return **reason == '\0';
}
