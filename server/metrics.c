/* metrics.c: the table of metrics, and their series. SPDX-License-Identifier: Apache-2.0
 *
 * Each family is a hash table of chains that only grow, at their heads, under one lock; whoever
 * looks up follows them without it. Values are doubles, added to by compare and exchange. */
#include "server/metrics.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "server/hash.h"
#include "server/metrics_series.h"

enum { N_CHAINS = 64 };

static const double seconds[] = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                 0.1,    0.25,    0.5,    1,     2.5,    5,     10,   0};
static const double sizes[] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 0};

const struct metric_family metric_families[N_METRICS] = {
    [METRIC_REQUESTS] = {.name = "lstmd_requests_total",
                         .kind = METRIC_COUNTER,
                         .help = "HTTP requests answered.",
                         .labels = {"model", "route", "code"}},
    [METRIC_REQUEST_SECONDS] = {.name = "lstmd_request_duration_seconds",
                                .kind = METRIC_HISTOGRAM,
                                .help = "Time from the header of a request to its answer.",
                                .labels = {"route"},
                                .buckets = seconds},
    [METRIC_QUEUE_SECONDS] = {.name = "lstmd_queue_duration_seconds",
                              .kind = METRIC_HISTOGRAM,
                              .help = "Time that a request waited for a worker.",
                              .labels = {"model"},
                              .buckets = seconds},
    [METRIC_COMPUTE_SECONDS] = {.name = "lstmd_compute_duration_seconds",
                                .kind = METRIC_HISTOGRAM,
                                .help = "Time of one batch in dynamic_rnn.",
                                .labels = {"model"},
                                .buckets = seconds},
    [METRIC_BATCH_SIZE] = {.name = "lstmd_batch_size",
                           .kind = METRIC_HISTOGRAM,
                           .help = "Sequences of one batch.",
                           .labels = {"model"},
                           .buckets = sizes},
    [METRIC_QUEUE_DEPTH] = {.name = "lstmd_queue_depth",
                            .kind = METRIC_GAUGE,
                            .help = "Sequences that wait for a worker.",
                            .labels = {"model"}},
    [METRIC_LOADED_VERSIONS] = {.name = "lstmd_loaded_versions",
                                .kind = METRIC_GAUGE,
                                .help = "Versions of a model that can serve.",
                                .labels = {"model"}},
    [METRIC_LOAD_FAILURES] = {.name = "lstmd_load_failures_total",
                              .kind = METRIC_COUNTER,
                              .help = "Versions of a model that failed to load.",
                              .labels = {"model"}},
    [METRIC_IN_FLIGHT] = {.name = "lstmd_requests_in_flight",
                          .kind = METRIC_GAUGE,
                          .help = "HTTP requests received and not yet answered."},
    [METRIC_RECEIVED_BYTES] = {.name = "lstmd_received_bytes_total",
                               .kind = METRIC_COUNTER,
                               .help = "Bytes of request bodies."},
    [METRIC_SENT_BYTES] = {.name = "lstmd_sent_bytes_total",
                           .kind = METRIC_COUNTER,
                           .help = "Bytes of response bodies."},
    [METRIC_SESSIONS_LIVE] = {.name = "lstmd_sessions_live",
                              .kind = METRIC_GAUGE,
                              .help = "Sessions that can go on."},
    [METRIC_SESSIONS_CREATED] = {.name = "lstmd_sessions_created_total",
                                 .kind = METRIC_COUNTER,
                                 .help = "Sessions begun."},
    [METRIC_SESSIONS_EXPIRED] = {.name = "lstmd_sessions_expired_total",
                                 .kind = METRIC_COUNTER,
                                 .help = "Sessions ended because they were idle too long."},
    [METRIC_SESSIONS_EVICTED] = {.name = "lstmd_sessions_evicted_total",
                                 .kind = METRIC_COUNTER,
                                 .help = "Sessions ended because a newer one needed their place."},
    [METRIC_STORE_UP] = {.name = "lstmd_session_store_up",
                         .kind = METRIC_GAUGE,
                         .help = "Whether the Redis server of the sessions answered last time."},
    [METRIC_STORE_SECONDS] = {.name = "lstmd_session_store_duration_seconds",
                              .kind = METRIC_HISTOGRAM,
                              .help = "Time of one question to the Redis server of the sessions.",
                              .buckets = seconds},
    [METRIC_STORE_CONFLICTS] = {.name = "lstmd_session_conflicts_total",
                                .kind = METRIC_COUNTER,
                                .help = "Pieces of sessions that ran again because another server "
                                        "was faster."},
    [METRIC_CONNECTIONS] = {.name = "lstmd_connections",
                            .kind = METRIC_GAUGE,
                            .help = "Connections that are open."},
    [METRIC_SLOW_CLIENTS] = {.name = "lstmd_slow_connections_total",
                             .kind = METRIC_COUNTER,
                             .help = "Connections closed because the header, the body or the "
                                     "answer took too long."},
    [METRIC_TRAIN_STEPS] = {.name = "lstmd_train_steps_total",
                            .kind = METRIC_COUNTER,
                            .help = "Train-steps applied.",
                            .labels = {"model"}},
    [METRIC_TRAIN_SECONDS] = {.name = "lstmd_train_step_duration_seconds",
                              .kind = METRIC_HISTOGRAM,
                              .help = "Time of one train-step's computation.",
                              .labels = {"model"},
                              .buckets = seconds},
    [METRIC_TRAIN_BYTES] = {.name = "lstmd_train_queue_bytes",
                            .kind = METRIC_GAUGE,
                            .help = "Memory of the examples that wait to be trained on."},
    [METRIC_BUILD] = {.name = "lstmd_build_info",
                      .kind = METRIC_GAUGE,
                      .help =
                          "Always 1; the labels tell the version and the instruction set in use.",
                      .labels = {"version", "kernels"}},
    /* By the names that Prometheus has for every process. */
    [METRIC_START_SECONDS] = {.name = "process_start_time_seconds",
                              .kind = METRIC_GAUGE,
                              .help = "When the server started, in seconds since 1970."},
    [METRIC_CPU_SECONDS] = {.name = "process_cpu_seconds_total",
                            .kind = METRIC_COUNTER,
                            .help = "Processor time of the server, in the kernel and outside."},
    [METRIC_RESIDENT_BYTES] = {.name = "process_resident_memory_bytes",
                               .kind = METRIC_GAUGE,
                               .help = "Memory of the server that is in RAM."},
};

static _Atomic(struct metric_series *) chains[N_METRICS][N_CHAINS];
static size_t n_series[N_METRICS]; /* under the lock */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct metric_series overflow; /* without a family: updates of it do nothing */

static uint64_t hash_labels(const char *const labels[3])
{
    return hash_text(hash_text(hash_text(HASH_START, labels[0]), labels[1]), labels[2]);
}

static bool has_labels(const struct metric_series *series, const char *const labels[3])
{
    return strcmp(series->labels[2], labels[2]) == 0 && strcmp(series->labels[1], labels[1]) == 0 &&
           strcmp(series->labels[0], labels[0]) == 0;
}

static struct metric_series *find(_Atomic(struct metric_series *) *chain,
                                  const char *const labels[3])
{
    struct metric_series *series = atomic_load_explicit(chain, memory_order_acquire);
    while (series != NULL && !has_labels(series, labels))
        series = series->next;
    return series;
}

static size_t count_buckets(const struct metric_family *family)
{
    size_t n = 0;
    while (family->buckets != NULL && family->buckets[n] > 0)
        n++;
    return n;
}

/* A series and, behind it, its counts of buckets and the texts of its labels; NULL: no memory. */
static struct metric_series *create(const struct metric_family *family, const char *const labels[3])
{
    size_t n_buckets = count_buckets(family);
    size_t counts = family->kind == METRIC_HISTOGRAM ? n_buckets + 1 : 0, text = 0;
    for (size_t k = 0; k < 3; k++)
        text += strlen(labels[k]) + 1;
    struct metric_series *series =
        calloc(1, sizeof *series + counts * sizeof *series->counts + text);
    if (series == NULL)
        return NULL;
    series->family = family;
    series->n_buckets = n_buckets;
    char *place = (char *)series + sizeof *series + counts * sizeof *series->counts;
    for (size_t k = 0; k < 3; k++) {
        size_t n = strlen(labels[k]) + 1;
        memcpy(place, labels[k], n);
        series->labels[k] = place;
        place += n;
    }
    return series;
}

/* Puts a new series before the others of its chain; under the lock. NULL: no room. */
static struct metric_series *add(enum metric metric, _Atomic(struct metric_series *) *chain,
                                 const char *const labels[3])
{
    if (n_series[metric] == METRIC_MAX_SERIES)
        return NULL;
    struct metric_series *series = create(&metric_families[metric], labels);
    if (series == NULL)
        return NULL;
    series->next = atomic_load_explicit(chain, memory_order_relaxed);
    atomic_store_explicit(chain, series, memory_order_release);
    n_series[metric]++;
    return series;
}

struct metric_series *metric_series(enum metric metric, const char *a, const char *b, const char *c)
{
    const char *const labels[3] = {a ? a : "", b ? b : "", c ? c : ""};
    _Atomic(struct metric_series *) *chain = &chains[metric][hash_labels(labels) % N_CHAINS];
    struct metric_series *series = find(chain, labels);
    if (series != NULL)
        return series;
    pthread_mutex_lock(&lock);
    series = find(chain, labels);
    if (series == NULL)
        series = add(metric, chain, labels);
    pthread_mutex_unlock(&lock);
    return series != NULL ? series : &overflow;
}

static double to_real(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint64_t to_bits(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static void add_real(_Atomic uint64_t *place, double value)
{
    uint64_t old = atomic_load_explicit(place, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(place, &old, to_bits(to_real(old) + value),
                                                  memory_order_relaxed, memory_order_relaxed)) {}
}

void metric_add(struct metric_series *series, double value)
{
    add_real(&series->value, value);
}

void metric_set(struct metric_series *series, double value)
{
    atomic_store_explicit(&series->value, to_bits(value), memory_order_relaxed);
}

void metric_observe(struct metric_series *series, double value)
{
    if (series->family == NULL)
        return;
    size_t k = 0;
    while (k < series->n_buckets && value > series->family->buckets[k])
        k++;
    atomic_fetch_add_explicit(&series->counts[k], 1, memory_order_relaxed);
    add_real(&series->value, value);
}

double metric_value(const struct metric_series *series)
{
    return to_real(atomic_load_explicit(&series->value, memory_order_relaxed));
}

size_t metric_collect(enum metric metric, const struct metric_series *found[METRIC_MAX_SERIES])
{
    size_t n = 0;
    for (size_t k = 0; k < N_CHAINS; k++) {
        struct metric_series *series =
            atomic_load_explicit(&chains[metric][k], memory_order_acquire);
        for (; series != NULL && n < METRIC_MAX_SERIES; series = series->next)
            found[n++] = series;
    }
    return n;
}

static void free_chain(_Atomic(struct metric_series *) *chain)
{
    struct metric_series *series = atomic_exchange(chain, NULL);
    while (series != NULL) {
        struct metric_series *next = series->next;
        free(series);
        series = next;
    }
}

void metrics_reset(void)
{
    for (size_t metric = 0; metric < N_METRICS; metric++) {
        for (size_t k = 0; k < N_CHAINS; k++)
            free_chain(&chains[metric][k]);
        n_series[metric] = 0;
    }
}
