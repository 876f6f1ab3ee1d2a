/* training_learners.c: learners by model, and until they are on disk.
 * SPDX-License-Identifier: Apache-2.0 */
#include "server/training_learners.h"

#include <stdlib.h>
#include <string.h>

#include "core/status.h"
#include "server/log.h"

static bool save(struct learner *learner)
{
    struct lstm_error error;
    const bool is_saved = learner_save(learner, &error) == LSTM_OK;
    if (!is_saved)
        log_error("checkpoint_failed", L_STR("model", learner->base->model),
                  L_INT("version", learner->base->number), L_STR("error", error.text));
    return is_saved;
}

static bool is_of(const struct learner_entry *entry, const char *model)
{
    return strcmp(entry->learner->base->model, model) == 0;
}

static struct learner_entry **find_place(struct training_work *work, const char *model)
{
    struct learner_entry **place = &work->learners;
    while (*place != NULL && ((*place)->is_over || !is_of(*place, model)))
        place = &(*place)->next;
    return place;
}

static void drop(struct learner_entry **place)
{
    struct learner_entry *entry = *place;
    *place = entry->next;
    learner_destroy(entry->learner);
    free(entry);
}

/* A learner whose version serves no more ends as soon as what it learned is on disk. */
static void retire(struct learner_entry **place)
{
    if (save((*place)->learner))
        drop(place);
    else
        (*place)->is_over = true;
}

/* A checkpoint is to be read only when nobody has steps that belong into it. */
static enum lstm_status settle(struct training_work *work, const struct served_version *base,
                               struct lstm_error *error)
{
    struct learner_entry **place = &work->learners;
    struct lstm_error why;
    while (*place != NULL &&
           !(is_of(*place, base->model) && (*place)->learner->base->number == base->number))
        place = &(*place)->next;
    if (*place == NULL)
        return LSTM_OK;
    const enum lstm_status status = learner_save((*place)->learner, &why);
    if (status != LSTM_OK)
        return lstm_fail(error, status,
                         "what was learned on this version before it was loaded anew is kept, but "
                         "cannot be saved: %.120s",
                         why.text);
    drop(place);
    return LSTM_OK;
}

static enum lstm_status add_entry(struct training_work *work, const struct served_version *base,
                                  struct learner_entry **entry, struct lstm_error *error)
{
    *entry = NULL;
    enum lstm_status status = settle(work, base, error);
    if (status != LSTM_OK)
        return status;
    struct learner_entry *made = calloc(1, sizeof *made);
    if (made == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for training");
    status = learner_create(&work->rules, base, &made->learner, error);
    if (status != LSTM_OK) {
        free(made);
        return status;
    }
    made->n_steps = metric_series(METRIC_TRAIN_STEPS, base->model, NULL, NULL);
    made->step_seconds = metric_series(METRIC_TRAIN_SECONDS, base->model, NULL, NULL);
    made->next = work->learners;
    work->learners = made;
    *entry = made;
    return LSTM_OK;
}

enum lstm_status training_learners_find(struct training_work *work, const char *model,
                                        struct learner_entry **entry, struct lstm_error *error)
{
    const struct served_version *base;
    struct learner_entry **place = find_place(work, model);
    *entry = NULL;
    enum lstm_status status = registry_find_published(work->rules.registry, model, &base, error);
    if (*place != NULL && (base == NULL || (*place)->learner->base != base)) {
        retire(place);
        place = find_place(work, model);
    }
    *entry = *place;
    if (status == LSTM_OK && *entry == NULL)
        status = add_entry(work, base, entry, error);
    registry_release(base);
    return status;
}

void training_learners_end(struct training_work *work, const struct served_version *forgotten)
{
    for (struct learner_entry **place = &work->learners, *entry; (entry = *place) != NULL;) {
        if (is_of(entry, forgotten->model) && entry->learner->base->number == forgotten->number)
            drop(place);
        else if (is_of(entry, forgotten->model) && !entry->is_over)
            retire(place);
        if (*place == entry)
            place = &entry->next;
    }
}

bool training_work_is_dirty(const struct training_work *work)
{
    const struct learner_entry *entry = work->learners;
    while (entry != NULL && !entry->learner->is_dirty)
        entry = entry->next;
    return entry != NULL;
}

bool training_work_save(struct training_work *work)
{
    bool is_saved = true;
    for (struct learner_entry **place = &work->learners, *entry; (entry = *place) != NULL;) {
        const bool is_clean = save(entry->learner);
        is_saved = is_clean && is_saved;
        if (is_clean && entry->is_over)
            drop(place);
        else
            place = &entry->next;
    }
    return is_saved;
}

void training_work_release(struct training_work *work)
{
    while (work->learners != NULL)
        drop(&work->learners);
}
