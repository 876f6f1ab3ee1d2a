/* process_metrics.h: figures of the process as a whole. SPDX-License-Identifier: Apache-2.0 */
#ifndef PROCESS_METRICS_H
#define PROCESS_METRICS_H

/* Once, when the server starts: which build it is, and since when it runs. */
void process_metrics_start(void);

/* Brings those up to date that nobody counts: memory and processor time. Thread-safe. */
void process_metrics_measure(void);

#endif
