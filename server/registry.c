/* registry.c: versions found for requests. SPDX-License-Identifier: Apache-2.0
 *
 * The lock guards the lists and states; it is held for look-ups and changes of pointers, never
 * while a version loads. registry_scan.c changes them. */
#include "server/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/status.h"
#include "server/registry_entries.h"

enum lstm_status registry_create(const char *folder, struct batcher *batcher,
                                 struct registry **registry, struct lstm_error *error)
{
    *registry = NULL;
    struct registry *made = calloc(1, sizeof *made);
    if (made == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for the registry");
    if (snprintf(made->folder, sizeof made->folder, "%s", folder) >= (int)sizeof made->folder) {
        free(made);
        return lstm_fail(error, LSTM_INVALID, "the path %.80s... is too long", folder);
    }
    made->batcher = batcher;
    pthread_mutex_init(&made->lock, NULL);
    *registry = made;
    return LSTM_OK;
}

enum lstm_status registry_add_source(struct registry *registry, const char *model, const char *path,
                                     struct lstm_error *error)
{
    if (!repository_is_model_name(model))
        return lstm_fail(
            error, LSTM_INVALID,
            "'%.60s' is no name for a model: expected up to %d letters, digits or _ - .", model,
            MODEL_NAME_BYTES - 1);
    if (entries_find_source(registry, model) != NULL)
        return lstm_fail(error, LSTM_INVALID, "two models are named '%s'", model);
    const size_t n = strlen(path) + 1;
    struct source_entry *made = calloc(1, sizeof *made + n);
    if (made == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for the model '%s'", model);
    snprintf(made->model, sizeof made->model, "%s", model);
    memcpy(made->path, path, n);
    made->next = registry->sources;
    registry->sources = made;
    return LSTM_OK;
}

bool registry_has_source(const struct registry *registry, const char *model)
{
    return entries_find_source(registry, model) != NULL;
}

void registry_destroy(struct registry *registry)
{
    if (registry == NULL)
        return;
    while (registry->models != NULL) {
        struct model_entry *model = registry->models;
        while (model->versions != NULL)
            entries_remove_version(registry, model, model->versions);
        entries_remove_model(registry, model);
    }
    for (struct source_entry *each = registry->sources, *next; each != NULL; each = next) {
        next = each->next;
        free(each);
    }
    model_policies_release(&registry->policies);
    pthread_mutex_destroy(&registry->lock);
    free(registry);
}

const struct served_version *registry_retain(const struct served_version *version)
{
    atomic_fetch_add_explicit(&entries_inside(version)->references, 1, memory_order_relaxed);
    return version;
}

void registry_release(const struct served_version *version)
{
    while (version != NULL) {
        struct version *kept = entries_inside(version);
        if (atomic_fetch_sub_explicit(&kept->references, 1, memory_order_acq_rel) != 1)
            return;
        version = kept->head != NULL ? &kept->head->served : NULL;
        batch_queue_release(kept->served.queue);
        free(kept);
    }
}

static bool names_version(const struct path_parts *parts)
{
    return parts->version[0] != '\0' || parts->label[0] != '\0';
}

/* Why a model has no version for a request; `found` is what parts names, if there is that. The lock
 * is held. */
static enum lstm_status fail_find(const struct model_entry *model, const struct path_parts *parts,
                                  const struct version *found, struct lstm_error *error)
{
    char what[LABEL_BYTES + 64];
    if (model == NULL)
        return lstm_fail(error, LSTM_NOT_FOUND, "there is no model '%s'; GET /v1/models lists them",
                         parts->model);
    if (model->is_unloaded)
        return lstm_fail(error, LSTM_NOT_FOUND,
                         "model '%s' was unloaded; POST /v1/models/%s:load brings it back",
                         model->name, model->name);
    if (!names_version(parts))
        return lstm_fail(error, LSTM_NOT_FOUND, "no version of model '%s' can serve", model->name);
    if (parts->label[0] != '\0')
        snprintf(what, sizeof what, "the version with label '%s'", parts->label);
    else
        snprintf(what, sizeof what, "version %s", parts->version);
    if (found == NULL)
        return lstm_fail(error, LSTM_NOT_FOUND,
                         "%s of model '%s' is not served; GET /v1/models lists those that are",
                         what, model->name);
    return lstm_fail(error, LSTM_NOT_FOUND,
                     found->state == VERSION_LOADING ? "%s of model '%s' is loading; try again"
                                                     : "%s of model '%s' failed to load",
                     what, model->name);
}

enum lstm_status registry_find(struct registry *registry, const struct path_parts *parts,
                               const struct served_version **found, struct lstm_error *error)
{
    struct version *version = NULL;
    uint64_t number = 0;
    enum lstm_status status = LSTM_OK;
    *found = NULL;
    pthread_mutex_lock(&registry->lock);
    const struct model_entry *model = entries_find_model(registry, parts->model);
    if (model != NULL && !names_version(parts)) {
        version = entries_newest_available(model);
    } else if (model != NULL) {
        status = entries_resolve(registry, parts, &number, error);
        version = entries_find_version(model, number);
    }
    if (status == LSTM_OK && (version == NULL || version->state != VERSION_AVAILABLE))
        status = fail_find(model, parts, version, error);
    if (status == LSTM_OK && !names_version(parts) && version->head != NULL)
        version = version->head;
    if (status == LSTM_OK) {
        atomic_fetch_add_explicit(&version->references, 1, memory_order_relaxed);
        *found = &version->served;
    }
    pthread_mutex_unlock(&registry->lock);
    return status;
}

bool registry_is_ready(struct registry *registry)
{
    pthread_mutex_lock(&registry->lock);
    bool is_ready = registry->has_scanned && registry->models != NULL;
    for (struct model_entry *model = registry->models; model != NULL; model = model->next)
        if (model->is_awaited && !model->is_unloaded && entries_newest_available(model) == NULL)
            is_ready = false;
    pthread_mutex_unlock(&registry->lock);
    return is_ready;
}

size_t registry_n_available(struct registry *registry)
{
    size_t n = 0;
    pthread_mutex_lock(&registry->lock);
    for (struct model_entry *model = registry->models; model != NULL; model = model->next)
        n += entries_newest_available(model) != NULL;
    pthread_mutex_unlock(&registry->lock);
    return n;
}
