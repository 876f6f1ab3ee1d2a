/* allocation_faults.h: the n-th allocation fails, here or in a daemon.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ALLOCATION_FAULTS_H
#define ALLOCATION_FAULTS_H

#include <stdbool.h>

#include "tests/faults/allocations.h"

/* Without glibc nothing is replaced, and under ThreadSanitizer it may not be: tests of failing
 * allocations are left out. */
extern const bool allocations_can_fail;

/* From now on daemons start with the library, and the functions below speak of them; path: of a
 * file to be made, for the plan. */
void allocation_faults_begin(const char *path);
void allocation_faults_end(void);

/* The n-th allocation from now on fails, n from 1; 0: they are counted only. lasts: so do those
 * behind it. */
void allocation_faults_arm(unsigned n, bool lasts);

/* No more fail. The number of those that were counted; *hit: whether one failed. */
unsigned allocation_faults_disarm(bool *hit);

/* Whose allocation failed: "function of library". Valid until the next call. */
const char *allocation_faults_place(void);

/* Blocks that the process holds. */
long allocation_faults_live(void);

/* By how much n grows from one round to the next where an operation makes n_calls allocations:
 * `most` rounds are enough; all of them with TORTURE=full. */
unsigned allocation_faults_stride(unsigned n_calls, unsigned most);

#endif
