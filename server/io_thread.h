/* io_thread.h: a thread that calls a function when a descriptor is readable, somebody asks for
 * it, or time has passed.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef IO_THREAD_H
#define IO_THREAD_H

#include "core/lstm.h"

struct io_thread;

/* What the thread serves. Both are called on the thread alone. */
struct io_work {
    int fd;                           /* when it is readable there is work; borrowed */
    int (*timeout_ms)(void *context); /* when there is work at the latest; -1: no limit */
    void (*run)(void *context);       /* does what there is, without waiting */
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
