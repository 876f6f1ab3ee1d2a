/* train_config.h: the settings of `lstmd train`, as its options fill them.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TRAIN_CONFIG_H
#define TRAIN_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

enum keep { KEEP_LAST, KEEP_BEST };

struct train_config {
    const char *data;        /* folder of the MNIST files */
    const char *out;         /* folder of the model's versions */
    const char *swap_memory; /* folder for activations; NULL: in memory */
    int64_t epochs, batch_size, validation_size, seed;
    int64_t limit;               /* 0: all training images */
    int64_t parallel_iterations; /* 0: the library's default */
    double learning_rate;        /* 0: the model's */
    double clip_norm;            /* 0: the model's */
    double augment_share;
    int schedule; /* index into schedules[] */
    int keep;     /* enum keep */
    bool augment, resume, restart;
};

#endif
