/* registry_policies.c: models.json, read again when it changes. SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "core/status.h"
#include "server/log.h"
#include "server/registry_entries.h"

void registry_warn_of_strangers(const struct registry *registry, char (*names)[MODEL_NAME_BYTES],
                                size_t n_names)
{
    const struct model_policies *const policies = &registry->policies;
    for (size_t i = 0; i < policies->n; i++) {
        size_t k = 0;
        while (k < n_names && strcmp(names[k], policies->policies[i].model) != 0)
            k++;
        if (k == n_names && entries_find_source(registry, policies->policies[i].model) == NULL)
            log_warn("model_missing", L_STR("model", policies->policies[i].model),
                     L_STR("error", "models.json names it, but it has no folder"));
    }
}

enum lstm_status registry_read_policies(struct registry *registry, bool *is_new,
                                        struct lstm_error *error)
{
    char path[PATH_MAX + 16];
    struct model_policies policies;
    struct lstm_error why;
    snprintf(path, sizeof path, "%s/models.json", registry->folder);
    const int64_t changed = repository_file_stamp(path);
    *is_new = false;
    if (changed == registry->policies_changed)
        return LSTM_OK;
    enum lstm_status status = model_policies_load(path, &policies, &why);
    if (status != LSTM_OK && !registry->has_scanned)
        return lstm_fail(error, status, "%s", why.text);
    registry->policies_changed = entries_stamp(status, changed);
    if (status != LSTM_OK) {
        if (strcmp(why.text, registry->policies_failure) != 0)
            log_error("policies_failed", L_STR("error", why.text));
        snprintf(registry->policies_failure, sizeof registry->policies_failure, "%s", why.text);
        return LSTM_OK;
    }
    registry->policies_failure[0] = '\0';
    pthread_mutex_lock(&registry->lock);
    struct model_policies old = registry->policies;
    registry->policies = policies;
    pthread_mutex_unlock(&registry->lock);
    model_policies_release(&old);
    *is_new = true;
    return LSTM_OK;
}
