/* training_work.c: a function for each action.
 * SPDX-License-Identifier: Apache-2.0 */
#include "server/training_work.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/status.h"
#include "server/clock.h"
#include "server/log.h"
#include "server/metrics.h"
#include "server/repository.h"
#include "server/training_learners.h"
#include "server/version_folder.h"

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
    metric_observe(entry->step_seconds, seconds_since(begin));
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

/* Works, too, where the checkpoint is what is wrong. */
static void reset(struct training_work *work, struct train_task *task)
{
    const struct served_version *base;
    struct learner_entry *entry;
    task->status = registry_find_published(work->rules.registry, task->model, &base, &task->error);
    if (task->status == LSTM_OK)
        task->status = learner_forget(&work->rules, base, &task->error);
    if (task->status == LSTM_OK)
        training_learners_end(work, base);
    registry_release(base);
    if (task->status == LSTM_OK)
        task->status = training_learners_find(work, task->model, &entry, &task->error);
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
    const enum lstm_status status = training_learners_find(work, tasks[0]->model, &entry, &error);
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
