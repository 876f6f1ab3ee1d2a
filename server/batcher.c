/* batcher.c: the workers, and how a batch is cut. SPDX-License-Identifier: Apache-2.0
 *
 * Queues that have jobs form a list, `ready`; a worker takes the first that is due, and a queue
 * with jobs left goes to its tail. */
#include "server/batcher.h"

#include <stdlib.h>
#include <string.h>

#include "core/status.h"
#include "server/batcher_internal.h"
#include "server/clock.h"
#include "server/thread_policy.h"

/* A worker leaves sequences to idle workers in steps of what runs together in one slice. Only a job
 * that waited this long is worth asking whether its client is still there. */
enum { SHARE_STEP = 16, ASK_AFTER_US = 20000 };

struct worker {
    struct batcher *batcher;
    unsigned number;
    pthread_t thread;
    struct lstm_sequence *sequences; /* [max_batch] */
    struct piece *pieces;            /* [max_batch] */
};

/* Consecutive sequences of one job within a batch. */
struct piece {
    struct batch_job *job;
    size_t n;
};

/* What a worker has taken. */
struct batch {
    struct batch_queue *queue; /* a reference */
    struct snapshot *snapshot; /* a reference */
    size_t n, n_pieces;
};

/* How many sequences a worker may take now: all, but a fair share while others idle. */
static size_t share_of(const struct batcher *batcher, const struct batch_queue *queue)
{
    const size_t takers = batcher->n_idle + 1;
    size_t share = (queue->n_waiting + takers - 1) / takers;
    share = (share + SHARE_STEP - 1) / SHARE_STEP * SHARE_STEP;
    return share < batcher->options.max_batch ? share : batcher->options.max_batch;
}

/* Whether a job may join a batch: on the snapshot that it began with, or else the newest, so that
 * who published one and then submits sees it. The lock is held. */
static bool may_join(const struct batch_job *job, const struct batch_queue *queue,
                     const struct batch *batch)
{
    return (job->snapshot != NULL ? job->snapshot : queue->current) == batch->snapshot;
}

/* Whether a job's deadline passed before any of it began. */
static bool has_expired(const struct batch_job *job, int64_t now)
{
    return job->deadline_us > 0 && now >= job->deadline_us && job->n_taken == 0;
}

/* Puts the next n sequences of the first job into a batch. The lock is held. */
static void take_piece(struct worker *worker, struct batch_queue *queue, struct batch *batch,
                       size_t n)
{
    struct batch_job *job = queue->head;
    if (n < job->n && job->snapshot == NULL)
        job->snapshot = snapshot_retain(batch->snapshot);
    if (job->fate == BATCH_COMPUTED) {
        memcpy(worker->sequences + batch->n, job->sequences + job->n_taken,
               n * sizeof *worker->sequences);
        batch->n += n;
    }
    worker->pieces[batch->n_pieces++] = (struct piece){job, n};
    job->n_taken += n;
    queue->n_waiting -= n;
    if (job->n_taken == job->n)
        queue->head = job->next;
}

/* Takes from the front of the queue's jobs what one batch may hold. Those that are too late are
 * taken out whole, whatever their size, to be finished with it. The lock is held. */
static void take_batch(struct worker *worker, struct batch_queue *queue, struct batch *batch)
{
    const size_t most = share_of(worker->batcher, queue);
    const int64_t now = monotonic_us();
    struct batch_job *job = queue->head;
    batch->snapshot = snapshot_retain(job->snapshot != NULL ? job->snapshot : queue->current);
    for (; job != NULL && batch->n < most && batch->n_pieces < worker->batcher->options.max_batch &&
           may_join(job, queue, batch);
         job = queue->head) {
        const size_t left = job->n - job->n_taken, room = most - batch->n;
        if (job->n_taken == 0)
            job->started_us = now;
        if (has_expired(job, now))
            job->fate = BATCH_EXPIRED;
        take_piece(worker, queue, batch, job->fate == BATCH_EXPIRED || left < room ? left : room);
    }
    if (queue->head == NULL)
        queue->tail = NULL;
    queue->is_shared =
        queue->head != NULL && batch->n == most && most < worker->batcher->options.max_batch;
    metric_set(queue->depth, (double)queue->n_waiting);
}

/* When a batch of the queue is to run: at once if it is full, or other workers' share of one that
 * was due; else when its first job has waited for the delay. The lock is held. */
static int64_t due_us(const struct batcher *batcher, const struct batch_queue *queue)
{
    const struct batcher_options *options = &batcher->options;
    if (options->delay_us == 0 || queue->n_waiting >= options->max_batch || queue->is_shared ||
        batcher->is_stopping)
        return 0;
    return queue->head->submitted_us + options->delay_us;
}

/* Takes the first queue that is due off the ready list; NULL if none is, and when the next will be.
 * The lock is held. */
static struct batch_queue *pop_due(struct batcher *batcher, int64_t *next_us)
{
    struct batch_queue *previous = NULL, *queue = batcher->ready_head;
    const int64_t now = monotonic_us();
    *next_us = CLOCK_NEVER;
    for (; queue != NULL; previous = queue, queue = queue->next_ready) {
        const int64_t due = due_us(batcher, queue);
        if (due <= now)
            break;
        *next_us = due < *next_us ? due : *next_us;
    }
    if (queue == NULL)
        return NULL;
    if (previous == NULL)
        batcher->ready_head = queue->next_ready;
    else
        previous->next_ready = queue->next_ready;
    if (batcher->ready_tail == queue)
        batcher->ready_tail = previous;
    queue->is_ready = false;
    return queue;
}

/* Waits for a change, or until the time. The lock is held, and released meanwhile. */
static void wait_until(struct batcher *batcher, int64_t us)
{
    const bool is_idle = us == CLOCK_NEVER;
    batcher->n_idle += is_idle;
    clock_wait(&batcher->work, &batcher->lock, us);
    batcher->n_idle -= is_idle;
}

/* Waits for work and takes a batch; false when the batcher stops and nothing is left. */
static bool next_batch(struct worker *worker, struct batch *batch)
{
    struct batcher *batcher = worker->batcher;
    int64_t next_us;
    *batch = (struct batch){0};
    pthread_mutex_lock(&batcher->lock);
    while ((batch->queue = pop_due(batcher, &next_us)) == NULL && !batcher->is_stopping)
        wait_until(batcher, next_us);
    if (batch->queue != NULL) {
        take_batch(worker, batch->queue, batch);
        if (batch->queue->head != NULL) {
            batch_queue_append_ready(batch->queue);
            pthread_cond_signal(&batcher->work);
        }
    }
    pthread_mutex_unlock(&batcher->lock);
    return batch->queue != NULL;
}

/* Whether nobody waits any more for a job that a worker has just taken. One that is cut over
 * several batches is computed: part of it may have been already. */
static bool is_unwanted(const struct piece *piece, int64_t now)
{
    const struct batch_job *job = piece->job;
    return piece->n == job->n && job->is_gone != NULL && now - job->submitted_us > ASK_AFTER_US &&
           job->is_gone(job);
}

/* Takes out of the batch what nobody waits for any more. */
static void drop_unwanted(struct worker *worker, struct batch *batch)
{
    const int64_t now = monotonic_us();
    size_t n = 0, at = 0;
    for (size_t i = 0; i < batch->n_pieces; i++) {
        const struct piece *piece = &worker->pieces[i];
        if (piece->job->fate == BATCH_EXPIRED)
            continue;
        if (is_unwanted(piece, now)) {
            piece->job->fate = BATCH_GONE;
        } else {
            if (n != at)
                memmove(worker->sequences + n, worker->sequences + at,
                        piece->n * sizeof *worker->sequences);
            n += piece->n;
        }
        at += piece->n;
    }
    batch->n = n;
}

/* Counts a batch's sequences as finished; jobs that are now complete go to the front of pieces. */
static size_t finish_pieces(struct worker *worker, const struct batch *batch,
                            enum lstm_status status, const struct lstm_error *error)
{
    size_t n_complete = 0;
    const int64_t now = monotonic_us();
    pthread_mutex_lock(&worker->batcher->lock);
    for (size_t i = 0; i < batch->n_pieces; i++) {
        struct batch_job *job = worker->pieces[i].job;
        if (status != LSTM_OK) {
            job->status = status;
            job->error = *error;
        }
        job->n_finished += worker->pieces[i].n;
        if (job->n_finished == job->n) {
            job->finished_us = now;
            worker->pieces[n_complete++].job = job;
        }
    }
    pthread_mutex_unlock(&worker->batcher->lock);
    return n_complete;
}

static enum lstm_status compute(struct worker *worker, const struct batch *batch,
                                struct lstm_error *error)
{
    struct batch_queue *queue = batch->queue;
    if (batch->n == 0)
        return LSTM_OK;
    const int64_t begin = monotonic_us();
    const enum lstm_status status = lstm_runner_run(
        queue->runners[worker->number], batch->snapshot->model, worker->sequences, batch->n, error);
    metric_observe(queue->compute_seconds, seconds_since(begin));
    metric_observe(queue->batch_size, (double)batch->n);
    return status;
}

static void run_batch(struct worker *worker, struct batch *batch)
{
    struct batch_queue *queue = batch->queue;
    struct lstm_error error;
    drop_unwanted(worker, batch);
    const enum lstm_status status = compute(worker, batch, &error);
    const size_t n_complete = finish_pieces(worker, batch, status, &error);
    for (size_t i = 0; i < n_complete; i++) {
        struct batch_job *job = worker->pieces[i].job;
        metric_observe(queue->queue_seconds, (double)(job->started_us - job->submitted_us) * 1e-6);
        snapshot_release(job->snapshot);
        job->snapshot = NULL;
        job->done(job);
    }
    snapshot_release(batch->snapshot);
    batch_queue_release(queue);
}

bool batcher_is_free(const struct batcher *batcher)
{
    return batcher->n_idle == batcher->n_started && batcher->ready_head == NULL &&
           !batcher->has_guest && batcher->options.delay_us == 0;
}

void batcher_run_here(struct batch_queue *queue)
{
    struct batcher *batcher = queue->batcher;
    struct worker *guest = &batcher->workers[batcher->options.n_workers];
    struct batch batch = {.queue = batch_queue_retain(queue)};
    batcher->has_guest = true;
    take_batch(guest, queue, &batch);
    pthread_mutex_unlock(&batcher->lock);
    run_batch(guest, &batch);
    pthread_mutex_lock(&batcher->lock);
    batcher->has_guest = false;
    if (batcher->is_stopping)
        pthread_cond_broadcast(&batcher->work);
    pthread_mutex_unlock(&batcher->lock);
}

static void *work(void *argument)
{
    struct worker *worker = argument;
    struct batch batch;
    thread_policy_batch();
    while (next_batch(worker, &batch))
        run_batch(worker, &batch);
    return NULL;
}

/* ---- Life ----------------------------------------------------------------------------------- */

static enum lstm_status init_worker(struct batcher *batcher, unsigned number,
                                    struct lstm_error *error)
{
    const size_t max_batch = batcher->options.max_batch;
    struct worker *worker = &batcher->workers[number];
    worker->batcher = batcher;
    worker->number = number;
    worker->sequences = calloc(max_batch, sizeof *worker->sequences);
    worker->pieces = calloc(max_batch, sizeof *worker->pieces);
    if (worker->sequences == NULL || worker->pieces == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for a worker of batches of %zu",
                         max_batch);
    return LSTM_OK;
}

static enum lstm_status start_worker(struct batcher *batcher, struct lstm_error *error)
{
    struct worker *worker = &batcher->workers[batcher->n_started];
    const int failed = pthread_create(&worker->thread, NULL, work, worker);
    if (failed != 0)
        return lstm_fail(error, LSTM_IO, "cannot start worker thread %u: %s", worker->number,
                         strerror(failed));
    batcher->n_started++;
    return LSTM_OK;
}

enum lstm_status batcher_create(const struct batcher_options *options, struct batcher **batcher,
                                struct lstm_error *error)
{
    *batcher = NULL;
    struct batcher *made = calloc(1, sizeof *made);
    if (made == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for the batcher");
    made->options = *options;
    pthread_mutex_init(&made->lock, NULL);
    clock_condition_init(&made->work);
    made->workers = calloc(options->n_workers + 1, sizeof *made->workers);
    enum lstm_status status = LSTM_OK;
    if (made->workers == NULL)
        status =
            lstm_fail(error, LSTM_NO_MEMORY, "out of memory for %u workers", options->n_workers);
    for (unsigned i = 0; i <= options->n_workers && status == LSTM_OK; i++)
        status = init_worker(made, i, error);
    while (status == LSTM_OK && made->n_started < options->n_workers)
        status = start_worker(made, error);
    if (status == LSTM_OK)
        *batcher = made;
    else
        batcher_destroy(made);
    return status;
}

int64_t batcher_submitted_us(const struct batcher *batcher)
{
    return atomic_load_explicit(&batcher->submitted_us, memory_order_relaxed);
}

void batcher_stop(struct batcher *batcher)
{
    pthread_mutex_lock(&batcher->lock);
    batcher->is_stopping = true;
    pthread_cond_broadcast(&batcher->work);
    while (batcher->has_guest)
        pthread_cond_wait(&batcher->work, &batcher->lock);
    pthread_mutex_unlock(&batcher->lock);
    for (unsigned i = 0; i < batcher->n_started; i++)
        pthread_join(batcher->workers[i].thread, NULL);
    batcher->n_started = 0;
}

void batcher_destroy(struct batcher *batcher)
{
    if (batcher == NULL)
        return;
    batcher_stop(batcher);
    for (unsigned i = 0; batcher->workers != NULL && i <= batcher->options.n_workers; i++) {
        free(batcher->workers[i].sequences);
        free(batcher->workers[i].pieces);
    }
    pthread_cond_destroy(&batcher->work);
    pthread_mutex_destroy(&batcher->lock);
    free(batcher->workers);
    free(batcher);
}
