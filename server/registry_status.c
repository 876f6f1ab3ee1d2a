/* registry_status.c: the states of models and versions, as JSON. SPDX-License-Identifier:
 * Apache-2.0
 */
#include <string.h>

#include "core/status.h"
#include "server/json_text.h"
#include "server/registry_entries.h"

static const char *const state_names[] = {
    [VERSION_LOADING] = "LOADING", [VERSION_AVAILABLE] = "AVAILABLE", [VERSION_END] = "END"};

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

/* Appends the versions that are asked for. The lock is held. */
static enum lstm_status write_versions(const struct registry *registry,
                                       const struct path_parts *parts, struct buf *out,
                                       struct lstm_error *error)
{
    const bool wants_all = parts->version[0] == '\0' && parts->label[0] == '\0';
    const struct model_entry *model = entries_find_model(registry, parts->model);
    uint64_t number = 0;
    size_t n = 0;
    if (model == NULL)
        return lstm_fail(error, LSTM_NOT_FOUND, "Could not find any versions of model %s",
                         parts->model);
    enum lstm_status status =
        wants_all ? LSTM_OK : entries_resolve(registry, parts, &number, error);
    if (status != LSTM_OK)
        return status;
    for (const struct version *each = model->versions; each != NULL; each = each->next) {
        if (!wants_all && each->served.number != number)
            continue;
        buf_text(out, n++ > 0 ? "," : "");
        write_version(each, out);
    }
    if (n > 0 || wants_all)
        return LSTM_OK;
    return lstm_fail(error, LSTM_NOT_FOUND, "Could not find version %llu of model %s",
                     (unsigned long long)number, parts->model);
}

enum lstm_status registry_write_status(struct registry *registry, const struct path_parts *parts,
                                       struct buf *out, struct lstm_error *error)
{
    buf_text(out, "{\"model_version_status\":[");
    pthread_mutex_lock(&registry->lock);
    enum lstm_status status = write_versions(registry, parts, out, error);
    pthread_mutex_unlock(&registry->lock);
    buf_text(out, "]}");
    return status;
}

/* Appends one version with its labels. The lock is held. */
static void list_version(const struct model_policy *policy, const struct version *version,
                         struct buf *out)
{
    size_t n = 0;
    buf_printf(out, "{\"version\":\"%llu\",\"state\":\"%s\"",
               (unsigned long long)version->served.number, state_names[version->state]);
    for (size_t i = 0; i < policy->n_labels; i++)
        if (policy->labels[i].version == version->served.number)
            buf_printf(out, "%s\"%s\"", n++ > 0 ? "," : ",\"labels\":[", policy->labels[i].name);
    buf_text(out, n > 0 ? "]}" : "}");
}

void registry_write_list(struct registry *registry, struct buf *out)
{
    buf_text(out, "{\"models\":[");
    pthread_mutex_lock(&registry->lock);
    for (struct model_entry *model = registry->models; model != NULL; model = model->next) {
        const struct model_policy *policy = model_policies_find(&registry->policies, model->name);
        buf_printf(out, "%s{\"name\":\"%s\",\"versions\":[", model == registry->models ? "" : ",",
                   model->name);
        for (struct version *version = model->versions; version != NULL; version = version->next) {
            buf_text(out, version == model->versions ? "" : ",");
            list_version(policy, version, out);
        }
        buf_text(out, "]}");
    }
    pthread_mutex_unlock(&registry->lock);
    buf_text(out, "]}");
}
