/* session_record.c: records checked as they are read. SPDX-License-Identifier: Apache-2.0 */
#include "server/session_record.h"

#include <ctype.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* The largest whole number up to which the store's script counts exactly. */
static const uint64_t most_counted = (uint64_t)1 << 53;

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
const char session_record_format[] = "lstmd-session-1-little";
#else
const char session_record_format[] = "lstmd-session-1-big";
#endif

bool session_record_make_token(char token[SESSION_TOKEN_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char random[(SESSION_TOKEN_BYTES - 1) / 2];
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return false;
    for (size_t i = 0; i < sizeof random; i++) {
        token[2 * i] = digits[random[i] >> 4];
        token[2 * i + 1] = digits[random[i] & 15];
    }
    token[2 * sizeof random] = '\0';
    return true;
}

/* Digits and nothing else, up to `most`. */
static bool read_number(const struct redis_reply *reply, size_t k, uint64_t most, uint64_t *number)
{
    size_t n;
    const char *text = redis_reply_text(reply, k, &n);
    *number = 0;
    if (text == NULL || n == 0)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!isdigit((unsigned char)text[i]) ||
            __builtin_mul_overflow(*number, (uint64_t)10, number) ||
            __builtin_add_overflow(*number, (uint64_t)(text[i] - '0'), number))
            return false;
    }
    return *number <= most;
}

static bool read_time(const struct redis_reply *reply, size_t k, int64_t *ms)
{
    uint64_t number;
    const bool is_fine = read_number(reply, k, most_counted, &number);
    *ms = (int64_t)number;
    return is_fine;
}

static bool read_token(const struct redis_reply *reply, size_t k, char token[SESSION_TOKEN_BYTES])
{
    size_t n;
    const char *text = redis_reply_text(reply, k, &n);
    if (text == NULL || n != SESSION_TOKEN_BYTES - 1)
        return false;
    memcpy(token, text, SESSION_TOKEN_BYTES);
    return true;
}

static bool is_format(const struct redis_reply *reply, size_t k)
{
    size_t n;
    const char *text = redis_reply_text(reply, k, &n);
    return text != NULL && n == strlen(session_record_format) &&
           memcmp(text, session_record_format, n) == 0;
}

static enum session_status read_state(const struct redis_reply *reply, size_t k,
                                      struct session_record *record)
{
    size_t n;
    const char *bytes = redis_reply_text(reply, k, &n);
    if (bytes == NULL || n % sizeof *record->state != 0)
        return SESSION_DAMAGED;
    record->n_floats = n / sizeof *record->state;
    record->state = malloc(n + sizeof *record->state);
    if (record->state == NULL)
        return SESSION_NO_MEMORY;
    memcpy(record->state, bytes, n);
    return SESSION_OK;
}

enum session_status session_record_read(const struct redis_reply *reply, size_t k,
                                        struct session_record *record, const char **field)
{
    enum session_status status = SESSION_DAMAGED;
    struct session_record read = {0};
    *record = read;
    if (!is_format(reply, k))
        *field = "format";
    else if (!read_number(reply, k + 1, most_counted, &read.number))
        *field = "number";
    else if (!read_number(reply, k + 2, UINT64_MAX, &read.version))
        *field = "version";
    else if (!read_number(reply, k + 3, UINT64_MAX, &read.weights))
        *field = "weights";
    else if (!read_number(reply, k + 4, UINT64_MAX, &read.steps))
        *field = "steps";
    else if (!read_time(reply, k + 5, &read.begun_ms))
        *field = "begun";
    else if (!read_time(reply, k + 6, &read.used_ms))
        *field = "used";
    else if (!read_number(reply, k + 7, most_counted, &read.generation))
        *field = "generation";
    else if (!read_token(reply, k + 8, read.token))
        *field = "token of its generation";
    else if ((status = read_state(reply, k + 9, &read)) != SESSION_OK)
        *field = "state";
    else
        *record = read;
    return status;
}

bool session_record_read_listed(const struct redis_reply *reply, size_t k, const char **id,
                                struct session_record *record)
{
    size_t n;
    *record = (struct session_record){0};
    *id = redis_reply_text(reply, k, &n);
    return *id != NULL && n < SESSION_ID_BYTES &&
           read_number(reply, k + 1, most_counted, &record->number) &&
           read_number(reply, k + 2, UINT64_MAX, &record->version) &&
           read_number(reply, k + 3, UINT64_MAX, &record->steps) &&
           read_time(reply, k + 4, &record->begun_ms) && read_time(reply, k + 5, &record->used_ms);
}

void session_record_release(struct session_record *record)
{
    free(record->state);
    record->state = NULL;
}
