/* train_evaluate.h: loss and accuracy over a whole split. SPDX-License-Identifier: Apache-2.0 */
#ifndef TRAIN_EVALUATE_H
#define TRAIN_EVALUATE_H

#include "server/mnist_data.h"

/* As the trainer sees it, without dropout; NAN if the split is empty. `batch` is scratch. */
LSTM_MUST_CHECK enum lstm_status train_evaluate_trainer(struct lstm_trainer *trainer,
                                                        const struct mnist_split *split,
                                                        struct mnist_batch *batch, double *loss,
                                                        double *accuracy, struct lstm_error *error);

/* As a server would answer: the share of images whose largest output is at their label. */
LSTM_MUST_CHECK enum lstm_status train_evaluate_model(struct lstm_runner *runner,
                                                      const struct lstm_model *model,
                                                      const struct mnist_split *split,
                                                      struct mnist_batch *batch, double *accuracy,
                                                      struct lstm_error *error);

#endif
