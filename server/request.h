/* request.h: one HTTP request and its answer, as the API handlers see them: no HTTP library.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Life: http.c collects the body and fills `request`; router.c finds the route; the route's
 * handler answers at once (HANDLED) or starts work elsewhere and returns LATER; then somebody
 * calls request_resume() exactly once, from any thread, and `finish` is called on an I/O thread to
 * write the answer. `discard` frees `work` when the request ends, answered or not; it is called
 * after the last use, never while work is under way. One thread at a time touches a request: the
 * I/O thread until LATER, the worker until request_resume(), the I/O thread again. */
#ifndef REQUEST_H
#define REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/buf.h"
#include "server/keys.h"

struct app;   /* app.h: what the handlers work on */
struct route; /* router.h */
struct request;

enum handled { HANDLED, LATER };

/* Variable parts of a path, percent-decoded; "" if the route has no such part. */
struct path_parts {
    char model[128];
    char version[24]; /* decimal digits */
    char label[64];
    char session[128];
    char file[32]; /* of the demo page */
};

struct response {
    int status;               /* 0 until there is an answer */
    const char *content_type; /* static; NULL: application/json */
    struct buf body;
    char allow[64];          /* Allow header of a 405; "" otherwise */
    int retry_after_s;       /* Retry-After header; 0: none */
    const char *static_body; /* answered instead of body, never freed; NULL: body */
    size_t static_bytes;
    const char *allow_origin; /* Access-Control-Allow-Origin header; NULL: none */
    bool varies;              /* Vary: Origin header */
    bool preflight;           /* the answer to a browser that asks what it may send */
    bool closes;              /* the connection ends with it */
    struct {
        const char *name, *value; /* static */
    } fields[4];                  /* n_fields more */
    size_t n_fields;
};

struct request {
    /* What was asked. Borrowed by handlers. */
    const char *method;        /* "GET" */
    const char *path;          /* raw, without the query */
    const struct route *route; /* NULL: none matched */
    struct path_parts parts;
    bool has_model;           /* parts.model exists: metrics may name it, whatever the answer */
    const char *content_type; /* lower case, without parameters; "" if none */
    char *body;               /* body_bytes, then a NUL */
    size_t body_bytes;
    char id[65];              /* X-Request-Id: the client's (cut to printable) or a made one */
    char key[KEY_NAME_BYTES]; /* the name of the API key; "" if there is none */
    int64_t deadline_us;      /* when nobody wants the answer any more, monotonic; 0: never */
    bool is_alone;            /* nothing else is in flight: what takes little may be done at once */
    const char *(*query)(const struct request *, const char *name);  /* NULL: not given */
    const char *(*header)(const struct request *, const char *name); /* NULL: not given */

    /* The answer. */
    struct response response;

    /* Work in another thread. */
    void *work;
    void (*finish)(struct app *app, struct request *request);
    void (*discard)(void *work);

    /* Microseconds of the monotonic clock, for Server-Timing, metrics and the access line. */
    int64_t received_us;                                /* the header was read */
    int64_t handled_us;                                 /* the body was complete */
    int64_t decode_us, queue_us, compute_us, encode_us; /* durations; 0 if there was none */
};

/* Goes on with a request whose handler returned LATER. */
void request_resume(struct request *request);

/* Whether the client has closed its connection, so that nobody would read the answer: one system
 * call. For a request that is LATER, by the thread that will resume it: until then the connection
 * is suspended, so that its socket stays open and nobody else reads from it. A client that closes
 * only its sending side counts as gone. With TLS, one that says goodbye first does not. */
bool request_is_gone(const struct request *request);

/* Sets status and the body {"error": "..."}; returns HANDLED for `return respond_error(...)`. */
enum handled respond_error(struct request *request, int status, const char *format, ...)
    LSTM_PRINTF(3, 4);

/* How long a client that is refused for now is asked to wait. */
enum { RETRY_AFTER_S = 1 };

/* A 503 with Retry-After. */
enum handled respond_retry(struct request *request, const char *format, ...) LSTM_PRINTF(2, 3);

#endif
