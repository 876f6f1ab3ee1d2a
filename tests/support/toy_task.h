/* toy_task.h: something to learn, for the tests of the trainer. SPDX-License-Identifier: Apache-2.0
 */
#ifndef TOY_TASK_H
#define TOY_TASK_H

#include "core/lstm.h"
#include "tests/support/batch.h"
#include "tests/support/reference.h"

enum { TOY_EXAMPLES = 32, N_TOY_NETWORKS = 2 };

/* Networks of two features and two classes: one LSTM; a stack of GRUs with dropout. */
extern const struct reference_network toy_networks[N_TOY_NETWORKS];

/* The question: is the first feature of the first step positive? */
struct toy_task {
    struct reference_network network;
    struct lstm_model *model;
    struct lstm_trainer *trainer;
    struct batch batch;
    struct lstm_examples examples;
    struct lstm_training_result result; /* of the last call; free for the test's use */
    struct lstm_error error;
};

/* `training` is the text of that object in model.json; NULL: the defaults. Release it. */
void toy_task_init(struct toy_task *task, const struct reference_network *network,
                   const char *training);
void toy_task_release(struct toy_task *task);

/* Another trainer for the task's model. new. */
struct lstm_trainer *toy_task_trainer(const struct toy_task *task);

/* One step of a trainer on all examples; aborts the test if it fails. */
void toy_task_step(struct toy_task *task, struct lstm_trainer *trainer);

/* lstm_trainer_snapshot(), which must succeed. new. */
struct lstm_model *snapshot_trainer(const struct lstm_trainer *trainer);

/* Aborts the test unless both models, or the trainer and the model, have the same bits. */
void assert_same_weights(const struct lstm_model *got, const struct lstm_model *want);
void assert_trainer_holds(const struct lstm_trainer *trainer, const struct lstm_model *want);

#endif
