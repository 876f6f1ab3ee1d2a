/* give_way.h: a thread that computes for long, beside predicts that should not wait for it.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Where cores are few, a train-step would keep a worker or an I/O thread off a core for whole turns
 * of the kernel's scheduler, several milliseconds each. Instead it steps aside time and again, for
 * as long as predicts come; when none come, it runs through. The thread is to be a nice one
 * (thread_policy.h). */
#ifndef GIVE_WAY_H
#define GIVE_WAY_H

#include <stdint.h>

#include "server/batcher.h"

/* Of one thread. Begins as {.batcher = ...}. */
struct give_way {
    const struct batcher *batcher; /* whose jobs go first; borrowed; NULL: nobody's */
    int64_t rested_us;             /* when the thread last stepped aside */
};

/* lstm_trainer_options.give_way; context: a struct give_way of the calling thread. */
void give_way(void *context);

#endif
