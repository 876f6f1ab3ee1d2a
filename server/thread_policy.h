/* thread_policy.h: how the kernel schedules a thread. SPDX-License-Identifier: Apache-2.0 */
#ifndef THREAD_POLICY_H
#define THREAD_POLICY_H

/* The calling thread does not interrupt another of this policy when it wakes: it waits for a free
 * core or the end of the other's turn, a few milliseconds at most. For threads that wake each other
 * thousands of times a second, which an I/O thread and a worker do: without it each takes the core
 * from the other in the middle of a batch. Linux only; elsewhere, or where the kernel refuses,
 * nothing changes. */
void thread_policy_batch(void);

/* Where all cores are busy, the calling thread gets half of what others get. For the I/O threads:
 * what was accepted is finished before more is taken in, or refused. */
void thread_policy_yield(void);

/* How many cores the process may use: those of its affinity (taskset, a container's cpuset). */
unsigned thread_policy_n_cores(void);

/* The calling thread sleeps as shortly as the kernel can, some 50 microseconds, and then waits for
 * its turn: whoever waits for its core goes first. sched_yield() would not do: the kernel may give
 * the core back at once, or charge for a whole turn. */
void thread_policy_step_aside(void);

#endif
