/* process_metrics.c: what the kernel knows of this process. SPDX-License-Identifier: Apache-2.0 */
#include "server/process_metrics.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "core/lstm.h"
#include "server/metrics.h"

static void set(enum metric metric, double value)
{
    metric_set(metric_series(metric, NULL, NULL, NULL), value);
}

static void set_time(enum metric metric, clockid_t clock)
{
    struct timespec now;
    if (clock_gettime(clock, &now) == 0)
        set(metric, (double)now.tv_sec + (double)now.tv_nsec * 1e-9);
}

/* Resident pages are the second number of statm (proc(5)). */
static void measure_memory(void)
{
    unsigned long pages;
    FILE *const file = fopen("/proc/self/statm", "re");
    if (file == NULL)
        return;
    if (fscanf(file, "%*u %lu", &pages) == 1)
        set(METRIC_RESIDENT_BYTES, (double)pages * (double)sysconf(_SC_PAGESIZE));
    fclose(file);
}

void process_metrics_start(void)
{
    metric_set(metric_series(METRIC_BUILD, LSTM_VERSION, lstm_cpu_kernels(), NULL), 1);
    set_time(METRIC_START_SECONDS, CLOCK_REALTIME);
}

void process_metrics_measure(void)
{
    measure_memory();
    set_time(METRIC_CPU_SECONDS, CLOCK_PROCESS_CPUTIME_ID);
}
