/* reserved_port.c: bind without listen. SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/reserved_port.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

void reserved_port_take(struct reserved_port *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof address;
    const int on = 1;
    port->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(port->fd, 0);
    ck_assert_int_eq(setsockopt(port->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
    ck_assert_int_eq(bind(port->fd, (struct sockaddr *)&address, n), 0);
    ck_assert_int_eq(getsockname(port->fd, (struct sockaddr *)&address, &n), 0);
    port->number = ntohs(address.sin_port);
    snprintf(port->text, sizeof port->text, "%u", port->number);
}

void reserved_port_release(struct reserved_port *port)
{
    close(port->fd);
}
