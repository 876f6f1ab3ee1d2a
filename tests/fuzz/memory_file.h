/* memory_file.h: bytes as a file that lies in memory, for readers that want a path.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MEMORY_FILE_H
#define MEMORY_FILE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct memory_file {
    int fd;
    char path[32];
};

/* A file of these bytes that only its owner may read, until memory_file_close(). */
static inline void memory_file_open(struct memory_file *file, const void *data, size_t size)
{
    file->fd = memfd_create("fuzz", MFD_CLOEXEC);
    if (file->fd < 0 || fchmod(file->fd, S_IRUSR | S_IWUSR) != 0 ||
        write(file->fd, data, size) != (ssize_t)size)
        abort();
    snprintf(file->path, sizeof file->path, "/proc/self/fd/%d", file->fd);
}

static inline void memory_file_close(struct memory_file *file)
{
    close(file->fd);
}

#endif
