/* learner.c: steps, commits and checkpoints of one model. SPDX-License-Identifier: Apache-2.0
 *
 * A commit saves before it publishes, so that nobody sees weights that a crash would undo. */
#include "server/learner.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/file.h"
#include "core/status.h"
#include "server/version_folder.h"

/* ---- Checkpoints ---------------------------------------------------------------------------- */

/* Whether what it learns is to be on disk at some time. */
static bool keeps(const struct learner *learner)
{
    return learner->checkpoint.path[0] != '\0';
}

static enum lstm_status save(struct learner *learner, struct lstm_error *error)
{
    return learner_checkpoint_save(&learner->checkpoint, learner->trainer, learner->n_published,
                                   error);
}

enum lstm_status learner_save(struct learner *learner, struct lstm_error *error)
{
    if (!learner->is_dirty || !keeps(learner))
        return LSTM_OK;
    const enum lstm_status status = save(learner, error);
    learner->is_dirty = status != LSTM_OK;
    return status;
}

/* A version that was converted with its optimizer's state has that beside its weights: training
 * goes on from there, and all of its steps are published. */
static enum lstm_status begin_trained(const struct learner_rules *rules,
                                      const struct served_version *base,
                                      struct lstm_trainer *trainer, uint64_t *n_published,
                                      struct lstm_error *error)
{
    char folder[PATH_MAX], path[PATH_MAX];
    struct lstm_error why;
    enum lstm_status status =
        registry_version_folder(rules->registry, base->model, base->number, folder, error);
    if (status == LSTM_OK)
        status = folder_path(path, folder, "training.safetensors", error);
    if (status != LSTM_OK)
        return status == LSTM_NOT_FOUND ? LSTM_OK : status;
    status = lstm_trainer_restore(trainer, path, NULL, 0, &why);
    if (status == LSTM_NOT_FOUND)
        return LSTM_OK;
    if (status == LSTM_OK)
        *n_published = lstm_trainer_n_steps(trainer);
    else
        lstm_fail(error, status == LSTM_NO_MEMORY ? status : LSTM_IO,
                  "%.180s; remove this file to train from the weights alone", why.text);
    return status == LSTM_OK || status == LSTM_NO_MEMORY ? status : LSTM_IO;
}

/* A trainer as the base's checkpoint or weights have it. *trainer is new. */
static enum lstm_status make_trainer(const struct learner_rules *rules,
                                     const struct served_version *base,
                                     const struct learner_checkpoint *checkpoint,
                                     struct lstm_trainer **trainer, uint64_t *n_published,
                                     bool *is_restored, struct lstm_error *error)
{
    const struct lstm_trainer_options options = {.parallel_iterations = rules->parallel_iterations,
                                                 .give_way = give_way,
                                                 .context = rules->give_way};
    enum lstm_status status =
        lstm_trainer_create(batch_queue_model(base->queue), &options, trainer, error);
    if (status != LSTM_OK)
        return status;
    status = learner_checkpoint_restore(checkpoint, *trainer, n_published, is_restored, error);
    if (status == LSTM_OK && !*is_restored)
        status = begin_trained(rules, base, *trainer, n_published, error);
    if (status != LSTM_OK) {
        lstm_trainer_destroy(*trainer);
        *trainer = NULL;
    }
    return status;
}

/* ---- Learners that hold what a version's head is -------------------------------------------- */

static void enter(struct learner *learner)
{
    struct learner_list *const list = learner->rules->learners;
    pthread_mutex_lock(&list->lock);
    learner->next = list->first;
    list->first = learner;
    pthread_mutex_unlock(&list->lock);
}

static void leave(const struct learner *learner)
{
    struct learner_list *const list = learner->rules->learners;
    pthread_mutex_lock(&list->lock);
    struct learner **place = &list->first;
    while (*place != NULL && *place != learner)
        place = &(*place)->next;
    if (*place != NULL)
        *place = learner->next;
    pthread_mutex_unlock(&list->lock);
}

/* The base of the learner that has this checkpoint, held for the caller; NULL: there is none. */
static const struct served_version *find_base(struct learner_list *list,
                                              const struct learner_checkpoint *checkpoint)
{
    pthread_mutex_lock(&list->lock);
    const struct learner *each = list->first;
    while (each != NULL && (each->checkpoint.weights_sum != checkpoint->weights_sum ||
                            strcmp(each->checkpoint.path, checkpoint->path) != 0))
        each = each->next;
    const struct served_version *base = each != NULL ? registry_retain(each->base) : NULL;
    pthread_mutex_unlock(&list->lock);
    return base;
}

/* What a learner holds may be ahead of its checkpoint. */
static bool share_head(const struct learner_rules *rules,
                       const struct learner_checkpoint *checkpoint,
                       const struct served_version *published)
{
    const struct served_version *base = find_base(rules->learners, checkpoint);
    const bool is_shared = base != NULL && registry_share_head(rules->registry, base, published);
    registry_release(base);
    return is_shared;
}

enum lstm_status learner_restore_head(void *context, const struct served_version *published,
                                      struct lstm_model **head, uint64_t *steps,
                                      struct lstm_error *error)
{
    const struct learner_rules *rules = context;
    struct learner_checkpoint checkpoint;
    struct lstm_trainer *trainer = NULL;
    uint64_t n_published;
    bool is_restored;
    *head = NULL;
    enum lstm_status status =
        learner_checkpoint_init(&checkpoint, rules->state_dir, published, error);
    if (status != LSTM_OK || checkpoint.path[0] == '\0' ||
        share_head(rules, &checkpoint, published) || learner_checkpoint_is_missing(&checkpoint))
        return status;
    status =
        make_trainer(rules, published, &checkpoint, &trainer, &n_published, &is_restored, error);
    if (status == LSTM_OK && is_restored) {
        status = lstm_trainer_snapshot(trainer, head, error);
        *steps = lstm_trainer_n_steps(trainer);
    }
    lstm_trainer_destroy(trainer);
    return status;
}

/* ---- Life ----------------------------------------------------------------------------------- */

static enum lstm_status set_head(const struct learner *learner, struct lstm_model *model,
                                 struct lstm_error *error)
{
    return registry_set_head(learner->rules->registry, learner->base, model,
                             lstm_trainer_n_steps(learner->trainer), error);
}

/* The head may have been made of an older checkpoint, while this one was being written. */
static enum lstm_status renew_head(const struct learner *learner, struct lstm_error *error)
{
    struct lstm_model *model = NULL;
    const enum lstm_status status = lstm_trainer_snapshot(learner->trainer, &model, error);
    return status == LSTM_OK ? set_head(learner, model, error) : status;
}

enum lstm_status learner_create(const struct learner_rules *rules,
                                const struct served_version *base, struct learner **learner,
                                struct lstm_error *error)
{
    bool is_restored;
    *learner = NULL;
    struct learner *made = calloc(1, sizeof *made);
    if (made == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for training");
    made->rules = rules;
    made->base = registry_retain(base);
    enum lstm_status status =
        learner_checkpoint_init(&made->checkpoint, rules->state_dir, base, error);
    if (status == LSTM_OK)
        status = make_trainer(rules, base, &made->checkpoint, &made->trainer, &made->n_published,
                              &is_restored, error);
    if (status == LSTM_OK && rules->saves_each && keeps(made)) {
        status = lstm_trainer_create(batch_queue_model(base->queue), NULL, &made->kept, error);
        if (status == LSTM_OK)
            lstm_trainer_copy(made->kept, made->trainer);
    }
    if (status == LSTM_OK && is_restored)
        status = renew_head(made, error);
    if (status == LSTM_OK) {
        enter(made);
        *learner = made;
    } else {
        learner_destroy(made);
    }
    return status;
}

void learner_destroy(struct learner *learner)
{
    if (learner == NULL)
        return;
    leave(learner);
    lstm_trainer_destroy(learner->trainer);
    lstm_trainer_destroy(learner->kept);
    registry_release(learner->base);
    free(learner);
}

enum lstm_status learner_forget(const struct learner_rules *rules,
                                const struct served_version *base, struct lstm_error *error)
{
    struct learner_checkpoint checkpoint;
    enum lstm_status status = learner_checkpoint_init(&checkpoint, rules->state_dir, base, error);
    if (status == LSTM_OK)
        status = learner_checkpoint_remove(&checkpoint, error);
    return status == LSTM_OK ? registry_set_head(rules->registry, base, NULL, 0, error) : status;
}

/* ---- Learning ------------------------------------------------------------------------------- */

enum lstm_status learner_step(struct learner *learner, const struct lstm_examples *examples,
                              double learning_rate, struct lstm_training_result *result,
                              struct lstm_error *error)
{
    struct lstm_training *settings = lstm_trainer_settings(learner->trainer);
    const double usual = settings->learning_rate;
    if (learning_rate > 0)
        settings->learning_rate = learning_rate;
    const enum lstm_status status = lstm_trainer_step(learner->trainer, examples, result, error);
    settings->learning_rate = usual;
    return status;
}

void learner_add_loss(struct learner *learner, double loss)
{
    learner->losses[learner->n_losses++ % LEARNER_LOSSES] = loss;
}

/* Goes back to the last commit. What may have come to disk since is written over; if that fails,
 * too, the next commit does it. */
static void roll_back(struct learner *learner)
{
    struct lstm_error ignored;
    lstm_trainer_copy(learner->trainer, learner->kept);
    const bool is_beginning = lstm_trainer_n_steps(learner->trainer) == 0;
    learner->is_dirty = !(is_beginning && learner_checkpoint_is_missing(&learner->checkpoint)) &&
                        save(learner, &ignored) != LSTM_OK;
}

enum lstm_status learner_commit(struct learner *learner, struct lstm_error *error)
{
    struct lstm_model *model = NULL;
    learner->is_dirty = keeps(learner);
    enum lstm_status status = lstm_trainer_snapshot(learner->trainer, &model, error);
    if (status == LSTM_OK && learner->kept != NULL)
        status = learner_save(learner, error);
    if (status == LSTM_OK)
        status = set_head(learner, model, error);
    else
        lstm_model_destroy(model);
    if (learner->kept == NULL)
        return status;
    if (status == LSTM_OK)
        lstm_trainer_copy(learner->kept, learner->trainer);
    else
        roll_back(learner);
    return status;
}

/* ---- Publishing ----------------------------------------------------------------------------- */

static enum lstm_status write_provenance(const struct learner *learner, const char *folder,
                                         struct lstm_error *error)
{
    char path[PATH_MAX], now[32], text[160];
    struct tm utc;
    const time_t seconds = time(NULL);
    const enum lstm_status status = folder_path(path, folder, "provenance.json", error);
    if (status != LSTM_OK)
        return status;
    strftime(now, sizeof now, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &utc));
    const int n = snprintf(text, sizeof text,
                           "{\"base_version\": \"%" PRIu64 "\", \"steps\": %" PRIu64
                           ", \"published\": \"%s\"}\n",
                           learner->base->number, lstm_trainer_n_steps(learner->trainer), now);
    const struct file_part part = {text, (size_t)n};
    return file_write(path, &part, 1, error);
}

enum lstm_status learner_publish(struct learner *learner, const char *model_folder,
                                 char number[LEARNER_NUMBER_BYTES], struct lstm_error *error)
{
    struct version_folder folder;
    char published[PATH_MAX];
    struct lstm_model *model = NULL;
    struct lstm_error ignored;
    enum lstm_status status = version_folder_begin(&folder, model_folder, error);
    if (status != LSTM_OK)
        return status;
    status = lstm_trainer_snapshot(learner->trainer, &model, error);
    if (status == LSTM_OK)
        status = lstm_model_save(model, folder.unfinished, error);
    if (status == LSTM_OK)
        status = write_provenance(learner, folder.unfinished, error);
    if (status == LSTM_OK)
        status =
            version_folder_publish(&folder, model_folder, learner->base->number, published, error);
    lstm_model_destroy(model);
    version_folder_end(&folder);
    if (status != LSTM_OK)
        return status;
    snprintf(number, LEARNER_NUMBER_BYTES, "%.23s", strrchr(published, '/') + 1);
    learner->n_published = lstm_trainer_n_steps(learner->trainer);
    /* Only the count of unpublished steps is at stake; what fails now comes with the next save. */
    learner->is_dirty = keeps(learner);
    if (learner->kept != NULL)
        learner->is_dirty = learner_save(learner, &ignored) != LSTM_OK;
    return LSTM_OK;
}
