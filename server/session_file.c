/* session_file.c: sessions written down and read back. SPDX-License-Identifier: Apache-2.0
 *
 * A file is a mark and the format's number; for each session a head, its id, its model's name and
 * its state; a head of zeros; and a checksum of all that. It is read twice: once to see
 * that it is whole, then to begin its sessions. */
#include "server/session_file.h"

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
#include "server/hash.h"
#include "server/log.h"
#include "server/session_memory.h"

enum { FORMAT = 2, PAGE = 64 };

/* No model has states as large. */
static const uint64_t most_values = UINT64_C(1) << 32;

static const char mark[8] = {'l', 's', 't', 'm', 'd', 's', 'e', 's'};

/* In front of every session; without padding, as it is written. */
struct head {
    uint64_t id_bytes, model_bytes; /* without NULs; 0: the end of the sessions */
    uint64_t version, steps, age_us;
    uint64_t is_head, learned; /* whether it runs on what was learned, and in how many steps */
    uint64_t state_size;       /* floats */
};

/* FNV-1a of words of 8 bytes, the last one filled up with zeros. The shift carries the high bits of
 * a word down, which a product does not. Every step can be undone, so that no change of one word
 * leaves the sum as it was. */
static uint64_t add_to_sum(uint64_t sum, const void *data, size_t n)
{
    const char *bytes = data;
    for (size_t i = 0; i < n; i += sizeof sum) {
        uint64_t word = 0;
        memcpy(&word, bytes + i, n - i < sizeof word ? n - i : sizeof word);
        sum = hash_word(sum, word);
        sum ^= sum >> 32;
    }
    return sum;
}

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
    writer->sum = add_to_sum(writer->sum, data, n);
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
    const struct head head = {.id_bytes = strlen(info.id),
                              .model_bytes = strlen(version->model),
                              .version = version->number,
                              .steps = steps,
                              .age_us = (uint64_t)info.age_us,
                              .is_head = version->is_head,
                              .learned = version->is_head ? registry_head_steps(version) : 0,
                              .state_size =
                                  lstm_model_info(batch_queue_model(version->queue))->state_size};
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
    static const struct head end = {0};
    const uint64_t format = FORMAT;
    struct writer writer = {.sum = HASH_START};
    enum lstm_status status = file_begin(&writer.file, path, S_IRUSR | S_IWUSR, error);
    if (status != LSTM_OK)
        return status;
    buf_init(&writer.pending, SIZE_MAX);
    put(&writer, mark, sizeof mark);
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

/* ---- Reading -------------------------------------------------------------------------------- */

struct reader {
    const char *path;
    FILE *stream;
    uint64_t sum;
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
    reader->sum = add_to_sum(reader->sum, data, n);
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

/* The version that a session of the file ran on; NULL: it does not serve, or has other states, or
 * what was learned on it is not there: other weights would not go on where these were. */
static const struct served_version *
find_version(struct registry *registry, const struct session_info *info, const struct head *head)
{
    const struct served_version *version =
        head->is_head != 0 ? registry_find_head(registry, info->model, info->version, head->learned)
                           : find_published(registry, info);
    if (version == NULL)
        return NULL;
    if (lstm_model_info(batch_queue_model(version->queue))->state_size == head->state_size)
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
static enum lstm_status read_session(struct reader *reader, const struct head *head,
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
        reader->sessions != NULL ? find_version(reader->registry, &info, head) : NULL;
    if (version == NULL) {
        reader->counts.n_dropped++;
        return skip(reader, head->state_size * sizeof(float)) ? LSTM_OK : fail_short(reader, error);
    }
    status = restore(reader, version, &info, (size_t)head->state_size, error);
    registry_release(version);
    return status;
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
    char found[sizeof mark];
    uint64_t format = 0;
    struct head head;
    enum lstm_status status = LSTM_OK;
    rewind(reader->stream);
    reader->sum = HASH_START;
    reader->counts = (struct session_file_counts){0};
    if (!take(reader, found, sizeof found) || memcmp(found, mark, sizeof mark) != 0 ||
        !take(reader, &format, sizeof format) || format != FORMAT)
        return fail_read(reader, "is no session file of a known format", error);
    while (status == LSTM_OK && take(reader, &head, sizeof head)) {
        if (head.id_bytes == 0)
            return read_end(reader, error);
        status = read_session(reader, &head, error);
    }
    return status == LSTM_OK ? fail_short(reader, error) : status;
}

enum lstm_status session_file_read(const char *path, struct sessions *sessions,
                                   struct registry *registry, struct session_file_counts *counts,
                                   struct lstm_error *error)
{
    struct reader reader = {.path = path, .stream = fopen(path, "rbe"), .registry = registry};
    *counts = reader.counts;
    if (reader.stream == NULL)
        return lstm_fail(error, errno == ENOENT ? LSTM_NOT_FOUND : LSTM_IO,
                         "%s: cannot be opened: %s", path, strerror(errno));
    enum lstm_status status = read_all(&reader, error);
    if (status == LSTM_OK) {
        reader.sessions = sessions;
        status = read_all(&reader, error);
        *counts = reader.counts;
    }
    fclose(reader.stream);
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
    if (counts.n_dropped > 0)
        log_warn(
            "sessions_dropped", L_INT("count", counts.n_dropped),
            L_STR("error",
                  "their version does not serve, what was learned on it is gone, or there was no "
                  "place"));
    return LSTM_OK;
}
