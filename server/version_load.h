/* version_load.h: a version's files become a queue that serves. SPDX-License-Identifier: Apache-2.0
 */
#ifndef VERSION_LOAD_H
#define VERSION_LOAD_H

#include "server/batcher.h"

/* Loads a version's folder, runs a batch of it to see that it can, and makes a queue for it, named
 * `model` in metrics. *queue is new. What lstm_model_load(), lstm_model_check() and
 * lstm_runner_run() give; NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status version_load(const char *folder, const char *model,
                                              struct batcher *batcher, struct batch_queue **queue,
                                              struct lstm_error *error);

/* The same of another program's file, or of a model's folder: what lstm_source_open() and
 * lstm_source_model() give, too. What had to be assumed is logged. */
LSTM_MUST_CHECK enum lstm_status version_load_source(const char *path, const char *model,
                                                     struct batcher *batcher,
                                                     struct batch_queue **queue,
                                                     struct lstm_error *error);

#endif
