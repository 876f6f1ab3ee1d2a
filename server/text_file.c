/* text_file.c: reads until the end or the limit. SPDX-License-Identifier: Apache-2.0 */
#include "server/text_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/status.h"

/* To the end of the file, or until `out` can take no more of what was read. False, with errno: it
 * cannot be read. */
static bool read_all(int fd, struct buf *out, size_t *n_read)
{
    char piece[4096];
    ssize_t n;
    do {
        n = read(fd, piece, sizeof piece);
        if (n > 0) {
            buf_append(out, piece, (size_t)n);
            *n_read += (size_t)n;
        }
    } while (!out->failed && (n > 0 || (n < 0 && errno == EINTR)));
    return n >= 0;
}

enum lstm_status text_file_read(const char *path, size_t limit, struct buf *out, bool *is_public,
                                struct lstm_error *error)
{
    enum lstm_status status = LSTM_OK;
    struct stat about;
    size_t n_read = 0;
    buf_init(out, limit);
    /* Without O_NONBLOCK, opening a FIFO waits for somebody who writes to it. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return lstm_fail(error, LSTM_IO, "cannot open %s: %s", path, strerror(errno));
    const bool is_told = fstat(fd, &about) == 0;
    if (is_told && !S_ISREG(about.st_mode)) {
        status = lstm_fail(error, LSTM_IO, "%s is not a regular file", path);
        goto out;
    }
    if (!is_told || !read_all(fd, out, &n_read)) {
        status = lstm_fail(error, LSTM_IO, "cannot read %s: %s", path, strerror(errno));
        goto out;
    }
    *is_public = (about.st_mode & S_IROTH) != 0;
    if (out->failed && n_read <= limit)
        status = lstm_fail(error, LSTM_NO_MEMORY, "out of memory for %s", path);
    else if (out->failed)
        status = lstm_fail(error, LSTM_INVALID, "%s is longer than %zu bytes", path, limit);
    else if (out->n == 0 || memchr(out->data, '\0', out->n) != NULL)
        status = lstm_fail(error, LSTM_INVALID, "%s is %s; expected a text", path,
                           out->n == 0 ? "empty" : "binary");
out:
    close(fd);
    return status;
}
