/* listener.h: the listening socket. SPDX-License-Identifier: Apache-2.0 */
#ifndef LISTENER_H
#define LISTENER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/lstm.h"

/* A TCP socket that listens on host (a name, or an IPv4 or IPv6 address) and *port; if that is 0,
 * a free port is taken and *port tells which. The connections that it accepts have TCP_NODELAY.
 * *fd is new: close it. IO: the address, what failed; then *fd is -1. */
LSTM_MUST_CHECK enum lstm_status listener_open(const char *host, uint16_t *port, int *fd,
                                               struct lstm_error *error);

/* Whether only this machine can reach the socket. */
bool listener_is_loopback(int fd);

#endif
