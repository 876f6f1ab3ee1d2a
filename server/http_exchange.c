/* http_exchange.c: one request on libmicrohttpd. SPDX-License-Identifier: Apache-2.0
 *
 * libmicrohttpd calls, for each request and all on one I/O thread: exchange_on_uri() when the
 * request line was read; exchange_on_request() when the header was read, for each piece of the
 * body, and when the body is complete; exchange_on_completed() when the answer was sent or the
 * connection broke. An answer may be queued in the first and the last call of
 * exchange_on_request() only. A suspended connection is not watched: that its client went away
 * shows after it was resumed, so that exchange_on_completed() never runs while a worker holds the
 * request.
 *
 * A request that is refused by its header (401, 404, 413, ...) has its body read and dropped before
 * the answer, because a client that still sends when the connection closes may never see the
 * answer. If the announced body is long, or the client waits for 100 Continue, the answer comes at
 * once. A chunked body, whose length nobody knows, is dropped to its end.
 *
 * Whatever the client must do, it has a deadline for: its connection's watch gets the next one at
 * each of these steps, and while the server itself is busy there is none. */
#include "server/http_exchange.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "server/access.h"
#include "server/clock.h"
#include "server/http_fields.h"
#include "server/http_header.h"
#include "server/log.h"
#include "server/reaper.h"
#include "server/refuse.h"

enum {
    MAX_RESERVED = 1024 * 1024,    /* of a body, before any of it was received */
    MAX_DROPPED = 8 * 1024 * 1024, /* of a refused body, before the answer */
    MAX_SPARE = 16 * 1024          /* of a body or an answer, kept for the next request */
};

/* Who goes on with a request whose handler returned LATER depends on which comes first. */
enum phase {
    PHASE_RUNNING, /* neither came yet */
    PHASE_PARKED,  /* the connection was suspended: request_resume() resumes it */
    PHASE_RESUMED  /* request_resume() was called */
};

struct exchange {
    struct request request; /* first: a pointer to it points to the exchange */
    struct http_shared *shared;
    struct MHD_Connection *connection;
    struct http_connection *owner; /* of its memory when the request has ended */
    struct buf body;
    size_t received_bytes; /* of the body, kept or dropped */
    bool begun;            /* the header was read */
    bool chunked;          /* the body's length is not known, and trailers may follow it */
    bool crowded;          /* the library has no room to send an answer */
    bool refused;          /* the answer is there already: the body is dropped */
    bool handled;          /* the handler was called */
    bool later;            /* and returned LATER */
    bool paced;            /* the answer is there, and has waited or waits for its turn */
    bool answered;
    _Atomic enum phase phase;
    struct pace_turn turn;
    char media_type[64];
    size_t path_bytes;
    char path[]; /* path_bytes of room: raw, without the query */
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

static void destroy(struct exchange *exchange)
{
    if (exchange == NULL)
        return;
    buf_release(&exchange->request.response.body);
    buf_release(&exchange->body);
    free(exchange);
}

/* Memory for a request whose path has n bytes, zeroed but for what its buffers and its path keep:
 * that of the connection's last request if it fits. A client that asks again and again asks for
 * the same. */
static struct exchange *obtain(struct http_connection *owner, size_t n, size_t max_body_bytes)
{
    struct exchange *exchange = owner->spare;
    owner->spare = NULL;
    if (exchange == NULL || exchange->path_bytes < n + 1) {
        destroy(exchange);
        exchange = calloc(1, sizeof *exchange + n + 1);
        if (exchange == NULL)
            return NULL;
        exchange->path_bytes = n + 1;
    }
    buf_reuse(&exchange->body, max_body_bytes, MAX_SPARE);
    buf_reuse(&exchange->request.response.body, SIZE_MAX, MAX_SPARE);
    *exchange = (struct exchange){.owner = owner,
                                  .body = exchange->body,
                                  .path_bytes = exchange->path_bytes,
                                  .request.response.body = exchange->request.response.body};
    return exchange;
}

/* Where the path of a request target begins: servers must know the form with scheme and host, too
 * (RFC 9112, 3.2.2). */
static const char *skip_authority(const char *uri)
{
    static const char *const schemes[] = {"http://", "https://"};
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        const size_t n = strlen(schemes[i]);
        if (strncasecmp(uri, schemes[i], n) == 0)
            return uri + n + strcspn(uri + n, "/?");
    }
    return uri;
}

/* The path is kept here because libmicrohttpd hands exchange_on_request() a decoded one. */
void *exchange_on_uri(void *context, const char *uri, struct MHD_Connection *connection)
{
    struct http_shared *shared = context;
    const char *path = skip_authority(uri);
    const size_t n = strcspn(path, "?");
    struct http_connection *owner =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    struct exchange *exchange =
        owner != NULL ? obtain(owner, n, shared->rules.max_body_bytes) : NULL;
    if (exchange == NULL)
        return NULL;
    exchange->shared = shared;
    exchange->connection = connection;
    memcpy(exchange->path, path, n);
    exchange->path[n] = '\0';
    exchange->request.path = exchange->path;
    exchange->request.query = find_query;
    exchange->request.header = find_header;
    exchange->request.content_type = exchange->media_type;
    owner->current = exchange;
    return exchange;
}

/* The client has until_us (0: for ever) for what comes next. False: it was too late already, and
 * the connection is closed. */
static bool expect(struct exchange *exchange, int64_t until_us, bool may_answer)
{
    return watch_until(&exchange->owner->watch, until_us, may_answer && !exchange->shared->is_tls);
}

/* From here on, `exchange` has its answer, and what comes of the body is dropped. */
static void refuse(struct exchange *exchange)
{
    exchange->refused = true;
    buf_release(&exchange->body);
}

/* Adds the headers and queues the response. NO: the connection is closed; there was no memory, or
 * the answer was sent around the library. */
static enum MHD_Result queue(struct exchange *exchange, struct MHD_Response *reply,
                             int64_t total_us)
{
    struct http_fields fields;
    if (exchange->crowded && !exchange->shared->is_tls) {
        header_send_refusal(exchange->owner->watch.fd);
        return MHD_NO;
    }
    http_fields_answer(&exchange->request, total_us, &fields);
    for (size_t k = 0; k < fields.n; k++) {
        if (MHD_add_response_header(reply, fields.field[k].name, fields.field[k].value) != MHD_YES)
            return MHD_NO;
    }
    if (atomic_load(&exchange->shared->is_quiesced) &&
        MHD_add_response_header(reply, "Connection", "close") != MHD_YES)
        return MHD_NO;
    unsigned status = (unsigned)exchange->request.response.status;
    return MHD_queue_response(exchange->connection, status, reply);
}

/* Answers with what request->response holds. */
static enum MHD_Result answer(struct exchange *exchange)
{
    struct request *request = &exchange->request;
    struct response *response = &request->response;
    const int64_t now_us = monotonic_us(), total_us = now_us - request->received_us;
    if (!expect(exchange, now_us + exchange->shared->body_us, false))
        return MHD_NO;
    if (response->static_body == NULL && response->body.failed)
        refuse_memory(response);
    else if (response->status == 0)
        respond_error(request, 500, "the request was not answered");
    bool is_static = response->static_body != NULL;
    const char *body = is_static ? response->static_body : response->body.data;
    size_t n = is_static ? response->static_bytes : response->body.n;

    /* The body lives until exchange_on_completed(). */
    struct MHD_Response *reply =
        MHD_create_response_from_buffer(n, (void *)(uintptr_t)body, MHD_RESPMEM_PERSISTENT);
    if (reply == NULL)
        return MHD_NO;
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

/* Whether it is clear what follows the header, and there is room for it. False: refused. */
static bool admit_header(struct exchange *exchange, size_t length)
{
    struct request *request = &exchange->request;
    const struct header_room room = header_room(exchange->connection);
    exchange->chunked = find_header(request, "Transfer-Encoding") != NULL;
    exchange->crowded = header_leaves_nothing(&room);
    if (!header_leaves_answer(&room) ||
        !header_leaves_body(&room, exchange->chunked ? SIZE_MAX : length))
        header_refuse(request, &room);
    else if (!header_is_framed(exchange->connection))
        refuse_framing(request);
    else
        return true;
    refuse(exchange);
    return false;
}

/* Trailers are kept like the header. False: they took the room of the answer; refused. */
static bool admit_trailers(struct exchange *exchange)
{
    const struct header_room room = header_room(exchange->connection);
    if (header_leaves_answer(&room))
        return true;
    exchange->crowded = header_leaves_nothing(&room);
    header_refuse(&exchange->request, &room);
    return false;
}

/* The header was read. */
static enum MHD_Result begin(struct exchange *exchange, const char *method)
{
    struct http_shared *shared = exchange->shared;
    struct request *request = &exchange->request;
    exchange->begun = true;
    atomic_fetch_add(&shared->in_flight, 1);
    metric_add(shared->in_flight_gauge, 1);
    request->received_us = monotonic_us();
    request->method = method;
    http_fields_id(request->id, find_header(request, "X-Request-Id"));
    http_fields_media_type(exchange->media_type, sizeof exchange->media_type,
                           find_header(request, "Content-Type"));

    size_t length = http_fields_length(find_header(request, "Content-Length"));
    size_t reserved = length < MAX_RESERVED ? length : MAX_RESERVED;
    if (!expect(exchange, request->received_us + shared->body_us, true))
        return MHD_NO;
    if (!admit_header(exchange, length))
        return answer(exchange);
    if (!admit(&shared->rules, request, length)) {
        refuse(exchange);
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
    exchange->owner->turn->n_pieces++;
    if (exchange->refused)
        return;
    size_t limit = exchange->shared->rules.max_body_bytes;
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

/* The handler has answered: now, or when the turn of such refusals has come. */
static enum MHD_Result deliver(struct exchange *exchange)
{
    if (exchange->request.response.retry_after_s == 0 ||
        pace_pass(&exchange->owner->turn->pace, &exchange->turn, monotonic_us()))
        return answer(exchange);
    exchange->paced = true;
    MHD_suspend_connection(exchange->connection);
    return MHD_YES;
}

void exchange_resume_paced(struct pace *pace, int64_t now_us)
{
    struct pace_turn *turn;
    while ((turn = pace_next(pace, now_us)) != NULL) {
        const char *exchange = (const char *)turn - offsetof(struct exchange, turn);
        MHD_resume_connection(((const struct exchange *)exchange)->connection);
    }
}

/* The request was resumed. Reading that from `phase` orders what follows, which ends in free(),
 * behind all that the worker did, whatever the library does in between. */
static enum MHD_Result finish(struct exchange *exchange)
{
    if (atomic_load(&exchange->phase) != PHASE_RESUMED)
        return MHD_NO;
    exchange->request.finish(exchange->shared->app, &exchange->request);
    return deliver(exchange);
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
        exchange->shared->resume(exchange->shared, connection);
    return MHD_YES;
}

/* Whether no other request is in flight, nor was any read together with the last one or this: many
 * clients whose requests are computed one by one would never be seen to be many. */
static bool is_alone(const struct exchange *exchange)
{
    const struct io_turn *turn = exchange->owner->turn;
    return atomic_load_explicit(&exchange->shared->in_flight, memory_order_relaxed) == 1 &&
           turn->n_now == 1 && turn->n_before <= 1;
}

static void note_handled(struct http_shared *shared, const struct http_connection *client)
{
    struct io_turn *turn = client->turn;
    turn->n_now++;
    turn->n_in_row++;
    if (atomic_load_explicit(&shared->last_client, memory_order_relaxed) == client)
        return;
    atomic_store_explicit(&shared->last_client, client, memory_order_relaxed);
    turn->n_in_row = 1;
}

/* The body is complete. */
static enum MHD_Result handle(struct exchange *exchange)
{
    struct request *request = &exchange->request;
    request->body = exchange->body.data;
    request->body_bytes = exchange->body.n;
    request->handled_us = monotonic_us();
    if (!expect(exchange, 0, false))
        return MHD_NO;
    exchange->handled = true;
    note_handled(exchange->shared, exchange->owner);
    request->is_alone = is_alone(exchange);
    if (request->route->handle(exchange->shared->app, request) == LATER)
        return park(exchange);
    return deliver(exchange);
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

enum MHD_Result exchange_on_request(void *context, struct MHD_Connection *connection,
                                    const char *decoded_path, const char *method,
                                    const char *version, const char *data, size_t *n,
                                    void **request)
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
    if (exchange->paced)
        return answer(exchange);
    /* The exchange orders this after what the worker wrote. */
    if (exchange->later)
        return atomic_load(&exchange->phase) == PHASE_RESUMED ? finish(exchange) : MHD_YES;
    if (exchange->chunked && !admit_trailers(exchange))
        return answer(exchange);
    return exchange->refused ? answer(exchange) : handle(exchange);
}

/* Its memory is kept for the connection's next request. */
static void end(struct exchange *exchange, enum MHD_RequestTerminationCode code)
{
    struct http_shared *shared = exchange->shared;
    if (exchange->begun) {
        atomic_fetch_sub(&shared->in_flight, 1);
        metric_add(shared->in_flight_gauge, -1);
    }
    /* The header of the next request, or nothing: libmicrohttpd ends a connection that is idle. */
    expect(exchange, monotonic_us() + shared->idle_us + shared->header_us, true);
    /* A request whose client went away meanwhile comes here without finish(): same order. */
    const enum phase phase = atomic_load(&exchange->phase);
    if (!exchange->answered)
        log_debug("request_broken", L_STR("id", exchange->request.id), L_INT("reason", code),
                  L_INT("phase", phase));
    if (exchange->request.discard != NULL)
        exchange->request.discard(exchange->request.work);
    exchange->owner->current = NULL;
    exchange->owner->spare = exchange;
}

void exchange_on_completed(void *context, struct MHD_Connection *connection, void **request,
                           enum MHD_RequestTerminationCode code)
{
    (void)context;
    (void)connection;
    struct exchange *exchange = *request;
    *request = NULL;
    if (exchange != NULL)
        end(exchange, code);
}

void exchange_end_connection(struct http_connection *connection)
{
    if (connection->current != NULL)
        end(connection->current, MHD_REQUEST_TERMINATED_WITH_ERROR);
    destroy(connection->spare);
    connection->spare = NULL;
}

void request_resume(struct request *request)
{
    struct exchange *exchange = (struct exchange *)request;
    struct MHD_Connection *connection = exchange->connection;
    struct http_shared *shared = exchange->shared;
    if (atomic_exchange(&exchange->phase, PHASE_RESUMED) == PHASE_PARKED)
        shared->resume(shared, connection);
}

bool request_is_gone(const struct request *request)
{
    const struct exchange *exchange = (const struct exchange *)request;
    char byte;
    ssize_t n = recv(exchange->owner->watch.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}
