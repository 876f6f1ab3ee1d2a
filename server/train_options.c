/* train_options.c: the options of `lstmd train`. SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>

#include "server/commands.h"
#include "server/schedule.h"
#include "server/train_config.h"

static const char *const keep_names[] = {[KEEP_LAST] = "last", [KEEP_BEST] = "best", NULL};

#define FIELD(name) offsetof(struct train_config, name)

const struct option train_options[] = {
    {"augment", OPTION_FLAG, FIELD(augment),
     .help = "turn, zoom and shift the training images a little, at random"},
    {"augment-share", OPTION_REAL, FIELD(augment_share), "0.8", 0, 1, .value = "X",
     .help = "share of the images of a batch that --augment distorts"},
    {"batch-size", OPTION_INTEGER, FIELD(batch_size), "50", 1, 65536, .value = "N",
     .help = "images of one training step"},
    {"clip-norm", OPTION_REAL, FIELD(clip_norm), "0", 0, 1e9, .value = "X",
     .help = "largest global norm of the gradient; 0: what MODEL.json says"},
    {"data", OPTION_TEXT, FIELD(data), .value = "DIR",
     .help = "folder of the four MNIST files, plain or .gz (required)"},
    {"epochs", OPTION_INTEGER, FIELD(epochs), "6", 1, 100000, .value = "N",
     .help = "passes over the training images"},
    {"keep", OPTION_CHOICE, FIELD(keep), "last", .choices = keep_names, .value = "WHICH",
     .help = "save the last epoch's weights, or those with the best validation accuracy"},
    {"learning-rate", OPTION_REAL, FIELD(learning_rate), "0", 0, 1000, .value = "X",
     .help = "learning rate, the highest one of a schedule; 0: what MODEL.json says"},
    {"limit", OPTION_INTEGER, FIELD(limit), "0", 0, 1e9, .value = "N",
     .help = "train on the first N training images only; 0: on all"},
    {"out", OPTION_TEXT, FIELD(out), .value = "DIR",
     .help = "the model's folder, MODELS/NAME; the next version is written there (required)"},
    {"parallel-iterations", OPTION_INTEGER, FIELD(parallel_iterations), "0", 0, 4096, .value = "N",
     .help = "time steps whose input products are computed at once; 0: 32"},
    {"restart", OPTION_FLAG, FIELD(restart),
     .help = "drop the checkpoint of an interrupted training and begin anew"},
    {"resume", OPTION_FLAG, FIELD(resume),
     .help = "go on from the checkpoint of an interrupted training, if there is one"},
    {"schedule", OPTION_CHOICE, FIELD(schedule), "constant", .choices = schedule_names,
     .value = "NAME", .help = "how the learning rate changes over the training"},
    {"seed", OPTION_INTEGER, FIELD(seed), "1", 0, 9e15, .value = "N",
     .help = "seed of the initial weights, the order of the images, dropout and --augment"},
    {"swap-memory", OPTION_TEXT, FIELD(swap_memory), .value = "DIR",
     .help = "keep activations for the backward pass in a temporary file in this folder"},
    {"validation-size", OPTION_INTEGER, FIELD(validation_size), "5000", 0, 1e9, .value = "N",
     .help = "training images set aside for validation, the first ones"},
    {0},
};
