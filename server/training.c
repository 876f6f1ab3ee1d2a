/* training.c: the training thread, its queue and its groups. SPDX-License-Identifier: Apache-2.0
 *
 * The lock guards the queue alone. Learners are the thread's own. */
#include "server/training.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "core/status.h"
#include "server/clock.h"
#include "server/metrics.h"
#include "server/thread_policy.h"
#include "server/training_work.h"
#include "server/version_folder.h"

enum { MAX_GROUP = 64, SAVE_INTERVAL_US = 1000000 };

struct training {
    struct training_work work;
    struct training_options options;
    struct give_way give_way; /* the thread's */
    int folder;               /* the state folder, locked; -1: none */
    pthread_t thread;
    bool is_started;
    bool is_saved; /* when the thread has ended */
    struct metric_series *bytes_held;

    pthread_mutex_t lock;
    pthread_cond_t wake; /* signalled: one of the following changed */

    /* Guarded by lock. */
    struct train_task *head, *tail;
    size_t n_waiting; /* steps and evaluations */
    size_t n_bytes;   /* of the tasks that are not done */
    bool is_stopping, is_cut;
};

/* ---- The queue ------------------------------------------------------------------------------ */

/* Whether it is bounded: what brings examples is. */
static bool is_bounded(const struct train_task *task)
{
    return task->action == TRAIN_STEP || task->action == TRAIN_EVALUATE;
}

/* A task that is larger than all may be is taken when it is alone: it would wait for ever. */
static bool has_room(const struct training *training, const struct train_task *task)
{
    const struct training_options *const most = &training->options;
    return training->n_waiting < most->max_queued &&
           (training->n_bytes == 0 || (training->n_bytes <= most->max_bytes &&
                                       task->bytes <= most->max_bytes - training->n_bytes));
}

/* The lock is held. */
static void set_bytes(struct training *training, size_t n_bytes)
{
    training->n_bytes = n_bytes;
    metric_set(training->bytes_held, (double)n_bytes);
}

enum train_submitted training_submit(struct training *training, struct train_task *task)
{
    enum train_submitted answer = TRAIN_QUEUED;
    task->fate = TRAIN_DONE;
    task->status = LSTM_OK;
    task->next = NULL;
    task->submitted_us = monotonic_us();
    pthread_mutex_lock(&training->lock);
    if (training->is_stopping) {
        answer = TRAIN_STOPPING;
    } else if (is_bounded(task) && !has_room(training, task)) {
        answer = TRAIN_FULL;
    } else {
        if (training->tail != NULL)
            training->tail->next = task;
        else
            training->head = task;
        training->tail = task;
        training->n_waiting += is_bounded(task);
        set_bytes(training, training->n_bytes + task->bytes);
        pthread_cond_signal(&training->wake);
    }
    pthread_mutex_unlock(&training->lock);
    return answer;
}

/* Takes the task that *place points to out of the queue. The lock is held. */
static struct train_task *unlink_task(struct training *training, struct train_task **place,
                                      struct train_task *previous)
{
    struct train_task *task = *place;
    *place = task->next;
    if (training->tail == task)
        training->tail = previous;
    training->n_waiting -= is_bounded(task);
    task->started_us = monotonic_us();
    return task;
}

/* Takes the first task and, if it is a step, the steps of the same model up to its first task of
 * another kind. The lock is held. */
static size_t take_group(struct training *training, struct train_task *group[MAX_GROUP])
{
    struct train_task **place = &training->head, *previous = NULL;
    size_t n = 0;
    if (*place != NULL)
        group[n++] = unlink_task(training, place, NULL);
    while (n > 0 && n < MAX_GROUP && group[0]->action == TRAIN_STEP && *place != NULL) {
        const bool is_same = strcmp((*place)->model, group[0]->model) == 0;
        if (is_same && (*place)->action != TRAIN_STEP)
            break;
        if (is_same) {
            group[n++] = unlink_task(training, place, previous);
        } else {
            previous = *place;
            place = &previous->next;
        }
    }
    return n;
}

/* Waits for a task, or until the time. The lock is held. */
static void wait_until(struct training *training, int64_t until_us)
{
    bool in_time = true;
    while (in_time && !training->is_stopping && training->head == NULL)
        in_time = clock_wait(&training->wake, &training->lock, until_us);
}

/* ---- The thread ----------------------------------------------------------------------------- */

/* The bytes are given back before done(): then the tasks are their owners'. */
static void run_group(struct training *training, struct train_task **group, size_t n)
{
    size_t n_bytes = 0;
    training_work_run(&training->work, group, n);
    for (size_t i = 0; i < n; i++)
        n_bytes += group[i]->bytes;
    pthread_mutex_lock(&training->lock);
    set_bytes(training, training->n_bytes - n_bytes);
    pthread_mutex_unlock(&training->lock);
    const int64_t now = monotonic_us();
    for (size_t i = 0; i < n; i++) {
        group[i]->finished_us = now;
        group[i]->done(group[i]);
    }
}

/* Whether more is to be done. The lock is held. */
static bool goes_on(const struct training *training)
{
    return !training->is_stopping || (training->head != NULL && !training->is_cut);
}

/* With --train-sync interval, a save comes that long after the last one ended. With "always" there
 * is something to save only after a disk has failed, and even the way back could not be saved. */
static void *train(void *argument)
{
    struct training *training = argument;
    const bool saves_often = training->options.sync != TRAIN_SYNC_NEVER;
    struct train_task *group[MAX_GROUP];
    int64_t saved_us = monotonic_us();
    thread_policy_nice(THREAD_NICE_TRAINING);
    pthread_mutex_lock(&training->lock);
    while (goes_on(training)) {
        const bool is_dirty = saves_often && training_work_is_dirty(&training->work);
        wait_until(training, is_dirty ? saved_us + SAVE_INTERVAL_US : CLOCK_NEVER);
        const size_t n = take_group(training, group);
        pthread_mutex_unlock(&training->lock);
        if (n > 0)
            run_group(training, group, n);
        if (saves_often && monotonic_us() >= saved_us + SAVE_INTERVAL_US) {
            training_work_save(&training->work);
            saved_us = monotonic_us();
        }
        pthread_mutex_lock(&training->lock);
    }
    pthread_mutex_unlock(&training->lock);
    training->is_saved = training_work_save(&training->work);
    return NULL;
}

/* ---- Life ----------------------------------------------------------------------------------- */

/* The lock goes with the process, however that ends. */
static enum lstm_status take_folder(struct training *training, struct lstm_error *error)
{
    const char *path = training->options.state_dir;
    enum lstm_status status = folder_make(path, error);
    if (status != LSTM_OK)
        return status;
    training->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (training->folder < 0)
        return lstm_fail(error, LSTM_IO, "--state-dir %s: %s", path, strerror(errno));
    if (flock(training->folder, LOCK_EX | LOCK_NB) != 0)
        return lstm_fail(error, LSTM_IO, "--state-dir %s: another lstmd uses it: %s", path,
                         strerror(errno));
    return LSTM_OK;
}

enum lstm_status training_create(const struct training_options *options, struct registry *registry,
                                 struct model_watcher *watcher, struct training **training,
                                 struct lstm_error *error)
{
    *training = NULL;
    struct training *made = calloc(1, sizeof *made);
    if (made == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for training");
    made->options = *options;
    made->bytes_held = metric_series(METRIC_TRAIN_BYTES, NULL, NULL, NULL);
    made->folder = -1;
    made->is_saved = true;
    made->give_way.batcher = options->batcher;
    made->work =
        (struct training_work){.rules = {.learners = &made->work.list,
                                         .registry = registry,
                                         .state_dir = options->state_dir,
                                         .saves_each = options->sync == TRAIN_SYNC_ALWAYS,
                                         .parallel_iterations = options->parallel_iterations,
                                         .give_way = &made->give_way},
                               .watcher = watcher,
                               .models = options->models};
    pthread_mutex_init(&made->work.list.lock, NULL);
    pthread_mutex_init(&made->lock, NULL);
    clock_condition_init(&made->wake);
    const enum lstm_status status = options->state_dir != NULL ? take_folder(made, error) : LSTM_OK;
    if (status != LSTM_OK) {
        training_destroy(made);
        return status;
    }
    const struct registry_heads heads = {learner_restore_head, &made->work.rules};
    registry_use_heads(registry, &heads);
    *training = made;
    return LSTM_OK;
}

enum lstm_status training_start(struct training *training, struct lstm_error *error)
{
    training_work_sweep(&training->work);
    const int failed = pthread_create(&training->thread, NULL, train, training);
    training->is_started = failed == 0;
    if (failed == 0)
        return LSTM_OK;
    return lstm_fail(error, LSTM_IO, "cannot start the training thread: %s", strerror(failed));
}

bool training_is_durable(const struct training *training)
{
    return training->options.state_dir != NULL && training->options.sync == TRAIN_SYNC_ALWAYS;
}

bool training_stop(struct training *training, bool is_cut)
{
    atomic_store(&training->work.is_cut, is_cut);
    pthread_mutex_lock(&training->lock);
    training->is_stopping = true;
    training->is_cut = is_cut;
    pthread_cond_signal(&training->wake);
    pthread_mutex_unlock(&training->lock);
    if (training->is_started)
        pthread_join(training->thread, NULL);
    training->is_started = false;
    return training->is_saved;
}

void training_destroy(struct training *training)
{
    if (training == NULL)
        return;
    training_stop(training, false);
    training_work_release(&training->work);
    if (training->folder >= 0)
        close(training->folder);
    pthread_cond_destroy(&training->wake);
    pthread_mutex_destroy(&training->work.list.lock);
    pthread_mutex_destroy(&training->lock);
    free(training);
}
