/* metrics_series.h: a series from within: what metrics.c counts and metrics_text.c writes.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef METRICS_SERIES_H
#define METRICS_SERIES_H

#include <stdatomic.h>

#include "server/metrics.h"

enum { METRIC_MAX_SERIES = 1024 }; /* of one family */

struct metric_series {
    struct metric_series *next; /* of its chain */
    const struct metric_family *family;
    const char *labels[3];  /* values; "" where the family has fewer */
    _Atomic uint64_t value; /* the bits of a double; a histogram's sum */
    size_t n_buckets;
    _Atomic uint64_t counts[]; /* n_buckets of a histogram, not cumulated, and that of +Inf */
};

/* The value of a counter or gauge, the sum of a histogram, now. */
double metric_value(const struct metric_series *series);

/* All series of a family, in no order; returns how many. */
size_t metric_collect(enum metric metric, const struct metric_series *found[METRIC_MAX_SERIES]);

#endif
