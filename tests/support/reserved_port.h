/* reserved_port.h: a port that stays free for the one it is meant for.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A port that was free a moment ago may be anybody's by now. While a socket is bound to it that
 * does not listen, the kernel gives it to nobody else, neither who asks for any port nor who
 * connects; connections to it are refused; and whoever sets SO_REUSEADDR, as lstmd and Redis do,
 * may listen on it, leave, and come back. */
#ifndef RESERVED_PORT_H
#define RESERVED_PORT_H

#include <stdint.h>

struct reserved_port {
    int fd;
    uint16_t number;
    char text[8]; /* the number, in decimal */
};

/* A port of 127.0.0.1. */
void reserved_port_take(struct reserved_port *port);
void reserved_port_release(struct reserved_port *port);

#endif
