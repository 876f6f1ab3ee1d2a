/* train_checkpoint.h: how far a training is, and the checkpoint that keeps it.
 * SPDX-License-Identifier: Apache-2.0
 *
 * MODELS/NAME/.training/ holds checkpoint.safetensors (trainer, settings and position, replaced in
 * one step), history.csv and best.safetensors (with --keep best). The checkpoint is the truth: the
 * others are written before it, and what they hold beyond it is made again, to the same bits. */
#ifndef TRAIN_CHECKPOINT_H
#define TRAIN_CHECKPOINT_H

#include <limits.h>

#include "core/lstm.h"

/* Where a training is. Counts are doubles: each is far below 2^53. */
struct train_position {
    double epoch, batch;       /* finished epochs; finished batches of the next */
    double loss_sum;           /* over the images of those batches */
    double n_correct, seconds; /* of those batches */
    double best_epoch;         /* from 1; 0: none yet */
    double best_accuracy;
};

enum { TRAIN_SETTINGS_MAX = 1024 };

struct train_checkpoint {
    char settings[TRAIN_SETTINGS_MAX]; /* "epochs=6 batch-size=50": all that shapes the numbers */
    char path[PATH_MAX], best_path[PATH_MAX], history_path[PATH_MAX];
};

/* Fills the paths for a .training folder. INVALID: too long. */
LSTM_MUST_CHECK enum lstm_status train_checkpoint_init(struct train_checkpoint *checkpoint,
                                                       const char *folder,
                                                       struct lstm_error *error);

bool train_checkpoint_exists(const struct train_checkpoint *checkpoint);

LSTM_MUST_CHECK enum lstm_status train_checkpoint_save(const struct train_checkpoint *checkpoint,
                                                       const struct lstm_trainer *trainer,
                                                       const struct train_position *position,
                                                       struct lstm_error *error);

/* Restores the trainer and the position. INVALID: it was made with other settings; which. */
LSTM_MUST_CHECK enum lstm_status train_checkpoint_load(const struct train_checkpoint *checkpoint,
                                                       struct lstm_trainer *trainer,
                                                       struct train_position *position,
                                                       struct lstm_error *error);

#endif
