/* schedule.h: how the learning rate changes over a training. SPDX-License-Identifier: Apache-2.0 */
#ifndef SCHEDULE_H
#define SCHEDULE_H

#include <stddef.h>
#include <stdint.h>

enum { SCHEDULE_CONSTANT, SCHEDULE_ONE_CYCLE, N_SCHEDULES };

/* The names, NULL-ended, in the order of the numbers above. */
extern const char *const schedule_names[N_SCHEDULES + 1];

/* The learning rate of step `step` (from 0) of n_steps, at most `peak`. */
double schedule_rate(int schedule, double peak, uint64_t step, uint64_t n_steps);

#endif
