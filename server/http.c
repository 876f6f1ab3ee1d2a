/* http.c: the HTTP front on libmicrohttpd. SPDX-License-Identifier: Apache-2.0
 *
 * libmicrohttpd calls, for each request and all on one I/O thread: on_uri() when the request line
 * was read; on_request() when the header was read, for each piece of the body, and when the body is
 * complete; on_completed() when the answer was sent or the connection broke. An answer may be
 * queued in the first and the last call of on_request() only. A suspended connection is not
 * watched: that its client went away shows after it was resumed, so that on_completed() never runs
 * while a worker holds the request.
 *
 * A request that is refused by its header (404, 405, 413) has its body read and dropped before the
 * answer, because a client that still sends when the connection closes may never see the answer.
 * If the announced body is long, or the client waits for 100 Continue, the answer comes at once. A
 * chunked body, whose length nobody knows, is dropped to its end. */
#include "server/http.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/status.h"
#include "server/access.h"
#include "server/http_fields.h"
#include "server/listener.h"
#include "server/log.h"
#include "server/metrics.h"
#include "server/refuse.h"
#include "server/router.h"

enum {
    CONNECTION_BYTES = 32 * 1024, /* of a connection's buffers: bounds the header */
    MAX_RESERVED = 1024 * 1024,   /* of a body, before any of it was received */
    MAX_DROPPED = 8 * 1024 * 1024 /* of a refused body, before the answer */
};

struct http {
    const struct route *routes;
    struct app *app;
    size_t max_body_bytes;
    uint16_t port;
    int quiesced_fd; /* the listening socket after http_quiesce(); -1 */
    struct MHD_Daemon *daemon;
    atomic_uint in_flight;
    struct metric_series *in_flight_gauge;
};

/* Who goes on with a request whose handler returned LATER depends on which comes first. */
enum phase {
    PHASE_RUNNING, /* neither came yet */
    PHASE_PARKED,  /* the connection was suspended: request_resume() resumes it */
    PHASE_RESUMED  /* request_resume() was called */
};

struct exchange {
    struct request request; /* first: a pointer to it points to the exchange */
    struct http *http;
    struct MHD_Connection *connection;
    struct buf body;
    size_t received_bytes; /* of the body, kept or dropped */
    bool begun;            /* the header was read */
    bool refused;          /* the answer is there already: the body is dropped */
    bool handled;          /* the handler was called */
    bool later;            /* and returned LATER */
    bool answered;
    _Atomic enum phase phase;
    char media_type[64];
    char path[]; /* raw, without the query */
};

static const char *find_query(const struct request *request, const char *name)
{
    const struct exchange *exchange = (const struct exchange *)request;
    return MHD_lookup_connection_value(exchange->connection, MHD_GET_ARGUMENT_KIND, name);
}

static const char *find_header(const struct request *request, const char *name)
{
    const struct exchange *exchange = (const struct exchange *)request;
    return MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND, name);
}

/* The path is kept here because libmicrohttpd hands on_request() a decoded one. */
static void *on_uri(void *context, const char *uri, struct MHD_Connection *connection)
{
    size_t n = strcspn(uri, "?");
    struct exchange *exchange = calloc(1, sizeof *exchange + n + 1);
    if (exchange == NULL)
        return NULL;
    exchange->http = context;
    exchange->connection = connection;
    memcpy(exchange->path, uri, n);
    buf_init(&exchange->body, exchange->http->max_body_bytes);
    buf_init(&exchange->request.response.body, SIZE_MAX);
    exchange->request.path = exchange->path;
    exchange->request.query = find_query;
    exchange->request.header = find_header;
    exchange->request.content_type = exchange->media_type;
    return exchange;
}

/* From here on, `exchange` has its answer, and what comes of the body is dropped. */
static void refuse(struct exchange *exchange)
{
    exchange->refused = true;
    buf_release(&exchange->body);
}

/* Adds the headers and queues the response. NO: no memory for it; the connection is closed. */
static enum MHD_Result queue(struct exchange *exchange, struct MHD_Response *reply,
                             int64_t total_us)
{
    struct http_fields fields;
    http_fields_answer(&exchange->request, total_us, &fields);
    for (size_t k = 0; k < fields.n; k++) {
        if (MHD_add_response_header(reply, fields.field[k].name, fields.field[k].value) != MHD_YES)
            return MHD_NO;
    }
    unsigned status = (unsigned)exchange->request.response.status;
    return MHD_queue_response(exchange->connection, status, reply);
}

/* Answers with what request->response holds. */
static enum MHD_Result answer(struct exchange *exchange)
{
    struct request *request = &exchange->request;
    struct response *response = &request->response;
    if (response->static_body == NULL && response->body.failed)
        refuse_memory(response);
    else if (response->status == 0)
        respond_error(request, 500, "the request was not answered");
    bool is_static = response->static_body != NULL;
    const char *body = is_static ? response->static_body : response->body.data;
    size_t n = is_static ? response->static_bytes : response->body.n;

    /* The body lives until on_completed(). */
    struct MHD_Response *reply =
        MHD_create_response_from_buffer(n, (void *)(uintptr_t)body, MHD_RESPMEM_PERSISTENT);
    if (reply == NULL)
        return MHD_NO;
    int64_t total_us = monotonic_us() - request->received_us;
    exchange->answered = true;
    enum MHD_Result result = queue(exchange, reply, total_us);
    MHD_destroy_response(reply);
    bool is_head = strcmp(request->method, "HEAD") == 0;
    access_record(&(struct access){request, exchange->handled, exchange->received_bytes,
                                   is_head ? 0 : n, total_us});
    return result;
}

/* Whether the client may send `length` bytes of a body that nobody wants. */
static bool is_worth_dropping(const struct exchange *exchange, size_t length)
{
    return length <= MAX_DROPPED && find_header(&exchange->request, "Expect") == NULL;
}

/* The header was read. */
static enum MHD_Result begin(struct exchange *exchange, const char *method)
{
    struct http *http = exchange->http;
    struct request *request = &exchange->request;
    exchange->begun = true;
    atomic_fetch_add(&http->in_flight, 1);
    metric_add(http->in_flight_gauge, 1);
    request->received_us = monotonic_us();
    request->method = method;
    http_fields_id(request->id, find_header(request, "X-Request-Id"));
    http_fields_media_type(exchange->media_type, sizeof exchange->media_type,
                           find_header(request, "Content-Type"));
    request->route = router_match(http->routes, method, request->path, &request->parts,
                                  request->response.allow, sizeof request->response.allow);

    size_t length = http_fields_length(find_header(request, "Content-Length"));
    size_t reserved = length < MAX_RESERVED ? length : MAX_RESERVED;
    if (request->route == NULL) {
        refuse(exchange);
        refuse_route(request);
    } else if (length > http->max_body_bytes) {
        refuse(exchange);
        refuse_length(request, http->max_body_bytes);
    } else if (!buf_reserve(&exchange->body, reserved)) {
        refuse(exchange);
        refuse_memory(&request->response);
    }
    return exchange->refused && !is_worth_dropping(exchange, length) ? answer(exchange) : MHD_YES;
}

/* A piece of the body. */
static void receive(struct exchange *exchange, const char *data, size_t n)
{
    exchange->received_bytes += n;
    if (exchange->refused)
        return;
    size_t limit = exchange->http->max_body_bytes;
    if (n > limit - exchange->body.n) {
        refuse(exchange);
        refuse_length(&exchange->request, limit);
        return;
    }
    buf_append(&exchange->body, data, n);
    if (exchange->body.failed) {
        refuse(exchange);
        refuse_memory(&exchange->request.response);
    }
}

static enum MHD_Result finish(struct exchange *exchange)
{
    exchange->request.finish(exchange->http->app, &exchange->request);
    return answer(exchange);
}

/* The handler returned LATER. Once the exchange is parked it belongs to the worker. */
static enum MHD_Result park(struct exchange *exchange)
{
    struct MHD_Connection *connection = exchange->connection;
    enum phase phase = PHASE_RUNNING;
    exchange->later = true;
    if (atomic_load(&exchange->phase) == PHASE_RESUMED)
        return finish(exchange);
    MHD_suspend_connection(connection);
    if (!atomic_compare_exchange_strong(&exchange->phase, &phase, PHASE_PARKED))
        MHD_resume_connection(connection);
    return MHD_YES;
}

/* The body is complete. */
static enum MHD_Result handle(struct exchange *exchange)
{
    struct request *request = &exchange->request;
    request->body = exchange->body.data;
    request->body_bytes = exchange->body.n;
    request->handled_us = monotonic_us();
    exchange->handled = true;
    if (request->route->handle(exchange->http->app, request) == LATER)
        return park(exchange);
    return answer(exchange);
}

static enum MHD_Result answer_no_memory(struct MHD_Connection *connection)
{
    struct response response = {0};
    refuse_memory(&response);
    struct MHD_Response *reply = MHD_create_response_from_buffer(
        response.static_bytes, (void *)(uintptr_t)response.static_body, MHD_RESPMEM_PERSISTENT);
    if (reply == NULL)
        return MHD_NO;
    enum MHD_Result result = MHD_queue_response(connection, 500, reply);
    MHD_destroy_response(reply);
    return result;
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection,
                                  const char *decoded_path, const char *method, const char *version,
                                  const char *data, size_t *n, void **request)
{
    (void)context;
    (void)decoded_path;
    (void)version;
    struct exchange *exchange = *request;
    if (exchange == NULL)
        return answer_no_memory(connection);
    if (!exchange->begun)
        return begin(exchange, method);
    if (*n > 0) {
        receive(exchange, data, *n);
        *n = 0;
        return MHD_YES;
    }
    if (exchange->later)
        return finish(exchange);
    return exchange->refused ? answer(exchange) : handle(exchange);
}

static void on_completed(void *context, struct MHD_Connection *connection, void **request,
                         enum MHD_RequestTerminationCode code)
{
    (void)connection;
    struct http *http = context;
    struct exchange *exchange = *request;
    *request = NULL;
    if (exchange == NULL)
        return;
    if (exchange->begun) {
        atomic_fetch_sub(&http->in_flight, 1);
        metric_add(http->in_flight_gauge, -1);
    }
    if (!exchange->answered)
        log_debug("request_broken", L_STR("id", exchange->request.id), L_INT("reason", code));
    if (exchange->request.discard != NULL)
        exchange->request.discard(exchange->request.work);
    buf_release(&exchange->request.response.body);
    buf_release(&exchange->body);
    free(exchange);
}

static void LSTM_PRINTF(2, 0) on_message(void *context, const char *format, va_list arguments)
{
    (void)context;
    char text[256];
    vsnprintf(text, sizeof text, format, arguments);
    text[strcspn(text, "\n")] = '\0';
    log_debug("http_library", L_STR("message", text));
}

void request_resume(struct request *request)
{
    struct exchange *exchange = (struct exchange *)request;
    struct MHD_Connection *connection = exchange->connection;
    if (atomic_exchange(&exchange->phase, PHASE_RESUMED) == PHASE_PARKED)
        MHD_resume_connection(connection);
}

/* The daemon owns fd, also when it fails to start. */
static struct MHD_Daemon *start_daemon(struct http *http, const struct http_options *options,
                                       int fd)
{
    const unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC |
                           MHD_USE_ERROR_LOG | MHD_USE_TURBO;
    return MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, http, MHD_OPTION_EXTERNAL_LOGGER, on_message, NULL,
        MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_URI_LOG_CALLBACK, on_uri, http,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, http, MHD_OPTION_THREAD_POOL_SIZE,
        options->n_threads > 1 ? options->n_threads : 0, MHD_OPTION_CONNECTION_LIMIT,
        options->max_connections, MHD_OPTION_CONNECTION_TIMEOUT, options->idle_timeout_s,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_BYTES, MHD_OPTION_END);
}

enum lstm_status http_start(const struct http_options *options, struct app *app, struct http **out,
                            struct lstm_error *error)
{
    int fd = -1;
    enum lstm_status status = LSTM_OK;
    *out = NULL;
    struct http *http = calloc(1, sizeof *http);
    if (http == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "no memory for the HTTP server");
    http->routes = options->routes;
    http->app = app;
    http->max_body_bytes = options->max_body_bytes;
    http->port = options->port;
    http->quiesced_fd = -1;
    http->in_flight_gauge = metric_series(METRIC_IN_FLIGHT, NULL, NULL, NULL);
    status = listener_open(options->host, &http->port, &fd, error);
    if (status != LSTM_OK)
        goto out;
    http->daemon = start_daemon(http, options, fd);
    if (http->daemon == NULL) {
        status = lstm_fail(error, LSTM_IO, "cannot start %u I/O threads: %s", options->n_threads,
                           strerror(errno));
        goto out;
    }
    *out = http;
    http = NULL;
out:
    free(http);
    return status;
}

uint16_t http_port(const struct http *http)
{
    return http->port;
}

void http_quiesce(struct http *http)
{
    if (http->quiesced_fd < 0)
        http->quiesced_fd = MHD_quiesce_daemon(http->daemon);
}

unsigned http_in_flight(const struct http *http)
{
    return atomic_load(&http->in_flight);
}

void http_stop(struct http *http)
{
    if (http == NULL)
        return;
    MHD_stop_daemon(http->daemon);
    if (http->quiesced_fd >= 0)
        close(http->quiesced_fd);
    free(http);
}
