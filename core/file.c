/* file.c: reading and atomic writing of whole files. SPDX-License-Identifier: Apache-2.0 */
#include "core/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/status.h"

enum { PIECE = 8 << 20 };

static enum lstm_status read_all(int fd, const char *path, char *data, size_t n,
                                 struct lstm_error *error)
{
    for (size_t done = 0; done < n;) {
        ssize_t got = read(fd, data + done, n - done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return lstm_fail(error, LSTM_IO, "cannot read %s: %s", path, strerror(errno));
        if (got == 0)
            return lstm_fail(error, LSTM_IO, "%s became shorter while it was read", path);
        done += (size_t)got;
    }
    return LSTM_OK;
}

enum lstm_status file_read(const char *path, size_t max_bytes, char **data, size_t *n,
                           struct lstm_error *error)
{
    struct stat about;
    char *bytes = NULL;
    enum lstm_status status;
    *data = NULL;
    *n = 0;
    /* Without O_NONBLOCK, opening a FIFO waits for somebody who writes to it. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return lstm_fail(error, errno == ENOENT || errno == ENOTDIR ? LSTM_NOT_FOUND : LSTM_IO,
                         "cannot open %s: %s", path, strerror(errno));
    if (fstat(fd, &about) != 0 || !S_ISREG(about.st_mode)) {
        status = lstm_fail(error, LSTM_IO, "%s is not a regular file", path);
        goto out;
    }
    if (about.st_size < 0 || (uintmax_t)about.st_size > max_bytes) {
        status = lstm_fail(error, LSTM_FORMAT, "%s has %jd bytes; at most %zu are expected", path,
                           (intmax_t)about.st_size, max_bytes);
        goto out;
    }
    bytes = malloc((size_t)about.st_size + 1);
    if (bytes == NULL) {
        status = lstm_fail(error, LSTM_NO_MEMORY, "out of memory for the %jd bytes of %s",
                           (intmax_t)about.st_size, path);
        goto out;
    }
    status = read_all(fd, path, bytes, (size_t)about.st_size, error);
    if (status == LSTM_OK) {
        bytes[about.st_size] = '\0';
        *data = bytes;
        *n = (size_t)about.st_size;
        bytes = NULL;
    }
out:
    free(bytes);
    close(fd);
    return status;
}

enum lstm_status file_status(int reason)
{
    return reason == ENOSPC || reason == EDQUOT || reason == EFBIG ? LSTM_NO_SPACE : LSTM_IO;
}

enum lstm_status file_sync_folder(const char *folder, struct lstm_error *error)
{
    const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return lstm_fail(error, file_status(errno), "cannot open %s: %s", folder, strerror(errno));
    enum lstm_status status = LSTM_OK;
    if (fsync(fd) != 0)
        status = lstm_fail(error, file_status(errno), "cannot flush %s to disk: %s", folder,
                           strerror(errno));
    close(fd);
    return status;
}

/* ---- Writing -------------------------------------------------------------------------------- */

/* A rename is on disk once its folder is. The path fits: it was opened. */
static enum lstm_status sync_folder_of(const char *path, struct lstm_error *error)
{
    char folder[PATH_MAX];
    snprintf(folder, sizeof folder, "%s", path);
    char *slash = strrchr(folder, '/');
    if (slash == NULL)
        return file_sync_folder(".", error);
    slash[slash == folder] = '\0';
    return file_sync_folder(folder, error);
}

enum lstm_status file_begin(struct file_writer *writer, const char *path, unsigned mode,
                            struct lstm_error *error)
{
    *writer = (struct file_writer){.fd = -1};
    const int n = snprintf(writer->path, sizeof writer->path, "%s", path);
    const int m = snprintf(writer->temporary, sizeof writer->temporary, "%s.tmp", path);
    if (n < 0 || m < 0 || (size_t)m >= sizeof writer->temporary)
        return lstm_fail(error, LSTM_INVALID, "the path %.80s... is too long", path);
    writer->fd = open(writer->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (writer->fd < 0)
        return lstm_fail(error, file_status(errno), "cannot create %s: %s", writer->temporary,
                         strerror(errno));
    return LSTM_OK;
}

/* The disk begins while the rest is still being written, so that the flush at the end waits for
 * little. Only advice. */
static void start_disk(struct file_writer *writer)
{
    if (writer->n - writer->n_started < PIECE)
        return;
    (void)sync_file_range(writer->fd, (off_t)writer->n_started,
                          (off_t)(writer->n - writer->n_started), SYNC_FILE_RANGE_WRITE);
    writer->n_started = writer->n;
}

void file_put(struct file_writer *writer, const void *data, size_t n)
{
    const char *bytes = data;
    while (n > 0 && writer->reason == 0) {
        const ssize_t wrote = write(writer->fd, bytes, n < PIECE ? n : PIECE);
        if (wrote > 0) {
            bytes += wrote;
            n -= (size_t)wrote;
            writer->n += (size_t)wrote;
            start_disk(writer);
        } else if (wrote == 0 || errno != EINTR) {
            writer->reason = wrote == 0 ? EIO : errno;
        }
    }
}

void file_discard(struct file_writer *writer)
{
    if (writer->fd >= 0)
        close(writer->fd);
    writer->fd = -1;
    unlink(writer->temporary);
}

static void flush(struct file_writer *writer)
{
    if (writer->reason == 0 && fsync(writer->fd) != 0)
        writer->reason = errno;
    if (close(writer->fd) != 0 && writer->reason == 0)
        writer->reason = errno;
    writer->fd = -1;
}

/* The first of them that failed; NULL: none. */
static const struct file_writer *find_failed(const struct file_writer *writers, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (writers[i].reason != 0)
            return &writers[i];
    return NULL;
}

enum lstm_status file_finish_all(struct file_writer *writers, size_t n, struct lstm_error *error)
{
    size_t n_named = 0;
    for (size_t i = 0; i < n; i++)
        flush(&writers[i]);
    while (n_named < n && find_failed(writers, n) == NULL)
        if (rename(writers[n_named].temporary, writers[n_named].path) == 0)
            n_named++;
        else
            writers[n_named].reason = errno;
    const struct file_writer *failed = find_failed(writers, n);
    if (failed == NULL)
        return sync_folder_of(writers[0].path, error);
    for (size_t i = n_named; i < n; i++)
        file_discard(&writers[i]);
    return lstm_fail(error, file_status(failed->reason), "cannot write %s: %s", failed->path,
                     strerror(failed->reason));
}

enum lstm_status file_finish(struct file_writer *writer, struct lstm_error *error)
{
    return file_finish_all(writer, 1, error);
}

enum lstm_status file_write(const char *path, const struct file_part *parts, size_t n_parts,
                            struct lstm_error *error)
{
    struct file_writer writer;
    const enum lstm_status status = file_begin(&writer, path, 0644, error);
    if (status != LSTM_OK)
        return status;
    for (size_t i = 0; i < n_parts; i++)
        file_put(&writer, parts[i].data, parts[i].n);
    return file_finish(&writer, error);
}
