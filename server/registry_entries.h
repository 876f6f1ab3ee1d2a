/* registry_entries.h: the registry inside: its lists of models and versions.
 * SPDX-License-Identifier: Apache-2.0
 *
 * One thread, the scanning one, changes the lists, policies and states, under the lock; it reads
 * them without. All others only read, under the lock. */
#ifndef REGISTRY_ENTRIES_H
#define REGISTRY_ENTRIES_H

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>

#include "server/metrics.h"
#include "server/model_policy.h"
#include "server/registry.h"
#include "server/repository.h"

/* One version as the registry keeps it; served while somebody may find it. */
struct version {
    struct served_version served; /* first: a pointer to it points to the version */
    atomic_size_t references;
    atomic_uint_fast64_t steps; /* that a head was learned in; UINT64_MAX: nobody's head any more */
    char model[MODEL_NAME_BYTES];

    enum version_state state;
    int64_t changed; /* of its files, when it was loaded or failed */
    enum lstm_status status;
    char message[256];    /* why it does not serve */
    struct version *head; /* a reference, in no list; NULL: requests see it as published */
    struct version *next; /* of the same model, newest first */
};

struct model_entry {
    char name[MODEL_NAME_BYTES];
    struct version *versions;
    bool is_unloaded;         /* on request: nothing of it serves */
    bool is_awaited;          /* there at the first scan: readiness waits for it */
    bool is_unreadable;       /* its folder; the log has it */
    bool is_seen;             /* by the scan that runs */
    struct model_entry *next; /* by name */
    struct metric_series *n_loaded, *n_failures;
};

/* A model that comes from one file. */
struct source_entry {
    struct source_entry *next;
    char model[MODEL_NAME_BYTES];
    char path[];
};

struct registry {
    char folder[PATH_MAX];
    struct source_entry *sources;
    struct batcher *batcher;
    struct registry_heads heads; /* restore is NULL: none are */
    pthread_mutex_t lock;
    struct model_entry *models;
    struct model_policies policies;
    int64_t policies_changed;   /* of models.json, when it was read */
    char policies_failure[256]; /* what the last reading failed of */
    bool has_folder;            /* it could be read once */
    bool has_scanned;           /* once, to the end */
};

/* Of the scanning thread, or with the lock held. NULL: there is none. */
struct model_entry *entries_find_model(const struct registry *registry, const char *name);
struct version *entries_find_version(const struct model_entry *model, uint64_t number);
struct version *entries_newest_available(const struct model_entry *model);

const struct source_entry *entries_find_source(const struct registry *registry, const char *name);

/* The number that a version's or a label's text stands for; 0 if no version has it. The lock is
 * held. NOT_FOUND: the model has no such label. */
LSTM_MUST_CHECK enum lstm_status entries_resolve(const struct registry *registry,
                                                 const struct path_parts *parts, uint64_t *number,
                                                 struct lstm_error *error);

/* What is given out is const: only its count of references and its head change. */
struct version *entries_inside(const struct served_version *version);

/* Of the scanning thread; they take the lock. NULL: no memory. A version begins as LOADING, with
 * the list's reference; removing it releases that. A model must have no versions to be removed. */
struct model_entry *entries_add_model(struct registry *registry, const char *name);
void entries_remove_model(struct registry *registry, struct model_entry *model);
struct version *entries_add_version(struct registry *registry, struct model_entry *model,
                                    uint64_t number);
void entries_remove_version(struct registry *registry, struct model_entry *model,
                            struct version *version);

/* What is kept as the stamp of files that were read with this status: `changed`, or where the next
 * try may go better with the same files (memory or descriptors were used up, the disk failed), that
 * of no file, so that the next scan reads them again. */
int64_t entries_stamp(enum lstm_status status, int64_t changed);

/* Reads models.json if it changed; *is_new: there are new policies. What is wrong with a new one is
 * logged once, and the old ones stay; only at the first scan it is an error: INVALID, IO,
 * NO_MEMORY.
 */
LSTM_MUST_CHECK enum lstm_status registry_read_policies(struct registry *registry, bool *is_new,
                                                        struct lstm_error *error);

/* Logs the models that models.json names and that are no source and not among the n names. */
void registry_warn_of_strangers(const struct registry *registry, char (*names)[MODEL_NAME_BYTES],
                                size_t n_names);

#endif
