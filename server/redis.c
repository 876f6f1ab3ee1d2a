/* redis.c: the one file that knows hiredis. SPDX-License-Identifier: Apache-2.0 */
#include "server/redis.h"

#include <errno.h>
#include <hiredis/hiredis.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/status.h"

/* MAX_ELEMENTS: more than any answer of ours has; a longer array is not allocated. */
enum { SHA1_BYTES = 41, MAX_ELEMENTS = 65536 };

struct redis {
    struct redis_address address;
    struct timeval timeout;
    const char *script;
    char sha1[SHA1_BYTES]; /* what the server calls the script */
    redisContext *context; /* NULL: not connected */
    redisReplyObjectFunctions functions, of_library;
};

/* What the library counts elements in. */
#if HIREDIS_MAJOR > 0
#define N_ELEMENTS size_t
#else
#define N_ELEMENTS int
#endif

/* The library would take memory for whatever number a server sends. */
static void *create_array(const redisReadTask *task, N_ELEMENTS n)
{
    const struct redis *redis = task->privdata;
    return n <= MAX_ELEMENTS ? redis->of_library.createArray(task, n) : NULL;
}

struct redis *redis_create(const struct redis_address *address, int64_t timeout_ms,
                           const char *script)
{
    struct redis *redis = calloc(1, sizeof *redis);
    if (redis == NULL)
        return NULL;
    redis->address = *address;
    redis->timeout =
        (struct timeval){.tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000};
    redis->script = script;
    return redis;
}

static void disconnect(struct redis *redis)
{
    if (redis->context != NULL)
        redisFree(redis->context);
    redis->context = NULL;
}

void redis_destroy(struct redis *redis)
{
    if (redis == NULL)
        return;
    disconnect(redis);
    free(redis);
}

/* Sends one command and waits. NULL: the connection is no more, and *error says why. */
static redisReply *ask(struct redis *redis, int n, const char **texts, const size_t *lengths,
                       struct lstm_error *error)
{
    redisReply *reply = redisCommandArgv(redis->context, n, texts, lengths);
    if (reply != NULL)
        return reply;
    const bool is_late = redis->context->err == REDIS_ERR_IO && errno == EAGAIN;
    lstm_fail(error, LSTM_IO, "the Redis server at %.100s:%u: %s", redis->address.host,
              redis->address.port, is_late ? "no answer in time" : redis->context->errstr);
    disconnect(redis);
    return NULL;
}

/* A command whose answer is a status, or a text that goes to `text` if that is given. */
static bool greet(struct redis *redis, int n, const char **texts, char *text,
                  struct lstm_error *error)
{
    redisReply *reply = ask(redis, n, texts, NULL, error);
    if (reply == NULL)
        return false;
    bool is_fine = reply->type == REDIS_REPLY_STATUS;
    if (text != NULL) {
        is_fine = reply->type == REDIS_REPLY_STRING && reply->len == SHA1_BYTES - 1;
        snprintf(text, SHA1_BYTES, "%s", is_fine ? reply->str : "");
    }
    if (!is_fine) {
        lstm_fail(error, LSTM_IO, "the Redis server at %.100s:%u answers %.200s to %s",
                  redis->address.host, redis->address.port,
                  reply->type == REDIS_REPLY_ERROR ? reply->str : "something else", texts[0]);
        disconnect(redis);
    }
    freeReplyObject(reply);
    return is_fine;
}

static bool connect_socket(struct redis *redis, struct lstm_error *error)
{
    const struct redis_address *address = &redis->address;
    redis->context = redisConnectWithTimeout(address->host, address->port, redis->timeout);
    if (redis->context == NULL || redis->context->err != 0) {
        lstm_fail(error, LSTM_IO, "cannot connect to the Redis server at %.100s:%u: %s",
                  address->host, address->port,
                  redis->context == NULL ? "out of memory" : redis->context->errstr);
        disconnect(redis);
        return false;
    }
    redisSetTimeout(redis->context, redis->timeout);
    redisEnableKeepAlive(redis->context);
    redis->functions = redis->of_library = *redis->context->reader->fn;
    redis->functions.createArray = create_array;
    redis->context->reader->fn = &redis->functions;
    redis->context->reader->privdata = redis;
    return true;
}

/* Connects, says who this is, chooses the database, and brings the script. */
static bool connect_and_greet(struct redis *redis, struct lstm_error *error)
{
    const struct redis_address *address = &redis->address;
    char database[16];
    snprintf(database, sizeof database, "%u", address->database);
    const char *by_password[] = {"AUTH", address->password};
    const char *by_name[] = {"AUTH", address->user, address->password};
    const char *choose[] = {"SELECT", database};
    const char *load[] = {"SCRIPT", "LOAD", redis->script};
    if (!connect_socket(redis, error))
        return false;
    if (address->user[0] != '\0' && !greet(redis, 3, by_name, NULL, error))
        return false;
    if (address->user[0] == '\0' && address->password[0] != '\0' &&
        !greet(redis, 2, by_password, NULL, error))
        return false;
    if (address->database > 0 && !greet(redis, 2, choose, NULL, error))
        return false;
    return greet(redis, 3, load, redis->sha1, error);
}

/* Whether the connection can still be used: nothing is to be read from it now but its end. */
static bool is_connected(struct redis *redis)
{
    if (redis->context == NULL)
        return false;
    struct pollfd watched = {.fd = redis->context->fd, .events = POLLIN};
    if (poll(&watched, 1, 0) == 0)
        return true;
    disconnect(redis);
    return false;
}

/* Errors that mean more than that. Where a replica was taken for its master, or a server is not
 * ready or wants a password now, another may stand behind the address: it is connected to anew. */
static const struct complaint {
    const char *code;
    enum redis_outcome outcome;
    bool reconnects;
} complaints[] = {{"READONLY", REDIS_REFUSED, true},
                  {"LOADING", REDIS_REFUSED, true},
                  {"MASTERDOWN", REDIS_REFUSED, true},
                  {"NOAUTH", REDIS_REFUSED, true},
                  {"OOM", REDIS_FULL, false}};

/* The code is the first word, or, before Redis 7, stands in the story of the script that met it. */
static bool has_code(const redisReply *reply, const char *code)
{
    char within[24];
    snprintf(within, sizeof within, "-%s ", code);
    return reply->type == REDIS_REPLY_ERROR &&
           (strncmp(reply->str, code, strlen(code)) == 0 || strstr(reply->str, within) != NULL);
}

static const struct complaint *find_complaint(const redisReply *reply)
{
    for (size_t i = 0; i < sizeof complaints / sizeof *complaints; i++)
        if (has_code(reply, complaints[i].code))
            return &complaints[i];
    return NULL;
}

/* No script gives lists of lists. hiredis 0.14 takes seven of them in each other, version 1 any
 * number. */
static bool is_flat(const redisReply *array)
{
    for (size_t k = 0; k < array->elements; k++)
        if (array->element[k]->type == REDIS_REPLY_ARRAY && array->element[k]->elements > 0)
            return false;
    return true;
}

/* What an answer to the script means. It is taken. */
static enum redis_outcome judge(struct redis *redis, redisReply *reply, struct redis_reply **given,
                                struct lstm_error *error)
{
    if (reply->type == REDIS_REPLY_ARRAY && is_flat(reply)) {
        *given = (struct redis_reply *)reply;
        return REDIS_ANSWERED;
    }
    if (reply->type == REDIS_REPLY_ARRAY) {
        freeReplyObject(reply);
        disconnect(redis);
        lstm_fail(error, LSTM_IO, "the Redis server at %.100s:%u answers a list of lists",
                  redis->address.host, redis->address.port);
        return REDIS_LOST;
    }
    lstm_fail(error, LSTM_IO, "the Redis server at %.100s:%u answers %.200s", redis->address.host,
              redis->address.port,
              reply->type == REDIS_REPLY_ERROR ? reply->str : "what is no array");
    const struct complaint *complaint = find_complaint(reply);
    freeReplyObject(reply);
    if (complaint != NULL && complaint->reconnects)
        disconnect(redis);
    return complaint != NULL ? complaint->outcome : REDIS_REFUSED;
}

static bool lacks_script(const redisReply *reply)
{
    return has_code(reply, "NOSCRIPT");
}

/* EVALSHA; where the script was flushed meanwhile, EVAL, which brings it again. */
enum redis_outcome redis_run(struct redis *redis, const char *key,
                             const struct redis_argument *arguments, size_t n,
                             struct redis_reply **reply, struct lstm_error *error)
{
    enum { FIXED = 4 };
    const char *texts[FIXED + REDIS_MAX_ARGUMENTS] = {"EVALSHA", redis->sha1, "1", key};
    size_t lengths[FIXED + REDIS_MAX_ARGUMENTS];
    *reply = NULL;
    if (!is_connected(redis) && !connect_and_greet(redis, error))
        return REDIS_AWAY;
    for (size_t i = 0; i < n; i++) {
        texts[FIXED + i] = arguments[i].data;
        lengths[FIXED + i] = arguments[i].n;
    }
    for (size_t i = 0; i < FIXED; i++)
        lengths[i] = strlen(texts[i]);
    redisReply *answer = ask(redis, (int)(FIXED + n), texts, lengths, error);
    if (answer != NULL && lacks_script(answer)) {
        freeReplyObject(answer);
        texts[0] = "EVAL";
        texts[1] = redis->script;
        lengths[0] = strlen(texts[0]);
        lengths[1] = strlen(texts[1]);
        answer = ask(redis, (int)(FIXED + n), texts, lengths, error);
    }
    return answer != NULL ? judge(redis, answer, reply, error) : REDIS_LOST;
}

static const redisReply *element(const struct redis_reply *reply, size_t k)
{
    const redisReply *array = (const redisReply *)reply;
    return k < array->elements ? array->element[k] : NULL;
}

size_t redis_reply_n(const struct redis_reply *reply)
{
    return ((const redisReply *)reply)->elements;
}

const char *redis_reply_text(const struct redis_reply *reply, size_t k, size_t *n)
{
    const redisReply *text = element(reply, k);
    if (text == NULL || (text->type != REDIS_REPLY_STRING && text->type != REDIS_REPLY_STATUS))
        return NULL;
    *n = text->len;
    return text->str;
}

bool redis_reply_integer(const struct redis_reply *reply, size_t k, int64_t *value)
{
    const redisReply *number = element(reply, k);
    if (number == NULL || number->type != REDIS_REPLY_INTEGER)
        return false;
    *value = number->integer;
    return true;
}

void redis_reply_release(struct redis_reply *reply)
{
    if (reply != NULL)
        freeReplyObject(reply);
}
