/* give_way.c: when a thread steps aside. SPDX-License-Identifier: Apache-2.0 */
#include "server/give_way.h"

#include "server/clock.h"
#include "server/thread_policy.h"

/* TURN_US: half of what a batch of predicts takes. AFTER_US: so long after the last one, predicts
 * still count as coming: longer than they might be held up by the thread itself. */
enum { TURN_US = 250, AFTER_US = 20000 };

void give_way(void *context)
{
    struct give_way *own = context;
    const int64_t now_us = monotonic_us();
    if (own->batcher == NULL || now_us - own->rested_us < TURN_US)
        return;
    own->rested_us = now_us;
    if (now_us - batcher_submitted_us(own->batcher) > AFTER_US)
        return;
    thread_policy_step_aside();
    own->rested_us = monotonic_us();
}
