/* model_watcher.c: one thread that waits for time and for tasks.
 * SPDX-License-Identifier: Apache-2.0 */
#include "server/model_watcher.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/status.h"
#include "server/clock.h"
#include "server/log.h"

struct model_watcher {
    struct registry *registry;
    int64_t poll_us; /* 0: only when asked */
    pthread_t thread;
    bool is_started;
    char last_failure[sizeof((struct lstm_error *)NULL)->text]; /* of a scan; the thread's own */

    pthread_mutex_t lock;
    pthread_cond_t wake; /* signalled: one of the following changed */

    /* Guarded by lock. */
    struct watcher_task *head, *tail;
    bool is_stopping;
};

/* A folder that stays unreadable is one line of the log. */
static void scan(struct model_watcher *watcher)
{
    struct lstm_error error = {.text = ""};
    if (registry_scan(watcher->registry, &error) == LSTM_OK)
        error.text[0] = '\0';
    else if (strcmp(error.text, watcher->last_failure) != 0)
        log_error("scan_failed", L_STR("error", error.text));
    memcpy(watcher->last_failure, error.text, sizeof error.text);
}

/* Waits for something to do, until the time; 0: without limit. The lock is held. */
static void wait_until(struct model_watcher *watcher, int64_t until_us)
{
    bool in_time = true;
    while (in_time && !watcher->is_stopping && watcher->head == NULL)
        in_time = clock_wait(&watcher->wake, &watcher->lock, until_us);
}

/* The first task; NULL if there is none. The lock is held. */
static struct watcher_task *take_task(struct model_watcher *watcher)
{
    struct watcher_task *task = watcher->head;
    if (task != NULL)
        watcher->head = task->next;
    if (watcher->head == NULL)
        watcher->tail = NULL;
    return task;
}

/* The next scan comes poll_us after the last one ended. */
static void *watch(void *argument)
{
    struct model_watcher *watcher = argument;
    int64_t due_us = watcher->poll_us > 0 ? monotonic_us() + watcher->poll_us : CLOCK_NEVER;
    pthread_mutex_lock(&watcher->lock);
    while (!watcher->is_stopping || watcher->head != NULL) {
        wait_until(watcher, due_us);
        struct watcher_task *task = take_task(watcher);
        const bool is_due = monotonic_us() >= due_us && !watcher->is_stopping;
        pthread_mutex_unlock(&watcher->lock);
        if (task != NULL) {
            task->status = task->run(watcher->registry, task->model, &task->error);
            task->done(task);
        } else if (is_due) {
            scan(watcher);
            due_us = monotonic_us() + watcher->poll_us;
        }
        pthread_mutex_lock(&watcher->lock);
    }
    pthread_mutex_unlock(&watcher->lock);
    return NULL;
}

enum lstm_status model_watcher_create(struct registry *registry, int64_t poll_seconds,
                                      struct model_watcher **watcher, struct lstm_error *error)
{
    *watcher = NULL;
    struct model_watcher *made = calloc(1, sizeof *made);
    if (made == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for the model watcher");
    made->registry = registry;
    made->poll_us = poll_seconds * 1000000;
    pthread_mutex_init(&made->lock, NULL);
    clock_condition_init(&made->wake);
    *watcher = made;
    return LSTM_OK;
}

enum lstm_status model_watcher_start(struct model_watcher *watcher, struct lstm_error *error)
{
    const int failed = pthread_create(&watcher->thread, NULL, watch, watcher);
    watcher->is_started = failed == 0;
    if (failed == 0)
        return LSTM_OK;
    return lstm_fail(error, LSTM_IO, "cannot start the model watcher's thread: %s",
                     strerror(failed));
}

bool model_watcher_submit(struct model_watcher *watcher, struct watcher_task *task)
{
    pthread_mutex_lock(&watcher->lock);
    const bool is_taken = !watcher->is_stopping;
    if (is_taken) {
        task->next = NULL;
        if (watcher->tail != NULL)
            watcher->tail->next = task;
        else
            watcher->head = task;
        watcher->tail = task;
        pthread_cond_signal(&watcher->wake);
    }
    pthread_mutex_unlock(&watcher->lock);
    return is_taken;
}

/* A scan that somebody waits for. */
struct awaited_scan {
    struct watcher_task task;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_done;
};

static enum lstm_status run_scan(struct registry *registry, const char *model,
                                 struct lstm_error *error)
{
    (void)model;
    return registry_scan(registry, error);
}

static void end_wait(struct watcher_task *task)
{
    struct awaited_scan *scan = task->context;
    pthread_mutex_lock(&scan->lock);
    scan->is_done = true;
    pthread_cond_signal(&scan->changed);
    pthread_mutex_unlock(&scan->lock);
}

enum lstm_status model_watcher_scan(struct model_watcher *watcher, struct lstm_error *error)
{
    struct awaited_scan scan = {.task = {.run = run_scan, .model = "", .done = end_wait},
                                .lock = PTHREAD_MUTEX_INITIALIZER,
                                .changed = PTHREAD_COND_INITIALIZER};
    scan.task.context = &scan;
    if (!model_watcher_submit(watcher, &scan.task))
        return lstm_fail(error, LSTM_IO, "the model watcher has stopped");
    pthread_mutex_lock(&scan.lock);
    while (!scan.is_done)
        pthread_cond_wait(&scan.changed, &scan.lock);
    pthread_mutex_unlock(&scan.lock);
    pthread_cond_destroy(&scan.changed);
    pthread_mutex_destroy(&scan.lock);
    return scan.task.status == LSTM_OK
               ? LSTM_OK
               : lstm_fail(error, scan.task.status, "%s", scan.task.error.text);
}

/* Of a watcher that never ran. */
static void refuse_tasks(struct model_watcher *watcher)
{
    struct watcher_task *task;
    while ((task = take_task(watcher)) != NULL) {
        task->status = lstm_fail(&task->error, LSTM_IO, "the server is stopping");
        task->done(task);
    }
}

void model_watcher_stop(struct model_watcher *watcher)
{
    pthread_mutex_lock(&watcher->lock);
    watcher->is_stopping = true;
    pthread_cond_signal(&watcher->wake);
    pthread_mutex_unlock(&watcher->lock);
    if (watcher->is_started)
        pthread_join(watcher->thread, NULL);
    else
        refuse_tasks(watcher);
    watcher->is_started = false;
}

void model_watcher_destroy(struct model_watcher *watcher)
{
    if (watcher == NULL)
        return;
    model_watcher_stop(watcher);
    pthread_cond_destroy(&watcher->wake);
    pthread_mutex_destroy(&watcher->lock);
    free(watcher);
}
