/* listener.c: resolves, binds, listens. SPDX-License-Identifier: Apache-2.0 */
#include "server/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/status.h"

static uint16_t bound_port(int fd)
{
    struct sockaddr_storage address = {0};
    socklen_t n = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &n) != 0)
        return 0;
    if (address.ss_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)&address)->sin6_port);
    return ntohs(((const struct sockaddr_in *)&address)->sin_port);
}

/* The socket; -1, with errno, if it cannot be had. */
static int listen_on(const struct addrinfo *address)
{
    const int on = 1;
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    /* SO_REUSEADDR lets a restarted server bind while old connections linger. Accepted sockets
     * inherit TCP_NODELAY. */
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0 &&
        bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0)
        return fd;
    int reason = errno;
    close(fd);
    errno = reason;
    return -1;
}

enum lstm_status listener_open(const char *host, uint16_t *port, int *fd, struct lstm_error *error)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC,
                                   .ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    char service[8];
    snprintf(service, sizeof service, "%u", (unsigned)*port);
    struct addrinfo *addresses;
    *fd = -1;
    int failure = getaddrinfo(host, service, &hints, &addresses);
    if (failure != 0)
        return lstm_fail(error, LSTM_IO, "cannot listen on %s: %s", host, gai_strerror(failure));
    for (const struct addrinfo *address = addresses; address != NULL && *fd < 0;
         address = address->ai_next)
        *fd = listen_on(address);
    int reason = errno;
    freeaddrinfo(addresses);
    if (*fd < 0)
        return lstm_fail(error, LSTM_IO, "cannot listen on %s, port %u: %s", host, (unsigned)*port,
                         strerror(reason));
    *port = bound_port(*fd);
    return LSTM_OK;
}

bool listener_is_loopback(int fd)
{
    struct sockaddr_storage address = {0};
    socklen_t n = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &n) != 0)
        return false;
    if (address.ss_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)&address)->sin6_addr);
    return ntohl(((const struct sockaddr_in *)&address)->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}
