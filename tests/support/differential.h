/* differential.h: random networks run by the library and by the oracle.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DIFFERENTIAL_H
#define DIFFERENTIAL_H

#include <stdint.h>

#include "tests/support/reference.h"

/* More than this is no rounding: a few of float32 for each of 300 steps. */
#define DIFFERENTIAL_MOST 1e-4

/* What came of a case: where the two differ most. */
struct differential {
    double difference; /* |got - want| / (1 + |want|), the largest of all outputs */
    const char *where; /* "state_trace" */
};

/* Fills in the case's network: cells with all their options, 1 to 3 recurrent layers of 1 to 513
 * units, directions, masks, dense layers. reference_init() was called, with weights of a size that
 * keeps the network from amplifying what goes in. Release it. */
void differential_network(struct reference_network *network, uint64_t seed);

/* Runs the case: the network over a batch of random lengths up to 300 steps, perhaps with initial
 * states, by a runner with random options. Aborts the test if a value is not finite on one side
 * only, or the run fails. */
struct differential differential_run(uint64_t seed);

#endif
