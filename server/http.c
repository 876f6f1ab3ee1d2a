/* http.c: libmicrohttpd's daemon: threads, connections, limits. SPDX-License-Identifier: Apache-2.0
 */
#include "server/http.h"

#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/status.h"
#include "server/acceptor.h"
#include "server/http_exchange.h"
#include "server/log.h"
#include "server/reaper.h"
#include "server/tls.h"

enum {
    CONNECTION_BYTES = 32 * 1024, /* of a connection's buffers: bounds the header */
    REAP_INTERVAL_MS = 250
};

/* One I/O thread is one daemon of libmicrohttpd: its pool of threads goes only with a listening
 * socket of its own, see acceptor.h. */
struct http {
    struct http_shared shared;
    struct reaper *reaper;
    struct acceptor *acceptor;
    bool keeps_addresses; /* connections of one address go to one daemon, which counts them */
    unsigned n_daemons, next_daemon;
    struct MHD_Daemon **daemons;
};

static int socket_of(struct MHD_Connection *connection)
{
    return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
}

/* A connection without a watch, for want of memory, gets a 500 to its first request. */
static void begin_connection(struct http *http, struct MHD_Connection *connection, void **context)
{
    struct watch *watch = calloc(1, sizeof *watch);
    *context = watch;
    if (watch == NULL)
        return;
    reaper_add(http->reaper, watch, socket_of(connection));
    watch_until(watch, monotonic_us() + http->shared.header_us, !http->shared.is_tls);
}

/* libmicrohttpd tells the end of a connection before it closes the socket. */
static void on_connection(void *context, struct MHD_Connection *connection, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct http *http = context;
    struct watch *watch = *socket_context;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        begin_connection(http, connection, socket_context);
        return;
    }
    if (watch != NULL) {
        reaper_remove(http->reaper, watch);
        free(watch);
    }
    acceptor_closed(http->acceptor);
}

/* FNV-1a of the address without its port. */
static unsigned hash_address(const struct sockaddr *address)
{
    union {
        const struct sockaddr *any;
        const struct sockaddr_in *v4;
        const struct sockaddr_in6 *v6;
    } same = {.any = address};
    const bool is_v6 = address->sa_family == AF_INET6;
    const unsigned char *bytes = is_v6 ? (const unsigned char *)&same.v6->sin6_addr
                                       : (const unsigned char *)&same.v4->sin_addr;
    unsigned hash = 2166136261u;
    for (size_t i = 0; i < (is_v6 ? sizeof same.v6->sin6_addr : sizeof same.v4->sin_addr); i++)
        hash = (hash ^ bytes[i]) * 16777619u;
    return hash;
}

/* On the acceptor's thread. */
static bool take_connection(void *context, int fd, const struct sockaddr *address,
                            socklen_t address_bytes)
{
    struct http *http = context;
    const unsigned which = http->keeps_addresses ? hash_address(address) : http->next_daemon++;
    return MHD_add_connection(http->daemons[which % http->n_daemons], fd, address, address_bytes) ==
           MHD_YES;
}

static void LSTM_PRINTF(2, 0) on_message(void *context, const char *format, va_list arguments)
{
    (void)context;
    char text[256];
    vsnprintf(text, sizeof text, format, arguments);
    text[strcspn(text, "\n")] = '\0';
    log_debug("http_library", L_STR("message", text));
}

static struct MHD_Daemon *start_daemon(struct http *http, const struct http_options *options)
{
    const unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC |
                           MHD_USE_ERROR_LOG | MHD_USE_TURBO | MHD_USE_NO_LISTEN_SOCKET |
                           (options->is_tls ? MHD_USE_TLS : 0);
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_CERT_CALLBACK, 0, tls_retrieve_function()},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)tls_priorities},
        {MHD_OPTION_END, 0, NULL}};
    return MHD_start_daemon(
        flags, 0, NULL, NULL, exchange_on_request, &http->shared, MHD_OPTION_EXTERNAL_LOGGER,
        on_message, NULL, MHD_OPTION_URI_LOG_CALLBACK, exchange_on_uri, &http->shared,
        MHD_OPTION_NOTIFY_COMPLETED, exchange_on_completed, &http->shared,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, http, MHD_OPTION_CONNECTION_LIMIT,
        options->max_connections, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
        options->max_connections_per_address, MHD_OPTION_CONNECTION_TIMEOUT,
        options->idle_timeout_s, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_BYTES,
        MHD_OPTION_ARRAY, options->is_tls ? tls : &tls[2], MHD_OPTION_END);
}

static enum lstm_status start_daemons(struct http *http, const struct http_options *options,
                                      struct lstm_error *error)
{
    http->daemons = calloc(options->n_threads, sizeof(struct MHD_Daemon *));
    if (http->daemons == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "no memory for %u I/O threads", options->n_threads);
    while (http->n_daemons < options->n_threads) {
        struct MHD_Daemon *daemon = start_daemon(http, options);
        if (daemon == NULL)
            return lstm_fail(error, LSTM_IO, "cannot start I/O thread %u: %s", http->n_daemons,
                             strerror(errno));
        http->daemons[http->n_daemons++] = daemon;
    }
    return LSTM_OK;
}

enum lstm_status http_start(const struct http_options *options, struct app *app, struct http **out,
                            struct lstm_error *error)
{
    *out = NULL;
    struct http *http = calloc(1, sizeof *http);
    if (http == NULL) {
        close(options->fd);
        return lstm_fail(error, LSTM_NO_MEMORY, "no memory for the HTTP server");
    }
    http->keeps_addresses = options->max_connections_per_address > 0;
    http->shared.rules = options->rules;
    http->shared.app = app;
    http->shared.header_us = (int64_t)options->header_timeout_s * 1000000;
    http->shared.body_us = (int64_t)options->body_timeout_s * 1000000;
    http->shared.idle_us = (int64_t)options->idle_timeout_s * 1000000;
    http->shared.is_tls = options->is_tls;
    http->shared.in_flight_gauge = metric_series(METRIC_IN_FLIGHT, NULL, NULL, NULL);
    enum lstm_status status = reaper_create(REAP_INTERVAL_MS, &http->reaper, error);
    if (status == LSTM_OK)
        status = start_daemons(http, options, error);
    if (status == LSTM_OK)
        status = acceptor_create(options->fd, options->max_connections, take_connection, http,
                                 &http->acceptor, error);
    else
        close(options->fd);
    if (status == LSTM_OK)
        *out = http;
    else
        http_stop(http);
    return status;
}

void http_quiesce(struct http *http)
{
    atomic_store(&http->shared.is_quiesced, true);
    acceptor_stop(http->acceptor);
}

unsigned http_in_flight(const struct http *http)
{
    return atomic_load(&http->shared.in_flight);
}

void http_stop(struct http *http)
{
    if (http == NULL)
        return;
    if (http->acceptor != NULL)
        acceptor_stop(http->acceptor);
    for (unsigned i = 0; i < http->n_daemons; i++)
        MHD_stop_daemon(http->daemons[i]);
    reaper_destroy(http->reaper);
    acceptor_destroy(http->acceptor);
    free(http->daemons);
    free(http);
}
