/* registry_scan.c: brings the registry in line with the repository's folder.
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/status.h"
#include "server/clock.h"
#include "server/hash.h"
#include "server/log.h"
#include "server/registry_entries.h"
#include "server/version_load.h"

/* What lies on disk of one model, newest first. */
struct on_disk {
    struct repository_version *versions; /* owned */
    size_t n;
};

static bool has_number(const struct on_disk *disk, uint64_t number)
{
    size_t i = 0;
    while (i < disk->n && disk->versions[i].number != number)
        i++;
    return i < disk->n;
}

/* ---- Versions come -------------------------------------------------------------------------- */

static void set_state(struct registry *registry, struct version *version, enum version_state state,
                      enum lstm_status status, const char *message)
{
    pthread_mutex_lock(&registry->lock);
    version->state = state;
    version->status = status;
    snprintf(version->message, sizeof version->message, "%s", message);
    pthread_mutex_unlock(&registry->lock);
}

static enum lstm_status load(const struct registry *registry, struct version *version,
                             const char *version_folder, struct lstm_error *error)
{
    char path[PATH_MAX];
    const struct source_entry *source = entries_find_source(registry, version->model);
    if (source != NULL)
        return version_load_source(source->path, version->model, registry->batcher,
                                   &version->served.queue, error);
    const int length =
        snprintf(path, sizeof path, "%s/%s/%s", registry->folder, version->model, version_folder);
    if (length >= (int)sizeof path)
        return lstm_fail(error, LSTM_INVALID, "the path of %s is too long", version->model);
    return version_load(path, version->model, registry->batcher, &version->served.queue, error);
}

/* `before` is what the last try failed of: it is one line of the log, however often it fails. */
static void log_failure(const struct model_entry *model, uint64_t number, const char *why,
                        const char *before)
{
    metric_add(model->n_failures, 1);
    if (strcmp(why, before) != 0)
        log_error("model_failed", L_STR("model", model->name), L_INT("version", number),
                  L_STR("error", why));
}

/* Without what was learned on it, a version serves as it was published. */
static void restore_head(struct registry *registry, const struct version *version)
{
    struct lstm_model *head = NULL;
    uint64_t steps = 0;
    struct lstm_error error;
    if (registry->heads.restore == NULL)
        return;
    enum lstm_status status =
        registry->heads.restore(registry->heads.context, &version->served, &head, &steps, &error);
    if (status == LSTM_OK && head != NULL)
        status = registry_set_head(registry, &version->served, head, steps, &error);
    if (status != LSTM_OK)
        log_error("head_failed", L_STR("model", version->model),
                  L_INT("version", version->served.number), L_STR("error", error.text));
}

/* Brings one version up, unless it failed with these very files; true if it serves afterwards. */
static bool bring_up(struct registry *registry, struct model_entry *model,
                     const struct repository_version *wanted)
{
    struct lstm_error error = {0}, before = {.text = ""};
    struct version *version = entries_find_version(model, wanted->number);
    if (version != NULL &&
        (version->state == VERSION_AVAILABLE || version->changed == wanted->changed))
        return version->state == VERSION_AVAILABLE;
    if (version != NULL) {
        snprintf(before.text, sizeof before.text, "%s", version->message);
        entries_remove_version(registry, model, version);
    }
    version = entries_add_version(registry, model, wanted->number);
    if (version == NULL) {
        log_failure(model, wanted->number, "out of memory", before.text);
        return false;
    }
    const int64_t begin = monotonic_us();
    enum lstm_status status = load(registry, version, wanted->folder, &error);
    version->changed = entries_stamp(status, wanted->changed);
    if (status == LSTM_OK) {
        version->served.identity = hash_model(batch_queue_model(version->served.queue));
        restore_head(registry, version);
    }
    set_state(registry, version, status == LSTM_OK ? VERSION_AVAILABLE : VERSION_END, status,
              status == LSTM_OK ? "" : error.text);
    if (status != LSTM_OK)
        log_failure(model, wanted->number, error.text, before.text);
    else
        log_info("model_loaded", L_STR("model", model->name), L_INT("version", wanted->number),
                 L_INT("us", monotonic_us() - begin));
    return status == LSTM_OK;
}

/* ---- Versions go ---------------------------------------------------------------------------- */

static void retire(struct registry *registry, struct model_entry *model, struct version *version)
{
    if (version->state == VERSION_AVAILABLE)
        log_info("model_unloaded", L_STR("model", model->name),
                 L_INT("version", version->served.number));
    entries_remove_version(registry, model, version);
}

/* Where the policy wants versions of which none serves, the newest that does goes on: NULL if it
 * need not. */
static const struct version *find_stand_in(const struct model_entry *model,
                                           const struct model_policy *policy,
                                           const struct on_disk *disk)
{
    const struct version *stand_in = NULL;
    for (const struct version *each = model->versions; each != NULL; each = each->next) {
        if (each->state != VERSION_AVAILABLE || !has_number(disk, each->served.number))
            continue;
        if (model_policy_wants(policy, each->served.number, 0))
            return NULL;
        stand_in = stand_in == NULL ? each : stand_in;
    }
    return stand_in;
}

/* Takes out the versions whose folders are gone, and those that the policy does not want. */
static void retire_unwanted(struct registry *registry, struct model_entry *model,
                            const struct model_policy *policy, const struct on_disk *disk)
{
    const struct version *stand_in = find_stand_in(model, policy, disk);
    size_t n_newer = 0;
    for (struct version *version = model->versions, *next; version != NULL; version = next) {
        const uint64_t number = version->served.number;
        next = version->next;
        if (!has_number(disk, number) ||
            (version != stand_in && !model_policy_wants(policy, number, n_newer)))
            retire(registry, model, version);
        else
            n_newer += version->state == VERSION_AVAILABLE;
    }
}

static void count_loaded(const struct model_entry *model)
{
    size_t n = 0;
    for (const struct version *each = model->versions; each != NULL; each = each->next)
        n += each->state == VERSION_AVAILABLE;
    metric_set(model->n_loaded, (double)n);
}

static void remove_unseen(struct registry *registry)
{
    for (struct model_entry *model = registry->models, *next; model != NULL; model = next) {
        next = model->next;
        if (model->is_seen)
            continue;
        while (model->versions != NULL)
            retire(registry, model, model->versions);
        count_loaded(model);
        entries_remove_model(registry, model);
    }
}

/* ---- Models --------------------------------------------------------------------------------- */

static void follow(struct registry *registry, struct model_entry *model, const struct on_disk *disk)
{
    const struct model_policy *policy = model_policies_find(&registry->policies, model->name);
    size_t n_serving = 0;
    for (size_t i = 0; i < disk->n && !model->is_unloaded; i++)
        if (model_policy_wants(policy, disk->versions[i].number, n_serving))
            n_serving += bring_up(registry, model, &disk->versions[i]);
    retire_unwanted(registry, model, policy, disk);
    count_loaded(model);
}

static void scan_model(struct registry *registry, const char *name)
{
    struct on_disk disk;
    struct lstm_error error;
    struct model_entry *model = entries_find_model(registry, name);
    enum lstm_status status =
        repository_versions(registry->folder, name, &disk.versions, &disk.n, &error);
    if (model == NULL && (status != LSTM_OK || disk.n > 0))
        model = entries_add_model(registry, name);
    if (model == NULL) {
        free(disk.versions);
        return;
    }
    model->is_seen = status != LSTM_OK || disk.n > 0;
    if (status == LSTM_OK)
        follow(registry, model, &disk);
    else if (!model->is_unreadable)
        log_error("model_unreadable", L_STR("model", name), L_STR("error", error.text));
    model->is_unreadable = status != LSTM_OK;
    free(disk.versions);
}

/* A source is a model of one version, which is tried again only if its file changes. */
static void scan_source(struct registry *registry, const struct source_entry *source)
{
    struct repository_version version = {
        .number = 1, .folder = "1", .changed = repository_file_stamp(source->path)};
    const struct on_disk disk = {&version, 1};
    struct model_entry *model = entries_find_model(registry, source->model);
    if (model == NULL)
        model = entries_add_model(registry, source->model);
    if (model == NULL)
        return;
    model->is_seen = true;
    follow(registry, model, &disk);
}

/* Whoever named a file wants it served, not a server that waits for it. */
static enum lstm_status check_sources(const struct registry *registry, struct lstm_error *error)
{
    for (const struct source_entry *each = registry->sources; each != NULL; each = each->next) {
        const struct model_entry *model = entries_find_model(registry, each->model);
        const struct version *version = model != NULL ? entries_find_version(model, 1) : NULL;
        if (model == NULL)
            return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for model '%s'", each->model);
        if (version != NULL && version->state == VERSION_END)
            return lstm_fail(error, version->status, "--model %s: %s", each->model,
                             version->message);
    }
    return LSTM_OK;
}

/* What the repository holds; with sources, it need not be there. One that was there is not gone
 * because its disk is not mounted for a while. */
static enum lstm_status list_models(struct registry *registry, char (**names)[MODEL_NAME_BYTES],
                                    size_t *n, struct lstm_error *error)
{
    *names = NULL;
    *n = 0;
    if (registry->sources != NULL && !registry->has_folder && access(registry->folder, F_OK) != 0 &&
        (errno == ENOENT || errno == ENOTDIR))
        return LSTM_OK;
    const enum lstm_status status = repository_models(registry->folder, names, n, error);
    registry->has_folder |= status == LSTM_OK;
    return status;
}

/* ---- What others call ----------------------------------------------------------------------- */

enum lstm_status registry_scan(struct registry *registry, struct lstm_error *error)
{
    char(*names)[MODEL_NAME_BYTES];
    size_t n;
    bool is_new;
    enum lstm_status status = list_models(registry, &names, &n, error);
    if (status != LSTM_OK)
        return status;
    status = registry_read_policies(registry, &is_new, error);
    if (status != LSTM_OK) {
        free(names);
        return status;
    }
    if (is_new)
        registry_warn_of_strangers(registry, names, n);
    for (struct model_entry *model = registry->models; model != NULL; model = model->next)
        model->is_seen = false;
    for (size_t i = 0; i < n; i++)
        if (entries_find_source(registry, names[i]) == NULL)
            scan_model(registry, names[i]);
    for (const struct source_entry *each = registry->sources; each != NULL; each = each->next)
        scan_source(registry, each);
    remove_unseen(registry);
    free(names);
    status = registry->has_scanned ? LSTM_OK : check_sources(registry, error);
    if (status != LSTM_OK)
        return status;
    pthread_mutex_lock(&registry->lock);
    registry->has_scanned = true;
    pthread_mutex_unlock(&registry->lock);
    return LSTM_OK;
}

static void set_unloaded(struct registry *registry, struct model_entry *model, bool is_unloaded)
{
    pthread_mutex_lock(&registry->lock);
    model->is_unloaded = is_unloaded;
    pthread_mutex_unlock(&registry->lock);
}

static enum lstm_status fail_unknown(const char *model, struct lstm_error *error)
{
    return lstm_fail(error, LSTM_NOT_FOUND, "there is no model '%s'; GET /v1/models lists them",
                     model);
}

/* The name comes from a request, so it must not make a path: the scan finds all there is. */
enum lstm_status registry_load(struct registry *registry, const char *name,
                               struct lstm_error *error)
{
    struct model_entry *model = entries_find_model(registry, name);
    if (model != NULL) {
        for (struct version *version = model->versions, *next; version != NULL; version = next) {
            next = version->next;
            if (version->state == VERSION_END)
                entries_remove_version(registry, model, version);
        }
        set_unloaded(registry, model, false);
    }
    enum lstm_status status = registry_scan(registry, error);
    if (status != LSTM_OK || entries_find_model(registry, name) != NULL)
        return status;
    return fail_unknown(name, error);
}

/* Leaves a version's number behind, without its queue. */
static void end_version(struct registry *registry, struct model_entry *model,
                        struct version *version)
{
    const uint64_t number = version->served.number;
    retire(registry, model, version);
    struct version *ended = entries_add_version(registry, model, number);
    if (ended != NULL)
        set_state(registry, ended, VERSION_END, LSTM_OK, "unloaded on request");
}

enum lstm_status registry_unload(struct registry *registry, const char *name,
                                 struct lstm_error *error)
{
    struct model_entry *model = entries_find_model(registry, name);
    if (model == NULL)
        return fail_unknown(name, error);
    set_unloaded(registry, model, true);
    for (struct version *version = model->versions, *next; version != NULL; version = next) {
        next = version->next;
        if (version->state == VERSION_AVAILABLE)
            end_version(registry, model, version);
    }
    count_loaded(model);
    return LSTM_OK;
}
