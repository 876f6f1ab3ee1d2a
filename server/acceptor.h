/* acceptor.h: takes connections from the listening socket. SPDX-License-Identifier: Apache-2.0
 *
 * libmicrohttpd 0.9 can accept by itself, but with epoll it aborts the process now and then when it
 * is told to stop accepting: two threads take the socket out of one epoll set. So it is not given
 * the socket, but each connection. */
#ifndef ACCEPTOR_H
#define ACCEPTOR_H

#include <sys/socket.h>

#include "core/lstm.h"

struct acceptor;

/* Takes connections from a listening socket (taken, also after an error) on a thread of its own and
 * gives each, non-blocking, to give(), which owns it then. With max_connections open, more wait in
 * the kernel's backlog. *acceptor is new. IO, NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status acceptor_create(
    int fd, unsigned max_connections,
    void (*give)(void *context, int fd, const struct sockaddr *address, socklen_t address_bytes),
    void *context, struct acceptor **acceptor, struct lstm_error *error);

/* To be told of every connection given that closes. Thread-safe. */
void acceptor_closed(struct acceptor *acceptor);

/* Ends the thread and closes the listening socket: clients are refused from then on. May be called
 * again. */
void acceptor_stop(struct acceptor *acceptor);
void acceptor_destroy(struct acceptor *acceptor);

#endif
