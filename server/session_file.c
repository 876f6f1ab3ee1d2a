/* session_file.c: sessions written down, and brought back at a start. SPDX-License-Identifier:
 * Apache-2.0 */
#include "server/session_file_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/file.h"
#include "core/status.h"
#include "server/buf.h"
#include "server/log.h"
#include "server/session_memory.h"

enum { PAGE = 64 };

/* ---- Writing -------------------------------------------------------------------------------- */

/* Sessions are small; this many bytes go to the file at once. */
enum { PENDING_BYTES = 1 << 16 };

struct writer {
    struct file_writer file;
    struct buf pending;
    uint64_t sum;
};

static void put(struct writer *writer, const void *data, size_t n)
{
    writer->sum = session_sum(writer->sum, data, n);
    buf_append(&writer->pending, data, n);
    if (writer->pending.n < PENDING_BYTES)
        return;
    file_put(&writer->file, writer->pending.data, writer->pending.n);
    writer->pending.n = 0;
}

/* False: no memory. */
static bool put_session(struct writer *writer, struct session *session)
{
    const struct served_version *version;
    struct session_info info;
    uint64_t steps;
    float *state;
    if (session_copy_state(session, &state, &version, &steps) != SESSION_OK)
        return false;
    session_info(session, &info);
    const struct session_head head = {
        .id_bytes = strlen(info.id),
        .model_bytes = strlen(version->model),
        .version = version->number,
        .steps = steps,
        .age_us = (uint64_t)info.age_us,
        .is_head = version->is_head,
        .learned = version->is_head ? registry_head_steps(version) : 0,
        .state_size = lstm_model_info(batch_queue_model(version->queue))->state_size,
        .identity = version->identity};
    put(writer, &head, sizeof head);
    put(writer, info.id, head.id_bytes);
    put(writer, version->model, head.model_bytes);
    put(writer, state, head.state_size * sizeof *state);
    registry_release(version);
    free(state);
    return true;
}

/* False: no memory. */
static bool put_all(struct writer *writer, struct sessions *sessions)
{
    struct session *page[PAGE], *last = NULL;
    bool has_memory = true;
    size_t n;
    while (has_memory && (n = session_memory_walk(sessions, last, PAGE, page)) > 0) {
        session_release(last);
        for (size_t i = 0; i < n; i++)
            has_memory = has_memory && put_session(writer, page[i]);
        for (size_t i = 0; i + 1 < n; i++)
            session_release(page[i]);
        last = page[n - 1];
    }
    session_release(last);
    return has_memory;
}

enum lstm_status session_file_write(const char *path, struct sessions *sessions,
                                    struct lstm_error *error)
{
    static const struct session_head end = {0};
    const uint64_t format = SESSION_FORMAT;
    struct writer writer = {.sum = HASH_START};
    enum lstm_status status = file_begin(&writer.file, path, S_IRUSR | S_IWUSR, error);
    if (status != LSTM_OK)
        return status;
    buf_init(&writer.pending, SIZE_MAX);
    put(&writer, session_mark, SESSION_MARK_BYTES);
    put(&writer, &format, sizeof format);
    if (!put_all(&writer, sessions))
        status = lstm_fail(error, LSTM_NO_MEMORY, "out of memory for a session's state");
    put(&writer, &end, sizeof end);
    buf_append(&writer.pending, &writer.sum, sizeof writer.sum);
    file_put(&writer.file, writer.pending.data, writer.pending.n);
    if (status == LSTM_OK && writer.pending.failed)
        status = lstm_fail(error, LSTM_NO_MEMORY, "out of memory for the session file");
    buf_release(&writer.pending);
    if (status == LSTM_OK)
        return file_finish(&writer.file, error);
    file_discard(&writer.file);
    return status;
}

/* ---- At the start --------------------------------------------------------------------------- */

/* Keeps a damaged file for whoever wants to look at it. */
static enum lstm_status set_aside(const char *path, const struct lstm_error *damage,
                                  struct lstm_error *error)
{
    char aside[PATH_MAX];
    if (snprintf(aside, sizeof aside, "%s.corrupt", path) >= (int)sizeof aside)
        return lstm_fail(error, LSTM_INVALID, "the path of the session file is too long");
    if (rename(path, aside) != 0)
        return lstm_fail(error, LSTM_IO, "%s: is damaged and cannot be renamed: %s", path,
                         strerror(errno));
    log_error("session_file_refused", L_STR("error", damage->text), L_STR("kept_as", aside));
    return LSTM_OK;
}

/* The next write would take with it what could not be restored, perhaps for want of a file or a
 * mount: it is kept, for the next start to be given back. */
static enum lstm_status keep_dropped(const char *path, struct sessions *sessions, size_t n_dropped,
                                     struct lstm_error *error)
{
    char aside[PATH_MAX];
    if (snprintf(aside, sizeof aside, "%s.dropped", path) >= (int)sizeof aside)
        return lstm_fail(error, LSTM_INVALID, "the path of the session file is too long");
    if (rename(path, aside) != 0)
        return lstm_fail(error, LSTM_IO, "%s: cannot be renamed: %s", path, strerror(errno));
    log_warn("sessions_dropped", L_INT("count", n_dropped),
             L_STR("error", "their version does not serve or has other weights, what was learned "
                            "on it is gone, or there was no place"),
             L_STR("kept_as", aside));
    return session_file_write(path, sessions, error);
}

enum lstm_status session_file_restore(const char *path, struct sessions *sessions,
                                      struct registry *registry, struct lstm_error *error)
{
    struct session_file_counts counts;
    struct lstm_error failure;
    const enum lstm_status status = session_file_read(path, sessions, registry, &counts, &failure);
    if (status == LSTM_NOT_FOUND)
        return session_file_write(path, sessions, error);
    if (status == LSTM_FORMAT)
        return set_aside(path, &failure, error);
    if (status != LSTM_OK)
        return lstm_fail(error, status, "%s", failure.text);
    log_info("sessions_restored", L_INT("count", counts.n_restored));
    return counts.n_dropped > 0 ? keep_dropped(path, sessions, counts.n_dropped, error) : LSTM_OK;
}
