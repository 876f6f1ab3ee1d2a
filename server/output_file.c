/* output_file.c: writes beside the file, then renames. SPDX-License-Identifier: Apache-2.0 */
#include "server/output_file.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "core/status.h"

enum lstm_status output_file_open(struct output_file *file, const char *path,
                                  struct lstm_error *error)
{
    int n = snprintf(file->path, sizeof file->path, "%s", path);
    int m = snprintf(file->unfinished_path, sizeof file->unfinished_path, "%s.unfinished", path);
    if (n < 0 || m < 0 || (size_t)m >= sizeof file->unfinished_path)
        return lstm_fail(error, LSTM_INVALID, "the path of an output file is too long");
    file->stream = fopen(file->unfinished_path, "we");
    if (file->stream == NULL)
        return lstm_fail(error, LSTM_IO, "%s: cannot be written: %s", file->unfinished_path,
                         strerror(errno));
    return LSTM_OK;
}

enum lstm_status output_file_close(struct output_file *file, struct lstm_error *error)
{
    bool written =
        ferror(file->stream) == 0 && fflush(file->stream) == 0 && fsync(fileno(file->stream)) == 0;
    int reason = errno;
    if (fclose(file->stream) != 0 && written) {
        written = false;
        reason = errno;
    }
    if (written && rename(file->unfinished_path, file->path) == 0)
        return LSTM_OK;
    if (written)
        reason = errno;
    unlink(file->unfinished_path);
    return lstm_fail(error, LSTM_IO, "%s: cannot be written: %s", file->path, strerror(reason));
}
