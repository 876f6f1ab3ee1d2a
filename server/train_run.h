/* train_run.h: the loop of `lstmd train`: epochs of shuffled batches, an evaluation and a
 * checkpoint after each. SPDX-License-Identifier: Apache-2.0
 *
 * Everything random in it is a function of the seed, the epoch and the batch, so a training that
 * goes on from a checkpoint computes the same bits as one that never stopped. */
#ifndef TRAIN_RUN_H
#define TRAIN_RUN_H

#include <signal.h>

#include "server/history.h"
#include "server/mnist_data.h"
#include "server/progress.h"
#include "server/train_checkpoint.h"
#include "server/train_config.h"

struct train_run {
    const struct train_config *config;
    const struct mnist_data *data;
    struct train_checkpoint *checkpoint;
    struct lstm_trainer *trainer;         /* owned */
    struct lstm_runner *runner;           /* owned; for the test images */
    struct mnist_batch batch, evaluation; /* owned */
    size_t *order;                        /* the epoch's order of the training images; owned */
    size_t n_batches;                     /* of an epoch */
    double peak_rate;                     /* the schedule's highest learning rate */
    struct train_position position;
    struct history history;
    struct progress progress;
};

/* Readies a training of `model` from its beginning. All arguments but the model are kept.
 * INVALID: settings that the data set cannot meet. What lstm_trainer_create() gives. On failure
 * train_run_release() is allowed. */
LSTM_MUST_CHECK enum lstm_status
train_run_init(struct train_run *run, const struct train_config *config,
               const struct lstm_model *model, const struct mnist_data *data,
               struct train_checkpoint *checkpoint, struct lstm_error *error);
void train_run_release(struct train_run *run);

/* Moves on to where the checkpoint is. */
LSTM_MUST_CHECK enum lstm_status train_run_resume(struct train_run *run, struct lstm_error *error);

/* Trains up to the last epoch, or until *stop is not 0: then the step in hand is finished and a
 * checkpoint written. Prints the accuracies on stdout, the rest on stderr. */
LSTM_MUST_CHECK enum lstm_status train_run_epochs(struct train_run *run,
                                                  const volatile sig_atomic_t *stop,
                                                  struct lstm_error *error);

bool train_run_is_finished(const struct train_run *run);

/* The model to keep, by --keep. *model is new. */
LSTM_MUST_CHECK enum lstm_status train_run_result(struct train_run *run, struct lstm_model **model,
                                                  struct lstm_error *error);

#endif
