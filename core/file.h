/* file.h: whole files, in and out. SPDX-License-Identifier: Apache-2.0 */
#ifndef FILE_H
#define FILE_H

#include <limits.h>

#include "core/lstm.h"

/* Reads a file of at most max_bytes. *data is new (free()), with a NUL behind it.
 * NOT_FOUND, IO, FORMAT (larger than max_bytes), NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status file_read(const char *path, size_t max_bytes, char **data,
                                           size_t *n, struct lstm_error *error);

/* A file that appears whole or not at all: written as "<path>.tmp", flushed to disk, renamed, the
 * folder flushed. A crash leaves the file of before or the new one; so does an error, and only the
 * folder's flush can fail when the new one is there already. */
struct file_writer {
    int fd, reason;      /* reason: errno of what failed first */
    size_t n, n_started; /* bytes written; of them, on their way to disk */
    char path[PATH_MAX], temporary[PATH_MAX];
};

/* mode: the permissions, before the umask. On failure there is nothing to end. INVALID: the path is
 * too long. IO, NO_SPACE. */
LSTM_MUST_CHECK enum lstm_status file_begin(struct file_writer *writer, const char *path,
                                            unsigned mode, struct lstm_error *error);

/* What goes wrong, file_finish() tells. Unbuffered. */
void file_put(struct file_writer *writer, const void *data, size_t n);

/* Each ends the writer. IO, NO_SPACE (also a quota or a limit). */
LSTM_MUST_CHECK enum lstm_status file_finish(struct file_writer *writer, struct lstm_error *error);
void file_discard(struct file_writer *writer);

/* The same of several files of one folder, which is flushed once: all are on disk before the first
 * gets its name. On failure those that have theirs keep it. */
LSTM_MUST_CHECK enum lstm_status file_finish_all(struct file_writer *writers, size_t n,
                                                 struct lstm_error *error);

/* A piece of a file to be written. */
struct file_part {
    const void *data;
    size_t n;
};

/* All of that at once: the parts are the whole content. INVALID, IO, NO_SPACE. */
LSTM_MUST_CHECK enum lstm_status file_write(const char *path, const struct file_part *parts,
                                            size_t n_parts, struct lstm_error *error);

/* Brings the names in a folder to disk. IO, NO_SPACE. */
LSTM_MUST_CHECK enum lstm_status file_sync_folder(const char *folder, struct lstm_error *error);

/* What an errno of the file system is: NO_SPACE (also a quota or a limit) or IO. */
enum lstm_status file_status(int reason);

#endif
