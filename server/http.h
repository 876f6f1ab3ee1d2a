/* http.h: the HTTP front. http.c, http_exchange.c and http_header.c know libmicrohttpd.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef HTTP_H
#define HTTP_H

#include "server/admit.h"

struct http_options {
    struct admission rules;   /* what it refers to is borrowed until http_stop() */
    int fd;                   /* listening socket, listener.h; taken */
    bool is_tls;              /* with the certificate of tls.h */
    unsigned n_threads;       /* I/O threads */
    unsigned busy_poll_us;    /* so long one looks for the next request of a client that is alone,
                                 before it sleeps */
    unsigned max_connections; /* beyond it, new connections wait in the backlog */
    unsigned max_connections_per_address; /* beyond it, new ones are closed; 0: any number */
    unsigned header_timeout_s;            /* a header that takes longer is cut, with a 408 */
    unsigned body_timeout_s;              /* so is a body, and an answer that is not taken */
    unsigned idle_timeout_s;              /* an idle connection is closed after it */
};

struct http;

/* Serves `app` on the socket, which is closed after an error. *http is new. IO: what failed. */
LSTM_MUST_CHECK enum lstm_status http_start(const struct http_options *options, struct app *app,
                                            struct http **http, struct lstm_error *error);

/* Refuses new connections; those that are open close with the answer to their next request. */
void http_quiesce(struct http *http);

/* Whether every request is answered that had arrived at http_quiesce(), be its connection accepted
 * or its header read by then or not. */
bool http_is_drained(struct http *http);

/* Of a drained server: the connections that are open close; a request that arrived on one meanwhile
 * is answered: http_is_drained() tells when that is done. */
void http_hang_up(struct http *http);

/* Requests received and not yet answered. */
unsigned http_in_flight(const struct http *http);

/* Closes what is open and frees all. No request may be LATER: quiesce, wait for
 * http_is_drained() or have every job finished first. */
void http_stop(struct http *http);

#endif
