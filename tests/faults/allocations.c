/* allocations.c: malloc() and its kin, which count and fail as a plan says.
 * SPDX-License-Identifier: Apache-2.0
 *
 * What OpenBLAS asks for is left alone: its product of small matrices takes a few hundred bytes for
 * some widths (sgemm_small_kernel of 0.3.21), and it does not look whether it got them. */
#include "tests/faults/allocations.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct allocation_plan own, *plan = &own;

struct allocation_plan *allocations_plan(void)
{
    return plan;
}

#if defined(__GLIBC__) && !defined(__SANITIZE_THREAD__)

/* A sanitizer's own, if there is one: behind this file stands the next allocator, whichever. */
void *__interceptor_malloc(size_t size) __attribute__((weak));
void *__interceptor_calloc(size_t n, size_t size) __attribute__((weak));
void *__interceptor_realloc(void *old, size_t size) __attribute__((weak));
void *__interceptor_memalign(size_t alignment, size_t size) __attribute__((weak));
void __interceptor_free(void *memory) __attribute__((weak));
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *memory);
#define NEXT(name) (__interceptor_##name != NULL ? __interceptor_##name : __libc_##name)

/* Before there is a second thread. */
__attribute__((constructor)) static void map_plan(void)
{
    const char *path = getenv("LSTMD_ALLOCATIONS");
    if (path == NULL)
        return;
    const int fd = open(path, O_RDWR | O_CLOEXEC);
    void *at =
        fd >= 0 ? mmap(NULL, sizeof *plan, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : MAP_FAILED;
    if (at == MAP_FAILED) {
        perror("liballocations");
        _exit(127);
    }
    close(fd);
    plan = at;
    atomic_store(&plan->n_live, atomic_load(&own.n_live));
}

static void note_place(const Dl_info *place)
{
    const char *const slash = strrchr(place->dli_fname, '/');
    snprintf(plan->library, sizeof plan->library, "%s",
             slash != NULL ? slash + 1 : place->dli_fname);
    snprintf(plan->function, sizeof plan->function, "%s",
             place->dli_sname != NULL ? place->dli_sname : "?");
}

static bool fails(const void *caller)
{
    Dl_info place = {.dli_fname = "?"};
    if (!atomic_load(&plan->is_armed) ||
        (dladdr(caller, &place) != 0 && strstr(place.dli_fname, "openblas") != NULL))
        return false;
    atomic_fetch_add(&plan->n_calls, 1);
    const bool has_hit = atomic_load(&plan->n_hit) > 0;
    bool is_hit = has_hit && atomic_load(&plan->lasts);
    if (!has_hit && atomic_load(&plan->countdown) > 0)
        is_hit = atomic_fetch_sub(&plan->countdown, 1) == 1;
    if (!is_hit)
        return false;
    if (atomic_fetch_add(&plan->n_hit, 1) == 0)
        note_place(&place);
    errno = ENOMEM;
    return true;
}

static void *counted(void *made)
{
    if (made != NULL)
        atomic_fetch_add(&plan->n_live, 1);
    return made;
}

static void *make_aligned(const void *caller, size_t alignment, size_t size)
{
    return fails(caller) ? NULL : counted(NEXT(memalign)(alignment, size));
}

void *malloc(size_t size)
{
    return fails(__builtin_return_address(0)) ? NULL : counted(NEXT(malloc)(size));
}

void *calloc(size_t n, size_t size)
{
    return fails(__builtin_return_address(0)) ? NULL : counted(NEXT(calloc)(n, size));
}

void *realloc(void *old, size_t size)
{
    if (fails(__builtin_return_address(0)))
        return NULL;
    void *made = NEXT(realloc)(old, size);
    if (old == NULL)
        return counted(made);
    if (made == NULL && size == 0)
        atomic_fetch_sub(&plan->n_live, 1);
    return made;
}

void *memalign(size_t alignment, size_t size)
{
    return make_aligned(__builtin_return_address(0), alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return make_aligned(__builtin_return_address(0), alignment, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size)
{
    const int before = errno;
    void *made = make_aligned(__builtin_return_address(0), alignment, size);
    errno = before;
    if (made == NULL)
        return ENOMEM;
    *memory = made;
    return 0;
}

/* Here, so that it is known who wants the copy. */
static char *copy(const void *caller, const char *text, size_t n)
{
    char *made = fails(caller) ? NULL : counted(NEXT(malloc)(n + 1));
    if (made != NULL) {
        memcpy(made, text, n);
        made[n] = '\0';
    }
    return made;
}

char *strdup(const char *text)
{
    return copy(__builtin_return_address(0), text, strlen(text));
}

char *strndup(const char *text, size_t most)
{
    return copy(__builtin_return_address(0), text, strnlen(text, most));
}

void free(void *memory)
{
    if (memory != NULL)
        atomic_fetch_sub(&plan->n_live, 1);
    NEXT(free)(memory);
}

#endif
