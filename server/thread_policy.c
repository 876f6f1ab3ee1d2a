/* thread_policy.c: SCHED_BATCH. SPDX-License-Identifier: Apache-2.0 */
#include "server/thread_policy.h"

#include <sched.h>

void thread_policy_batch(void)
{
#ifdef SCHED_BATCH
    const struct sched_param no_priority = {0};
    (void)sched_setscheduler(0, SCHED_BATCH, &no_priority); /* of this thread, on Linux */
#endif
}
