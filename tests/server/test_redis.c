/* test_redis.c: a connection to a server that answers whatever it likes. SPDX-License-Identifier:
 * Apache-2.0 */
#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/clock.h"
#include "server/redis.h"
#include "tests/support/patience.h"

Suite *suite_redis(void);

enum { SILENCE_MS = 500 };

#define SHA1 "$40\r\n0123456789012345678901234567890123456789\r\n"

/* A server that takes one connection after the other, and answers each thing that it reads with the
 * next of the texts; after the last it closes the connection, or hangs: it reads and says nothing.
 */
struct fake {
    pthread_t thread;
    int listener;
    uint16_t port;
    const char *const *texts; /* NULL-ended */
    bool hangs;               /* after the last, instead of closing */
    atomic_uint n_ended;      /* connections */
};

static struct fake fake;

static void serve(int fd)
{
    char read[4096];
    const char *const *text = fake.texts;
    while ((*text != NULL || fake.hangs) && recv(fd, read, sizeof read, 0) > 0) {
        if (*text != NULL && send(fd, *text, strlen(*text), MSG_NOSIGNAL) < 0)
            break;
        text += *text != NULL;
    }
}

/* A connection is closed when its end has come to the client. */
static void *run(void *argument)
{
    const struct linger until_seen = {.l_onoff = 1, .l_linger = PATIENCE_MS / 1000};
    (void)argument;
    for (int fd; (fd = accept(fake.listener, NULL, NULL)) >= 0;
         atomic_fetch_add(&fake.n_ended, 1)) {
        serve(fd);
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &until_seen, sizeof until_seen);
        close(fd);
    }
    return NULL;
}

static void start(const char *const *texts, bool hangs)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof address;
    fake = (struct fake){.texts = texts, .hangs = hangs};
    fake.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(fake.listener, (struct sockaddr *)&address, n), 0);
    ck_assert_int_eq(listen(fake.listener, 8), 0);
    ck_assert_int_eq(getsockname(fake.listener, (struct sockaddr *)&address, &n), 0);
    fake.port = ntohs(address.sin_port);
    ck_assert_int_eq(pthread_create(&fake.thread, NULL, run, NULL), 0);
}

/* The clients are gone by now. */
static void stop(void)
{
    shutdown(fake.listener, SHUT_RDWR);
    pthread_join(fake.thread, NULL);
    close(fake.listener);
}

static struct redis *create(unsigned timeout_ms)
{
    struct redis_address address = {.host = "127.0.0.1", .port = fake.port};
    struct redis *redis = redis_create(&address, timeout_ms, "return {}");
    ck_assert_ptr_nonnull(redis);
    return redis;
}

static const struct {
    const char *greeting, *answer;
    enum redis_outcome outcome;
} answers[] = {
    {SHA1, "*2\r\n$2\r\nok\r\n:7\r\n", REDIS_ANSWERED},
    {SHA1, "*0\r\n", REDIS_ANSWERED},
    {SHA1, "-ERR no\r\n", REDIS_REFUSED},
    {SHA1, "-\r\n", REDIS_REFUSED},
    {SHA1, "-OOM command not allowed when used memory > 'maxmemory'.\r\n", REDIS_FULL},
    {SHA1, "-ERR Error running script: @user_script:1: -OOM command not\r\n", REDIS_FULL},
    {SHA1, "+OK\r\n", REDIS_REFUSED},
    {SHA1, ":1\r\n", REDIS_REFUSED},
    {SHA1, "$-1\r\n", REDIS_REFUSED},
    {SHA1, "*-1\r\n", REDIS_REFUSED},
    {SHA1, "*2\r\n$2\r\nok\r\n", REDIS_LOST},
    {SHA1, "$5\r\nhel", REDIS_LOST},
    {SHA1, "HTTP/1.1 400 Bad Request\r\n\r\n", REDIS_LOST},
    {SHA1, "*2000000000\r\n", REDIS_LOST},
    {SHA1, "*65537\r\n", REDIS_LOST},
    {SHA1, "*-5\r\n", REDIS_LOST},
    {SHA1, "*x\r\n", REDIS_LOST},
    {SHA1, "$99999999999999999999\r\n", REDIS_LOST},
    {SHA1, "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n", REDIS_LOST},
    {SHA1, "*1\r\n*1\r\n:1\r\n", REDIS_LOST},
    {SHA1, "\r\n", REDIS_LOST},
    {"-NOAUTH who are you\r\n", "", REDIS_AWAY},
    {"-LOADING\r\n", "", REDIS_AWAY},
    {"$3\r\nsha\r\n", "", REDIS_AWAY},
    {":1\r\n", "", REDIS_AWAY},
    {"*1\r\n$1\r\nx\r\n", "", REDIS_AWAY},
    {"?\r\n", "", REDIS_AWAY},
};

START_TEST(test_redis_answer_of_any_kind_is_told_from_a_good_one)
{
    const char *const texts[] = {answers[_i].greeting, answers[_i].answer, NULL};
    const struct redis_argument argument = {"a", 1};
    struct redis_reply *reply;
    struct lstm_error error = {.text = ""};
    start(texts, false);
    struct redis *redis = create(PATIENCE_MS);
    ck_assert_int_eq(redis_run(redis, "key", &argument, 1, &reply, &error), answers[_i].outcome);
    ck_assert_int_eq(reply != NULL, answers[_i].outcome == REDIS_ANSWERED);
    ck_assert_int_eq(error.text[0] == '\0', answers[_i].outcome == REDIS_ANSWERED);
    redis_reply_release(reply);
    redis_destroy(redis);
    stop();
}
END_TEST

START_TEST(test_redis_reply_gives_elements_of_the_kind_they_have)
{
    static const char *const texts[] = {SHA1, "*4\r\n$3\r\na b\r\n:-7\r\n$-1\r\n*0\r\n", NULL};
    struct redis_reply *reply;
    struct lstm_error error;
    int64_t number;
    size_t n;
    start(texts, false);
    struct redis *redis = create(PATIENCE_MS);
    ck_assert_int_eq(redis_run(redis, "key", NULL, 0, &reply, &error), REDIS_ANSWERED);
    ck_assert_uint_eq(redis_reply_n(reply), 4);
    ck_assert_str_eq(redis_reply_text(reply, 0, &n), "a b");
    ck_assert_uint_eq(n, 3);
    ck_assert(redis_reply_integer(reply, 1, &number));
    ck_assert_int_eq(number, -7);
    ck_assert(!redis_reply_integer(reply, 0, &number));
    for (size_t k = 1; k < 5; k++)
        ck_assert_ptr_null(redis_reply_text(reply, k, &n));
    ck_assert(!redis_reply_integer(reply, 4, &number));
    redis_reply_release(reply);
    redis_destroy(redis);
    stop();
}
END_TEST

static const char *const wrong_servers[] = {
    "-READONLY You can't write against a read only replica.\r\n",
    "-ERR Error running script: @user_script:1: -READONLY You can't write\r\n",
    "-LOADING Redis is loading the dataset in memory\r\n",
    "-MASTERDOWN Link with MASTER is down\r\n", "-NOAUTH Authentication required.\r\n"};

/* The server waits for the end of the connection; another may be there for the next. */
START_TEST(test_redis_server_that_is_not_the_one_to_ask_is_not_asked_again)
{
    const char *const texts[] = {SHA1, wrong_servers[_i], NULL};
    const int64_t until_us = monotonic_us() + PATIENCE_US;
    struct redis_reply *reply;
    struct lstm_error error;
    start(texts, true);
    struct redis *redis = create(PATIENCE_MS);
    ck_assert_int_eq(redis_run(redis, "key", NULL, 0, &reply, &error), REDIS_REFUSED);
    while (atomic_load(&fake.n_ended) < 1) {
        ck_assert_int_lt(monotonic_us(), until_us);
        sched_yield();
    }
    redis_destroy(redis);
    stop();
}
END_TEST

/* A server that is slow to greet is away, like one that does not greet at all. */
START_TEST(test_redis_silence_ends_with_the_timeout)
{
    static const char *const greets[] = {SHA1, NULL}, *const nothing[] = {"", NULL};
    enum redis_outcome outcome;
    struct redis_reply *reply;
    struct lstm_error error;
    start(greets, true);
    struct redis *redis = create(SILENCE_MS);
    do
        outcome = redis_run(redis, "key", NULL, 0, &reply, &error);
    while (outcome == REDIS_AWAY);
    ck_assert_int_eq(outcome, REDIS_LOST);
    ck_assert_ptr_nonnull(strstr(error.text, "no answer in time"));
    redis_destroy(redis);
    stop();
    start(nothing, true);
    redis = create(SILENCE_MS);
    ck_assert_int_eq(redis_run(redis, "key", NULL, 0, &reply, &error), REDIS_AWAY);
    ck_assert_ptr_nonnull(strstr(error.text, "no answer in time"));
    redis_destroy(redis);
    stop();
}
END_TEST

START_TEST(test_redis_connection_that_ended_is_made_again_unnoticed)
{
    static const char *const texts[] = {SHA1, "*0\r\n", NULL};
    struct redis_reply *reply;
    struct lstm_error error;
    start(texts, false);
    struct redis *redis = create(PATIENCE_MS);
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_int_eq(redis_run(redis, "key", NULL, 0, &reply, &error), REDIS_ANSWERED);
        redis_reply_release(reply);
        while (atomic_load(&fake.n_ended) <= i)
            sched_yield();
    }
    redis_destroy(redis);
    stop();
}
END_TEST

static const struct {
    const char *text, *host, *user, *password;
    unsigned port, database;
} good[] = {{"redis://h", "h", "", "", 6379, 0},
            {"redis://h/", "h", "", "", 6379, 0},
            {"redis://h:1/2", "h", "", "", 1, 2},
            {"redis://[::1]:65535", "::1", "", "", 65535, 0},
            {"redis://[::1]/7", "::1", "", "", 6379, 7},
            {"redis://:p%40%2f@h", "h", "", "p@/", 6379, 0},
            {"redis://u:a:b@c@h:9", "h", "u", "a:b@c", 9, 0}};

START_TEST(test_redis_address_is_taken_apart)
{
    struct redis_address address;
    struct lstm_error error;
    ck_assert_int_eq(redis_address_read(good[_i].text, &address, &error), LSTM_OK);
    ck_assert_str_eq(address.host, good[_i].host);
    ck_assert_str_eq(address.user, good[_i].user);
    ck_assert_str_eq(address.password, good[_i].password);
    ck_assert_uint_eq(address.port, good[_i].port);
    ck_assert_uint_eq(address.database, good[_i].database);
}
END_TEST

static const char *const bad[] = {"",
                                  "h",
                                  "http://h",
                                  "redis://",
                                  "redis://:1",
                                  "redis://h:",
                                  "redis://h:x",
                                  "redis://h:0",
                                  "redis://h:65536",
                                  "redis://h:99999999999",
                                  "redis://[::1",
                                  "redis://[::1]x",
                                  "redis://[]",
                                  "redis://u@h",
                                  "redis://u:@h",
                                  "redis://u:%0@h",
                                  "redis://u:%00@h",
                                  "redis://h/1/2",
                                  "redis://h/-1",
                                  "redis://h/99999"};

START_TEST(test_redis_address_that_is_none_is_refused)
{
    struct redis_address address;
    struct lstm_error error;
    ck_assert_int_eq(redis_address_read(bad[_i], &address, &error), LSTM_INVALID);
}
END_TEST

Suite *suite_redis(void)
{
    Suite *suite = suite_create("redis");
    TCase *tcase = tcase_create("redis");
    suite_add_tcase(suite, tcase);
    tcase_add_loop_test(tcase, test_redis_answer_of_any_kind_is_told_from_a_good_one, 0,
                        sizeof answers / sizeof *answers);
    tcase_add_test(tcase, test_redis_reply_gives_elements_of_the_kind_they_have);
    tcase_add_loop_test(tcase, test_redis_server_that_is_not_the_one_to_ask_is_not_asked_again, 0,
                        sizeof wrong_servers / sizeof *wrong_servers);
    tcase_add_test(tcase, test_redis_silence_ends_with_the_timeout);
    tcase_add_test(tcase, test_redis_connection_that_ended_is_made_again_unnoticed);
    tcase_add_loop_test(tcase, test_redis_address_is_taken_apart, 0, sizeof good / sizeof *good);
    tcase_add_loop_test(tcase, test_redis_address_that_is_none_is_refused, 0,
                        sizeof bad / sizeof *bad);
    return suite;
}
