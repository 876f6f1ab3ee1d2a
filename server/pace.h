/* pace.h: spaces out answers that say "try again later". SPDX-License-Identifier: Apache-2.0
 *
 * A refusal costs as much HTTP as an answer. Clients that come back at once when they were refused
 * could therefore take the processor from those who were not. Here a few refusals pass as they
 * come; when more of them come than PACE_RATE a second, each waits for its turn, and its client
 * with it.
 *
 * The generic cell rate algorithm (ITU-T I.371, annex A) with a queue behind it: O(1), first come
 * first served. One thread's; times are microseconds of one monotonic clock. */
#ifndef PACE_H
#define PACE_H

#include <stdbool.h>
#include <stdint.h>

enum {
    PACE_RATE = 1000,            /* a second and I/O thread: some 3 % of a core */
    PACE_BURST = 100,            /* pass at once after a quiet time */
    PACE_MOST_WAIT_US = 1000000, /* beyond it they pass faster than the rate */
};

/* One that waits; the caller stores it. Fields are pace.c's own. */
struct pace_turn {
    int64_t due_us;
    struct pace_turn *next;
};

/* Begins as {0}. Fields are pace.c's own. */
struct pace {
    int64_t busy_until_us; /* when all that have come would have passed at the rate */
    struct pace_turn *first, *last;
};

/* True: it may pass now. False: `turn` waits, and is the pace's until pace_next() gives it back. */
bool pace_pass(struct pace *pace, struct pace_turn *turn, int64_t now_us);

/* The next one whose turn it is at now_us, which waits no more; NULL: there is none. CLOCK_NEVER
 * takes them all. */
struct pace_turn *pace_next(struct pace *pace, int64_t now_us);

/* When pace_next() has something; CLOCK_NEVER: nothing waits. */
int64_t pace_due_us(const struct pace *pace);

#endif
