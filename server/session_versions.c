/* session_versions.c: versions found, kept, loaded and let go. SPDX-License-Identifier: Apache-2.0
 */
#include "server/session_versions.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/status.h"
#include "server/clock.h"
#include "server/hash.h"
#include "server/log.h"
#include "server/repository.h"

/* A version that cannot be loaded is not tried again at once. */
enum { RETRY_US = 1000000 };

/* One that was used; without `version`, one that could not be loaded. */
struct kept {
    struct kept *next;
    const struct served_version *version; /* a reference */
    uint64_t number, weights;
    int64_t used_us;
    char model[MODEL_NAME_BYTES];
};

struct session_versions {
    struct registry *registry;
    pthread_mutex_t lock;
    struct kept *first; /* guarded by lock; few */
};

struct session_versions *session_versions_create(struct registry *registry)
{
    struct session_versions *versions = calloc(1, sizeof *versions);
    if (versions == NULL)
        return NULL;
    versions->registry = registry;
    pthread_mutex_init(&versions->lock, NULL);
    return versions;
}

void session_versions_destroy(struct session_versions *versions)
{
    if (versions == NULL)
        return;
    session_versions_trim(versions, -1);
    pthread_mutex_destroy(&versions->lock);
    free(versions);
}

/* The registry's, as it was published; NULL: it does not serve. */
static const struct served_version *find_serving(struct session_versions *versions,
                                                 const char *model, uint64_t number)
{
    struct path_parts parts = {.version = ""};
    const struct served_version *found = NULL;
    struct lstm_error error;
    snprintf(parts.model, sizeof parts.model, "%s", model);
    snprintf(parts.version, sizeof parts.version, "%" PRIu64, number);
    return registry_find(versions->registry, &parts, &found, &error) == LSTM_OK ? found : NULL;
}

/* What is kept of this version: of the one that serves, if one does. The lock is held. */
static struct kept *find_kept(struct session_versions *versions, const char *model, uint64_t number,
                              const struct served_version *serving)
{
    struct kept *each = versions->first;
    while (each != NULL && (each->number != number || strcmp(each->model, model) != 0 ||
                            (serving != NULL && each->version != serving)))
        each = each->next;
    return each;
}

/* Whether what is kept answers the question: a version, or that it failed a moment ago. */
static bool recall(struct session_versions *versions, const char *model, uint64_t number,
                   const struct served_version *serving, const struct served_version **version,
                   uint64_t *weights)
{
    const int64_t now = monotonic_us();
    bool is_known = false;
    pthread_mutex_lock(&versions->lock);
    struct kept *kept = find_kept(versions, model, number, serving);
    if (kept != NULL && kept->version != NULL) {
        *version = registry_retain(kept->version);
        *weights = kept->weights;
        kept->used_us = now;
        is_known = true;
    } else if (kept != NULL) {
        is_known = now - kept->used_us < RETRY_US;
    }
    pthread_mutex_unlock(&versions->lock);
    return is_known;
}

/* Keeps a version (a reference is taken), or, NULL, that there is none. Without memory it is looked
 * for again the next time. */
static void keep(struct session_versions *versions, const char *model, uint64_t number,
                 const struct served_version *version, uint64_t weights)
{
    struct kept *made = calloc(1, sizeof *made);
    if (made == NULL)
        return;
    made->number = number;
    made->weights = weights;
    made->used_us = monotonic_us();
    snprintf(made->model, sizeof made->model, "%s", model);
    pthread_mutex_lock(&versions->lock);
    made->version = version != NULL ? registry_retain(version) : NULL;
    made->next = versions->first;
    versions->first = made;
    pthread_mutex_unlock(&versions->lock);
}

const struct served_version *session_versions_find(struct session_versions *versions,
                                                   const char *model, uint64_t number,
                                                   uint64_t *weights)
{
    struct lstm_error error;
    const struct served_version *version = NULL;
    const struct served_version *serving = find_serving(versions, model, number);
    *weights = 0;
    if (recall(versions, model, number, serving, &version, weights)) {
        registry_release(serving);
        return version;
    }
    version = serving;
    if (version == NULL &&
        registry_load_aside(versions->registry, model, number, &version, &error) != LSTM_OK)
        log_warn("session_version_missing", L_STR("model", model), L_INT("version", number),
                 L_STR("error", error.text));
    if (version != NULL)
        *weights = hash_weights(batch_queue_model(version->queue));
    keep(versions, model, number, version, *weights);
    return version;
}

void session_versions_trim(struct session_versions *versions, int64_t idle_us)
{
    const int64_t now = monotonic_us();
    struct kept *gone = NULL;
    pthread_mutex_lock(&versions->lock);
    for (struct kept **place = &versions->first; *place != NULL;) {
        struct kept *each = *place;
        if (now - each->used_us <= idle_us) {
            place = &each->next;
            continue;
        }
        *place = each->next;
        each->next = gone;
        gone = each;
    }
    pthread_mutex_unlock(&versions->lock);
    for (struct kept *next; gone != NULL; gone = next) {
        next = gone->next;
        registry_release(gone->version);
        free(gone);
    }
}
