/* thread_policy.c: SCHED_BATCH, niceness, and the cores there are. SPDX-License-Identifier:
 * Apache-2.0 */
#include "server/thread_policy.h"

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include "server/cpu_quota.h"

void thread_policy_batch(void)
{
#ifdef SCHED_BATCH
    const struct sched_param no_priority = {0};
    (void)sched_setscheduler(0, SCHED_BATCH, &no_priority); /* of this thread, on Linux */
#endif
}

void thread_policy_nice(enum thread_nice steps)
{
#ifdef __linux__
    const int nice_now = getpriority(PRIO_PROCESS, 0); /* of this thread, on Linux */
    (void)setpriority(PRIO_PROCESS, 0, nice_now + (int)steps);
#else
    (void)steps;
#endif
}

unsigned thread_policy_n_cores(void)
{
#ifdef __linux__
    cpu_set_t set;
    const unsigned quota = cpu_quota_n_cores(CPU_QUOTA_GROUPS, CPU_QUOTA_OWN);
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        return (unsigned)CPU_COUNT(&set) < quota ? (unsigned)CPU_COUNT(&set) : quota;
#endif
    const long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (unsigned)n : 1;
}

void thread_policy_step_aside(void)
{
    (void)sched_yield();
}
