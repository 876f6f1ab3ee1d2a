/* metrics.h: counters, gauges and histograms in the Prometheus text format, from one table.
 * SPDX-License-Identifier: Apache-2.0
 *
 * metrics.c holds the table of families: name, kind, help, label names, buckets. A family's series
 * are made on first use and kept. Updating is thread-safe and takes no lock after a series was
 * found: keep the pointer where it is used often. */
#ifndef METRICS_H
#define METRICS_H

#include <stdint.h>

#include "server/buf.h"

enum metric {
    METRIC_REQUESTS,         /* counter {model, route, code} */
    METRIC_REQUEST_SECONDS,  /* histogram {route}: header read to answer queued */
    METRIC_QUEUE_SECONDS,    /* histogram {model}: waiting for a worker */
    METRIC_COMPUTE_SECONDS,  /* histogram {model}: one batch in dynamic_rnn */
    METRIC_BATCH_SIZE,       /* histogram {model}: sequences of one batch */
    METRIC_QUEUE_DEPTH,      /* gauge {model}: sequences that wait */
    METRIC_LOADED_VERSIONS,  /* gauge {model}: versions that can serve */
    METRIC_LOAD_FAILURES,    /* counter {model}: versions that could not be loaded */
    METRIC_IN_FLIGHT,        /* gauge: requests received and not answered */
    METRIC_RECEIVED_BYTES,   /* counter: bodies */
    METRIC_SENT_BYTES,       /* counter: bodies */
    METRIC_SESSIONS_LIVE,    /* gauge */
    METRIC_SESSIONS_CREATED, /* counter */
    METRIC_SESSIONS_EXPIRED, /* counter: by --session-ttl-seconds */
    METRIC_SESSIONS_EVICTED, /* counter: for a newer one */
    METRIC_STORE_UP,         /* gauge: of --session-store redis:// */
    METRIC_STORE_SECONDS,    /* histogram: one question to it */
    METRIC_STORE_CONFLICTS,  /* counter: pieces run again */
    METRIC_CONNECTIONS,      /* gauge: accepted and not closed */
    METRIC_SLOW_CLIENTS,     /* counter: cut by the reaper */
    METRIC_TRAIN_STEPS,      /* counter {model}: that count */
    METRIC_TRAIN_SECONDS,    /* histogram {model}: one step, without queue and disk */
    METRIC_TRAIN_BYTES,      /* gauge: examples that wait for the training thread, or are in hand */
    METRIC_BUILD,            /* gauge {version, kernels}: 1 */
    METRIC_START_SECONDS,    /* gauge: since 1970 */
    METRIC_CPU_SECONDS,      /* counter: as the kernel counts it, when it is asked for */
    METRIC_RESIDENT_BYTES,   /* gauge: the same */
    N_METRICS
};

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

struct metric_family {
    const char *name; /* lstmd_requests_total */
    enum metric_kind kind;
    const char *help;
    const char *labels[3]; /* names; NULL where fewer */
    const double *buckets; /* of a histogram, ascending, ended by 0; +Inf is implied */
};
extern const struct metric_family metric_families[N_METRICS];

struct metric_series;

/* The series of these label values (NULL where the family has fewer). Never NULL: when memory or
 * the bound on series per family is exhausted it is a shared series that is not shown. Borrowed. */
struct metric_series *metric_series(enum metric metric, const char *a, const char *b,
                                    const char *c);
void metric_add(struct metric_series *series, double value);     /* counter, gauge */
void metric_set(struct metric_series *series, double value);     /* gauge; what another counts */
void metric_observe(struct metric_series *series, double value); /* histogram */

/* Appends all families in the text format 0.0.4, series in order of their labels. */
void metrics_write(struct buf *out);
/* Forgets all series; for tests, with no other thread running. */
void metrics_reset(void);

#endif
