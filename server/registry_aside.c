/* registry_aside.c: a version that no request may ask for any more, loaded for who still needs it.
 * SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/status.h"
#include "server/hash.h"
#include "server/registry_entries.h"
#include "server/version_load.h"

enum lstm_status registry_version_folder(const struct registry *registry, const char *model,
                                         uint64_t number, char path[PATH_MAX],
                                         struct lstm_error *error)
{
    struct repository_version *versions = NULL;
    size_t n = 0, k = 0;
    char folder[PATH_MAX];
    if (!repository_is_model_name(model) ||
        snprintf(folder, sizeof folder, "%s/%s", registry->folder, model) >= (int)sizeof folder)
        return lstm_fail(error, LSTM_NOT_FOUND, "'%.100s' is no name of a model", model);
    if (entries_find_source(registry, model) != NULL)
        return lstm_fail(error, LSTM_NOT_FOUND,
                         "model '%.100s' comes from --model: it has no folder of versions", model);
    enum lstm_status status = repository_versions(registry->folder, model, &versions, &n, error);
    while (status == LSTM_OK && k < n && versions[k].number != number)
        k++;
    if (status == LSTM_OK && k == n)
        status =
            lstm_fail(error, LSTM_NOT_FOUND,
                      "the repository has no version %" PRIu64 " of model '%.100s'", number, model);
    if (status == LSTM_OK &&
        snprintf(path, PATH_MAX, "%s/%s", folder, versions[k].folder) >= PATH_MAX)
        status = lstm_fail(error, LSTM_INVALID, "the path of model '%.100s' is too long", model);
    free(versions);
    return status;
}

enum lstm_status registry_load_aside(struct registry *registry, const char *model, uint64_t number,
                                     const struct served_version **loaded, struct lstm_error *error)
{
    char path[PATH_MAX];
    *loaded = NULL;
    enum lstm_status status = registry_version_folder(registry, model, number, path, error);
    if (status != LSTM_OK)
        return status;
    struct version *version = calloc(1, sizeof *version);
    if (version == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for a version");
    snprintf(version->model, sizeof version->model, "%s", model);
    version->served = (struct served_version){.model = version->model, .number = number};
    version->state = VERSION_AVAILABLE;
    atomic_init(&version->references, 1);
    atomic_init(&version->steps, UINT64_MAX);
    status = version_load(path, version->model, registry->batcher, &version->served.queue, error);
    if (status == LSTM_OK) {
        version->served.identity = hash_model(batch_queue_model(version->served.queue));
        *loaded = &version->served;
    } else {
        free(version);
    }
    return status;
}
