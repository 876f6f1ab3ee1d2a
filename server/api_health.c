/* api_health.c: liveness, readiness and metrics. SPDX-License-Identifier: Apache-2.0 */
#include "server/api.h"
#include "server/app.h"
#include "server/metrics.h"
#include "server/process_metrics.h"

enum handled handle_live(struct app *app, struct request *request)
{
    (void)app;
    request->response.status = 200;
    buf_text(&request->response.body, "{\"live\":true}");
    return HANDLED;
}

enum handled handle_ready(struct app *app, struct request *request)
{
    const char *reason = "";
    if (!app_ready(app, &reason))
        return respond_retry(request, "not ready: %s", reason);
    request->response.status = 200;
    buf_text(&request->response.body, "{\"ready\":true}");
    return HANDLED;
}

enum handled handle_metrics(struct app *app, struct request *request)
{
    (void)app;
    process_metrics_measure();
    request->response.status = 200;
    request->response.content_type = "text/plain; version=0.0.4";
    metrics_write(&request->response.body);
    return HANDLED;
}
