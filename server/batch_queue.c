/* batch_queue.c: a model version's queue: made, filled, and its weights swapped.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "core/status.h"
#include "server/batcher_internal.h"
#include "server/clock.h"

static void destroy_queue(struct batch_queue *queue)
{
    for (unsigned i = 0; queue->runners != NULL && i <= queue->batcher->options.n_workers; i++)
        lstm_runner_destroy(queue->runners[i]);
    free(queue->runners);
    snapshot_release(queue->first);
    snapshot_release(queue->current);
    free(queue);
}

static enum lstm_status create_runners(struct batch_queue *queue, const struct lstm_model *model,
                                       struct lstm_error *error)
{
    const struct batcher_options *options = &queue->batcher->options;
    const struct lstm_runner_options wanted = {.max_batch = options->max_batch,
                                               .parallel_iterations = options->parallel_iterations};
    queue->runners = calloc(options->n_workers + 1, sizeof *queue->runners);
    if (queue->runners == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for %u runners", options->n_workers);
    enum lstm_status status = LSTM_OK;
    for (unsigned i = 0; i <= options->n_workers && status == LSTM_OK; i++)
        status = lstm_runner_create(model, &wanted, &queue->runners[i], error);
    return status;
}

enum lstm_status batch_queue_create(struct batcher *batcher, struct lstm_model *model,
                                    const char *label, struct batch_queue **queue,
                                    struct lstm_error *error)
{
    *queue = NULL;
    struct batch_queue *made = calloc(1, sizeof *made);
    if (made == NULL) {
        lstm_model_destroy(model);
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for a queue");
    }
    made->batcher = batcher;
    atomic_init(&made->references, 1);
    made->batch_size = metric_series(METRIC_BATCH_SIZE, label, NULL, NULL);
    made->compute_seconds = metric_series(METRIC_COMPUTE_SECONDS, label, NULL, NULL);
    made->queue_seconds = metric_series(METRIC_QUEUE_SECONDS, label, NULL, NULL);
    made->depth = metric_series(METRIC_QUEUE_DEPTH, label, NULL, NULL);
    made->first = snapshot_create(model);
    if (made->first == NULL) {
        lstm_model_destroy(model);
        free(made);
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for a snapshot");
    }
    made->current = snapshot_retain(made->first);
    enum lstm_status status = create_runners(made, model, error);
    if (status == LSTM_OK)
        *queue = made;
    else
        destroy_queue(made);
    return status;
}

struct batch_queue *batch_queue_retain(struct batch_queue *queue)
{
    atomic_fetch_add_explicit(&queue->references, 1, memory_order_relaxed);
    return queue;
}

void batch_queue_release(struct batch_queue *queue)
{
    if (queue != NULL &&
        atomic_fetch_sub_explicit(&queue->references, 1, memory_order_acq_rel) == 1)
        destroy_queue(queue);
}

const struct lstm_model *batch_queue_model(const struct batch_queue *queue)
{
    return queue->first->model;
}

enum lstm_status batch_queue_publish(struct batch_queue *queue, struct lstm_model *model,
                                     struct lstm_error *error)
{
    if (!lstm_model_same_architecture(queue->first->model, model)) {
        lstm_model_destroy(model);
        return lstm_fail(error, LSTM_INVALID, "a snapshot must keep the model's architecture");
    }
    struct snapshot *snapshot = snapshot_create(model);
    if (snapshot == NULL) {
        lstm_model_destroy(model);
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for a snapshot");
    }
    pthread_mutex_lock(&queue->batcher->lock);
    struct snapshot *old = queue->current;
    queue->current = snapshot;
    pthread_mutex_unlock(&queue->batcher->lock);
    snapshot_release(old);
    return LSTM_OK;
}

void batch_queue_append_ready(struct batch_queue *queue)
{
    struct batcher *batcher = queue->batcher;
    batch_queue_retain(queue);
    queue->next_ready = NULL;
    queue->is_ready = true;
    if (batcher->ready_tail != NULL)
        batcher->ready_tail->next_ready = queue;
    else
        batcher->ready_head = queue;
    batcher->ready_tail = queue;
}

/* Some 0.2 ms on one core of the 2020s: handing a job to a worker and back costs a third of it. */
enum { MAX_HERE = 8 << 20 };

/* Whether the thread that submits the job is to compute it: that saves a light load the way to a
 * worker and back. The lock is held. */
static bool runs_here(const struct batch_queue *queue, const struct batch_job *job)
{
    const size_t n = lstm_model_info(batch_queue_model(queue))->n_parameters;
    return job->may_run_here && job->n == 1 && job->sequences[0].steps <= MAX_HERE / (n + 1) &&
           batcher_is_free(queue->batcher);
}

enum batch_submitted batch_queue_submit(struct batch_queue *queue, struct batch_job *job)
{
    struct batcher *batcher = queue->batcher;
    enum batch_submitted answer = BATCH_QUEUED;
    job->status = LSTM_OK;
    job->fate = BATCH_COMPUTED;
    job->next = NULL;
    job->snapshot = NULL;
    job->n_taken = job->n_finished = 0;
    job->submitted_us = monotonic_us();
    atomic_store_explicit(&batcher->submitted_us, job->submitted_us, memory_order_relaxed);
    pthread_mutex_lock(&batcher->lock);
    if (batcher->is_stopping) {
        answer = BATCH_STOPPING;
    } else if (!job->is_accepted && queue->n_waiting > 0 &&
               queue->n_waiting + job->n > batcher->options.max_queued) {
        answer = BATCH_FULL;
    } else {
        if (queue->tail != NULL)
            queue->tail->next = job;
        else
            queue->head = job;
        queue->tail = job;
        queue->n_waiting += job->n;
        metric_set(queue->depth, (double)queue->n_waiting);
        if (runs_here(queue, job)) {
            batcher_run_here(queue);
            return BATCH_QUEUED;
        }
        if (!queue->is_ready)
            batch_queue_append_ready(queue);
        pthread_cond_signal(&batcher->work);
    }
    pthread_mutex_unlock(&batcher->lock);
    return answer;
}

bool batch_queue_is_full(const struct batch_queue *queue)
{
    return batch_queue_depth(queue) >= queue->batcher->options.max_queued;
}

size_t batch_queue_depth(const struct batch_queue *queue)
{
    pthread_mutex_lock(&queue->batcher->lock);
    const size_t depth = queue->n_waiting;
    pthread_mutex_unlock(&queue->batcher->lock);
    return depth;
}
