/* preload.c: LD_PRELOAD, and a mapped file. SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/preload.h"

#include <check.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void set_preload(const char *name)
{
    char path[PATH_MAX];
    const ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - 64);
    ck_assert_int_gt(n, 0);
    path[n] = '\0';
    char *last = strrchr(path, '/');
    ck_assert_ptr_nonnull(last);
    snprintf(last + 1, 64, "%s", name);
    ck_assert_msg(access(path, R_OK) == 0, "%s is missing: build it, too", path);
    ck_assert_int_eq(setenv("LD_PRELOAD", path, 1), 0);
}

/* A sanitizer wants to be the first library, but what stands in front of it here hands on. */
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

void *preload_begin(const char *name, const char *variable, const char *path, size_t bytes)
{
    const int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(ftruncate(fd, (off_t)bytes), 0);
    void *shared = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    ck_assert_ptr_ne(shared, MAP_FAILED);
    close(fd);
    ck_assert_int_eq(setenv(variable, path, 1), 0);
    allow_link_order();
    set_preload(name);
    return shared;
}

void preload_end(const char *variable, void *shared, size_t bytes)
{
    unsetenv("LD_PRELOAD");
    unsetenv(variable);
    munmap(shared, bytes);
}
