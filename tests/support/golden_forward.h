/* golden_forward.h: the forward passes of tests/data/golden/tfjs_golden.json.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef GOLDEN_FORWARD_H
#define GOLDEN_FORWARD_H

#include "tests/support/golden.h"
#include "tests/support/reference.h"

enum { GOLDEN_BATCH = 3, GOLDEN_TIME = 2, GOLDEN_EMBED = 4, GOLDEN_UNITS = 5, N_GOLDEN_CASES = 5 };

struct golden_case {
    const char *name;
    double forget_bias;
    bool initial_state; /* c0 and h0 */
    bool masked;        /* by golden_lengths */
    size_t n_cells;     /* one, or a stack of two */
};
extern const struct golden_case golden_cases[N_GOLDEN_CASES];
extern const size_t golden_lengths[GOLDEN_BATCH];

/* The case's network with the file's weights. Release it. */
struct reference_network golden_network(const json_t *golden, const struct golden_case *this_case);

/* c or h ("c", "h") of a cell after a step: [GOLDEN_BATCH, GOLDEN_UNITS]. */
void golden_state(const json_t *golden, const struct golden_case *this_case, size_t step,
                  const char *part, size_t cell, double *values);

/* The last cell's output of a step: the same shape. */
void golden_output(const json_t *golden, const struct golden_case *this_case, size_t step,
                   double *values);

#endif
