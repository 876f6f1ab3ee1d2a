/* history.h: how a training went, epoch by epoch: history.csv and history.svg.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef HISTORY_H
#define HISTORY_H

#include <math.h>

#include "server/buf.h"

/* One epoch. NAN: not measured. Shares are 0 to 1. */
struct history_row {
    double epoch; /* from 1 */
    double steps; /* optimizer steps since the beginning */
    double learning_rate;
    double train_loss, train_accuracy; /* mean over the epoch's steps, as the weights moved */
    double validation_loss, validation_accuracy;
    double test_accuracy;
    double seconds;
};

struct history {
    struct history_row *rows; /* n; owned */
    size_t n;
};

/* NO_MEMORY: the history is as before. */
LSTM_MUST_CHECK enum lstm_status history_add(struct history *history, const struct history_row *row,
                                             struct lstm_error *error);
void history_release(struct history *history);

/* Each file is written as file_write() does. IO, NO_SPACE, INVALID, NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status history_write_csv(const struct history *history, const char *path,
                                                   struct lstm_error *error);
LSTM_MUST_CHECK enum lstm_status history_write_svg(const struct history *history, const char *title,
                                                   const char *path, struct lstm_error *error);

/* The same with a text that is there. */
LSTM_MUST_CHECK enum lstm_status history_write(const struct buf *text, const char *path,
                                               struct lstm_error *error);

/* Reads the first n rows of a file of history_write_csv(); the history becomes just those.
 * NOT_FOUND, FORMAT: fewer rows, or not such a file. IO, NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status history_read_csv(struct history *history, const char *path,
                                                  size_t n, struct lstm_error *error);

#endif
