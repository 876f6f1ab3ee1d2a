/* io_thread.h: a thread that calls a function when a descriptor is readable, somebody asks for
 * it, or time has passed.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IO_THREAD_H
#define IO_THREAD_H

#include <stdbool.h>
#include <stdint.h>

#include "core/lstm.h"

struct io_thread;

/* What the thread serves. All are called on the thread alone. */
struct io_work {
    int fd;                           /* when it is readable there is work; borrowed */
    int (*timeout_ms)(void *context); /* when there is work at the latest; -1: no limit */
    bool (*may_look)(void *context);  /* whether nobody misses the core while the thread looks for
                                         work */
    int64_t look_us; /* if so, and the last wait was over as soon, the thread looks again and again
                        for so long before it sleeps, as waking up takes some 50 microseconds;
                        0: never, and may_look may be NULL */
    bool (*run)(void *context); /* does what there is, without waiting; whether that was anything */
    void *context;
};

/* *thread is new. IO, NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status
io_thread_create(const struct io_work *work, struct io_thread **thread, struct lstm_error *error);

/* Has run() called soon. Thread-safe. */
void io_thread_wake(struct io_thread *thread);

/* How often run() has returned. When it has twice more, it has begun and returned since.
 * Thread-safe.
 */
unsigned long io_thread_n_turns(const struct io_thread *thread);

/* Ends the thread and frees all. */
void io_thread_destroy(struct io_thread *thread);

#endif
