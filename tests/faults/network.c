/* network.c: a library to preload, whose sockets fail and whose calendar jumps as a plan says.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Built as build/libnetwork.so. Without LSTMD_NETWORK all calls go through. The kernel says EAGAIN,
 * or moves less than it could be asked to, only where a socket is not ready for more, and tells an
 * edge-triggered epoll when it is again: so is who is told so from here, as if the rest had come
 * just then. */
#include "tests/faults/network.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static struct network_plan *plan;

/* Which epoll watches a descriptor, and for what. One thread at a time has a descriptor. */
enum { MAX_WATCHED = 4096 };
static struct {
    int epoll;
    bool is_watched;
    struct epoll_event event;
} watched[MAX_WATCHED];

/* The C library's own function of this name. */
#define REAL(name) ((__typeof__(&(name)))(uintptr_t)dlsym(RTLD_NEXT, #name))

__attribute__((constructor)) static void map_plan(void)
{
    const char *path = getenv("LSTMD_NETWORK");
    if (path == NULL)
        return;
    const int fd = open(path, O_RDWR | O_CLOEXEC);
    void *at =
        fd >= 0 ? mmap(NULL, sizeof *plan, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : MAP_FAILED;
    if (at == MAP_FAILED) {
        perror("libnetwork");
        _exit(127);
    }
    close(fd);
    plan = at;
}

enum verdict { PASS, SHORTEN, FAIL };

/* Counts a call. FAIL: errno is set. */
static enum verdict judge(enum network_call call)
{
    if (plan == NULL)
        return PASS;
    atomic_fetch_add(&plan->n_calls, 1);
    if (atomic_load(&plan->call) != call)
        return PASS;
    const unsigned n = atomic_fetch_add(&plan->n_seen, 1), every = atomic_load(&plan->every);
    bool is_hit = every > 0 && n % every == 0;
    if (atomic_load(&plan->countdown) > 0)
        is_hit = atomic_fetch_sub(&plan->countdown, 1) == 1;
    if (!is_hit)
        return PASS;
    atomic_fetch_add(&plan->n_hit, 1);
    errno = atomic_load(&plan->reason);
    return errno == 0 ? SHORTEN : FAIL;
}

/* Has epoll look at it again, and tell if it is ready. Keeps errno. */
static void announce(int fd)
{
    const int before = errno;
    if (fd >= 0 && fd < MAX_WATCHED && watched[fd].is_watched)
        REAL(epoll_ctl)(watched[fd].epoll, EPOLL_CTL_MOD, fd, &watched[fd].event);
    errno = before;
}

/* Of a call that failed here. */
static ssize_t fail(int fd)
{
    if (errno == EAGAIN)
        announce(fd);
    return -1;
}

/* Of a call that was given a byte only. */
static ssize_t announce_rest(int fd, ssize_t moved)
{
    announce(fd);
    return moved;
}

int epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event)
{
    if (fd >= 0 && fd < MAX_WATCHED) {
        watched[fd].epoll = epoll;
        watched[fd].is_watched = operation != EPOLL_CTL_DEL;
        if (event != NULL)
            watched[fd].event = *event;
    }
    return REAL(epoll_ctl)(epoll, operation, fd, event);
}

ssize_t recv(int fd, void *data, size_t n, int flags)
{
    switch (judge(NETWORK_RECEIVE)) {
    case FAIL:
        return fail(fd);
    case SHORTEN:
        return announce_rest(fd, REAL(recv)(fd, data, n > 1 ? 1 : n, flags));
    default:
        return REAL(recv)(fd, data, n, flags);
    }
}

ssize_t send(int fd, const void *data, size_t n, int flags)
{
    switch (judge(NETWORK_SEND)) {
    case FAIL:
        return fail(fd);
    case SHORTEN:
        return announce_rest(fd, REAL(send)(fd, data, n > 1 ? 1 : n, flags));
    default:
        return REAL(send)(fd, data, n, flags);
    }
}

static ssize_t send_byte(int fd, const struct msghdr *message, int flags)
{
    for (size_t k = 0; k < message->msg_iovlen; k++)
        if (message->msg_iov[k].iov_len > 0)
            return announce_rest(fd, REAL(send)(fd, message->msg_iov[k].iov_base, 1, flags));
    return 0;
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    switch (judge(NETWORK_SEND)) {
    case FAIL:
        return fail(fd);
    case SHORTEN:
        return send_byte(fd, message, flags);
    default:
        return REAL(sendmsg)(fd, message, flags);
    }
}

int accept4(int fd, struct sockaddr *address, socklen_t *bytes, int flags)
{
    return judge(NETWORK_ACCEPT) == FAIL ? -1 : REAL(accept4)(fd, address, bytes, flags);
}

int epoll_wait(int epoll, struct epoll_event *events, int most, int timeout_ms)
{
    return judge(NETWORK_WAIT) == FAIL ? -1 : REAL(epoll_wait)(epoll, events, most, timeout_ms);
}

/* One that only looks is not interrupted. */
int poll(struct pollfd *fds, nfds_t n, int timeout_ms)
{
    return timeout_ms != 0 && judge(NETWORK_WAIT) == FAIL ? -1 : REAL(poll)(fds, n, timeout_ms);
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    const int failed = REAL(clock_gettime)(clock, now);
    if (failed == 0 && clock == CLOCK_REALTIME && plan != NULL)
        now->tv_sec += (time_t)atomic_load(&plan->calendar_s);
    return failed;
}

time_t time(time_t *seconds)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (seconds != NULL)
        *seconds = now.tv_sec;
    return now.tv_sec;
}
