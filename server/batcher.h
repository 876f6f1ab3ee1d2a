/* batcher.h: whatever requests are in flight become batches of one dynamic_rnn call.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A model version has one bounded queue of jobs, each one or more sequences. Workers, each with a
 * runner of its own per queue, take what waits: a batch is what arrived while the last one ran, up
 * to max_batch sequences, and an idle server runs a batch of one at once. A job may be cut over
 * several batches; while other workers idle, a batch leaves them their share. Queues with work take
 * turns. Within a queue, jobs start in order of arrival.
 *
 * A small job that is all there is may be computed by the thread that submits it, as a batch of
 * one.
 *
 * A queue's weights are a snapshot that batch_queue_publish() swaps while batches run; all of a
 * job's sequences run on one snapshot. All functions are thread-safe unless they say otherwise. */
#ifndef BATCHER_H
#define BATCHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/lstm.h"

struct batcher;
struct batch_queue;
struct snapshot;

struct batcher_options {
    unsigned n_workers;
    size_t max_batch;  /* sequences of one batch */
    size_t max_queued; /* sequences that may wait in one queue */
    int64_t delay_us;  /* how long a batch that is not full waits for more; 0: not at all */
    size_t parallel_iterations; /* of dynamic_rnn */
};

/* What became of a job. */
enum batch_fate {
    BATCH_COMPUTED, /* it ran; status says how that went */
    BATCH_EXPIRED,  /* its deadline passed before its turn */
    BATCH_GONE,     /* nobody waited for it any more */
    BATCH_REFUSED   /* of a session: the batcher stopped before its turn */
};

/* A request's sequences on their way. The caller owns it and leaves it alone from submit to done.
 */
struct batch_job {
    const struct lstm_sequence *sequences; /* n; borrowed until done */
    size_t n;
    void (*done)(struct batch_job *job); /* on a worker's thread (but see may_run_here), once,
                                            without a lock held */
    void *context;                       /* the caller's */
    int64_t deadline_us;                 /* monotonic clock; not begun after it; 0: none */
    bool (*is_gone)(const struct batch_job *job); /* on a worker's thread, if the job waited long:
                                                     whether nobody wants it; NULL: never */
    bool is_accepted;                             /* goes into a queue that is full, too */
    bool may_run_here; /* if nothing else is under way, and it is small, batch_queue_submit()
                          computes it, and calls done(), on the calling thread */

    /* Set before done(). */
    enum batch_fate fate;
    enum lstm_status status;
    struct lstm_error error;
    int64_t submitted_us, started_us, finished_us; /* monotonic clock */

    /* The batcher's own. */
    struct batch_job *next;
    struct snapshot *snapshot; /* of the job's first batch */
    size_t n_taken, n_finished;
};

enum batch_submitted { BATCH_QUEUED, BATCH_FULL, BATCH_STOPPING };

/* Starts the workers. *batcher is new. NO_MEMORY; IO: no thread could be started. */
LSTM_MUST_CHECK enum lstm_status batcher_create(const struct batcher_options *options,
                                                struct batcher **batcher, struct lstm_error *error);

/* Runs what is queued to its end, then stops the workers; later jobs are refused. */
void batcher_stop(struct batcher *batcher);

/* When the last job came, of the monotonic clock; 0: none has. */
int64_t batcher_submitted_us(const struct batcher *batcher);

/* Stops, and frees; every queue must have been released. */
void batcher_destroy(struct batcher *batcher);

/* A queue for a model, which it takes (also on failure). `label` names it in metrics and is copied.
 * *queue is new, with one reference. NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status batch_queue_create(struct batcher *batcher,
                                                    struct lstm_model *model, const char *label,
                                                    struct batch_queue **queue,
                                                    struct lstm_error *error);
struct batch_queue *batch_queue_retain(struct batch_queue *queue);
void batch_queue_release(struct batch_queue *queue);

/* The model that the queue was made for: its info and shapes stay true for every later snapshot.
 * Borrowed for as long as the queue. */
const struct lstm_model *batch_queue_model(const struct batch_queue *queue);

/* From now on, jobs run on this model, which must be of the same architecture and is taken. */
LSTM_MUST_CHECK enum lstm_status
batch_queue_publish(struct batch_queue *queue, struct lstm_model *model, struct lstm_error *error);

/* Queues a job; only with BATCH_QUEUED will done() be called. A job larger than the bound is taken
 * when nothing else waits. */
enum batch_submitted batch_queue_submit(struct batch_queue *queue, struct batch_job *job);

/* Whether a job would be refused now. */
bool batch_queue_is_full(const struct batch_queue *queue);

/* Sequences that wait. */
size_t batch_queue_depth(const struct batch_queue *queue);

#endif
