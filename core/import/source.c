/* source.c: what a source owns: its memory, its arrays and their names, its notes.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Names are found through a balanced tree (POSIX tsearch), which no choice of names makes slow. */
#include "core/import/source.h"

#include <limits.h>
#include <search.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/import/fence.h"
#include "core/memory.h"
#include "core/status.h"

/* An allocation of at least this has a block of its own, which the system zeroes as it is used. */
enum { CHUNK_BYTES = 1 << 16, MAX_ARRAYS = 1 << 20, NOTE_BYTES = 512 };

/* What a reader may keep: as much as headers take, and what compressed weights become. */
static const size_t base_limit = (size_t)64 << 20, limit_per_byte = 16;

struct chunk {
    struct chunk *next;
    size_t used, n;
    alignas(max_align_t) unsigned char data[];
};

struct named {
    const char *name;
    size_t number; /* in source->arrays */
};

struct import_memory {
    struct chunk *chunks;
    size_t used, limit;
    void *names; /* tree of struct named */
    size_t room; /* of source->arrays */
    struct source_map *maps;
    const struct lstm_source_file *files; /* NULL: files of the disk */
    size_t n_files;
    char *path;
};

/* ---- Memory --------------------------------------------------------------------------------- */

static struct chunk *add_chunk(struct import_memory *memory, size_t n)
{
    struct chunk *chunk = calloc(1, sizeof *chunk + n);
    if (chunk == NULL)
        return NULL;
    chunk->n = n;
    chunk->next = memory->chunks;
    memory->chunks = chunk;
    fence_close(chunk->data, n);
    return chunk;
}

void *import_allocate(struct import_source *source, size_t n)
{
    struct import_memory *memory = source->memory;
    if (n > memory->limit - memory->used)
        return NULL;
    const size_t size =
        (n + alignof(max_align_t) - 1) / alignof(max_align_t) * alignof(max_align_t) + FENCE_BYTES;
    struct chunk *chunk = memory->chunks;
    if (chunk == NULL || size > chunk->n - chunk->used)
        chunk = add_chunk(memory, size > CHUNK_BYTES ? size : CHUNK_BYTES);
    if (chunk == NULL)
        return NULL;
    void *found = chunk->data + chunk->used;
    chunk->used += size;
    memory->used += n;
    fence_open(found, n);
    return found;
}

char *import_text(struct import_source *source, const char *text, size_t n)
{
    char *copy = n < SIZE_MAX ? import_allocate(source, n + 1) : NULL;
    if (copy != NULL && n > 0)
        memcpy(copy, text, n);
    return copy;
}

/* A source may keep more the larger its files are. */
static void raise_limit(struct import_memory *memory, size_t n)
{
    size_t more;
    if (!memory_multiply(n, limit_per_byte, &more) ||
        !memory_add(memory->limit, more, &memory->limit))
        memory->limit = SIZE_MAX / 2;
}

/* ---- Arrays --------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
    const struct named *x = a, *y = b;
    return strcmp(x->name, y->name);
}

static bool make_room(struct import_source *source)
{
    struct import_memory *memory = source->memory;
    if (source->n_arrays < memory->room)
        return true;
    const size_t room = memory->room == 0 ? 64 : memory->room * 2;
    struct import_array *arrays = realloc(source->arrays, room * sizeof *arrays);
    if (arrays == NULL)
        return false;
    source->arrays = arrays;
    memory->room = room;
    return true;
}

enum lstm_status import_add_array(struct import_source *source, const struct import_array *array,
                                  struct lstm_error *error)
{
    if (source->n_arrays >= MAX_ARRAYS)
        return lstm_fail(error, LSTM_FORMAT, "it has more than %d arrays", MAX_ARRAYS);
    struct named *named = import_allocate(source, sizeof *named);
    if (named == NULL || !make_room(source))
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for %zu arrays", source->n_arrays);
    *named = (struct named){array->name, source->n_arrays};
    struct named *const *found = tsearch(named, &source->memory->names, by_name);
    if (found == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for %zu arrays", source->n_arrays);
    if (*found != named)
        return lstm_fail(error, LSTM_FORMAT, "two arrays are named '%.80s'", array->name);
    source->arrays[source->n_arrays++] = *array;
    return LSTM_OK;
}

const struct import_array *import_find(const struct import_source *source, const char *name)
{
    const struct named wanted = {name, 0};
    struct named *const *found = tfind(&wanted, &source->memory->names, by_name);
    return found == NULL ? NULL : &source->arrays[(*found)->number];
}

void import_note(struct import_source *source, const char *format, ...)
{
    char text[NOTE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    for (size_t i = 0; i < source->n_notes; i++)
        if (strcmp(source->notes[i], text) == 0)
            return;
    char *note =
        source->n_notes < IMPORT_MAX_NOTES ? import_text(source, text, strlen(text)) : NULL;
    if (note != NULL)
        source->notes[source->n_notes++] = note;
}

static const char *const option_names[] = {
#define X(id, name, is_given) [IMPORT_OPTION_##id] = name,
    IMPORT_OPTION_LIST(X)
#undef X
};

void import_use(struct import_source *source, enum import_option option)
{
    source->used |= 1u << option;
}

enum lstm_status import_choose(struct import_source *source, const char *chosen,
                               const char *convention, const char *what, enum import_option option,
                               char name[32], struct lstm_error *error)
{
    import_use(source, option);
    const int n = snprintf(name, 32, "%s", chosen != NULL ? chosen : convention);
    if (n < 0 || n >= 32)
        return lstm_fail(error, LSTM_INVALID, "%s: '%.40s' is too long a name",
                         option_names[option], chosen);
    if (chosen == NULL)
        import_note(source, "%s is taken to be %s: the file does not say it; %s changes it", what,
                    convention, option_names[option]);
    return LSTM_OK;
}

/* ---- Files ---------------------------------------------------------------------------------- */

/* Whether every part of a path stays below where it begins. */
static bool stays_inside(const char *path)
{
    if (*path == '\0' || *path == '/')
        return false;
    for (const char *part = path; *part != '\0';) {
        const size_t n = strcspn(part, "/");
        if (n == 2 && part[0] == '.' && part[1] == '.')
            return false;
        part += n + strspn(part + n, "/");
    }
    return true;
}

/* The full path of another file of the source; false: too long, or it leads out. */
static bool full_path(const struct import_source *source, const char *path, char full[PATH_MAX])
{
    const char *slash = strrchr(source->path, '/');
    int folder = slash == NULL ? 0 : (int)(slash - source->path) + 1;
    if (source->is_folder)
        folder = (int)strlen(source->path);
    const int n = snprintf(full, PATH_MAX, "%.*s%s%s", folder, source->path,
                           source->is_folder ? "/" : "", path);
    return stays_inside(path) && n >= 0 && n < PATH_MAX;
}

static const struct lstm_source_file *find_file(const struct import_memory *memory,
                                                const char *path)
{
    for (size_t i = 0; i < memory->n_files; i++)
        if (memory->files[i].data != NULL && strcmp(memory->files[i].path, path) == 0)
            return &memory->files[i];
    return NULL;
}

bool import_has(const struct import_source *source, const char *path)
{
    char full[PATH_MAX];
    struct stat about;
    if (!full_path(source, path, full))
        return false;
    if (source->memory->files != NULL)
        return find_file(source->memory, full) != NULL;
    return stat(full, &about) == 0 && S_ISREG(about.st_mode);
}

static enum lstm_status keep_map(struct import_source *source, const char *path,
                                 const unsigned char **bytes, size_t *n, struct lstm_error *error)
{
    struct source_map *map = import_allocate(source, sizeof *map);
    if (map == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for the file %s", path);
    const enum lstm_status status = source_map_file(path, map, error);
    if (status != LSTM_OK)
        return status;
    map->next = source->memory->maps;
    source->memory->maps = map;
    raise_limit(source->memory, map->n);
    *bytes = map->bytes;
    *n = map->n;
    return LSTM_OK;
}

enum lstm_status import_map(struct import_source *source, const char *path,
                            const unsigned char **bytes, size_t *n, struct lstm_error *error)
{
    char full[PATH_MAX];
    *bytes = NULL;
    *n = 0;
    if (!full_path(source, path, full))
        return lstm_fail(error, LSTM_INVALID,
                         "the file '%.80s' that it refers to is not below its own folder", path);
    if (source->memory->files == NULL)
        return keep_map(source, full, bytes, n, error);
    const struct lstm_source_file *file = find_file(source->memory, full);
    if (file == NULL)
        return lstm_fail(error, LSTM_NOT_FOUND, "the file %s is missing", full);
    raise_limit(source->memory, file->n);
    *bytes = file->data;
    *n = file->n;
    return LSTM_OK;
}

/* ---- Life ----------------------------------------------------------------------------------- */

static enum lstm_status begin(struct import_source *source, const char *path, const char *suffix,
                              struct lstm_error *error)
{
    *source = (struct import_source){0};
    struct import_memory *memory = calloc(1, sizeof *memory);
    const size_t n = strlen(path) + strlen(suffix) + 1;
    char *copy = malloc(n);
    if (memory == NULL || copy == NULL) {
        free(memory);
        free(copy);
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for %s", path);
    }
    snprintf(copy, n, "%s%s", path, suffix);
    memory->limit = base_limit;
    memory->path = copy;
    source->memory = memory;
    source->path = copy;
    return LSTM_OK;
}

enum lstm_status source_init(struct import_source *source, const char *path,
                             struct lstm_error *error)
{
    char index[PATH_MAX];
    struct stat about;
    const int n = snprintf(index, sizeof index, "%s.index", path);
    const bool is_prefix = stat(path, &about) != 0 && n > 0 && (size_t)n < sizeof index &&
                           stat(index, &about) == 0 && S_ISREG(about.st_mode);
    enum lstm_status status = begin(source, path, is_prefix ? ".index" : "", error);
    if (status != LSTM_OK)
        return status;
    source->is_folder = !is_prefix && stat(path, &about) == 0 && S_ISDIR(about.st_mode);
    if (!source->is_folder)
        status = keep_map(source, source->path, &source->bytes, &source->n, error);
    if (status != LSTM_OK)
        source_release(source);
    return status;
}

enum lstm_status source_init_files(struct import_source *source,
                                   const struct lstm_source_file *files, size_t n,
                                   struct lstm_error *error)
{
    if (n == 0)
        return lstm_fail(error, LSTM_INVALID, "no file was given");
    const enum lstm_status status = begin(source, files[0].path, "", error);
    if (status != LSTM_OK)
        return status;
    source->is_folder = files[0].data == NULL;
    source->bytes = files[0].data;
    source->n = files[0].n;
    source->memory->files = files;
    source->memory->n_files = n;
    raise_limit(source->memory, files[0].n);
    return LSTM_OK;
}

static void keep_named(void *named)
{
    (void)named;
}

void source_release(struct import_source *source)
{
    struct import_memory *memory = source->memory;
    if (memory == NULL)
        return;
    tdestroy(memory->names, keep_named);
    for (struct source_map *map = memory->maps; map != NULL; map = map->next)
        source_unmap(map);
    for (struct chunk *chunk = memory->chunks, *next; chunk != NULL; chunk = next) {
        next = chunk->next;
        free(chunk);
    }
    free(source->arrays);
    free(memory->path);
    free(memory);
    *source = (struct import_source){0};
}
