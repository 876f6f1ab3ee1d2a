/* faults.c: a library to preload, whose calls fail as a plan says. SPDX-License-Identifier:
 * Apache-2.0
 *
 * Built as build/libfaults.so. Without LSTMD_FAULTS all calls go through. */
#include "tests/faults/faults.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static struct fault_plan *plan;

/* The C library's own function of this name. */
#define REAL(name) ((__typeof__(&(name)))(uintptr_t)dlsym(RTLD_NEXT, #name))

__attribute__((constructor)) static void map_plan(void)
{
    const char *path = getenv("LSTMD_FAULTS");
    if (path == NULL)
        return;
    const int fd = REAL(open)(path, O_RDWR | O_CLOEXEC);
    void *at =
        fd >= 0 ? mmap(NULL, sizeof *plan, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : MAP_FAILED;
    if (at == MAP_FAILED) {
        perror("libfaults");
        _exit(127);
    }
    plan = at;
}

enum verdict { PASS, HALVE, FAIL };

/* Counts a call on this path. FAIL: errno is set. */
static enum verdict judge(enum fault_call call, const char *path)
{
    if (plan == NULL || plan->call != call ||
        strncmp(path, plan->folder, strlen(plan->folder)) != 0)
        return PASS;
    const bool has_hit = atomic_load(&plan->n_hit) > 0;
    unsigned left = atomic_load(&plan->countdown);
    bool is_hit = has_hit && atomic_load(&plan->lasts);
    if (!has_hit && left > 0)
        is_hit = atomic_fetch_sub(&plan->countdown, 1) == 1;
    if (!is_hit)
        return PASS;
    atomic_fetch_add(&plan->n_hit, 1);
    if (!has_hit && atomic_load(&plan->is_short))
        return HALVE;
    errno = plan->reason;
    return FAIL;
}

static enum verdict judge_file(enum fault_call call, int fd)
{
    char link[64], path[PATH_MAX] = "";
    if (plan == NULL || plan->call != call)
        return PASS;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    const ssize_t n = readlink(link, path, sizeof path - 1);
    path[n > 0 ? n : 0] = '\0';
    return judge(call, path);
}

int open(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    const bool is_to_read = (flags & (O_ACCMODE | O_CREAT | O_DIRECTORY)) == O_RDONLY;
    return judge(is_to_read ? FAULT_OPEN : FAULT_CREATE, path) == FAIL
               ? -1
               : REAL(open)(path, flags, mode);
}

/* What open() is where some library's flags ask for 64-bit offsets. */
int open64(const char *path, int flags, ...) __attribute__((alias("open")));

int stat(const char *path, struct stat *about)
{
    return judge(FAULT_STAT, path) == FAIL ? -1 : REAL(stat)(path, about);
}

/* On 64-bit machines the two structures are one. */
int stat64(const char *path, struct stat64 *about) __attribute__((alias("stat")));

ssize_t read(int fd, void *data, size_t n)
{
    const enum verdict verdict = judge_file(FAULT_READ, fd);
    return verdict == FAIL ? -1 : REAL(read)(fd, data, verdict == HALVE ? (n + 1) / 2 : n);
}

/* Nobody is interrupted here, and a name is read whole. */
struct dirent *readdir(DIR *folder)
{
    if (plan != NULL && (plan->reason == EINTR || atomic_load(&plan->is_short)))
        return REAL(readdir)(folder);
    return judge_file(FAULT_READ, dirfd(folder)) == FAIL ? NULL : REAL(readdir)(folder);
}

/* On 64-bit machines the two structures are one. */
struct dirent64 *readdir64(DIR *folder) __attribute__((alias("readdir")));

ssize_t write(int fd, const void *data, size_t n)
{
    const enum verdict verdict = judge_file(FAULT_WRITE, fd);
    return verdict == FAIL ? -1 : REAL(write)(fd, data, verdict == HALVE ? (n + 1) / 2 : n);
}

/* No test cuts the power: with a plan, nothing waits for the disk. */
int fsync(int fd)
{
    if (judge_file(FAULT_SYNC, fd) == FAIL)
        return -1;
    return plan != NULL ? 0 : REAL(fsync)(fd);
}

/* A close that fails has closed. */
int close(int fd)
{
    const enum verdict verdict = judge_file(FAULT_CLOSE, fd);
    const int closed = REAL(close)(fd);
    if (verdict == FAIL)
        errno = plan->reason;
    return verdict == FAIL ? -1 : closed;
}

int rename(const char *from, const char *to)
{
    return judge(FAULT_RENAME, to) == FAIL ? -1 : REAL(rename)(from, to);
}

int unlink(const char *path)
{
    return judge(FAULT_UNLINK, path) == FAIL ? -1 : REAL(unlink)(path);
}

int unlinkat(int folder, const char *path, int flags)
{
    return judge_file(FAULT_UNLINK, folder) == FAIL ? -1 : REAL(unlinkat)(folder, path, flags);
}

int mkdir(const char *path, mode_t mode)
{
    return judge(FAULT_MAKE_FOLDER, path) == FAIL ? -1 : REAL(mkdir)(path, mode);
}

char *mkdtemp(char *path)
{
    return judge(FAULT_MAKE_FOLDER, path) == FAIL ? NULL : REAL(mkdtemp)(path);
}

int chmod(const char *path, mode_t mode)
{
    return judge(FAULT_MAKE_FOLDER, path) == FAIL ? -1 : REAL(chmod)(path, mode);
}
