/* schedule.c: the learning-rate schedules. SPDX-License-Identifier: Apache-2.0
 *
 * one-cycle is the policy of Smith and Topin, "Super-convergence" (2018), with the constants that
 * fastai and PyTorch use: up from peak / 25 over the first 30 % of the steps, then down to almost
 * nothing, both along half a cosine. */
#include "server/schedule.h"

#include <math.h>

static double rate_constant(double peak, uint64_t step, uint64_t n_steps)
{
    (void)step, (void)n_steps;
    return peak;
}

/* Half a cosine from `from` (share 0) to `to` (share 1). */
static double cosine(double from, double to, double share)
{
    static const double pi = 3.14159265358979323846;
    return to + (from - to) * (1 + cos(pi * share)) / 2;
}

static double rate_one_cycle(double peak, uint64_t step, uint64_t n_steps)
{
    const double warm_up = 0.3, first = peak / 25, last = first / 1e4;
    double end = (double)n_steps - 1, now = (double)step < end ? (double)step : end;
    double top = warm_up * (double)n_steps - 1;
    if (now < top)
        return cosine(first, peak, now / top);
    if (top < 0)
        top = 0;
    return cosine(peak, last, end > top ? (now - top) / (end - top) : 0);
}

const char *const schedule_names[N_SCHEDULES + 1] = {
    [SCHEDULE_CONSTANT] = "constant",
    [SCHEDULE_ONE_CYCLE] = "one-cycle",
};

static double (*const rates[N_SCHEDULES])(double peak, uint64_t step, uint64_t n_steps) = {
    [SCHEDULE_CONSTANT] = rate_constant,
    [SCHEDULE_ONE_CYCLE] = rate_one_cycle,
};

double schedule_rate(int schedule, double peak, uint64_t step, uint64_t n_steps)
{
    return rates[schedule](peak, step, n_steps);
}
