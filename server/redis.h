/* redis.h: one connection to a Redis server, and one script run on it. SPDX-License-Identifier:
 * Apache-2.0
 *
 * Everything blocks, for at most the timeout at each step: this is for threads that may wait. A
 * connection is made when it is needed, and again after it broke. One thread at a time. */
#ifndef REDIS_H
#define REDIS_H

#include <stddef.h>
#include <stdint.h>

#include "core/lstm.h"

struct redis;
struct redis_reply;

struct redis_address {
    char host[256], user[128], password[256]; /* "": none */
    uint16_t port;
    unsigned database;
};

/* redis://[[user]:password@]host[:port][/database]; user and password may be percent-encoded.
 * INVALID: which part is wrong; it never repeats the password. */
LSTM_MUST_CHECK enum lstm_status redis_address_read(const char *text, struct redis_address *address,
                                                    struct lstm_error *error);

/* Not connected yet. The script is Lua, borrowed. NULL: no memory. */
struct redis *redis_create(const struct redis_address *address, int64_t timeout_ms,
                           const char *script);
void redis_destroy(struct redis *redis);

enum redis_outcome {
    REDIS_ANSWERED,
    REDIS_REFUSED, /* the server answered an error */
    REDIS_FULL,    /* that error: it has no memory for what would be written */
    REDIS_AWAY,    /* no connection could be made; the script did not run */
    REDIS_LOST     /* the connection broke, or the time passed, before the answer */
};

struct redis_argument {
    const void *data;
    size_t n;
};

enum { REDIS_MAX_ARGUMENTS = 20 };

/* Runs the script with one key and up to REDIS_MAX_ARGUMENTS arguments. *reply is new, an array;
 * only with ANSWERED. Else *error says why. */
LSTM_MUST_CHECK enum redis_outcome redis_run(struct redis *redis, const char *key,
                                             const struct redis_argument *arguments, size_t n,
                                             struct redis_reply **reply, struct lstm_error *error);

/* Its elements: how many; a text and its bytes, NUL-terminated, borrowed; a whole number. NULL and
 * false: there is no element k, or it is of another kind. */
size_t redis_reply_n(const struct redis_reply *reply);
const char *redis_reply_text(const struct redis_reply *reply, size_t k, size_t *n);
bool redis_reply_integer(const struct redis_reply *reply, size_t k, int64_t *value);
void redis_reply_release(struct redis_reply *reply);

#endif
