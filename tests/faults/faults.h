/* faults.h: what the preloaded library of failing calls is told. SPDX-License-Identifier:
 * Apache-2.0
 *
 * A test and a daemon that runs with build/libfaults.so share a plan, a file that both map. The
 * environment variable LSTMD_FAULTS names it. */
#ifndef FAULTS_H
#define FAULTS_H

#include <stdatomic.h>

/* Kinds of calls, counted each by itself. */
enum fault_call {
    FAULT_MAKE_FOLDER, /* mkdir, mkdtemp, chmod */
    FAULT_CREATE,      /* open to write, and open of a folder */
    FAULT_OPEN,        /* open to read */
    FAULT_STAT,        /* what a name is */
    FAULT_READ,        /* of files, and of folders' names */
    FAULT_WRITE,
    FAULT_SYNC,
    FAULT_CLOSE,
    FAULT_RENAME,
    FAULT_UNLINK /* also what is removed with its folder */
};

struct fault_plan {
    char folder[256];      /* only calls on what lies in it count */
    enum fault_call call;  /* the kind that fails */
    int reason;            /* with this errno; 0: not at all */
    atomic_bool is_short;  /* the call in question moves a half; those behind it fail */
    atomic_bool lasts;     /* those behind it fail, too */
    atomic_uint countdown; /* the call that this counts down to zero; 0: none */
    atomic_uint n_hit;     /* calls that were short or failed */
};

#endif
