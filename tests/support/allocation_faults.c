/* allocation_faults.c: the plan in force. SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/allocation_faults.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/preload.h"

#if defined(__GLIBC__) && !defined(__SANITIZE_THREAD__)
const bool allocations_can_fail = true;
#else
const bool allocations_can_fail = false;
#endif

static struct allocation_plan *shared; /* a daemon's; NULL: the plan is this process's */

static struct allocation_plan *plan(void)
{
    return shared != NULL ? shared : allocations_plan();
}

void allocation_faults_begin(const char *path)
{
    shared = preload_begin("liballocations.so", "LSTMD_ALLOCATIONS", path, sizeof *shared);
}

void allocation_faults_end(void)
{
    preload_end("LSTMD_ALLOCATIONS", shared, sizeof *shared);
    shared = NULL;
}

void allocation_faults_arm(unsigned n, bool lasts)
{
    atomic_store(&plan()->lasts, lasts);
    atomic_store(&plan()->n_calls, 0);
    atomic_store(&plan()->n_hit, 0);
    atomic_store(&plan()->countdown, n);
    atomic_store(&plan()->is_armed, true);
}

unsigned allocation_faults_disarm(bool *hit)
{
    atomic_store(&plan()->is_armed, false);
    *hit = atomic_load(&plan()->n_hit) > 0;
    return atomic_load(&plan()->n_calls);
}

const char *allocation_faults_place(void)
{
    static char text[160];
    snprintf(text, sizeof text, "%s of %s", plan()->function, plan()->library);
    return text;
}

long allocation_faults_live(void)
{
    return atomic_load(&plan()->n_live);
}

unsigned allocation_faults_stride(unsigned n_calls, unsigned most)
{
    const char *wish = getenv("TORTURE");
    if (wish != NULL && strcmp(wish, "full") == 0)
        return 1;
    return n_calls / most + 1;
}
