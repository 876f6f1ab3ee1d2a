/* learner_checkpoint.h: what was learned on a version, on disk. SPDX-License-Identifier: Apache-2.0
 *
 * STATE_DIR/<model>/<version>.safetensors: a trainer, and a note that names the version and the
 * weights that it was published with, so that another version of the same number never gets it. */
#ifndef LEARNER_CHECKPOINT_H
#define LEARNER_CHECKPOINT_H

#include <limits.h>

#include "server/registry.h"

struct learner_checkpoint {
    char path[PATH_MAX]; /* "": there is none, and nothing is saved */
    uint64_t version, weights_sum;
};

/* Of a published version; state_dir may be NULL. INVALID: the path is too long. */
LSTM_MUST_CHECK enum lstm_status learner_checkpoint_init(struct learner_checkpoint *checkpoint,
                                                         const char *state_dir,
                                                         const struct served_version *base,
                                                         struct lstm_error *error);

/* Whether there is none; false, too, where that cannot be told. */
bool learner_checkpoint_is_missing(const struct learner_checkpoint *checkpoint);

/* n_published: steps that are in a published version. On disk when this returns; after an error the
 * one of before is there, or this one. IO, NO_SPACE, NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status
learner_checkpoint_save(const struct learner_checkpoint *checkpoint,
                        const struct lstm_trainer *trainer, uint64_t n_published,
                        struct lstm_error *error);

/* Brings the trainer to where the checkpoint is; *is_restored is false if there is none. IO: it
 * cannot be read, is damaged, or another version's. NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status
learner_checkpoint_restore(const struct learner_checkpoint *checkpoint,
                           struct lstm_trainer *trainer, uint64_t *n_published, bool *is_restored,
                           struct lstm_error *error);

/* Removes it for good, if there is one; after an error it is there. IO, NO_SPACE, INVALID. */
LSTM_MUST_CHECK enum lstm_status
learner_checkpoint_remove(const struct learner_checkpoint *checkpoint, struct lstm_error *error);

#endif
