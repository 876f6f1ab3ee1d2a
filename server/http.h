/* http.h: the HTTP front. http.c is the one file that knows libmicrohttpd.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef HTTP_H
#define HTTP_H

#include "server/request.h"

struct http_options {
    const struct route *routes; /* the route table, router.h; borrowed until http_stop() */
    const char *host;           /* an address to bind: "127.0.0.1", "::1", "0.0.0.0" */
    uint16_t port;              /* 0: any free one */
    unsigned n_threads;         /* I/O threads */
    unsigned max_connections;   /* beyond it, new connections wait in the kernel's backlog */
    unsigned idle_timeout_s;    /* an idle connection is closed after it */
    size_t max_body_bytes;      /* a longer body answers 413 */
};

struct http;

/* Listens and serves `app` by the route table. *http is new. IO: the address, what failed. */
LSTM_MUST_CHECK enum lstm_status http_start(const struct http_options *options, struct app *app,
                                            struct http **http, struct lstm_error *error);

/* The port that it listens on. */
uint16_t http_port(const struct http *http);

/* Accepts no more connections; those that are open go on. */
void http_quiesce(struct http *http);

/* Requests received and not yet answered. */
unsigned http_in_flight(const struct http *http);

/* Closes what is open and frees all. No request may be LATER: quiesce, wait for http_in_flight()
 * to reach 0 or have every job finished first. */
void http_stop(struct http *http);

#endif
