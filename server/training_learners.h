/* training_learners.h: the learners of the training thread. SPDX-License-Identifier: Apache-2.0 */
#ifndef TRAINING_LEARNERS_H
#define TRAINING_LEARNERS_H

#include "server/metrics.h"
#include "server/training_work.h"

struct learner_entry {
    struct learner *learner; /* owned */
    bool is_over;            /* its version serves no more; here until it is on disk */
    struct metric_series *n_steps, *step_seconds;
    struct learner_entry *next;
};

/* The learner of the model's newest version, made if there is none. One of an older version ends,
 * as soon as what it learned is on disk. NOT_FOUND: no version serves; what learner_create() gives;
 * IO, NO_SPACE: what was learned on this version before it was loaded anew cannot be saved. */
LSTM_MUST_CHECK enum lstm_status training_learners_find(struct training_work *work,
                                                        const char *model,
                                                        struct learner_entry **entry,
                                                        struct lstm_error *error);

/* Ends the learners of a version that was forgotten; those of other versions keep what they have.
 */
void training_learners_end(struct training_work *work, const struct served_version *forgotten);

#endif
