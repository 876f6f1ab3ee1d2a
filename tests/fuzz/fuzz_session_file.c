/* fuzz_session_file.c: no session file crashes its reader; what it accepts it can list, write and
 * read again. SPDX-License-Identifier: Apache-2.0
 *
 * Every input is read as it is, and once more with the checksum that it should have, which no
 * mutation would hit. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "server/log.h"
#include "server/session_file.h"
#include "server/session_memory.h"
#include "server/session_text.h"
#include "tests/fuzz/memory_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_SESSIONS = 8 };

static struct batcher *batcher;
static struct registry *registry;
static char folder[64];

static void require(bool truth)
{
    if (!truth)
        abort();
}

static void remove_folder(void)
{
    static const char *const paths[] = {
        "m/1/model.json",   "m/1/weights.safetensors", "m/1", "m", "sessions",
        "sessions.corrupt", "sessions.dropped",        ""};
    for (size_t k = 0; k < sizeof paths / sizeof *paths; k++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", folder, paths[k]);
        remove(path);
    }
}

/* A registry with version 1 of "m", whose states are of 4 floats. */
static void start(void)
{
    static const char json[] =
        "{\"format\":\"lstmd-model-1\",\"input\":{\"features\":1},\"layers\":[{\"type\":\"lstm\","
        "\"units\":2},{\"type\":\"dense\",\"units\":2}]}";
    const struct batcher_options options = {.n_workers = 1, .max_batch = 1, .max_queued = 1};
    struct lstm_model *model;
    char path[128];
    log_init(LOG_LEVEL_OFF, LOG_FORMAT_LOGFMT);
    snprintf(folder, sizeof folder, "/tmp/fuzz-sessions-XXXXXX");
    require(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/m", folder);
    require(mkdir(path, 0700) == 0);
    snprintf(path, sizeof path, "%s/m/1", folder);
    require(mkdir(path, 0700) == 0);
    require(lstm_model_create(json, sizeof json - 1, 1, &model, NULL) == LSTM_OK);
    require(lstm_model_save(model, path, NULL) == LSTM_OK);
    lstm_model_destroy(model);
    require(batcher_create(&options, &batcher, NULL) == LSTM_OK);
    require(registry_create(folder, batcher, &registry, NULL) == LSTM_OK);
    require(registry_scan(registry, NULL) == LSTM_OK);
    remove_folder();
}

/* ---- The checksum, by the format's definition ------------------------------------------------ */

static uint64_t add_words(uint64_t sum, const uint8_t *bytes, uint64_t n)
{
    for (uint64_t i = 0; i < n; i += 8) {
        uint64_t word = 0;
        memcpy(&word, bytes + i, n - i < 8 ? n - i : 8);
        sum = (sum ^ word) * UINT64_C(1099511628211);
        sum ^= sum >> 32;
    }
    return sum;
}

/* The bytes of a file up to its checksum, and that checksum. False: it is cut before that. */
static bool find_end(const uint8_t *data, size_t size, size_t *end, uint64_t *sum)
{
    uint64_t head[9], format;
    size_t at = 16;
    if (size < at)
        return false;
    memcpy(&format, data + at - sizeof format, sizeof format);
    const size_t head_bytes = format == 2 ? sizeof head - sizeof *head : sizeof head;
    *sum = add_words(UINT64_C(14695981039346656037), data, at);
    while (size - at >= head_bytes) {
        memcpy(head, data + at, head_bytes);
        *sum = add_words(*sum, data + at, head_bytes);
        at += head_bytes;
        *end = at;
        if (head[0] == 0)
            return true;
        const uint64_t parts[] = {head[0], head[1], head[7] < size ? head[7] * 4 : size + 1};
        for (size_t k = 0; k < 3; k++) {
            if (parts[k] > size - at)
                return false;
            *sum = add_words(*sum, data + at, parts[k]);
            at += parts[k];
        }
    }
    return false;
}

/* ---- What must hold -------------------------------------------------------------------------- */

static struct sessions *create_sessions(void)
{
    const struct sessions_options options = {.max_sessions = MAX_SESSIONS};
    struct sessions *sessions;
    require(session_memory_create(&options, &sessions, NULL) == LSTM_OK);
    return sessions;
}

static void list(struct sessions *sessions, size_t expected)
{
    struct session *page[MAX_SESSIONS];
    struct buf out;
    buf_init(&out, 1 << 20);
    const size_t n = session_memory_walk(sessions, NULL, MAX_SESSIONS, page);
    require(n == expected);
    for (size_t i = 0; i < n; i++) {
        struct session_info info;
        session_info(page[i], &info);
        session_text_info(&info, &out);
        session_release(page[i]);
    }
    require(!out.failed);
    buf_release(&out);
}

/* What was read can be written and read again; the disk is asked for few of them. */
static void write_again(struct sessions *sessions, size_t expected)
{
    static unsigned turn;
    struct session_file_counts counts;
    char path[128];
    if (expected == 0 || turn++ % 64 != 0 || mkdir(folder, 0700) != 0)
        return;
    snprintf(path, sizeof path, "%s/sessions", folder);
    struct sessions *const again = create_sessions();
    require(session_file_write(path, sessions, NULL) == LSTM_OK);
    require(session_file_read(path, again, registry, &counts, NULL) == LSTM_OK);
    require(counts.n_restored == expected && counts.n_dropped == 0);
    sessions_destroy(again);
    remove_folder();
}

/* A start without a file, then one with this file go well, whatever is in it; the disk is asked for
 * few of them. */
static void restore(const uint8_t *data, size_t size, bool is_good, bool has_dropped)
{
    static unsigned turns[2][2];
    char path[128];
    if (turns[is_good][has_dropped]++ % 64 != 0 || mkdir(folder, 0700) != 0)
        return;
    snprintf(path, sizeof path, "%s/sessions", folder);
    struct sessions *const sessions = create_sessions();
    require(session_file_restore(path, sessions, registry, NULL) == LSTM_OK);
    FILE *const file = fopen(path, "wbe");
    require(file != NULL && fwrite(data, 1, size, file) == size && fclose(file) == 0);
    require(session_file_restore(path, sessions, registry, NULL) == LSTM_OK);
    sessions_destroy(sessions);
    remove_folder();
}

static void read_file(const uint8_t *data, size_t size, bool is_sealed)
{
    struct sessions *const sessions = create_sessions();
    struct session_file_counts counts;
    struct memory_file file;
    struct lstm_error error = {.text = ""};
    memory_file_open(&file, data, size);
    const enum lstm_status status =
        session_file_read(file.path, sessions, registry, &counts, &error);
    memory_file_close(&file);
    if (status == LSTM_OK) {
        list(sessions, counts.n_restored);
        write_again(sessions, counts.n_restored);
        restore(data, size, true, counts.n_dropped > 0);
    } else {
        restore(data, size, false, false);
        require(status == LSTM_FORMAT && error.text[0] != '\0');
        require(!is_sealed || strstr(error.text, "checksum") == NULL);
        list(sessions, 0);
    }
    sessions_destroy(sessions);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t end;
    uint64_t sum;
    if (registry == NULL)
        start();
    read_file(data, size, false);
    if (!find_end(data, size, &end, &sum))
        return 0;
    uint8_t *const sealed = malloc(end + sizeof sum);
    require(sealed != NULL);
    memcpy(sealed, data, end);
    memcpy(sealed + end, &sum, sizeof sum);
    read_file(sealed, end + sizeof sum, true);
    free(sealed);
    return 0;
}
