/* network.h: what the preloaded library of failing sockets and a wandering calendar is told.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A test and a daemon that runs with build/libnetwork.so share a plan, a file that both map. The
 * environment variable LSTMD_NETWORK names it. */
#ifndef NETWORK_H
#define NETWORK_H

#include <stdatomic.h>

/* Kinds of calls. */
enum network_call {
    NETWORK_NONE,
    NETWORK_RECEIVE, /* recv */
    NETWORK_SEND,    /* send, sendmsg */
    NETWORK_ACCEPT,  /* accept4 */
    NETWORK_WAIT     /* epoll_wait, poll */
};

struct network_plan {
    _Atomic enum network_call call; /* the kind that fails */
    atomic_int reason;              /* with this errno; 0: it moves a single byte */
    atomic_uint every;              /* each so many-th, from the first on; 0: only the one below */
    atomic_uint countdown;          /* the call that this counts down to zero; 0: none */
    atomic_uint n_seen;             /* calls of this kind */
    atomic_uint n_hit;              /* of these, failed or short */
    atomic_uint n_calls;            /* of all kinds, always counted */
    atomic_llong calendar_s;        /* by how much the calendar is wrong */
};

#endif
