/* acceptor.c: the thread that accepts. SPDX-License-Identifier: Apache-2.0 */
#include "server/acceptor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/status.h"
#include "server/log.h"
#include "server/metrics.h"

/* How long to wait for a connection to close, or for file descriptors. */
enum { PAUSE_MS = 10 };

struct acceptor {
    int fd, stop_fd; /* the listening socket; readable once the thread is to end */
    bool is_running;
    unsigned max_connections;
    atomic_uint n_open;
    struct metric_series *connections; /* n_open, for who watches */
    void (*give)(void *context, int fd, const struct sockaddr *address, socklen_t address_bytes);
    void *context;
    pthread_t thread;
};

/* False: the thread is to end. */
static bool wait_for_work(const struct acceptor *acceptor, bool is_paused)
{
    struct pollfd fds[] = {{.fd = acceptor->stop_fd, .events = POLLIN},
                           {.fd = acceptor->fd, .events = POLLIN}};
    if (poll(fds, is_paused ? 1 : 2, is_paused ? PAUSE_MS : -1) < 0)
        return true;
    return fds[0].revents == 0;
}

/* Accepts what waits; false if it has to pause: too many are open, or no descriptor is left. */
static bool accept_all(struct acceptor *acceptor)
{
    while (atomic_load(&acceptor->n_open) < acceptor->max_connections) {
        struct sockaddr_storage address;
        socklen_t bytes = sizeof address;
        const int fd = accept4(acceptor->fd, (struct sockaddr *)&address, &bytes,
                               SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
            continue;
        if (fd < 0)
            return errno == EAGAIN || errno == EWOULDBLOCK;
        atomic_fetch_add(&acceptor->n_open, 1);
        metric_add(acceptor->connections, 1);
        acceptor->give(acceptor->context, fd, (struct sockaddr *)&address, bytes);
    }
    return false;
}

static void *run(void *context)
{
    struct acceptor *acceptor = context;
    bool is_paused = false;
    while (wait_for_work(acceptor, is_paused)) {
        const bool was_paused = is_paused;
        is_paused = !accept_all(acceptor);
        if (is_paused && !was_paused)
            log_warn("accepting_paused", L_INT("connections", atomic_load(&acceptor->n_open)));
    }
    return NULL;
}

static enum lstm_status start(struct acceptor *acceptor, struct lstm_error *error)
{
    const int flags = fcntl(acceptor->fd, F_GETFL);
    acceptor->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (flags < 0 || fcntl(acceptor->fd, F_SETFL, flags | O_NONBLOCK) < 0 || acceptor->stop_fd < 0)
        return lstm_fail(error, LSTM_IO, "cannot prepare to accept connections: %s",
                         strerror(errno));
    const int failure = pthread_create(&acceptor->thread, NULL, run, acceptor);
    if (failure != 0)
        return lstm_fail(error, LSTM_IO, "cannot start the thread that accepts connections: %s",
                         strerror(failure));
    acceptor->is_running = true;
    return LSTM_OK;
}

enum lstm_status acceptor_create(int fd, unsigned max_connections,
                                 void (*give)(void *context, int fd, const struct sockaddr *address,
                                              socklen_t address_bytes),
                                 void *context, struct acceptor **acceptor,
                                 struct lstm_error *error)
{
    *acceptor = NULL;
    struct acceptor *made = calloc(1, sizeof *made);
    if (made == NULL) {
        close(fd);
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory to accept connections");
    }
    made->fd = fd;
    made->stop_fd = -1;
    made->max_connections = max_connections;
    made->give = give;
    made->context = context;
    atomic_init(&made->n_open, 0);
    made->connections = metric_series(METRIC_CONNECTIONS, NULL, NULL, NULL);
    /* Before the thread starts: a connection may close before this returns. */
    *acceptor = made;
    const enum lstm_status status = start(made, error);
    if (status != LSTM_OK) {
        *acceptor = NULL;
        acceptor_destroy(made);
    }
    return status;
}

void acceptor_closed(struct acceptor *acceptor)
{
    atomic_fetch_sub(&acceptor->n_open, 1);
    metric_add(acceptor->connections, -1);
}

void acceptor_stop(struct acceptor *acceptor)
{
    const uint64_t one = 1;
    if (acceptor->is_running) {
        while (write(acceptor->stop_fd, &one, sizeof one) < 0 && errno == EINTR)
            continue;
        pthread_join(acceptor->thread, NULL);
        acceptor->is_running = false;
        /* Who has connected may have asked already, and would see the connection reset. */
        accept_all(acceptor);
    }
    if (acceptor->fd >= 0)
        close(acceptor->fd);
    acceptor->fd = -1;
}

void acceptor_destroy(struct acceptor *acceptor)
{
    if (acceptor == NULL)
        return;
    acceptor_stop(acceptor);
    if (acceptor->stop_fd >= 0)
        close(acceptor->stop_fd);
    free(acceptor);
}
