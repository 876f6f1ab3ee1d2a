/* registry.h: the models that the server has: their versions, states and queues.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A repository is a folder of folders: <name>/<version>/model.json, versions being whole numbers.
 * Of each model the newest version that loads is served. registry_scan() brings the registry in
 * line with the folder: a new version is loaded and able to serve before the old one goes, and one
 * that is broken is recorded, not tried again until its files change, and disturbs nothing.
 * Thread-safe; only one thread may scan at a time. */
#ifndef REGISTRY_H
#define REGISTRY_H

#include "server/batcher.h"
#include "server/buf.h"

struct registry;

/* As TensorFlow Serving names them. */
enum version_state { VERSION_LOADING, VERSION_AVAILABLE, VERSION_UNLOADING, VERSION_END };

/* A version that can serve. Immutable; held by reference count, so that it stays usable for who
 * has it when it is replaced. */
struct served_version {
    const char *model;
    uint64_t number;
    struct batch_queue *queue;
};

/* A registry of `folder` that has loaded nothing yet. *registry is new. IO: the folder cannot be
 * read; NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status registry_create(const char *folder, struct batcher *batcher,
                                                 struct registry **registry,
                                                 struct lstm_error *error);

/* Loads what is new, retires what is gone. What goes wrong with one version is logged and kept in
 * its state. IO: the folder cannot be read. */
LSTM_MUST_CHECK enum lstm_status registry_scan(struct registry *registry, struct lstm_error *error);

/* Retires everything. No request may hold a version afterwards. */
void registry_destroy(struct registry *registry);

/* The version of a model to serve a request: `version` is decimal digits, or "" for the newest.
 * *found has a reference for the caller. NOT_FOUND: which of the two is unknown. */
LSTM_MUST_CHECK enum lstm_status registry_find(struct registry *registry, const char *model,
                                               const char *version,
                                               const struct served_version **found,
                                               struct lstm_error *error);
void registry_release(const struct served_version *version);

/* Whether every model of the folder has a version that serves, and there is one at all. */
bool registry_is_ready(struct registry *registry);

/* How many models can serve. */
size_t registry_n_available(struct registry *registry);

/* Appends {"model_version_status": [...]} of a model, newest first; of one version if `version` is
 * not "". NOT_FOUND, as TensorFlow Serving words it. */
LSTM_MUST_CHECK enum lstm_status registry_write_status(struct registry *registry, const char *model,
                                                       const char *version, struct buf *out,
                                                       struct lstm_error *error);

/* Appends {"models": [{"name": ..., "versions": [...]}, ...]}, by name. */
void registry_write_list(struct registry *registry, struct buf *out);

#endif
