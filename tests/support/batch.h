/* batch.h: batches of sequences with every output wanted, and their comparison with the oracle.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BATCH_H
#define BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/lstm.h"
#include "tests/support/reference.h"

struct batch {
    size_t n;
    struct lstm_sequence *sequences; /* [n]; owns all that they point to */
    size_t n_targets;                /* n, or the steps of all sequences if the output is one */
    float *targets;                  /* [n_targets, output_size]: one-hot rows */
};

/* n sequences for the network, of lengths[k] steps; inputs and (if wanted) initial states drawn
 * from `seed`. Outputs hold NaN until a runner writes them. Release it. */
void batch_init(struct batch *batch, const struct reference_network *network, size_t n,
                const size_t *lengths, bool initial_state, uint64_t seed);
void batch_release(struct batch *batch);

/* The examples of a batch for a trainer. */
struct lstm_examples batch_examples(const struct batch *batch);

/* n lengths in [0, longest] for batch_init(); the first is `longest`. */
void batch_lengths(size_t *lengths, size_t n, size_t longest, uint64_t seed);

/* Runs the batch in one call; aborts the test if that fails. */
void batch_run(struct batch *batch, struct lstm_runner *runner, const struct lstm_model *model);

/* Compares all outputs of all sequences with the oracle's: every value within 2e-6 + 1e-5 |want|,
 * which is a few roundings of float32 through a handful of steps. */
void batch_compare(const struct batch *batch, const struct reference_network *network);

/* Compares all outputs of two runs of one batch: within `absolute`; 0 wants the same bits. */
void batch_compare_runs(const struct batch *got, const struct batch *want,
                        const struct lstm_model *model, double absolute);

/* Builds the network's model, runs such a batch through it and compares it with the oracle. */
void batch_check(const struct reference_network *network, size_t n, const size_t *lengths,
                 bool initial_state, uint64_t seed);

/* The same with n sequences of up to `longest` steps, by runners that take 1, 3, 7 and 32 steps at
 * once: more sequences than a slice and longer ones than a piece must not show. */
void batch_check_cuts(const struct reference_network *network, size_t n, size_t longest,
                      uint64_t seed);

#endif
