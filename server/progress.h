/* progress.h: tells a person how far a training is. SPDX-License-Identifier: Apache-2.0
 *
 * On a terminal: one line that is drawn again and again. Elsewhere: a plain line for every tenth of
 * an epoch. */
#ifndef PROGRESS_H
#define PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct progress {
    FILE *file;
    bool is_terminal;
    size_t n_epochs, n_batches;   /* of the whole training, of an epoch */
    uint64_t first_step;          /* where this run of the program began */
    int64_t started_us, drawn_us; /* monotonic_us() */
};

/* `file` is borrowed. The first line comes with the first batch. */
void progress_begin(struct progress *progress, FILE *file, size_t n_epochs, size_t n_batches,
                    uint64_t first_step);

/* After batch `batch` (from 0) of epoch `epoch` (from 0). */
void progress_step(struct progress *progress, size_t epoch, size_t batch, double loss);

/* Clears the line, so that something else can be printed. */
void progress_clear(struct progress *progress);

#endif
