/* access.c: metrics and the access line of requests. SPDX-License-Identifier: Apache-2.0 */
#include "server/access.h"

#include "server/log.h"
#include "server/metrics.h"
#include "server/router.h"

static void count(const struct access *access, const char *route)
{
    const struct request *request = access->request;
    int status = request->response.status;
    const char code[4] = {(char)('0' + status / 100), (char)('0' + status / 10 % 10),
                          (char)('0' + status % 10), '\0'};
    const bool has_model = access->handled && (request->has_model || status < 300);
    const char *model = has_model ? request->parts.model : "";
    metric_add(metric_series(METRIC_REQUESTS, model, route, code), 1);
    metric_observe(metric_series(METRIC_REQUEST_SECONDS, route, NULL, NULL),
                   (double)access->total_us * 1e-6);
    if (access->bytes_in > 0)
        metric_add(metric_series(METRIC_RECEIVED_BYTES, NULL, NULL, NULL),
                   (double)access->bytes_in);
    metric_add(metric_series(METRIC_SENT_BYTES, NULL, NULL, NULL), (double)access->bytes_out);
}

/* The key is there only where the server has keys. */
static void write_line(const struct access *access, const char *route)
{
    const struct request *request = access->request;
    const struct log_field fields[] = {L_STR("method", request->method),
                                       L_STR("route", route),
                                       L_STR("model", request->parts.model),
                                       L_INT("status", request->response.status),
                                       L_INT("bytes_in", access->bytes_in),
                                       L_INT("bytes_out", access->bytes_out),
                                       L_INT("us", access->total_us),
                                       L_INT("queue_us", request->queue_us),
                                       L_INT("compute_us", request->compute_us),
                                       L_STR("id", request->id),
                                       L_STR("key", request->key)};
    const size_t n = sizeof fields / sizeof *fields;
    log_write(LOG_LEVEL_INFO, "request", fields, request->key[0] != '\0' ? n : n - 1);
}

void access_record(const struct access *access)
{
    const struct request *request = access->request;
    const char *route = request->route != NULL ? request->route->name : "none";
    count(access, route);
    if (log_threshold <= LOG_LEVEL_INFO)
        write_line(access, route);
}
