/* clock.h: the clock that only goes forward, and waiting by it. SPDX-License-Identifier: Apache-2.0
 *
 * The calendar may jump; what has to happen in time goes by CLOCK_MONOTONIC. Thread-safe. */
#ifndef CLOCK_H
#define CLOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* A moment that never comes. */
#define CLOCK_NEVER INT64_MAX

/* Microseconds of CLOCK_MONOTONIC. */
int64_t monotonic_us(void);

/* Seconds that have passed since then. */
double seconds_since(int64_t since_us);

/* A condition for clock_wait(). With glibc it needs no memory and cannot fail. */
void clock_condition_init(pthread_cond_t *condition);

/* Waits for a signal, until until_us at most (CLOCK_NEVER: without limit). False: the time is over.
 * As with pthread_cond_wait(), the lock is held, given up meanwhile, and true may be no signal. */
bool clock_wait(pthread_cond_t *condition, pthread_mutex_t *lock, int64_t until_us);

#endif
