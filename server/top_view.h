/* top_view.h: what `lstmd top` shows: what a server did between two readings of its metrics.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TOP_VIEW_H
#define TOP_VIEW_H

#include "server/metrics_read.h"

struct top_interval {
    const struct metrics_reading *before, *now;
    double seconds; /* between them */
};

/* Appends lines of text, at most `columns` wide except for long names. Requests that only look at
 * the server (metrics, health, the page's files) do not count. */
void top_view(const struct top_interval *interval, size_t columns, struct buf *out);

#endif
