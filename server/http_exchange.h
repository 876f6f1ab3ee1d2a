/* http_exchange.h: libmicrohttpd's callbacks for one request; private to http*.c.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef HTTP_EXCHANGE_H
#define HTTP_EXCHANGE_H

#include <microhttpd.h>
#include <stdatomic.h>

#include "server/admit.h"
#include "server/metrics.h"
#include "server/pace.h"
#include "server/reaper.h"

struct http_connection;

/* What the requests of a server share: the context of the callbacks. */
struct http_shared {
    struct admission rules;
    struct app *app;
    /* Lets a suspended connection go on, from any thread. */
    void (*resume)(struct http_shared *shared, struct MHD_Connection *connection);
    int64_t header_us; /* most time for a header, for a body and for an answer */
    int64_t body_us;
    int64_t idle_us;
    bool is_tls;             /* a 408 cannot be sent around the library */
    atomic_bool is_quiesced; /* each answer closes its connection */
    atomic_uint in_flight;
    _Atomic(const struct http_connection *) last_client; /* of all; only compared */
    struct metric_series *in_flight_gauge;
};

struct exchange;

/* What an I/O thread's requests share. Its own thread's. */
struct io_turn {
    struct pace pace;         /* of the refusals */
    unsigned n_now, n_before; /* requests handled since the thread woke, and the time before */
    unsigned n_pieces;        /* of bodies, received since then */
    unsigned n_in_row;        /* so many requests, of all threads', came over one connection */
};

/* A connection, zeroed when it begins: its socket context in the library. */
struct http_connection {
    struct watch watch;
    struct io_turn *turn;     /* of its I/O thread; borrowed */
    struct exchange *current; /* the request that has begun and not ended; NULL: none */
    struct exchange *spare;   /* memory of the last request, for the next one */
};

/* When the connection ends, with its request: libmicrohttpd 1.0 does not tell the end of one whose
 * chunk's size does not come to an end. */
void exchange_end_connection(struct http_connection *connection);

/* On the I/O thread: the connections whose refusals have waited long enough at now_us go on when
 * the library runs next. */
void exchange_resume_paced(struct pace *pace, int64_t now_us);

/* MHD_OPTION_URI_LOG_CALLBACK. The connection's socket context is its struct http_connection, or
 * NULL if there was no memory for one. */
void *exchange_on_uri(void *shared, const char *uri, struct MHD_Connection *connection);

/* MHD_AccessHandlerCallback. */
enum MHD_Result exchange_on_request(void *shared, struct MHD_Connection *connection,
                                    const char *decoded_path, const char *method,
                                    const char *version, const char *data, size_t *n,
                                    void **exchange);

/* MHD_OPTION_NOTIFY_COMPLETED. */
void exchange_on_completed(void *shared, struct MHD_Connection *connection, void **exchange,
                           enum MHD_RequestTerminationCode code);

#endif
