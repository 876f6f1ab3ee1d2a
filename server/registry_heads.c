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
    if (old == NULL)
        return;
    atomic_store(&old->steps, UINT64_MAX);
    registry_release(&old->served);
}

bool registry_share_head(struct registry *registry, const struct served_version *from,
                         const struct served_version *to)
{
    struct version *const version = entries_inside(to);
    pthread_mutex_lock(&registry->lock);
    const struct version *old = version->head;
    struct version *head = entries_inside(from)->head;
    if (head != NULL) {
        registry_retain(&head->served);
        version->head = head;
    }
    pthread_mutex_unlock(&registry->lock);
    if (head != NULL && old != NULL)
        registry_release(&old->served);
    return head != NULL;
}

const struct served_version *registry_find_head(struct registry *registry, const char *model,
                                                uint64_t number, uint64_t least_steps)
{
    const struct served_version *found = NULL;
    pthread_mutex_lock(&registry->lock);
    const struct model_entry *entry = entries_find_model(registry, model);
    const struct version *version = entry != NULL ? entries_find_version(entry, number) : NULL;
    if (version != NULL && version->state == VERSION_AVAILABLE && version->head != NULL &&
        atomic_load(&version->head->steps) >= least_steps)
        found = registry_retain(&version->head->served);
    pthread_mutex_unlock(&registry->lock);
    return found;
}

uint64_t registry_head_steps(const struct served_version *head)
{
    return atomic_load(&entries_inside(head)->steps);
}

/* A first head; the model is taken. */
static enum lstm_status add_head(struct registry *registry, struct version *published,
                                 struct lstm_model *model, uint64_t steps, struct lstm_error *error)
{
    struct version *head = calloc(1, sizeof *head);
    if (head == NULL) {
        lstm_model_destroy(model);
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for what was learned");
    }
    memcpy(head->model, published->model, sizeof head->model);
    head->served = (struct served_version){.model = head->model,
                                           .number = published->served.number,
                                           .identity = published->served.identity,
                                           .is_head = true};
    atomic_init(&head->references, 1);
    atomic_init(&head->steps, steps);
    head->state = VERSION_AVAILABLE;
    const enum lstm_status status =
        batch_queue_create(registry->batcher, model, head->model, &head->served.queue, error);
    if (status == LSTM_OK)
        exchange_head(registry, published, head);
    else
        free(head);
    return status;
}

/* The steps are counted once the weights are there: who reads them finds no more than there are. */
enum lstm_status registry_set_head(struct registry *registry,
                                   const struct served_version *published, struct lstm_model *model,
                                   uint64_t steps, struct lstm_error *error)
{
    struct version *version = entries_inside(published);
    if (model == NULL) {
        exchange_head(registry, version, NULL);
        return LSTM_OK;
    }
    if (version->head == NULL)
        return add_head(registry, version, model, steps, error);
    const enum lstm_status status = batch_queue_publish(version->head->served.queue, model, error);
    if (status == LSTM_OK)
        atomic_store(&version->head->steps, steps);
    return status;
}
