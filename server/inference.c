/* inference.c: the steps of a request that runs sequences. SPDX-License-Identifier: Apache-2.0 */
#include "server/inference.h"

#include <stdlib.h>
#include <string.h>

#include "core/status.h"
#include "server/clock.h"
#include "server/status_http.h"

const struct lstm_model *inference_model(const struct inference *inference)
{
    return batch_queue_model(inference->version->queue);
}

/* What a body may be; curl's default for -d means JSON too, as it does to TensorFlow Serving. */
enum body_kind { BODY_JSON, BODY_OCTETS, BODY_PNG };

static const struct content_type {
    const char *name;
    enum body_kind kind;
} content_types[] = {{"application/json", BODY_JSON},
                     {"", BODY_JSON},
                     {"application/x-www-form-urlencoded", BODY_JSON},
                     {"text/plain", BODY_JSON},
                     {"application/octet-stream", BODY_OCTETS},
                     {"image/png", BODY_PNG}};

static const struct content_type *find_content_type(const char *name)
{
    for (size_t i = 0; i < sizeof content_types / sizeof *content_types; i++)
        if (strcmp(content_types[i].name, name) == 0)
            return &content_types[i];
    return NULL;
}

static void discard(void *work)
{
    struct inference *inference = work;
    if (inference->detach != NULL)
        inference->detach(inference->attached);
    if (inference->kind->release != NULL)
        inference->kind->release(inference);
    predict_call_release(&inference->call);
    if (inference->version != NULL)
        registry_release(inference->version);
    free(inference);
}

struct inference *inference_begin(struct request *request, const struct inference_kind *kind)
{
    if (find_content_type(request->content_type) == NULL) {
        respond_error(request, 415,
                      "Content-Type '%.60s': expected application/json, "
                      "application/octet-stream or image/png",
                      request->content_type);
        return NULL;
    }
    struct inference *inference = calloc(1, kind->bytes);
    if (inference == NULL) {
        respond_error(request, 500, "out of memory for the request");
        return NULL;
    }
    inference->kind = kind;
    request->work = inference;
    request->discard = discard;
    return inference;
}

bool inference_find_version(struct app *app, struct request *request, struct inference *inference)
{
    return app_find_version(app, request, &inference->version);
}

static enum lstm_status decode_octets(const struct predict_limits *limits,
                                      const struct request *request, struct inference *inference,
                                      struct lstm_error *error)
{
    const char *dtype = request->query(request, "dtype");
    const bool is_uint8 = dtype != NULL && strcmp(dtype, "uint8") == 0;
    if (dtype != NULL && !is_uint8 && strcmp(dtype, "float32") != 0)
        return lstm_fail(error, LSTM_INVALID, "dtype: expected float32 or uint8, found '%.40s'",
                         dtype);
    return predict_decode_octets(inference_model(inference), limits, request->body,
                                 request->body_bytes, is_uint8 ? OCTET_UINT8 : OCTET_FLOAT32,
                                 &inference->call, error);
}

static enum lstm_status decode(const struct predict_limits *limits, const struct request *request,
                               struct inference *inference, struct lstm_error *error)
{
    const struct lstm_model *const model = inference_model(inference);
    switch (find_content_type(request->content_type)->kind) {
    case BODY_OCTETS:
        return decode_octets(limits, request, inference, error);
    case BODY_PNG:
        return predict_decode_png(model, limits, request->body, request->body_bytes,
                                  &inference->call, error);
    case BODY_JSON:
        break;
    }
    return predict_decode_json(model, limits, request->body, request->body_bytes, &inference->call,
                               error);
}

bool inference_decode(struct app *app, struct request *request, struct inference *inference)
{
    struct lstm_error error;
    struct predict_limits limits = app->limits;
    const int64_t begin = monotonic_us();
    limits.takes_pieces = inference->takes_pieces;
    inference->max_work_bytes = app->max_work_bytes;
    enum lstm_status status = decode(&limits, request, inference, &error);
    if (status == LSTM_OK)
        status = inference->kind->prepare(inference, request, &error);
    request->decode_us = monotonic_us() - begin;
    if (status != LSTM_OK)
        respond_status(request, status, &error);
    return status == LSTM_OK;
}

static void on_done(struct batch_job *job)
{
    request_resume(job->context);
}

static bool is_gone(const struct batch_job *job)
{
    return request_is_gone(job->context);
}

static enum handled refuse_full(struct request *request, const struct inference *inference)
{
    return respond_retry(request, "the queue of model '%s' is full; try again in %d second",
                         inference->version->model, RETRY_AFTER_S);
}

enum handled inference_submit(struct request *request, struct inference *inference)
{
    inference->job = (struct batch_job){.sequences = inference->call.sequences,
                                        .n = inference->call.n,
                                        .done = on_done,
                                        .context = request,
                                        .deadline_us = request->deadline_us,
                                        .is_gone = is_gone,
                                        .may_run_here = request->is_alone};
    request->finish = inference_finish;
    switch (batch_queue_submit(inference->version->queue, &inference->job)) {
    case BATCH_QUEUED:
        return LATER;
    case BATCH_FULL:
        return refuse_full(request, inference);
    case BATCH_STOPPING:
        break;
    }
    return respond_stopping(request);
}

void inference_finish(struct app *app, struct request *request)
{
    (void)app;
    const struct inference *inference = request->work;
    const struct batch_job *job = &inference->job;
    struct lstm_error error = job->error;
    enum lstm_status status = job->status;
    const int64_t begin = monotonic_us();
    request->queue_us = job->started_us - job->submitted_us;
    request->compute_us = job->finished_us - job->started_us;
    if (job->fate == BATCH_REFUSED) {
        respond_stopping(request);
        return;
    }
    if (job->fate != BATCH_COMPUTED) {
        respond_error(
            request, 504,
            "the deadline passed after %lld ms, before a worker was free; allow more time "
            "(X-Request-Timeout-Ms) or send less",
            (long long)(job->finished_us - request->received_us) / 1000);
        return;
    }
    if (status == LSTM_OK)
        status = inference->kind->encode(inference, &request->response.body, &error);
    if (status != LSTM_OK)
        respond_status(request, status, &error);
    else
        request->response.status = 200;
    request->encode_us = monotonic_us() - begin;
}

/* An overloaded server says so before it reads the body. */
enum handled inference_handle(struct app *app, struct request *request,
                              const struct inference_kind *kind)
{
    struct inference *inference = inference_begin(request, kind);
    if (inference == NULL || !inference_find_version(app, request, inference))
        return HANDLED;
    if (batch_queue_is_full(inference->version->queue))
        return refuse_full(request, inference);
    if (!inference_decode(app, request, inference))
        return HANDLED;
    return inference_submit(request, inference);
}
