/* reload.h: what SIGHUP reads again: keys, certificate, and the model repository.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The models are the watcher's to load, which may take long: the thread that waits for signals does
 * not wait for it. After an error, what was there before stays in use; the log tells. */
#ifndef RELOAD_H
#define RELOAD_H

#include <stdatomic.h>

#include "server/front.h"
#include "server/model_watcher.h"

struct reload {
    struct front *front;
    struct model_watcher *watcher;
    struct watcher_task task;
    atomic_uint n_wanted; /* scans; the first of them is under way */
};

/* Both are borrowed, and so is `reload` by the watcher, until that has stopped. */
void reload_init(struct reload *reload, struct front *front, struct model_watcher *watcher);

/* Of one thread at a time. The service manager is told that a reload begins, and, when the models
 * are loaded, too, that the server is ready again. */
void reload_run(struct reload *reload);

#endif
