/* pace.c: a rate, and a queue of those above it. SPDX-License-Identifier: Apache-2.0 */
#include "server/pace.h"

#include <stddef.h>

#include "server/clock.h"

enum { INTERVAL_US = 1000000 / PACE_RATE, TOLERANCE_US = PACE_BURST * INTERVAL_US };

bool pace_pass(struct pace *pace, struct pace_turn *turn, int64_t now_us)
{
    const int64_t most_us = now_us + PACE_MOST_WAIT_US + TOLERANCE_US;
    if (pace->busy_until_us < now_us)
        pace->busy_until_us = now_us;
    pace->busy_until_us += INTERVAL_US;
    if (pace->busy_until_us > most_us)
        pace->busy_until_us = most_us;
    *turn = (struct pace_turn){.due_us = pace->busy_until_us - TOLERANCE_US};
    if (turn->due_us <= now_us && pace->first == NULL)
        return true;
    if (pace->first == NULL)
        pace->first = turn;
    else
        pace->last->next = turn;
    pace->last = turn;
    return false;
}

struct pace_turn *pace_next(struct pace *pace, int64_t now_us)
{
    struct pace_turn *turn = pace->first;
    if (turn == NULL || turn->due_us > now_us)
        return NULL;
    pace->first = turn->next;
    return turn;
}

int64_t pace_due_us(const struct pace *pace)
{
    return pace->first != NULL ? pace->first->due_us : CLOCK_NEVER;
}
