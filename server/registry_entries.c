/* registry_entries.c: models by name, versions newest first. SPDX-License-Identifier: Apache-2.0 */
#include "server/registry_entries.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/status.h"

struct model_entry *entries_find_model(const struct registry *registry, const char *name)
{
    struct model_entry *model = registry->models;
    while (model != NULL && strcmp(model->name, name) != 0)
        model = model->next;
    return model;
}

const struct source_entry *entries_find_source(const struct registry *registry, const char *name)
{
    const struct source_entry *each = registry->sources;
    while (each != NULL && strcmp(each->model, name) != 0)
        each = each->next;
    return each;
}

struct version *entries_find_version(const struct model_entry *model, uint64_t number)
{
    struct version *version = model->versions;
    while (version != NULL && version->served.number != number)
        version = version->next;
    return version;
}

struct version *entries_newest_available(const struct model_entry *model)
{
    struct version *version = model->versions;
    while (version != NULL && version->state != VERSION_AVAILABLE)
        version = version->next;
    return version;
}

struct version *entries_inside(const struct served_version *version)
{
    union {
        const struct served_version *borrowed;
        struct version *version;
    } same = {.borrowed = version};
    return same.version;
}

enum lstm_status entries_resolve(const struct registry *registry, const struct path_parts *parts,
                                 uint64_t *number, struct lstm_error *error)
{
    const struct model_policy *policy = model_policies_find(&registry->policies, parts->model);
    *number = parts->label[0] != '\0' ? model_policy_version(policy, parts->label)
                                      : strtoull(parts->version, NULL, 10);
    if (parts->label[0] == '\0' || *number > 0)
        return LSTM_OK;
    return lstm_fail(error, LSTM_NOT_FOUND,
                     "model '%s' has no label '%s'; models.json gives a version its labels",
                     parts->model, parts->label);
}

struct model_entry *entries_add_model(struct registry *registry, const char *name)
{
    struct model_entry *model = calloc(1, sizeof *model);
    if (model == NULL)
        return NULL;
    snprintf(model->name, sizeof model->name, "%s", name);
    model->is_awaited = !registry->has_scanned;
    model->n_loaded = metric_series(METRIC_LOADED_VERSIONS, name, NULL, NULL);
    model->n_failures = metric_series(METRIC_LOAD_FAILURES, name, NULL, NULL);
    pthread_mutex_lock(&registry->lock);
    struct model_entry **place = &registry->models;
    while (*place != NULL && strcmp((*place)->name, name) < 0)
        place = &(*place)->next;
    model->next = *place;
    *place = model;
    pthread_mutex_unlock(&registry->lock);
    return model;
}

void entries_remove_model(struct registry *registry, struct model_entry *model)
{
    pthread_mutex_lock(&registry->lock);
    struct model_entry **place = &registry->models;
    while (*place != model)
        place = &(*place)->next;
    *place = model->next;
    pthread_mutex_unlock(&registry->lock);
    free(model);
}

struct version *entries_add_version(struct registry *registry, struct model_entry *model,
                                    uint64_t number)
{
    struct version *version = calloc(1, sizeof *version);
    if (version == NULL)
        return NULL;
    snprintf(version->model, sizeof version->model, "%s", model->name);
    version->served = (struct served_version){.model = version->model, .number = number};
    atomic_init(&version->references, 1);
    version->state = VERSION_LOADING;
    pthread_mutex_lock(&registry->lock);
    struct version **place = &model->versions;
    while (*place != NULL && (*place)->served.number > number)
        place = &(*place)->next;
    version->next = *place;
    *place = version;
    pthread_mutex_unlock(&registry->lock);
    return version;
}

void entries_remove_version(struct registry *registry, struct model_entry *model,
                            struct version *version)
{
    pthread_mutex_lock(&registry->lock);
    struct version **place = &model->versions;
    while (*place != version)
        place = &(*place)->next;
    *place = version->next;
    pthread_mutex_unlock(&registry->lock);
    registry_release(&version->served);
}

int64_t entries_stamp(enum lstm_status status, int64_t changed)
{
    enum { NO_FILE = -1 };
    return status == LSTM_NO_MEMORY || status == LSTM_IO ? NO_FILE : changed;
}
