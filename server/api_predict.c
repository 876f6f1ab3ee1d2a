/* api_predict.c: predict: decode, queue, and when the batch has run, encode.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "core/status.h"
#include "server/api.h"
#include "server/app.h"
#include "server/status_http.h"

enum { RETRY_S = 1 };

/* A predict request between its decoding and its answer. */
struct predict_work {
    struct batch_job job;
    struct predict_call call;
    const struct served_version *version; /* a reference */
};

static void discard(void *work)
{
    struct predict_work *predict = work;
    predict_call_release(&predict->call);
    registry_release(predict->version);
    free(predict);
}

static void on_done(struct batch_job *job)
{
    request_resume(job->context);
}

static void finish(struct app *app, struct request *request)
{
    (void)app;
    struct predict_work *work = request->work;
    struct lstm_error error = work->job.error;
    enum lstm_status status = work->job.status;
    const int64_t begin = monotonic_us();
    request->queue_us = work->job.started_us - work->job.submitted_us;
    request->compute_us = work->job.finished_us - work->job.started_us;
    if (status == LSTM_OK)
        status = predict_encode(batch_queue_model(work->version->queue), &work->call,
                                &request->response.body, &error);
    if (status != LSTM_OK)
        respond_status(request, status, &error);
    else
        request->response.status = 200;
    request->encode_us = monotonic_us() - begin;
}

/* What a body may be; curl's default for -d means JSON too, as it does to TensorFlow Serving. */
static const struct {
    const char *content_type;
    bool is_octets;
} content_types[] = {{"application/json", false},
                     {"", false},
                     {"application/x-www-form-urlencoded", false},
                     {"text/plain", false},
                     {"application/octet-stream", true}};

/* Index into content_types, or -1. */
static int find_content_type(const char *content_type)
{
    for (size_t i = 0; i < sizeof content_types / sizeof *content_types; i++)
        if (strcmp(content_types[i].content_type, content_type) == 0)
            return (int)i;
    return -1;
}

static enum lstm_status decode_octets(const struct app *app, const struct request *request,
                                      struct predict_work *work, struct lstm_error *error)
{
    const char *dtype = request->query(request, "dtype");
    const bool is_uint8 = dtype != NULL && strcmp(dtype, "uint8") == 0;
    if (dtype != NULL && !is_uint8 && strcmp(dtype, "float32") != 0)
        return lstm_fail(error, LSTM_INVALID, "dtype: expected float32 or uint8, found '%.40s'",
                         dtype);
    return predict_decode_octets(batch_queue_model(work->version->queue), &app->limits,
                                 request->body, request->body_bytes,
                                 is_uint8 ? OCTET_UINT8 : OCTET_FLOAT32, &work->call, error);
}

static enum handled submit(struct request *request, struct predict_work *work)
{
    work->job = (struct batch_job){
        .sequences = work->call.sequences, .n = work->call.n, .done = on_done, .context = request};
    request->finish = finish;
    switch (batch_queue_submit(work->version->queue, &work->job)) {
    case BATCH_QUEUED:
        return LATER;
    case BATCH_FULL:
        request->response.retry_after_s = RETRY_S;
        return respond_error(request, 503,
                             "the queue of model '%s' is full; try again in %d second",
                             work->version->model, RETRY_S);
    case BATCH_STOPPING:
        break;
    }
    request->response.retry_after_s = RETRY_S;
    return respond_error(request, 503, "the server is stopping; try another one");
}

enum handled handle_predict(struct app *app, struct request *request)
{
    struct lstm_error error;
    const int64_t begin = monotonic_us();
    const int content_type = find_content_type(request->content_type);
    if (content_type < 0)
        return respond_error(request, 415,
                             "Content-Type '%.60s': expected application/json or "
                             "application/octet-stream",
                             request->content_type);
    struct predict_work *work = calloc(1, sizeof *work);
    if (work == NULL)
        return respond_error(request, 500, "out of memory for the request");
    request->work = work;
    request->discard = discard;
    enum lstm_status status = registry_find(app->registry, request->parts.model,
                                            request->parts.version, &work->version, &error);
    if (status == LSTM_OK)
        status = content_types[content_type].is_octets
                     ? decode_octets(app, request, work, &error)
                     : predict_decode_json(batch_queue_model(work->version->queue), &app->limits,
                                           request->body, request->body_bytes, &work->call, &error);
    request->decode_us = monotonic_us() - begin;
    if (status != LSTM_OK)
        return respond_status(request, status, &error);
    return submit(request, work);
}
