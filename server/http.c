/* http.c: libmicrohttpd's daemon: threads, connections, limits. SPDX-License-Identifier: Apache-2.0
 */
#include "server/http.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/status.h"
#include "server/http_exchange.h"
#include "server/log.h"
#include "server/reaper.h"
#include "server/tls.h"

enum {
    CONNECTION_BYTES = 32 * 1024, /* of a connection's buffers: bounds the header */
    REAP_INTERVAL_MS = 250
};

struct http {
    struct http_shared shared;
    int quiesced_fd; /* the listening socket after http_quiesce(); -1 */
    struct reaper *reaper;
    struct MHD_Daemon *daemon;
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
    } else if (watch != NULL) {
        reaper_remove(http->reaper, watch);
        free(watch);
    }
}

static void LSTM_PRINTF(2, 0) on_message(void *context, const char *format, va_list arguments)
{
    (void)context;
    char text[256];
    vsnprintf(text, sizeof text, format, arguments);
    text[strcspn(text, "\n")] = '\0';
    log_debug("http_library", L_STR("message", text));
}

/* The daemon owns fd, also when it fails to start. */
static struct MHD_Daemon *start_daemon(struct http *http, const struct http_options *options)
{
    const unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC |
                           MHD_USE_ERROR_LOG | MHD_USE_TURBO | (options->is_tls ? MHD_USE_TLS : 0);
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_CERT_CALLBACK, 0, tls_retrieve_function()},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)tls_priorities},
        {MHD_OPTION_END, 0, NULL}};
    return MHD_start_daemon(
        flags, 0, NULL, NULL, exchange_on_request, &http->shared, MHD_OPTION_EXTERNAL_LOGGER,
        on_message, NULL, MHD_OPTION_LISTEN_SOCKET, options->fd, MHD_OPTION_URI_LOG_CALLBACK,
        exchange_on_uri, &http->shared, MHD_OPTION_NOTIFY_COMPLETED, exchange_on_completed,
        &http->shared, MHD_OPTION_NOTIFY_CONNECTION, on_connection, http,
        MHD_OPTION_THREAD_POOL_SIZE, options->n_threads > 1 ? options->n_threads : 0,
        MHD_OPTION_CONNECTION_LIMIT, options->max_connections, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
        options->max_connections_per_address, MHD_OPTION_CONNECTION_TIMEOUT,
        options->idle_timeout_s, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_BYTES,
        MHD_OPTION_ARRAY, options->is_tls ? tls : &tls[2], MHD_OPTION_END);
}

enum lstm_status http_start(const struct http_options *options, struct app *app, struct http **out,
                            struct lstm_error *error)
{
    enum lstm_status status = LSTM_OK;
    int fd = options->fd;
    *out = NULL;
    struct http *http = calloc(1, sizeof *http);
    if (http == NULL) {
        status = lstm_fail(error, LSTM_NO_MEMORY, "no memory for the HTTP server");
        goto out;
    }
    http->quiesced_fd = -1;
    http->shared.rules = options->rules;
    http->shared.app = app;
    http->shared.header_us = (int64_t)options->header_timeout_s * 1000000;
    http->shared.body_us = (int64_t)options->body_timeout_s * 1000000;
    http->shared.idle_us = (int64_t)options->idle_timeout_s * 1000000;
    http->shared.is_tls = options->is_tls;
    http->shared.in_flight_gauge = metric_series(METRIC_IN_FLIGHT, NULL, NULL, NULL);
    status = reaper_create(REAP_INTERVAL_MS, &http->reaper, error);
    if (status != LSTM_OK)
        goto out;
    fd = -1;
    http->daemon = start_daemon(http, options);
    if (http->daemon == NULL) {
        status = lstm_fail(error, LSTM_IO, "cannot start %u I/O threads: %s", options->n_threads,
                           strerror(errno));
        goto out;
    }
    *out = http;
    http = NULL;
out:
    if (fd >= 0)
        close(fd);
    if (http != NULL)
        reaper_destroy(http->reaper);
    free(http);
    return status;
}

void http_quiesce(struct http *http)
{
    atomic_store(&http->shared.is_quiesced, true);
    if (http->quiesced_fd < 0)
        http->quiesced_fd = MHD_quiesce_daemon(http->daemon);
    /* So that clients are refused and turn elsewhere, rather than wait for nobody to accept them.
     */
    shutdown(http->quiesced_fd, SHUT_RD);
}

unsigned http_in_flight(const struct http *http)
{
    return atomic_load(&http->shared.in_flight);
}

void http_stop(struct http *http)
{
    if (http == NULL)
        return;
    MHD_stop_daemon(http->daemon);
    reaper_destroy(http->reaper);
    if (http->quiesced_fd >= 0)
        close(http->quiesced_fd);
    free(http);
}
