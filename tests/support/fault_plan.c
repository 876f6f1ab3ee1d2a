/* fault_plan.c: the plan's file, and the environment that names it. SPDX-License-Identifier:
 * Apache-2.0 */
#include "tests/support/fault_plan.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

const struct fault write_faults[N_WRITE_FAULTS] = {
    {"write: I/O error", FAULT_WRITE, EIO, false, false},
    {"write: I/O errors", FAULT_WRITE, EIO, true, false},
    {"write: half of it", FAULT_WRITE, 0, false, true},
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

static struct fault_plan *plan;

/* The library is beside this program. A sanitizer wants to be the first library, but what stands in
 * front of it here only fails. */
static void preload(void)
{
    static const char name[] = "libfaults.so";
    char path[PATH_MAX];
    const ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - sizeof name);
    ck_assert_int_gt(n, 0);
    path[n] = '\0';
    char *last = strrchr(path, '/');
    ck_assert_ptr_nonnull(last);
    memcpy(last + 1, name, sizeof name);
    ck_assert_msg(access(path, R_OK) == 0, "%s is missing: build it, too", path);
    ck_assert_int_eq(setenv("LD_PRELOAD", path, 1), 0);
}

static void allow_link_order(void)
{
    char options[256];
    const char *given = getenv("ASAN_OPTIONS");
    if (given != NULL && strstr(given, "verify_asan_link_order") != NULL)
        return;
    snprintf(options, sizeof options, "%s%sverify_asan_link_order=0", given != NULL ? given : "",
             given != NULL ? ":" : "");
    ck_assert_int_eq(setenv("ASAN_OPTIONS", options, 1), 0);
}

void fault_plan_begin(const char *path, const char *folder)
{
    const int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(ftruncate(fd, sizeof *plan), 0);
    plan = mmap(NULL, sizeof *plan, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    ck_assert_ptr_ne(plan, MAP_FAILED);
    close(fd);
    ck_assert_uint_lt(strlen(folder), sizeof plan->folder);
    snprintf(plan->folder, sizeof plan->folder, "%s", folder);
    ck_assert_int_eq(setenv("LSTMD_FAULTS", path, 1), 0);
    allow_link_order();
    preload();
}

void fault_plan_end(void)
{
    unsetenv("LD_PRELOAD");
    unsetenv("LSTMD_FAULTS");
    munmap(plan, sizeof *plan);
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
