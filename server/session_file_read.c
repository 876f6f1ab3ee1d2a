/* session_file_read.c: session files read. SPDX-License-Identifier: Apache-2.0
 *
 * Twice: once to see that the file is whole, then to begin its sessions. */
#include "server/session_file_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/status.h"
#include "server/session_memory.h"

/* No model has states as large. */
static const uint64_t most_values = UINT64_C(1) << 32;

struct reader {
    const char *path;
    FILE *stream;
    uint64_t sum, format;
    struct sessions *sessions; /* NULL: nothing is begun */
    struct registry *registry;
    struct session_file_counts counts;
};

/* Nothing more came, because of an error or because `what` is wrong with the file. */
static enum lstm_status fail_read(const struct reader *reader, const char *what,
                                  struct lstm_error *error)
{
    if (ferror(reader->stream))
        return lstm_fail(error, LSTM_IO, "%s: cannot be read: %s", reader->path, strerror(errno));
    return lstm_fail(error, LSTM_FORMAT, "%s: %s", reader->path, what);
}

static enum lstm_status fail_short(const struct reader *reader, struct lstm_error *error)
{
    return fail_read(reader, "ends in the middle of a session", error);
}

static bool take(struct reader *reader, void *data, size_t n)
{
    if (fread(data, 1, n, reader->stream) != n)
        return false;
    reader->sum = session_sum(reader->sum, data, n);
    return true;
}

/* In pieces whose words are those of the whole. */
static bool skip(struct reader *reader, uint64_t n)
{
    char nothing[4096];
    for (; n > 0; n -= n < sizeof nothing ? n : sizeof nothing)
        if (!take(reader, nothing, n < sizeof nothing ? (size_t)n : sizeof nothing))
            return false;
    return true;
}

/* As it was published. NULL: it does not serve. */
static const struct served_version *find_published(struct registry *registry,
                                                   const struct session_info *info)
{
    const struct served_version *version;
    struct path_parts parts = {.version = ""};
    struct lstm_error unused;
    snprintf(parts.model, sizeof parts.model, "%s", info->model);
    snprintf(parts.version, sizeof parts.version, "%" PRIu64, info->version);
    return registry_find(registry, &parts, &version, &unused) == LSTM_OK ? version : NULL;
}

/* Whether the version that serves is the one that was written down. */
static bool is_same(const struct served_version *version, const struct session_head *head,
                    uint64_t format)
{
    const size_t state_size = lstm_model_info(batch_queue_model(version->queue))->state_size;
    return state_size == head->state_size &&
           (format == SESSION_FORMAT_2 || version->identity == head->identity);
}

/* The version that a session of the file ran on; NULL: it does not serve, or is another one by now,
 * or what was learned on it is not there: other weights would not go on where these were. */
static const struct served_version *find_version(const struct reader *reader,
                                                 const struct session_info *info,
                                                 const struct session_head *head)
{
    const struct served_version *version =
        head->is_head != 0
            ? registry_find_head(reader->registry, info->model, info->version, head->learned)
            : find_published(reader->registry, info);
    if (version == NULL || is_same(version, head, reader->format))
        return version;
    registry_release(version);
    return NULL;
}

/* Reads a state, and begins its session. */
static enum lstm_status restore(struct reader *reader, const struct served_version *version,
                                const struct session_info *info, size_t state_size,
                                struct lstm_error *error)
{
    float *state = calloc(state_size + 1, sizeof *state);
    if (state == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for a session's state");
    enum lstm_status status = LSTM_OK;
    if (!take(reader, state, state_size * sizeof *state))
        status = fail_short(reader, error);
    else if (session_memory_restore(reader->sessions, version, info, state) == SESSION_OK)
        reader->counts.n_restored++;
    else
        reader->counts.n_dropped++;
    free(state);
    return status;
}

/* Reads n bytes of a text, all of them; a NUL among them would make it another text. */
static enum lstm_status take_text(struct reader *reader, char *text, uint64_t n,
                                  struct lstm_error *error)
{
    if (!take(reader, text, n))
        return fail_short(reader, error);
    if (memchr(text, '\0', n) != NULL)
        return lstm_fail(error, LSTM_FORMAT, "%s: a session's name holds a NUL", reader->path);
    return LSTM_OK;
}

/* Reads what comes behind a head. */
static enum lstm_status read_session(struct reader *reader, const struct session_head *head,
                                     struct lstm_error *error)
{
    struct session_info info = {
        .version = head->version, .steps = head->steps, .age_us = (int64_t)head->age_us};
    if (head->id_bytes >= sizeof info.id || head->model_bytes >= sizeof info.model ||
        head->state_size > most_values || head->age_us > INT64_MAX / 2 || head->is_head > 1)
        return lstm_fail(error, LSTM_FORMAT, "%s: a session's head makes no sense", reader->path);
    enum lstm_status status = take_text(reader, info.id, head->id_bytes, error);
    if (status == LSTM_OK)
        status = take_text(reader, info.model, head->model_bytes, error);
    if (status != LSTM_OK)
        return status;
    const struct served_version *version =
        reader->sessions != NULL ? find_version(reader, &info, head) : NULL;
    if (version == NULL) {
        reader->counts.n_dropped++;
        return skip(reader, head->state_size * sizeof(float)) ? LSTM_OK : fail_short(reader, error);
    }
    status = restore(reader, version, &info, (size_t)head->state_size, error);
    registry_release(version);
    return status;
}

static bool take_head(struct reader *reader, struct session_head *head)
{
    *head = (struct session_head){0};
    return take(reader, head,
                reader->format == SESSION_FORMAT_2 ? offsetof(struct session_head, identity)
                                                   : sizeof *head);
}

/* Reads the checksum, behind which nothing may come. */
static enum lstm_status read_end(struct reader *reader, struct lstm_error *error)
{
    uint64_t sum;
    if (fread(&sum, sizeof sum, 1, reader->stream) != 1)
        return fail_short(reader, error);
    if (sum != reader->sum)
        return lstm_fail(error, LSTM_FORMAT, "%s: the checksum is wrong", reader->path);
    if (fgetc(reader->stream) != EOF)
        return lstm_fail(error, LSTM_FORMAT, "%s: goes on behind its end", reader->path);
    return LSTM_OK;
}

static enum lstm_status read_all(struct reader *reader, struct lstm_error *error)
{
    char found[SESSION_MARK_BYTES];
    struct session_head head;
    enum lstm_status status = LSTM_OK;
    rewind(reader->stream);
    reader->sum = HASH_START;
    reader->counts = (struct session_file_counts){0};
    if (!take(reader, found, sizeof found) ||
        memcmp(found, session_mark, SESSION_MARK_BYTES) != 0 ||
        !take(reader, &reader->format, sizeof reader->format) ||
        (reader->format != SESSION_FORMAT && reader->format != SESSION_FORMAT_2))
        return fail_read(reader, "is no session file of a known format", error);
    while (status == LSTM_OK && take_head(reader, &head)) {
        if (head.id_bytes == 0)
            return read_end(reader, error);
        status = read_session(reader, &head, error);
    }
    return status == LSTM_OK ? fail_short(reader, error) : status;
}

/* A FIFO is not waited for. NULL: errno says why. */
static FILE *open_file(const char *path)
{
    struct stat about;
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return NULL;
    const bool is_told = fstat(fd, &about) == 0;
    FILE *stream = is_told && S_ISREG(about.st_mode) ? fdopen(fd, "rb") : NULL;
    if (stream != NULL)
        return stream;
    const int reason = is_told && !S_ISREG(about.st_mode) ? EINVAL : errno;
    close(fd);
    errno = reason;
    return NULL;
}

enum lstm_status session_file_read(const char *path, struct sessions *sessions,
                                   struct registry *registry, struct session_file_counts *counts,
                                   struct lstm_error *error)
{
    struct reader reader = {.path = path, .stream = open_file(path), .registry = registry};
    *counts = reader.counts;
    if (reader.stream == NULL)
        return lstm_fail(error, errno == ENOENT ? LSTM_NOT_FOUND : LSTM_IO, "%s: %s", path,
                         errno == EINVAL ? "is not a regular file" : strerror(errno));
    enum lstm_status status = read_all(&reader, error);
    if (status == LSTM_OK) {
        reader.sessions = sessions;
        status = read_all(&reader, error);
        *counts = reader.counts;
    }
    fclose(reader.stream);
    return status;
}
