/* source_files.c: files mapped into memory. SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/import/source.h"
#include "core/status.h"

/* Up to this size all pages are asked for at once. Of a larger file, which may be no model or hold
 * nothing (a sparse file), only those that are looked at. */
static const size_t max_populated = (size_t)1 << 30;

/* What an empty file maps to, as mmap() takes no length of 0. */
static const unsigned char nothing[1];

static enum lstm_status map_open_file(int fd, const char *path, struct source_map *map,
                                      struct lstm_error *error)
{
    struct stat about;
    if (fstat(fd, &about) != 0 || !S_ISREG(about.st_mode))
        return lstm_fail(error, LSTM_IO, "%s is not a regular file", path);
    if ((uintmax_t)about.st_size > PTRDIFF_MAX)
        return lstm_fail(error, LSTM_IO, "%s is too large for this machine", path);
    *map = (struct source_map){.n = (size_t)about.st_size};
    if (map->n == 0) {
        map->bytes = (void *)(uintptr_t)nothing;
        return LSTM_OK;
    }
    const int populate = map->n <= max_populated ? MAP_POPULATE : 0;
    void *bytes = mmap(NULL, map->n, PROT_READ, MAP_PRIVATE | populate, fd, 0);
    if (bytes == MAP_FAILED)
        return lstm_fail(error, LSTM_IO, "cannot map %s: %s", path, strerror(errno));
    map->bytes = bytes;
    return LSTM_OK;
}

/* O_NONBLOCK, so that a pipe in a file's place is refused instead of waited for. */
enum lstm_status source_map_file(const char *path, struct source_map *map, struct lstm_error *error)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return lstm_fail(error, errno == ENOENT || errno == ENOTDIR ? LSTM_NOT_FOUND : LSTM_IO,
                         "cannot open %s: %s", path, strerror(errno));
    const enum lstm_status status = map_open_file(fd, path, map, error);
    close(fd);
    return status;
}

void source_unmap(struct source_map *map)
{
    if (map->n > 0)
        munmap(map->bytes, map->n);
}
