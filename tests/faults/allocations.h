/* allocations.h: memory that runs out where a test wants it to. SPDX-License-Identifier: Apache-2.0
 *
 * The allocator's entry points, replaced by ones that count and may fail: in the test program, and
 * in daemons that preload build/liballocations.so. A daemon shares its plan with the test: the
 * environment variable LSTMD_ALLOCATIONS names a file that both map. */
#ifndef ALLOCATIONS_H
#define ALLOCATIONS_H

#include <stdatomic.h>

struct allocation_plan {
    atomic_bool is_armed;  /* allocations are counted */
    atomic_uint countdown; /* the one that this counts down to zero fails; 0: none */
    atomic_bool lasts;     /* those behind it fail, too */
    atomic_uint n_calls;   /* counted since it was armed */
    atomic_uint n_hit;     /* of these, failed */
    atomic_long n_live;    /* blocks of the whole process; counted always */
    char library[64];      /* whose call failed first: "libjansson.so.4" */
    char function[64];     /* and which of its functions, if that is exported */
};

/* This process's plan. */
struct allocation_plan *allocations_plan(void);

#endif
