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
    int fd = open(path, O_RDONLY | O_CLOEXEC);
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

static bool write_all(int fd, const char *data, size_t n)
{
    while (n > 0) {
        ssize_t wrote = write(fd, data, n);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            return false;
        data += wrote;
        n -= (size_t)wrote;
    }
    return true;
}

/* A rename is on disk once its folder is. */
static bool flush_folder(const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t n = slash == NULL ? 0 : (size_t)(slash - path);
    if (n >= sizeof folder)
        return false;
    memcpy(folder, path, n);
    folder[n] = '\0';
    int fd = open(slash == NULL ? "." : n == 0 ? "/" : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return false;
    const bool flushed = fsync(fd) == 0;
    close(fd);
    return flushed;
}

static enum lstm_status write_status(int reason)
{
    return reason == ENOSPC || reason == EDQUOT || reason == EFBIG ? LSTM_NO_SPACE : LSTM_IO;
}

enum lstm_status file_write(const char *path, const struct file_part *parts, size_t n_parts,
                            struct lstm_error *error)
{
    char temporary[PATH_MAX];
    int length = snprintf(temporary, sizeof temporary, "%s.tmp", path);
    if (length < 0 || (size_t)length >= sizeof temporary)
        return lstm_fail(error, LSTM_IO, "the path %.80s... is too long", path);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return lstm_fail(error, write_status(errno), "cannot create %s: %s", temporary,
                         strerror(errno));
    bool fine = true;
    for (size_t i = 0; i < n_parts && fine; i++)
        fine = write_all(fd, parts[i].data, parts[i].n);
    fine = fine && fsync(fd) == 0;
    fine = close(fd) == 0 && fine;
    fine = fine && rename(temporary, path) == 0 && flush_folder(path);
    if (fine)
        return LSTM_OK;
    enum lstm_status status =
        lstm_fail(error, write_status(errno), "cannot write %s: %s", path, strerror(errno));
    unlink(temporary);
    return status;
}
