/* train_fixture.h: a model "m" that learns in a daemon or beside one, and batches for it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TRAIN_FIXTURE_H
#define TRAIN_FIXTURE_H

#include "core/lstm.h"
#include "tests/support/temp_folder.h"

enum { TRAIN_EXAMPLES = 3, TRAIN_MAX_STEPS = 4, TRAIN_CLASSES = 3 };

/* Folders of a test: the model repository and the state folder. */
struct train_site {
    struct temp_folder root;
    char models[256], state[256];
};

/* Makes them, with "m" version 1 in the repository: model_any of model_store.h. */
void train_site_create(struct train_site *site);
void train_site_remove(struct train_site *site);

/* How many names are in the folder of "m", hidden ones, too. */
unsigned train_site_count(const struct train_site *site);

/* A trainer as a daemon that learned nothing has it, of version 1; new. */
struct lstm_trainer *train_site_trainer(const struct train_site *site);

/* The same of another version. */
struct lstm_trainer *train_site_trainer_of(const struct train_site *site, const char *version);

/* The trainer that is in the checkpoint of a version of "m"; new. */
struct lstm_trainer *train_site_restore(const struct train_site *site, const char *version);

/* Batch k: sequences of different lengths, each with a class; and the body that carries it. */
struct train_batch {
    float inputs[TRAIN_EXAMPLES][TRAIN_MAX_STEPS * 2];
    float targets[TRAIN_EXAMPLES * TRAIN_CLASSES];
    struct lstm_sequence sequences[TRAIN_EXAMPLES];
    struct lstm_examples examples; /* of the above: do not move it */
    char body[1024];
};
void train_batch_make(struct train_batch *batch, unsigned k);

/* Applies batch k; the result of the step. */
struct lstm_training_result train_on(struct lstm_trainer *trainer, unsigned k);

/* Aborts the test unless both hold the same weights, bit for bit, after as many steps. */
void assert_same_training(const struct lstm_trainer *got, const struct lstm_trainer *want);

#endif
