/* thread_policy.h: how the kernel schedules a thread. SPDX-License-Identifier: Apache-2.0 */
#ifndef THREAD_POLICY_H
#define THREAD_POLICY_H

/* The calling thread does not interrupt another of this policy when it wakes: it waits for a free
 * core or the end of the other's turn, a few milliseconds at most. For threads that wake each other
 * thousands of times a second, which an I/O thread and a worker do: without it each takes the core
 * from the other in the middle of a batch. Linux only; elsewhere, or where the kernel refuses,
 * nothing changes. */
void thread_policy_batch(void);

/* Steps of niceness: where all cores are busy, three of them halve what a thread gets, ten leave a
 * tenth.
 *
 * THREAD_NICE_IO: what was accepted is finished before more is taken in, or refused.
 * THREAD_NICE_TRAINING: training lives on what predicts leave, but never starves. */
enum thread_nice { THREAD_NICE_IO = 3, THREAD_NICE_TRAINING = 10 };

/* Makes the calling thread nicer, for good. Linux only, as above. */
void thread_policy_nice(enum thread_nice steps);

/* How many cores the process may use: those of its affinity (taskset, a container's cpuset), or as
 * many as its control group's quota comes to (a container's or a unit's CPU limit), if fewer. */
unsigned thread_policy_n_cores(void);

/* Whoever waits for the calling thread's core goes first; if nobody does, nothing is lost. For a
 * nice thread, which is always ahead of what it is due: from another the kernel may take nothing.
 */
void thread_policy_step_aside(void);

#endif
