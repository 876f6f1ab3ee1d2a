/* json_memory.c: jansson's allocator hooks. SPDX-License-Identifier: Apache-2.0
 *
 * Outside of json_memory_load() the hooks hand on to those that were set before main(). Within it
 * they note each block, and free none before the end, so that there is nothing to search for. */
#include "core/json_memory.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdlib.h>

enum { FIRST_ROOM = 64 };

struct blocks {
    void **list;
    size_t n, room;
};

struct loading {
    struct blocks made, freed;
    jmp_buf no_memory;
};

static json_malloc_t next_malloc;
static json_free_t next_free;
static _Thread_local struct loading *loading; /* what this thread is in */

static bool note(struct blocks *blocks, void *block)
{
    if (blocks->n == blocks->room) {
        const size_t room = blocks->room == 0 ? FIRST_ROOM : 2 * blocks->room;
        void **list = realloc(blocks->list, room * sizeof *list);
        if (list == NULL)
            return false;
        blocks->list = list;
        blocks->room = room;
    }
    blocks->list[blocks->n++] = block;
    return true;
}

static void free_all(const struct blocks *blocks)
{
    for (size_t k = 0; k < blocks->n; k++)
        next_free(blocks->list[k]);
}

static void *allocate(size_t n)
{
    void *made = next_malloc(n);
    if (loading == NULL || (made != NULL && note(&loading->made, made)))
        return made;
    if (made != NULL)
        next_free(made);
    longjmp(loading->no_memory, 1);
}

static void release(void *block)
{
    if (loading == NULL)
        next_free(block);
    else if (block != NULL && !note(&loading->freed, block))
        longjmp(loading->no_memory, 1);
}

__attribute__((constructor)) static void take_over(void)
{
    json_get_alloc_funcs(&next_malloc, &next_free);
    json_set_alloc_funcs(allocate, release);
}

/* False: there was no memory. */
static bool load(struct loading *own, const char *text, size_t n, size_t flags, json_error_t *why,
                 json_t **root)
{
    if (setjmp(own->no_memory) != 0)
        return false;
    loading = own;
    *root = json_loadb(text, n, flags, why);
    return true;
}

struct json_t *json_memory_load(const char *text, size_t n, size_t flags, struct json_error_t *why,
                                bool *no_memory)
{
    struct loading own = {.made = {0}};
    json_t *root = NULL;
    *no_memory = !load(&own, text, n, flags, why, &root);
    loading = NULL;
    free_all(*no_memory ? &own.made : &own.freed);
    free(own.made.list);
    free(own.freed.list);
    return *no_memory ? NULL : root;
}
