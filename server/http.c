/* http.c: libmicrohttpd's daemon: threads, connections, limits. SPDX-License-Identifier: Apache-2.0
 */
#include "server/http.h"

#include <errno.h>
#include <limits.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/status.h"
#include "server/acceptor.h"
#include "server/clock.h"
#include "server/hash.h"
#include "server/http_exchange.h"
#include "server/http_header.h"
#include "server/io_thread.h"
#include "server/log.h"
#include "server/pace.h"
#include "server/reaper.h"
#include "server/tls.h"

enum {
    REAP_INTERVAL_MS = 250,
    MIN_IN_ROW = 16,  /* requests of one client that make it the only one */
    MAX_ARRIVALS = 64 /* of one I/O thread; the acceptor waits until it has taken them */
};

/* A connection between the acceptor's thread and an I/O thread. */
struct arrival {
    int fd;
    socklen_t address_bytes;
    struct sockaddr_storage address;
};

/* One I/O thread and its daemon of libmicrohttpd. The daemon does not wait by itself: when exactly
 * 128 connections have something to read, version 0.9's own epoll thread waits for a further one
 * before it serves them. */
struct io {
    struct http *http;
    struct MHD_Daemon *daemon;
    struct io_thread *thread;
    struct io_turn turn; /* its thread's */
    pthread_mutex_t lock;
    pthread_cond_t has_room;
    struct arrival
        arrivals[MAX_ARRIVALS]; /* guarded by lock: the first n_arrivals are to be taken */
    unsigned n_arrivals;
    unsigned long n_turns; /* of the thread, when it was told to end */
};

struct http {
    struct http_shared shared; /* first: a pointer to it points to the front */
    struct reaper *reaper;
    struct acceptor *acceptor;
    bool keeps_addresses; /* connections of one address go to one daemon, which counts them */
    unsigned n_io, next_io;
    struct io *io; /* [n_io] */
};

static int socket_of(struct MHD_Connection *connection)
{
    return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
}

/* The I/O thread of a connection. */
static struct io *io_of(const struct http *http, struct MHD_Connection *connection)
{
    const struct MHD_Daemon *daemon =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_DAEMON)->daemon;
    unsigned i = 0;
    while (http->io[i].daemon != daemon)
        i++;
    return &http->io[i];
}

/* A connection without a context, for want of memory, gets a 500 to its first request. */
static void begin_connection(struct http *http, struct MHD_Connection *connection, void **context)
{
    struct http_connection *made = calloc(1, sizeof *made);
    *context = made;
    if (made == NULL)
        return;
    made->turn = &io_of(http, connection)->turn;
    reaper_add(http->reaper, &made->watch, socket_of(connection));
    watch_until(&made->watch, monotonic_us() + http->shared.header_us, !http->shared.is_tls);
}

/* libmicrohttpd tells the end of a connection before it closes the socket. */
static void on_connection(void *context, struct MHD_Connection *connection, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct http *http = context;
    struct http_connection *ending = *socket_context;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        begin_connection(http, connection, socket_context);
        return;
    }
    if (ending != NULL) {
        exchange_end_connection(ending);
        reaper_remove(http->reaper, &ending->watch);
        free(ending);
    }
    acceptor_closed(http->acceptor);
}

/* Without the port. */
static uint64_t hash_address(const struct sockaddr *address)
{
    union {
        const struct sockaddr *any;
        const struct sockaddr_in *v4;
        const struct sockaddr_in6 *v6;
    } same = {.any = address};
    const bool is_v6 = address->sa_family == AF_INET6;
    return is_v6 ? hash_bytes(HASH_START, &same.v6->sin6_addr, sizeof same.v6->sin6_addr)
                 : hash_bytes(HASH_START, &same.v4->sin_addr, sizeof same.v4->sin_addr);
}

/* The library wakes its own threads only. */
static void resume(struct http_shared *shared, struct MHD_Connection *connection)
{
    const struct io *io = io_of((const struct http *)shared, connection);
    MHD_resume_connection(connection);
    io_thread_wake(io->thread);
}

/* On the acceptor's thread, which ends before the I/O threads do. */
static void take_connection(void *context, int fd, const struct sockaddr *address,
                            socklen_t address_bytes)
{
    struct http *http = context;
    const uint64_t which = http->keeps_addresses ? hash_address(address) : http->next_io++;
    struct io *io = &http->io[which % http->n_io];
    pthread_mutex_lock(&io->lock);
    while (io->n_arrivals == MAX_ARRIVALS)
        pthread_cond_wait(&io->has_room, &io->lock);
    struct arrival *arrival = &io->arrivals[io->n_arrivals++];
    arrival->fd = fd;
    arrival->address_bytes = address_bytes;
    memcpy(&arrival->address, address, address_bytes);
    pthread_mutex_unlock(&io->lock);
    io_thread_wake(io->thread);
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
    const unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC |
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

/* In milliseconds; rounded up, as before them nothing is due. */
static int64_t until_paced_ms(const struct io *io)
{
    const int64_t due_us = pace_due_us(&io->turn.pace);
    const int64_t wait_us = due_us == CLOCK_NEVER ? due_us : due_us - monotonic_us();
    return wait_us <= 0 ? 0 : (wait_us - 1) / 1000 + 1;
}

static int timeout_of(void *context)
{
    const struct io *io = context;
    const int64_t paced_ms = until_paced_ms(io);
    MHD_UNSIGNED_LONG_LONG ms;
    if (MHD_get_timeout(io->daemon, &ms) != MHD_YES)
        return paced_ms < INT_MAX ? (int)paced_ms : -1;
    if (ms > (MHD_UNSIGNED_LONG_LONG)paced_ms)
        ms = (MHD_UNSIGNED_LONG_LONG)paced_ms;
    return ms < INT_MAX ? (int)ms : INT_MAX;
}

/* Whether one client has been the only one for a while, and its last request is answered. With two,
 * a thread that looks would take the core that the other's needs. */
static bool may_look(void *context)
{
    const struct io *io = context;
    return io->turn.n_now == 1 && io->turn.n_in_row >= MIN_IN_ROW && http_in_flight(io->http) == 0;
}

static unsigned take_arrivals(struct io *io, struct arrival taken[MAX_ARRIVALS])
{
    pthread_mutex_lock(&io->lock);
    const unsigned n = io->n_arrivals;
    memcpy(taken, io->arrivals, n * sizeof *taken);
    io->n_arrivals = 0;
    pthread_cond_signal(&io->has_room);
    pthread_mutex_unlock(&io->lock);
    return n;
}

/* The daemon is one thread's: connections are added on it, too. */
static bool run_daemon(void *context)
{
    struct io *io = context;
    struct arrival taken[MAX_ARRIVALS];
    const unsigned n = take_arrivals(io, taken);
    for (unsigned i = 0; i < n; i++)
        if (MHD_add_connection(io->daemon, taken[i].fd, (struct sockaddr *)&taken[i].address,
                               taken[i].address_bytes) != MHD_YES)
            acceptor_closed(io->http->acceptor);
    exchange_resume_paced(&io->turn.pace, monotonic_us());
    if (io->turn.n_now > 0)
        io->turn.n_before = io->turn.n_now;
    io->turn.n_now = io->turn.n_pieces = 0;
    MHD_run(io->daemon);
    return io->turn.n_now > 0 || io->turn.n_pieces > 0;
}

static void stop_io(struct io *io)
{
    io_thread_destroy(io->thread);
    for (unsigned i = 0; i < io->n_arrivals; i++)
        close(io->arrivals[i].fd);
    exchange_resume_paced(&io->turn.pace, CLOCK_NEVER);
    MHD_stop_daemon(io->daemon);
    pthread_cond_destroy(&io->has_room);
    pthread_mutex_destroy(&io->lock);
}

static enum lstm_status start_io(struct http *http, const struct http_options *options,
                                 struct lstm_error *error)
{
    http->io = calloc(options->n_threads, sizeof *http->io);
    if (http->io == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "no memory for %u I/O threads", options->n_threads);
    enum lstm_status status = LSTM_OK;
    while (http->n_io < options->n_threads && status == LSTM_OK) {
        struct io *io = &http->io[http->n_io];
        io->daemon = start_daemon(http, options);
        if (io->daemon == NULL)
            return lstm_fail(error, LSTM_IO, "cannot start I/O thread %u: %s", http->n_io,
                             strerror(errno));
        io->http = http;
        pthread_mutex_init(&io->lock, NULL);
        pthread_cond_init(&io->has_room, NULL);
        http->n_io++;
        const struct io_work work = {
            .fd = MHD_get_daemon_info(io->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd,
            .timeout_ms = timeout_of,
            .may_look = may_look,
            .look_us = options->busy_poll_us,
            .run = run_daemon,
            .context = io};
        status = io_thread_create(&work, &io->thread, error);
    }
    return status;
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
    http->shared.resume = resume;
    http->shared.header_us = (int64_t)options->header_timeout_s * 1000000;
    http->shared.body_us = (int64_t)options->body_timeout_s * 1000000;
    http->shared.idle_us = (int64_t)options->idle_timeout_s * 1000000;
    http->shared.is_tls = options->is_tls;
    http->shared.in_flight_gauge = metric_series(METRIC_IN_FLIGHT, NULL, NULL, NULL);
    enum lstm_status status = reaper_create(REAP_INTERVAL_MS, &http->reaper, error);
    if (status == LSTM_OK)
        status = start_io(http, options, error);
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

/* Two turns later, each thread has looked at everything that is there now. */
static void note_turns(struct http *http)
{
    for (unsigned i = 0; i < http->n_io; i++)
        http->io[i].n_turns = io_thread_n_turns(http->io[i].thread);
}

void http_quiesce(struct http *http)
{
    atomic_store(&http->shared.is_quiesced, true);
    acceptor_stop(http->acceptor);
    note_turns(http);
}

void http_hang_up(struct http *http)
{
    reaper_end_input(http->reaper);
    note_turns(http);
}

bool http_is_drained(struct http *http)
{
    bool has_looked = true;
    for (unsigned i = 0; i < http->n_io; i++) {
        struct io *io = &http->io[i];
        if (io_thread_n_turns(io->thread) - io->n_turns >= 2)
            continue;
        has_looked = false;
        io_thread_wake(io->thread);
    }
    return has_looked && http_in_flight(http) == 0;
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
    for (unsigned i = 0; i < http->n_io; i++)
        stop_io(&http->io[i]);
    reaper_destroy(http->reaper);
    acceptor_destroy(http->acceptor);
    free(http->io);
    free(http);
}
