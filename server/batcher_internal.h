/* batcher_internal.h: what queues and workers share. SPDX-License-Identifier: Apache-2.0
 *
 * One lock guards everything marked so; it is never held while computing, allocating or calling
 * back. */
#ifndef BATCHER_INTERNAL_H
#define BATCHER_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "server/batcher.h"
#include "server/metrics.h"
#include "server/snapshot.h"

struct batch_queue {
    struct batcher *batcher;
    atomic_size_t references;
    struct snapshot *first;       /* what the queue was made for; kept for its shapes */
    struct lstm_runner **runners; /* one per worker, and the guest's */
    struct metric_series *batch_size, *compute_seconds, *queue_seconds, *depth;

    /* Guarded by batcher->lock. */
    struct snapshot *current;
    struct batch_job *head, *tail;
    size_t n_waiting; /* sequences not yet taken */
    struct batch_queue *next_ready;
    bool is_ready;  /* in the ready list */
    bool is_shared; /* the first that wait were due: a worker took its share and left the rest */
};

struct worker;

struct batcher {
    struct batcher_options options;
    struct worker *workers; /* [n_workers], and the guest: whoever submits and computes himself */
    unsigned n_started;

    _Atomic int64_t submitted_us; /* the last job */

    pthread_mutex_t lock;
    pthread_cond_t work; /* signalled: a queue became ready, or stopping */

    /* Guarded by lock. */
    struct batch_queue *ready_head, *ready_tail;
    unsigned n_idle;
    bool has_guest;
    bool is_stopping;
};

/* Puts a queue that has jobs at the end of the ready list, which takes a reference. The lock is
 * held. */
void batch_queue_append_ready(struct batch_queue *queue);

/* Whether nothing is under way, so that the calling thread may compute. The lock is held. */
bool batcher_is_free(const struct batcher *batcher);

/* Computes the only job of a batcher that is free, and calls its done(). The lock is held when it
 * is called, and not when it returns. */
void batcher_run_here(struct batch_queue *queue);

#endif
