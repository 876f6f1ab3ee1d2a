/* golden_training.h: the training steps of tests/data/golden/train_golden.json.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef GOLDEN_TRAINING_H
#define GOLDEN_TRAINING_H

#include "core/lstm.h"
#include "tests/support/golden_forward.h"

enum { GOLDEN_CLASSES = 3, GOLDEN_STEPS = 3, N_GOLDEN_TRAININGS = 3 };

/* "cases/<name>/steps/<step>" of the file tells what each step leads to. */
struct golden_training {
    const char *name;
    const char *training; /* of model.json */
    size_t lengths[GOLDEN_BATCH];
};
extern const struct golden_training golden_trainings[N_GOLDEN_TRAININGS];

/* The model that the case begins with. new. */
struct lstm_model *golden_training_model(const json_t *golden,
                                         const struct golden_training *this_case);

#endif
