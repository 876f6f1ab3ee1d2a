/* registry.c: versions loaded, found, retired and described. SPDX-License-Identifier: Apache-2.0
 *
 * The lock guards the lists and states; it is held for look-ups and changes of pointers, never
 * while a version loads. */
#include "server/registry.h"

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/status.h"
#include "server/json_text.h"
#include "server/log.h"
#include "server/metrics.h"
#include "server/repository.h"
#include "server/request.h"

/* One version as the registry keeps it; served while somebody may find it. */
struct version {
    struct served_version served; /* first: a pointer to it points to the version */
    atomic_size_t references;
    char model[MODEL_NAME_BYTES];

    /* Guarded by registry->lock. */
    enum version_state state;
    int64_t changed; /* of its files, when it was loaded or failed */
    enum lstm_status status;
    char message[256];    /* why it does not serve */
    struct version *next; /* of the same model, newest first */
};

struct model_entry {
    char name[MODEL_NAME_BYTES];
    struct version *versions;
    bool seen;                /* by the scan that runs */
    struct model_entry *next; /* by name */
};

struct registry {
    char folder[PATH_MAX];
    struct batcher *batcher;
    struct metric_series *n_loaded;
    pthread_mutex_t lock;
    struct model_entry *models; /* guarded by lock; only the scanning thread changes it */
};

/* ---- Versions ------------------------------------------------------------------------------- */

static void release(struct version *version)
{
    if (atomic_fetch_sub_explicit(&version->references, 1, memory_order_acq_rel) != 1)
        return;
    batch_queue_release(version->served.queue);
    free(version);
}

void registry_release(const struct served_version *version)
{
    union {
        const struct served_version *borrowed;
        struct version *version;
    } same = {.borrowed = version};
    if (version != NULL)
        release(same.version);
}

static struct version *version_create(const char *model, uint64_t number)
{
    struct version *version = calloc(1, sizeof *version);
    if (version == NULL)
        return NULL;
    snprintf(version->model, sizeof version->model, "%s", model);
    version->served = (struct served_version){.model = version->model, .number = number};
    atomic_init(&version->references, 1);
    version->state = VERSION_LOADING;
    return version;
}

/* Loads a version's files and gives it a queue; no lock is held. */
static enum lstm_status load(struct registry *registry, struct version *version,
                             const char *version_folder, struct lstm_error *error)
{
    char path[PATH_MAX];
    struct lstm_model *model;
    const int length =
        snprintf(path, sizeof path, "%s/%s/%s", registry->folder, version->model, version_folder);
    if (length >= (int)sizeof path)
        return lstm_fail(error, LSTM_INVALID, "the path of %s is too long", version->model);
    enum lstm_status status = lstm_model_load(path, &model, error);
    if (status != LSTM_OK)
        return status;
    return batch_queue_create(registry->batcher, model, version->model, &version->served.queue,
                              error);
}

/* ---- Models --------------------------------------------------------------------------------- */

/* The lock is held, or the caller is the scanning thread. */
static struct model_entry *find_model(struct registry *registry, const char *name)
{
    struct model_entry *model = registry->models;
    while (model != NULL && strcmp(model->name, name) != 0)
        model = model->next;
    return model;
}

static struct version *find_version(const struct model_entry *model, uint64_t number)
{
    struct version *version = model->versions;
    while (version != NULL && version->served.number != number)
        version = version->next;
    return version;
}

static struct version *newest_available(const struct model_entry *model)
{
    struct version *version = model->versions;
    while (version != NULL && version->state != VERSION_AVAILABLE)
        version = version->next;
    return version;
}

static struct model_entry *add_model(struct registry *registry, const char *name)
{
    struct model_entry *model = calloc(1, sizeof *model);
    if (model == NULL)
        return NULL;
    snprintf(model->name, sizeof model->name, "%s", name);
    pthread_mutex_lock(&registry->lock);
    struct model_entry **place = &registry->models;
    while (*place != NULL && strcmp((*place)->name, name) < 0)
        place = &(*place)->next;
    model->next = *place;
    *place = model;
    pthread_mutex_unlock(&registry->lock);
    return model;
}

static void insert_version(struct registry *registry, struct model_entry *model,
                           struct version *version)
{
    pthread_mutex_lock(&registry->lock);
    struct version **place = &model->versions;
    while (*place != NULL && (*place)->served.number > version->served.number)
        place = &(*place)->next;
    version->next = *place;
    *place = version;
    pthread_mutex_unlock(&registry->lock);
}

static void remove_version(struct registry *registry, struct model_entry *model,
                           struct version *version)
{
    pthread_mutex_lock(&registry->lock);
    struct version **place = &model->versions;
    while (*place != version)
        place = &(*place)->next;
    *place = version->next;
    pthread_mutex_unlock(&registry->lock);
    release(version);
}

/* Brings one version up; true if it serves afterwards. */
static bool bring_up(struct registry *registry, struct model_entry *model,
                     const struct repository_version *wanted)
{
    struct lstm_error error = {0};
    struct version *version = find_version(model, wanted->number);
    if (version != NULL &&
        (version->state == VERSION_AVAILABLE || version->changed == wanted->changed))
        return version->state == VERSION_AVAILABLE;
    if (version != NULL)
        remove_version(registry, model, version);
    version = version_create(model->name, wanted->number);
    if (version == NULL) {
        log_error("model_failed", L_STR("model", model->name), L_INT("version", wanted->number),
                  L_STR("error", "out of memory"));
        return false;
    }
    insert_version(registry, model, version);
    const int64_t begin = monotonic_us();
    enum lstm_status status = load(registry, version, wanted->folder, &error);
    pthread_mutex_lock(&registry->lock);
    version->changed = wanted->changed;
    version->status = status;
    version->state = status == LSTM_OK ? VERSION_AVAILABLE : VERSION_END;
    if (status != LSTM_OK)
        snprintf(version->message, sizeof version->message, "%s", error.text);
    pthread_mutex_unlock(&registry->lock);
    if (status != LSTM_OK)
        log_error("model_failed", L_STR("model", model->name), L_INT("version", wanted->number),
                  L_STR("error", error.text));
    else
        log_info("model_loaded", L_STR("model", model->name), L_INT("version", wanted->number),
                 L_INT("us", monotonic_us() - begin));
    return status == LSTM_OK;
}

/* Takes out the versions below `keep`, and those whose folder is gone. */
static void retire(struct registry *registry, struct model_entry *model, uint64_t keep,
                   const struct repository_version *on_disk, size_t n)
{
    for (struct version *version = model->versions, *next; version != NULL; version = next) {
        next = version->next;
        size_t i = 0;
        while (i < n && on_disk[i].number != version->served.number)
            i++;
        if (version->served.number >= keep && i < n)
            continue;
        log_info("model_unloaded", L_STR("model", model->name),
                 L_INT("version", version->served.number));
        remove_version(registry, model, version);
    }
}

/* The newest version that loads serves; newer ones that do not are kept as failed. */
static void scan_model(struct registry *registry, const char *name)
{
    struct repository_version *on_disk;
    struct lstm_error error;
    size_t n, i = 0;
    struct model_entry *model = find_model(registry, name);
    if (repository_versions(registry->folder, name, &on_disk, &n, &error) != LSTM_OK) {
        log_error("model_unreadable", L_STR("model", name), L_STR("error", error.text));
        if (model != NULL)
            model->seen = true;
        return;
    }
    if (n > 0 && model == NULL)
        model = add_model(registry, name);
    if (n > 0 && model != NULL) {
        model->seen = true;
        while (i < n && !bring_up(registry, model, &on_disk[i]))
            i++;
        retire(registry, model, i < n ? on_disk[i].number : 0, on_disk, n);
    }
    free(on_disk);
}

static void remove_unseen(struct registry *registry)
{
    for (struct model_entry *model = registry->models, *next; model != NULL; model = next) {
        next = model->next;
        if (model->seen)
            continue;
        retire(registry, model, 0, NULL, 0);
        pthread_mutex_lock(&registry->lock);
        struct model_entry **place = &registry->models;
        while (*place != model)
            place = &(*place)->next;
        *place = next;
        pthread_mutex_unlock(&registry->lock);
        free(model);
    }
}

enum lstm_status registry_scan(struct registry *registry, struct lstm_error *error)
{
    char(*names)[MODEL_NAME_BYTES];
    size_t n;
    enum lstm_status status = repository_models(registry->folder, &names, &n, error);
    if (status != LSTM_OK)
        return status;
    for (struct model_entry *model = registry->models; model != NULL; model = model->next)
        model->seen = false;
    for (size_t i = 0; i < n; i++)
        scan_model(registry, names[i]);
    remove_unseen(registry);
    metric_set(registry->n_loaded, (double)registry_n_available(registry));
    free(names);
    return LSTM_OK;
}

/* ---- Life ----------------------------------------------------------------------------------- */

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
    made->n_loaded = metric_series(METRIC_MODELS_LOADED, NULL, NULL, NULL);
    pthread_mutex_init(&made->lock, NULL);
    *registry = made;
    return LSTM_OK;
}

void registry_destroy(struct registry *registry)
{
    if (registry == NULL)
        return;
    for (struct model_entry *model = registry->models; model != NULL; model = model->next)
        model->seen = false;
    remove_unseen(registry);
    pthread_mutex_destroy(&registry->lock);
    free(registry);
}

/* ---- Questions ------------------------------------------------------------------------------ */

enum lstm_status registry_find(struct registry *registry, const char *model, const char *version,
                               const struct served_version **found, struct lstm_error *error)
{
    struct version *chosen = NULL;
    *found = NULL;
    pthread_mutex_lock(&registry->lock);
    const struct model_entry *entry = find_model(registry, model);
    if (entry != NULL)
        chosen = version[0] == '\0' ? newest_available(entry)
                                    : find_version(entry, strtoull(version, NULL, 10));
    const bool exists = chosen != NULL;
    if (exists && chosen->state != VERSION_AVAILABLE)
        chosen = NULL;
    if (chosen != NULL)
        atomic_fetch_add_explicit(&chosen->references, 1, memory_order_relaxed);
    pthread_mutex_unlock(&registry->lock);
    if (chosen != NULL) {
        *found = &chosen->served;
        return LSTM_OK;
    }
    if (entry == NULL)
        return lstm_fail(error, LSTM_NOT_FOUND, "there is no model '%s'; GET /v1/models lists them",
                         model);
    if (version[0] == '\0')
        return lstm_fail(error, LSTM_NOT_FOUND, "no version of model '%s' can serve", model);
    return lstm_fail(error, LSTM_NOT_FOUND,
                     exists ? "version %s of model '%s' failed to load"
                            : "there is no version %s of model '%s'",
                     version, model);
}

bool registry_is_ready(struct registry *registry)
{
    pthread_mutex_lock(&registry->lock);
    bool ready = registry->models != NULL;
    for (struct model_entry *model = registry->models; model != NULL; model = model->next)
        ready = ready && newest_available(model) != NULL;
    pthread_mutex_unlock(&registry->lock);
    return ready;
}

size_t registry_n_available(struct registry *registry)
{
    size_t n = 0;
    pthread_mutex_lock(&registry->lock);
    for (struct model_entry *model = registry->models; model != NULL; model = model->next)
        n += newest_available(model) != NULL;
    pthread_mutex_unlock(&registry->lock);
    return n;
}

static const char *const state_names[] = {[VERSION_LOADING] = "LOADING",
                                          [VERSION_AVAILABLE] = "AVAILABLE",
                                          [VERSION_UNLOADING] = "UNLOADING",
                                          [VERSION_END] = "END"};

/* The codes of google.rpc.Code that TensorFlow Serving writes. */
static const char *rpc_code(enum lstm_status status)
{
    switch (status) {
    case LSTM_OK:
        return "OK";
    case LSTM_NOT_FOUND:
        return "NOT_FOUND";
    case LSTM_NO_MEMORY:
        return "RESOURCE_EXHAUSTED";
    case LSTM_IO:
        return "UNAVAILABLE";
    case LSTM_UNSUPPORTED:
        return "UNIMPLEMENTED";
    default:
        return "INVALID_ARGUMENT";
    }
}

static void write_version(const struct version *version, struct buf *out)
{
    buf_printf(out,
               "{\"version\":\"%llu\",\"state\":\"%s\",\"status\":{\"error_code\":\"%s\","
               "\"error_message\":",
               (unsigned long long)version->served.number, state_names[version->state],
               rpc_code(version->status));
    json_append_string(out, version->message, strlen(version->message));
    buf_text(out, "}}");
}

enum lstm_status registry_write_status(struct registry *registry, const char *model,
                                       const char *version, struct buf *out,
                                       struct lstm_error *error)
{
    const uint64_t number = version[0] == '\0' ? 0 : strtoull(version, NULL, 10);
    size_t n = 0;
    buf_text(out, "{\"model_version_status\":[");
    pthread_mutex_lock(&registry->lock);
    const struct model_entry *entry = find_model(registry, model);
    const struct version *each = entry == NULL ? NULL : entry->versions;
    for (; each != NULL; each = each->next) {
        if (version[0] != '\0' && each->served.number != number)
            continue;
        buf_text(out, n++ > 0 ? "," : "");
        write_version(each, out);
    }
    pthread_mutex_unlock(&registry->lock);
    buf_text(out, "]}");
    if (n > 0)
        return LSTM_OK;
    if (entry == NULL || version[0] == '\0')
        return lstm_fail(error, LSTM_NOT_FOUND, "Could not find any versions of model %s", model);
    return lstm_fail(error, LSTM_NOT_FOUND, "Could not find version %s of model %s", version,
                     model);
}

void registry_write_list(struct registry *registry, struct buf *out)
{
    buf_text(out, "{\"models\":[");
    pthread_mutex_lock(&registry->lock);
    for (struct model_entry *model = registry->models; model != NULL; model = model->next) {
        buf_printf(out, "%s{\"name\":\"%s\",\"versions\":[", model == registry->models ? "" : ",",
                   model->name);
        for (struct version *version = model->versions; version != NULL; version = version->next)
            buf_printf(out, "%s{\"version\":\"%llu\",\"state\":\"%s\"}",
                       version == model->versions ? "" : ",",
                       (unsigned long long)version->served.number, state_names[version->state]);
        buf_text(out, "]}");
    }
    pthread_mutex_unlock(&registry->lock);
    buf_text(out, "]}");
}
