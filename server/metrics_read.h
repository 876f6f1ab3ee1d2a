/* metrics_read.h: the metrics of a running server, read back from the Prometheus text format.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef METRICS_READ_H
#define METRICS_READ_H

#include "server/buf.h"

/* One line, `name{label="value"} 3`. */
struct metric_line {
    const char *series; /* name and labels, NUL-terminated; borrowed from the reading */
    size_t name_bytes;  /* of the name within it */
    double value;
};

struct metrics_reading {
    struct buf text; /* owned */
    struct metric_line *lines;
    size_t n;
};

/* Takes the text (also on failure), which it empties. Lines that are no series are left out.
 * NO_MEMORY. On failure *reading is empty. */
LSTM_MUST_CHECK enum lstm_status metrics_read(struct buf *text, struct metrics_reading *reading,
                                              struct lstm_error *error);
void metrics_reading_release(struct metrics_reading *reading);

bool metric_line_is(const struct metric_line *line, const char *name);
/* Copies a label's value, cut to `room` bytes and as it is escaped; "" if there is none. */
void metric_line_label(const struct metric_line *line, const char *label, char *out, size_t room);

/* How much a counter grew since an earlier reading; after a restart of the server, all of it. */
double metric_line_growth(const struct metric_line *line, const struct metrics_reading *before);

enum { METRIC_MAX_BOUNDS = 64 };

/* What grew in a histogram, over all of its series that were added. */
struct metric_growth {
    double bounds[METRIC_MAX_BOUNDS]; /* ascending; the last may be infinite */
    double counts[METRIC_MAX_BOUNDS]; /* not cumulated */
    size_t n;
};

/* The growth of histogram `name` since `before`; is_wanted: of which series (NULL: all). */
void metrics_growth_of(const struct metrics_reading *now, const struct metrics_reading *before,
                       const char *name, bool (*is_wanted)(const struct metric_line *line),
                       struct metric_growth *growth);

/* The value below which a share of the histogram lies, evenly spread in its bucket; a negative
 * number: it is empty. */
double metric_growth_quantile(const struct metric_growth *growth, double share);

#endif
