/* fault_plan.h: daemons whose calls to the file system fail as a test wants.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef FAULT_PLAN_H
#define FAULT_PLAN_H

#include <stdbool.h>

#include "tests/faults/faults.h"

/* A way to fail. */
struct fault {
    const char *name;
    enum fault_call call;
    int reason;
    bool lasts;    /* until it is mended */
    bool is_short; /* the first call moves a half of what it should */
};

/* Whether nobody but the caller may notice: it was interrupted, or moved less, and has to go on. */
bool fault_is_harmless(const struct fault *fault);

/* How what writes files may fail. */
enum { N_WRITE_FAULTS = 17 };
extern const struct fault write_faults[N_WRITE_FAULTS];

/* From now on daemons start with the library; path: of a file to be made, for the plan. folder: in
 * which files calls may fail. */
void fault_plan_begin(const char *path, const char *folder);
void fault_plan_end(void);

/* The n-th call from now on fails; n from 1. */
void fault_plan_arm(const struct fault *fault, unsigned n);

/* No more calls fail. True: one was hit. */
bool fault_plan_disarm(void);

/* Whether a call was hit since it was armed. */
bool fault_plan_has_hit(void);

#endif
