/* registry.h: the models that the server has: their versions, states and queues.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A repository is a folder of folders: <name>/<version>/model.json, versions being whole numbers,
 * and an optional models.json (model_policy.h) that says which of them serve; without it the newest
 * version that loads does. registry_scan() brings the registry in line with the folder: a new
 * version is loaded and able to serve before the old one goes, and one that is broken is recorded,
 * not tried again until its files change, and disturbs nothing. */
#ifndef REGISTRY_H
#define REGISTRY_H

#include <limits.h>

#include "server/batcher.h"
#include "server/buf.h"
#include "server/request.h"

struct registry;

/* As TensorFlow Serving names them. */
enum version_state { VERSION_LOADING, VERSION_AVAILABLE, VERSION_END };

/* A version that can serve. Immutable; held by reference count, so that it stays usable for who
 * has it when it is replaced. */
struct served_version {
    const char *model;
    uint64_t number;
    struct batch_queue *queue;
    uint64_t identity; /* hash_model() of what was published, also of a head */
    bool is_head; /* its weights are what was learned on that version, not what was published */
};

/* What was learned on a version in an earlier life, asked for when the version is loaded: *head is
 * new, or NULL if there is nothing, or the version has its head already (registry_share_head());
 * *steps is how many led to it. */
struct registry_heads {
    enum lstm_status (*restore)(void *context, const struct served_version *published,
                                struct lstm_model **head, uint64_t *steps,
                                struct lstm_error *error);
    void *context;
};

/* A registry of `folder` that has loaded nothing yet. *registry is new. INVALID, NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status registry_create(const char *folder, struct batcher *batcher,
                                                 struct registry **registry,
                                                 struct lstm_error *error);

/* Before the first scan: serves a source file, or a model's folder, as version 1 of `model`; a
 * folder of that name in the repository is passed over. INVALID: no name for a model, or one that
 * is taken; NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status registry_add_source(struct registry *registry, const char *model,
                                                     const char *path, struct lstm_error *error);

/* Before the first scan; copied. */
void registry_use_heads(struct registry *registry, const struct registry_heads *heads);

/* Retires everything. No request may hold a version afterwards. */
void registry_destroy(struct registry *registry);

/* ---- Of one thread at a time, while others use what follows below ---------------------------- */

/* Loads what is new, retires what is gone. What goes wrong with one version is logged and kept in
 * its state. IO: the folder cannot be read, or what a name in it is; what serves goes on. The first
 * time only: INVALID, models.json is broken (later that is logged, and what it said before stays),
 * and what loading a source gives. */
LSTM_MUST_CHECK enum lstm_status registry_scan(struct registry *registry, struct lstm_error *error);

/* Scans, and undoes an unload of the model; versions of it that failed are tried again.
 * NOT_FOUND: there is no such model. What registry_scan() gives. */
LSTM_MUST_CHECK enum lstm_status registry_load(struct registry *registry, const char *model,
                                               struct lstm_error *error);

/* Stops serving a model until registry_load(); requests that hold a version finish. NOT_FOUND. */
LSTM_MUST_CHECK enum lstm_status registry_unload(struct registry *registry, const char *model,
                                                 struct lstm_error *error);

/* ---- Thread-safe ---------------------------------------------------------------------------- */

/* The version to serve a request: the model's version or label that parts names, or the head of
 * its newest: that version with the weights of what was learned on it. *found has a reference for
 * the caller. NOT_FOUND: what is unknown, or why it does not serve. */
LSTM_MUST_CHECK enum lstm_status registry_find(struct registry *registry,
                                               const struct path_parts *parts,
                                               const struct served_version **found,
                                               struct lstm_error *error);
/* The newest version of a model, with the weights that it was published with. As above. */
LSTM_MUST_CHECK enum lstm_status registry_find_published(struct registry *registry,
                                                         const char *model,
                                                         const struct served_version **found,
                                                         struct lstm_error *error);

/* The path of a version's folder in the repository, whatever zeros its name begins with.
 * NOT_FOUND: there is none; the model comes from registry_add_source(). IO, NO_MEMORY, INVALID. */
LSTM_MUST_CHECK enum lstm_status registry_version_folder(const struct registry *registry,
                                                         const char *model, uint64_t number,
                                                         char path[PATH_MAX],
                                                         struct lstm_error *error);

/* Whether a model comes from registry_add_source(). */
bool registry_has_source(const struct registry *registry, const char *model);

/* A version of the repository whether it serves or not, loaded for the caller alone and in no list:
 * for what began on it before it was replaced. NOT_FOUND: it is not there (any more); else what
 * loading it gives. */
LSTM_MUST_CHECK enum lstm_status registry_load_aside(struct registry *registry, const char *model,
                                                     uint64_t number,
                                                     const struct served_version **loaded,
                                                     struct lstm_error *error);

/* Makes this model, which is taken and was learned in as many steps, the head of a published
 * version; NULL: there is to be none. One thread at a time may change a version's head. INVALID:
 * another architecture; NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status registry_set_head(struct registry *registry,
                                                   const struct served_version *published,
                                                   struct lstm_model *model, uint64_t steps,
                                                   struct lstm_error *error);

/* Makes the head of one version that of another, too, of the same number and weights: what is
 * learned on it from then on is seen through both. False: it has none. */
bool registry_share_head(struct registry *registry, const struct served_version *from,
                         const struct served_version *to);

/* The head of a version that serves, if it was learned in at least as many steps; NULL: there is no
 * such. To be released. */
const struct served_version *registry_find_head(struct registry *registry, const char *model,
                                                uint64_t number, uint64_t least_steps);

/* In how many steps a head was learned; UINT64_MAX: it is a version's head no more. */
uint64_t registry_head_steps(const struct served_version *head);

/* One more reference, which is returned; one less, of which the last frees it. NULL is allowed in
 * registry_release(). */
const struct served_version *registry_retain(const struct served_version *version);
void registry_release(const struct served_version *version);

/* Whether there is a model, and all that were there at the first scan have a version that serves or
 * were unloaded on request. A broken model that comes later does not count. */
bool registry_is_ready(struct registry *registry);

/* How many models can serve. */
size_t registry_n_available(struct registry *registry);

/* Appends {"model_version_status": [...]} of a model, newest first; of one version if parts names
 * it or its label. NOT_FOUND, as TensorFlow Serving words it. */
LSTM_MUST_CHECK enum lstm_status registry_write_status(struct registry *registry,
                                                       const struct path_parts *parts,
                                                       struct buf *out, struct lstm_error *error);

/* Appends {"models": [{"name": ..., "versions": [{"version": ..., "state": ..., "labels": [...]},
 * ...]}, ...]}, by name. */
void registry_write_list(struct registry *registry, struct buf *out);

#endif
