/* training_work.h: what the training thread does with the tasks that it takes.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Of the training thread alone, while that runs. */
#ifndef TRAINING_WORK_H
#define TRAINING_WORK_H

#include <stdatomic.h>

#include "server/training.h"

struct training_work {
    struct learner_rules rules;
    struct learner_list list; /* the rules' */
    struct model_watcher *watcher;
    const char *models;             /* the model repository */
    struct learner_entry *learners; /* by model; made at a model's first task */
    atomic_bool is_cut;             /* set by any thread: steps that have not begun are refused */
};

/* Removes what a `:publish` that was killed has left in the repository. Before the thread runs. */
void training_work_sweep(const struct training_work *work);

/* Runs n tasks of one model, which are all steps unless there is one. */
void training_work_run(struct training_work *work, struct train_task *const *tasks, size_t n);

/* Whether a learner is ahead of its checkpoint; brings those that are to disk. What fails is
 * logged, and tried again the next time; then save() is false. */
bool training_work_is_dirty(const struct training_work *work);
bool training_work_save(struct training_work *work);

void training_work_release(struct training_work *work);

#endif
