/* api_health.c: liveness, readiness and metrics. SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <unistd.h>

#include "server/api.h"
#include "server/app.h"
#include "server/metrics.h"

enum { RETRY_READY_S = 1 };

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
    if (!app_ready(app, &reason)) {
        request->response.retry_after_s = RETRY_READY_S;
        return respond_error(request, 503, "not ready: %s", reason);
    }
    request->response.status = 200;
    buf_text(&request->response.body, "{\"ready\":true}");
    return HANDLED;
}

/* Resident pages are the second number of statm (proc(5)). */
static void measure_memory(void)
{
    unsigned long pages;
    FILE *const file = fopen("/proc/self/statm", "re");
    if (file == NULL)
        return;
    if (fscanf(file, "%*u %lu", &pages) == 1)
        metric_set(metric_series(METRIC_RESIDENT_BYTES, NULL, NULL, NULL),
                   (double)pages * (double)sysconf(_SC_PAGESIZE));
    fclose(file);
}

enum handled handle_metrics(struct app *app, struct request *request)
{
    (void)app;
    measure_memory();
    request->response.status = 200;
    request->response.content_type = "text/plain; version=0.0.4";
    metrics_write(&request->response.body);
    return HANDLED;
}
