/* fault_plan.c: how writes may fail, and when. SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/fault_plan.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/preload.h"

const struct fault write_faults[N_WRITE_FAULTS] = {
    {"write: I/O error", FAULT_WRITE, EIO, false, false},
    {"write: I/O errors", FAULT_WRITE, EIO, true, false},
    {"write: half of it", FAULT_WRITE, 0, false, true},
    {"write: interrupted", FAULT_WRITE, EINTR, false, false},
    {"write: half of it, then the disk is full", FAULT_WRITE, ENOSPC, true, true},
    {"write: the disk is full", FAULT_WRITE, ENOSPC, true, false},
    {"fsync: I/O error", FAULT_SYNC, EIO, false, false},
    {"fsync: I/O errors", FAULT_SYNC, EIO, true, false},
    {"fsync: the disk is full", FAULT_SYNC, ENOSPC, true, false},
    {"close: I/O error", FAULT_CLOSE, EIO, false, false},
    {"rename: I/O error", FAULT_RENAME, EIO, false, false},
    {"rename: the disk is full", FAULT_RENAME, ENOSPC, true, false},
    {"open: no more files", FAULT_CREATE, EMFILE, false, false},
    {"open: the disk is full", FAULT_CREATE, ENOSPC, true, false},
    {"mkdir: I/O error", FAULT_MAKE_FOLDER, EIO, false, false},
    {"mkdir: over the quota", FAULT_MAKE_FOLDER, EDQUOT, true, false},
    {"unlink: I/O errors", FAULT_UNLINK, EIO, true, false},
};

bool fault_is_harmless(const struct fault *fault)
{
    return fault->reason == EINTR || (fault->reason == 0 && fault->is_short);
}

static struct fault_plan *plan;

void fault_plan_begin(const char *path, const char *folder)
{
    plan = preload_begin("libfaults.so", "LSTMD_FAULTS", path, sizeof *plan);
    ck_assert_uint_lt(strlen(folder), sizeof plan->folder);
    snprintf(plan->folder, sizeof plan->folder, "%s", folder);
}

void fault_plan_end(void)
{
    preload_end("LSTMD_FAULTS", plan, sizeof *plan);
    plan = NULL;
}

void fault_plan_arm(const struct fault *fault, unsigned n)
{
    plan->call = fault->call;
    plan->reason = fault->reason;
    atomic_store(&plan->lasts, fault->lasts);
    atomic_store(&plan->is_short, fault->is_short);
    atomic_store(&plan->n_hit, 0);
    atomic_store(&plan->countdown, n);
}

bool fault_plan_has_hit(void)
{
    return atomic_load(&plan->n_hit) > 0;
}

bool fault_plan_disarm(void)
{
    atomic_store(&plan->countdown, 0);
    atomic_store(&plan->lasts, false);
    return fault_plan_has_hit();
}
