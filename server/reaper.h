/* reaper.h: closes connections that take too long, however steadily they trickle.
 * SPDX-License-Identifier: Apache-2.0
 *
 * An idle timeout alone lets a client hold a connection for ever by sending a byte now and then.
 * Here each connection has a deadline for what it is doing: a thread looks at all of them several
 * times per second and shuts down those that are late. The thread that serves a connection then
 * sees its end and cleans up.
 *
 * A watch is moved on by one thread at a time, that which serves the connection; whether the
 * connection was cut in the meantime is decided once, atomically. */
#ifndef REAPER_H
#define REAPER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/lstm.h"

struct reaper;

/* One connection. Fields are reaper.c's own; the caller stores it. */
struct watch {
    _Atomic int64_t until_us; /* monotonic; 0: not limited; WATCH_CUT: too late */
    atomic_bool may_answer;   /* nothing of an answer was sent, so that 408 may be */
    int fd;
    struct watch *next, *previous;
};

/* Starts the thread. interval_ms: how late a connection may be cut. *reaper is new. */
LSTM_MUST_CHECK enum lstm_status reaper_create(unsigned interval_ms, struct reaper **reaper,
                                               struct lstm_error *error);

/* Begins and ends watching the socket `fd`, not limited yet. Until reaper_remove() has returned, fd
 * must stay open: a number that was reused would cut a stranger. */
void reaper_add(struct reaper *reaper, struct watch *watch, int fd);
void reaper_remove(struct reaper *reaper, struct watch *watch);

/* From now on the connection is cut at until_us (0: never); with may_answer, a 408 is sent first.
 * False: it has been cut already. Takes no lock. */
bool watch_until(struct watch *watch, int64_t until_us, bool may_answer);

/* Nothing more is received on the sockets that are watched but what has arrived already. */
void reaper_end_input(struct reaper *reaper);

/* Joins the thread. Nothing may be watched any more. */
void reaper_destroy(struct reaper *reaper);

#endif
