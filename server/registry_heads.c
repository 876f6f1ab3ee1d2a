/* registry_heads.c: what is learned on a version, served beside what was published.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A head is a version in no list, with a queue of its own, that its published version holds; it
 * comes and goes with that. */
#include <stdlib.h>
#include <string.h>

#include "core/status.h"
#include "server/registry_entries.h"

void registry_use_heads(struct registry *registry, const struct registry_heads *heads)
{
    registry->heads = *heads;
}

enum lstm_status registry_find_published(struct registry *registry, const char *model,
                                         const struct served_version **found,
                                         struct lstm_error *error)
{
    enum lstm_status status = LSTM_OK;
    struct version *version = NULL;
    *found = NULL;
    pthread_mutex_lock(&registry->lock);
    const struct model_entry *entry = entries_find_model(registry, model);
    if (entry != NULL)
        version = entries_newest_available(entry);
    if (version != NULL)
        *found = registry_retain(&version->served);
    else
        status =
            lstm_fail(error, LSTM_NOT_FOUND, "no version of model '%.100s' serves any more", model);
    pthread_mutex_unlock(&registry->lock);
    return status;
}

static void exchange_head(struct registry *registry, struct version *published,
                          struct version *head)
{
    pthread_mutex_lock(&registry->lock);
    struct version *old = published->head;
    published->head = head;
    pthread_mutex_unlock(&registry->lock);
    if (old != NULL)
        registry_release(&old->served);
}

enum lstm_status registry_set_head(struct registry *registry,
                                   const struct served_version *published, struct lstm_model *model,
                                   struct lstm_error *error)
{
    struct version *version = entries_inside(published);
    if (model == NULL) {
        exchange_head(registry, version, NULL);
        return LSTM_OK;
    }
    if (version->head != NULL)
        return batch_queue_publish(version->head->served.queue, model, error);
    struct version *head = calloc(1, sizeof *head);
    if (head == NULL) {
        lstm_model_destroy(model);
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for what was learned");
    }
    memcpy(head->model, version->model, sizeof head->model);
    head->served = (struct served_version){.model = head->model, .number = published->number};
    atomic_init(&head->references, 1);
    head->state = VERSION_AVAILABLE;
    const enum lstm_status status =
        batch_queue_create(registry->batcher, model, head->model, &head->served.queue, error);
    if (status == LSTM_OK)
        exchange_head(registry, version, head);
    else
        free(head);
    return status;
}
