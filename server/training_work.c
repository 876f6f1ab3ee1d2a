/* training_work.c: learners by model, and a function for each action.
 * SPDX-License-Identifier: Apache-2.0 */
#include "server/training_work.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/status.h"
#include "server/log.h"
#include "server/metrics.h"
#include "server/repository.h"
#include "server/version_folder.h"

struct learner_entry {
    struct learner *learner; /* owned */
    bool is_over;            /* its version serves no more; here until it is on disk */
    struct metric_series *n_steps, *step_seconds;
    struct learner_entry *next;
};

/* ---- Learners by model ---------------------------------------------------------------------- */

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

/* The learner of the model's newest version. One of an older version ends: its checkpoint stays. */
static enum lstm_status find_entry(struct training_work *work, const char *model,
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

/* ---- Steps ---------------------------------------------------------------------------------- */

static void fail(struct train_task *task, enum lstm_status status, const struct lstm_error *error)
{
    task->status = status;
    task->error = *error;
}

/* Whether the examples fit the learner: a version of another architecture may have taken over since
 * they were read. */
static bool fits(struct train_task *task, const struct learner *learner)
{
    if (lstm_model_same_architecture(task->shape, batch_queue_model(learner->base->queue)))
        return true;
    task->fate = TRAIN_CONFLICT;
    task->status = lstm_fail(&task->error, LSTM_SHAPE,
                             "a version of another architecture has taken over; nothing was "
                             "applied: send the examples again in its shape");
    return false;
}

/* Whether an answer is still wanted. Whoever gave up does not know of a step, or of what else was
 * done, and may send it again: then it must not count twice. */
static bool is_wanted(struct train_task *task)
{
    const bool is_late = task->deadline_us != 0 && monotonic_us() >= task->deadline_us;
    if (!is_late && (task->is_gone == NULL || !task->is_gone(task)))
        return true;
    task->fate = TRAIN_EXPIRED;
    return false;
}

static void step(struct training_work *work, struct learner_entry *entry, struct train_task *task)
{
    struct lstm_error why;
    const int64_t begin = monotonic_us();
    if (!is_wanted(task) || !fits(task, entry->learner))
        return;
    if (atomic_load(&work->is_cut)) {
        task->status =
            lstm_fail(&task->error, LSTM_IO, "the server is stopping (the step was not applied)");
        return;
    }
    task->status =
        learner_step(entry->learner, &task->examples, task->learning_rate, &task->result, &why);
    metric_observe(entry->step_seconds, (double)(monotonic_us() - begin) * 1e-6);
    if (task->status != LSTM_OK)
        lstm_fail(&task->error, task->status, "%.200s (the step was not applied)", why.text);
}

static bool is_applied(const struct train_task *task)
{
    return task->fate == TRAIN_DONE && task->status == LSTM_OK;
}

/* Lets the steps that were applied count, or none of them. */
static void commit(struct learner_entry *entry, struct train_task *const *tasks, size_t n)
{
    struct lstm_error error;
    size_t n_applied = 0;
    for (size_t i = 0; i < n; i++)
        n_applied += is_applied(tasks[i]);
    if (n_applied == 0)
        return;
    const enum lstm_status status = learner_commit(entry->learner, &error);
    for (size_t i = 0; i < n; i++) {
        if (!is_applied(tasks[i]))
            continue;
        if (status == LSTM_OK)
            learner_add_loss(entry->learner, tasks[i]->result.loss);
        else
            fail(tasks[i], status, &error);
    }
    if (status == LSTM_OK)
        metric_add(entry->n_steps, (double)n_applied);
}

/* ---- The other actions ---------------------------------------------------------------------- */

static void report(const struct learner *learner, struct training_report *out)
{
    const size_t n = learner->n_losses < LEARNER_LOSSES ? learner->n_losses : LEARNER_LOSSES;
    *out = (struct training_report){.base_version = learner->base->number,
                                    .step = lstm_trainer_n_steps(learner->trainer),
                                    .settings = *lstm_trainer_settings(learner->trainer),
                                    .n_losses = n};
    out->n_unpublished = out->step - learner->n_published;
    for (size_t i = 0; i < n; i++)
        out->losses[i] = learner->losses[(learner->n_losses - n + i) % LEARNER_LOSSES];
}

static void evaluate(struct train_task *task, struct learner *learner)
{
    if (fits(task, learner))
        task->status =
            lstm_trainer_evaluate(learner->trainer, &task->examples, &task->result, &task->error);
}

static void configure(struct train_task *task, struct learner *learner)
{
    struct lstm_training *settings = lstm_trainer_settings(learner->trainer);
    if (task->learning_rate > 0)
        settings->learning_rate = task->learning_rate;
    if (task->clip_norm >= 0)
        settings->clip_norm = task->clip_norm;
    task->status = learner_commit(learner, &task->error);
    if (task->status == LSTM_OK)
        report(learner, &task->report);
}

/* Whether there is something to publish, and a place for it; otherwise the task tells. */
static bool can_publish(struct train_task *task, struct learner *learner, const char *folder)
{
    task->fate = TRAIN_CONFLICT;
    if (registry_has_source(learner->rules->registry, task->model))
        task->status = lstm_fail(&task->error, LSTM_INVALID,
                                 "model '%.100s' comes from --model, and a version in the "
                                 "repository would not serve; nothing was published, and what was "
                                 "learned is kept: convert the model into the repository",
                                 task->model);
    else if (lstm_trainer_n_steps(learner->trainer) == learner->n_published)
        task->status = lstm_fail(&task->error, LSTM_INVALID,
                                 "nothing was learned since version %llu of model '%.100s'",
                                 (unsigned long long)learner->base->number, task->model);
    else if (faccessat(AT_FDCWD, folder, W_OK, AT_EACCESS) != 0)
        task->status = lstm_fail(&task->error, LSTM_INVALID,
                                 "the model repository cannot be written to (%.120s: %s); nothing "
                                 "was published, and what was learned is kept: let the server "
                                 "write there",
                                 folder, strerror(errno));
    else
        task->fate = TRAIN_DONE;
    return task->fate == TRAIN_DONE;
}

/* It is the model that cannot do what was asked, not the request that is wrong. */
static void conflict(struct train_task *task, const char *consequence)
{
    const struct lstm_error why = task->error;
    task->fate = TRAIN_CONFLICT;
    lstm_fail(&task->error, task->status, "%.180s; %s", why.text, consequence);
}

/* The version is loaded before the answer, so that it is the base of what is learned from then on.
 * If it cannot be, the log and its status say why. */
static void publish(struct training_work *work, struct train_task *task, struct learner *learner)
{
    char folder[PATH_MAX];
    struct lstm_error ignored;
    task->status = folder_path(folder, work->models, task->model, &task->error);
    if (task->status != LSTM_OK || !can_publish(task, learner, folder))
        return;
    task->status = learner_publish(learner, folder, task->version, &task->error);
    if (task->status == LSTM_NON_FINITE || task->status == LSTM_UNSUPPORTED)
        conflict(task, "nothing was published, and what was learned is kept");
    /* After a failure, too: the version may have been there for a moment. */
    if (model_watcher_scan(work->watcher, &ignored) != LSTM_OK)
        log_warn("scan_failed", L_STR("error", ignored.text));
}

/* Ends the learners of a version that was forgotten; those of other versions keep what they have.
 */
static void end_learners(struct training_work *work, const struct served_version *forgotten)
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

/* Works, too, where the checkpoint is what is wrong. */
static void reset(struct training_work *work, struct train_task *task)
{
    const struct served_version *base;
    struct learner_entry *entry;
    task->status = registry_find_published(work->rules.registry, task->model, &base, &task->error);
    if (task->status == LSTM_OK)
        task->status = learner_forget(&work->rules, base, &task->error);
    if (task->status == LSTM_OK)
        end_learners(work, base);
    registry_release(base);
    if (task->status == LSTM_OK)
        task->status = find_entry(work, task->model, &entry, &task->error);
    if (task->status == LSTM_OK)
        report(entry->learner, &task->report);
}

static void run_one(struct training_work *work, struct train_task *task, struct learner *learner)
{
    switch (task->action) {
    case TRAIN_EVALUATE:
        evaluate(task, learner);
        break;
    case TRAIN_CONFIGURE:
        configure(task, learner);
        break;
    case TRAIN_PUBLISH:
        publish(work, task, learner);
        break;
    case TRAIN_DESCRIBE:
        report(learner, &task->report);
        break;
    case TRAIN_STEP:
    case TRAIN_RESET:
        break;
    }
}

/* ---- What the thread calls ------------------------------------------------------------------ */

/* A repository that cannot be read is the scan's to tell. */
void training_work_sweep(const struct training_work *work)
{
    char(*names)[MODEL_NAME_BYTES], path[PATH_MAX];
    struct lstm_error ignored;
    size_t n;
    if (repository_models(work->models, &names, &n, &ignored) != LSTM_OK)
        return;
    for (size_t i = 0; i < n; i++)
        if (folder_path(path, work->models, names[i], &ignored) == LSTM_OK)
            version_folder_sweep(path);
    free(names);
}

void training_work_run(struct training_work *work, struct train_task *const *tasks, size_t n)
{
    struct learner_entry *entry;
    struct lstm_error error;
    if (tasks[0]->action != TRAIN_STEP && !is_wanted(tasks[0]))
        return;
    if (tasks[0]->action == TRAIN_RESET) {
        reset(work, tasks[0]);
        return;
    }
    const enum lstm_status status = find_entry(work, tasks[0]->model, &entry, &error);
    if (status != LSTM_OK) {
        for (size_t i = 0; i < n; i++)
            fail(tasks[i], status, &error);
        return;
    }
    if (tasks[0]->action != TRAIN_STEP) {
        run_one(work, tasks[0], entry->learner);
        return;
    }
    for (size_t i = 0; i < n; i++)
        step(work, entry, tasks[i]);
    commit(entry, tasks, n);
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
