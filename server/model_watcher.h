/* model_watcher.h: the thread that keeps the registry in line with the repository.
 * SPDX-License-Identifier: Apache-2.0
 *
 * It scans every few seconds, and runs tasks, for the admin routes and SIGHUP, in the order in
 * which they come. While it runs, all changes of the registry are made on its thread. Starting,
 * stopping and destroying are for one thread; the rest is thread-safe. */
#ifndef MODEL_WATCHER_H
#define MODEL_WATCHER_H

#include "server/registry.h"

struct model_watcher;

/* What the watcher is asked to do with one model. The caller owns the task and leaves it alone from
 * submit to done. */
struct watcher_task {
    enum lstm_status (*run)(struct registry *registry, const char *model,
                            struct lstm_error *error); /* registry_load or registry_unload */
    const char *model;                                 /* borrowed until done */
    void (*done)(struct watcher_task *task);           /* on the watcher's thread, once */
    void *context;                                     /* the caller's */

    /* Set before done(). */
    enum lstm_status status;
    struct lstm_error error;

    struct watcher_task *next; /* the watcher's own */
};

/* A watcher that does not run yet; tasks wait. *watcher is new. NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status model_watcher_create(struct registry *registry,
                                                      int64_t poll_seconds,
                                                      struct model_watcher **watcher,
                                                      struct lstm_error *error);

/* Starts the thread, which from now on is the one that scans: every poll_seconds, or only when
 * asked if that is 0. IO: no thread could be started. */
LSTM_MUST_CHECK enum lstm_status model_watcher_start(struct model_watcher *watcher,
                                                     struct lstm_error *error);

/* Queues a task; false, and done() is not called, if the watcher has stopped. */
bool model_watcher_submit(struct model_watcher *watcher, struct watcher_task *task);

/* Scans and waits for the end of it, while the watcher runs. What registry_scan() gives. */
LSTM_MUST_CHECK enum lstm_status model_watcher_scan(struct model_watcher *watcher,
                                                    struct lstm_error *error);

/* Finishes the tasks that are queued and ends the thread; later tasks are refused. */
void model_watcher_stop(struct model_watcher *watcher);

/* Stops, and frees; nobody may use it any more. */
void model_watcher_destroy(struct model_watcher *watcher);

#endif
