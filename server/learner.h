/* learner.h: a model that learns: its trainer, and what of it is on disk.
 * SPDX-License-Identifier: Apache-2.0
 *
 * A learner belongs to one published version, its base, and begins with that version's checkpoint,
 * or else with its weights. Steps change its trainer alone; learner_commit() makes them count: on
 * disk if they are to be there, and in the head that requests see. Of one thread at a time. */
#ifndef LEARNER_H
#define LEARNER_H

#include <limits.h>
#include <pthread.h>

#include "server/give_way.h"
#include "server/learner_checkpoint.h"

enum { LEARNER_LOSSES = 100, LEARNER_NUMBER_BYTES = 24 };

struct learner;

/* Learners whose steps may be ahead of the disk, for whoever loads their version again meanwhile.
 */
struct learner_list {
    pthread_mutex_t lock;
    struct learner *first; /* guarded by lock */
};

/* What learners of one server share. */
struct learner_rules {
    struct learner_list *learners;
    struct registry *registry;
    const char *state_dir;      /* STATE_DIR/<model>/<version>.safetensors; NULL: in memory alone */
    bool saves_each;            /* a commit is on disk before it counts */
    size_t parallel_iterations; /* of dynamic_rnn */
    struct give_way *give_way;  /* of the thread that runs the learners */
};

struct learner {
    const struct learner_rules *rules;
    const struct served_version *base; /* a reference */
    struct lstm_trainer *trainer;
    struct lstm_trainer *kept; /* as it was at the last commit; NULL unless saves_each */
    uint64_t n_published;      /* steps that are in a published version */
    struct learner_checkpoint checkpoint;
    bool is_dirty; /* the checkpoint is older than the trainer */
    double losses[LEARNER_LOSSES];
    size_t n_losses;      /* since it was made; those of late are kept in turn */
    struct learner *next; /* in the rules' list */
};

/* Takes a reference to `base`. *learner is new. UNSUPPORTED: the model cannot be trained. IO: its
 * checkpoint cannot be used. NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status learner_create(const struct learner_rules *rules,
                                                const struct served_version *base,
                                                struct learner **learner, struct lstm_error *error);
void learner_destroy(struct learner *learner);

/* One optimizer step; learning_rate 0: that of the settings. What lstm_trainer_step() gives. */
LSTM_MUST_CHECK enum lstm_status
learner_step(struct learner *learner, const struct lstm_examples *examples, double learning_rate,
             struct lstm_training_result *result, struct lstm_error *error);

/* Remembers the loss of a step that counts. */
void learner_add_loss(struct learner *learner, double loss);

/* Makes the steps and settings since the last commit count. After an error the learner is as it was
 * then (unless saves_each is false: then it is ahead of the head). IO, NO_SPACE, NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status learner_commit(struct learner *learner, struct lstm_error *error);

/* Brings a dirty learner to disk. IO, NO_SPACE, NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status learner_save(struct learner *learner, struct lstm_error *error);

/* Writes what was learned as the next version into the model's folder, with provenance.json, and
 * its number to `number`. IO, NO_SPACE, NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status learner_publish(struct learner *learner, const char *model_folder,
                                                 char number[LEARNER_NUMBER_BYTES],
                                                 struct lstm_error *error);

/* Forgets what was learned on a version, on disk and in its head; a learner of it is to be
 * destroyed. After an error it is as it was. IO, NO_SPACE, INVALID. */
LSTM_MUST_CHECK enum lstm_status learner_forget(const struct learner_rules *rules,
                                                const struct served_version *base,
                                                struct lstm_error *error);

/* A registry_heads.restore; context: the rules. The head is that of the learner which still holds
 * what was learned, or else what the checkpoint has. Of any thread. */
enum lstm_status learner_restore_head(void *context, const struct served_version *published,
                                      struct lstm_model **head, uint64_t *steps,
                                      struct lstm_error *error);

#endif
