/* test_session_redis_faults.c: servers, Redis, answers and records that are lost, late or wrong.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/redis_proxy.h"
#include "tests/support/replicas.h"

Suite *suite_session_redis_faults(void);

static const char one_step[] = "{\"instances\":[[[1,2]]]}";

static void begin(size_t i, const char *id)
{
    char body[128];
    snprintf(body, sizeof body, "{\"id\":\"%s\"}", id);
    replica_ask(i, "POST", SESSIONS, body, 201);
}

static void expect_words(size_t i, const char *method, const char *path, const char *body,
                         int status, const char *words)
{
    const char *text = replica_ask(i, method, path, body, status);
    ck_assert_msg(strstr(text, words) != NULL, "%s %s: %s", method, path, text);
}

/* ---- A server is killed ---------------------------------------------------------------------- */

enum { N_CALLERS = 6, PIECES_EACH = 60, KILL_AFTER = 60 };

static atomic_int n_answered;

struct caller {
    pthread_t thread;
    size_t number;
    long steps, unsure;
    char failure[256]; /* "" if all went well */
};

/* Sends its session's pieces to all servers in turn, but not to the one that is dead. */
static void *call(void *argument)
{
    struct caller *caller = argument;
    struct client clients[N_REPLICAS];
    char path[128], text[1024];
    bool is_dead = false;
    snprintf(path, sizeof path, SESSIONS "/s%zu:predict", caller->number);
    for (size_t i = 0; i < N_REPLICAS; i++)
        client_init(&clients[i], replicas[i].server.url);
    for (size_t i = 0; i < PIECES_EACH && caller->failure[0] == '\0'; i++) {
        size_t to = (caller->number + i) % N_REPLICAS;
        to = is_dead && to == N_REPLICAS - 1 ? 0 : to;
        const int status = replica_try(&clients[to], "POST", path, one_step, text, sizeof text);
        atomic_fetch_add(&n_answered, 1);
        if (status == 200)
            caller->steps++;
        else if (status < 0 && to == N_REPLICAS - 1 && !is_dead)
            caller->unsure++;
        else
            snprintf(caller->failure, sizeof caller->failure, "%d %.200s", status, text);
        is_dead = is_dead || status < 0;
    }
    for (size_t i = 0; i < N_REPLICAS; i++)
        client_release(&clients[i]);
    return NULL;
}

START_TEST(test_session_redis_killed_server_costs_only_what_was_in_flight_on_it)
{
    static struct caller callers[N_CALLERS];
    char id[16];
    replicas_start(NULL);
    atomic_store(&n_answered, 0);
    for (size_t i = 0; i < N_CALLERS; i++) {
        snprintf(id, sizeof id, "s%zu", i);
        begin(i % N_REPLICAS, id);
        callers[i].number = i;
        ck_assert_int_eq(pthread_create(&callers[i].thread, NULL, call, &callers[i]), 0);
    }
    while (atomic_load(&n_answered) < KILL_AFTER)
        poll(NULL, 0, 1);
    daemon_kill(&replicas[N_REPLICAS - 1].server);
    for (size_t i = 0; i < N_CALLERS; i++)
        pthread_join(callers[i].thread, NULL);
    client_release(&replicas[N_REPLICAS - 1].client);
    replicas[N_REPLICAS - 1].is_up = false;
    for (size_t i = 0; i < N_CALLERS; i++) {
        ck_assert_str_eq(callers[i].failure, "");
        snprintf(id, sizeof id, "s%zu", i);
        const long steps = replica_steps(i % 2, id);
        ck_assert_int_ge(steps, callers[i].steps);
        ck_assert_int_le(steps, callers[i].steps + callers[i].unsure);
    }
    replicas_stop();
}
END_TEST

/* ---- Redis goes ------------------------------------------------------------------------------ */

/* What goes on without it, and what does not. */
static void assert_away(void)
{
    expect_words(0, "GET", SESSIONS "/a", NULL, 503, "does not answer");
    expect_words(0, "POST", SESSIONS "/a:predict", one_step, 503, "nothing has changed");
    expect_words(0, "POST", SESSIONS "/a:fork", "", 503, "does not answer");
    expect_words(0, "POST", SESSIONS, "", 503, "does not answer");
    expect_words(0, "GET", SESSIONS, NULL, 503, "does not answer");
    expect_words(0, "DELETE", SESSIONS "/a", NULL, 503, "does not answer");
    replica_ask(0, "POST", "/v1/models/any:predict", one_step, 200);
    replica_ask(0, "GET", "/v2/health/ready", NULL, 200);
    ck_assert(replica_metric(0, "lstmd_session_store_up") == 0);
}

START_TEST(test_session_redis_that_is_stopped_and_started_is_waited_for)
{
    replicas_open();
    replica_start(0, redis_server.url, NULL);
    begin(0, "a");
    replica_ask(0, "POST", SESSIONS "/a:predict", one_step, 200);
    redis_server_pause(&redis_server);
    assert_away();
    redis_server_resume(&redis_server);
    replica_await(0, "POST", SESSIONS "/a:predict", one_step, 200, "predictions");
    ck_assert_int_eq(replica_steps(0, "a"), 2);
    replica_await(0, "GET", "/metrics", NULL, 200, "lstmd_session_store_up 1\n");
    replicas_stop();
}
END_TEST

START_TEST(test_session_redis_that_comes_later_is_waited_for)
{
    replicas_open();
    redis_server_pause(&redis_server);
    replica_start(0, redis_server.url, NULL);
    expect_words(0, "POST", SESSIONS, "{\"id\":\"a\"}", 503, "does not answer");
    redis_server_resume(&redis_server);
    replica_await(0, "POST", SESSIONS, "{\"id\":\"a\"}", 201, "\"id\":\"a\"");
    replicas_stop();
}
END_TEST

START_TEST(test_session_redis_that_hangs_costs_its_timeout)
{
    static const char *const hasty[] = {"--session-store-timeout-ms", "2000", NULL};
    replicas_open();
    replica_start(0, redis_server.url, hasty);
    begin(0, "a");
    replica_ask(0, "POST", SESSIONS "/a:predict", one_step, 200);
    redis_server_suspend(&redis_server);
    expect_words(0, "POST", SESSIONS "/a:predict", one_step, 503, "nothing has changed");
    replica_ask(0, "POST", "/v1/models/any:predict", one_step, 200);
    replica_ask(0, "GET", "/v2/health/ready", NULL, 200);
    redis_server_continue(&redis_server);
    replica_await(0, "POST", SESSIONS "/a:predict", one_step, 200, "predictions");
    ck_assert_int_eq(replica_steps(0, "a"), 2);
    replicas_stop();
}
END_TEST

/* ---- Answers are lost ------------------------------------------------------------------------ */

static const struct {
    const char *word, *method, *path, *body;
    int n, status; /* answers that are lost, and what then comes of it */
    long steps;    /* of session "a" afterwards; < 0: it is gone */
} losses[] = {{"commit", "POST", SESSIONS "/a:predict", one_step, 1, 200, 2},
              {"commit", "POST", SESSIONS "/a:predict", one_step, 2, 500, 2},
              {"load", "POST", SESSIONS "/a:predict", one_step, 1, 200, 2},
              {"load", "POST", SESSIONS "/a:predict", one_step, 2, 503, 1},
              {"commit", "PUT", SESSIONS "/a", "{\"version\":\"1\"}", 1, 200, 1},
              {"begin", "POST", SESSIONS, "{\"id\":\"b\"}", 1, 201, 1},
              {"begin", "POST", SESSIONS, "{\"id\":\"b\"}", 2, 500, 1},
              {"end", "DELETE", SESSIONS "/a", NULL, 1, 200, -1}};

START_TEST(test_session_redis_lost_answer_counts_no_piece_twice)
{
    char url[64];
    replicas_open();
    struct redis_proxy *proxy = redis_proxy_start(redis_server.port.number, url);
    replica_start(0, url, NULL);
    begin(0, "a");
    replica_ask(0, "POST", SESSIONS "/a:predict", one_step, 200);
    redis_proxy_lose(proxy, losses[_i].word, losses[_i].n);
    replica_ask(0, losses[_i].method, losses[_i].path, losses[_i].body, losses[_i].status);
    ck_assert_int_eq(redis_proxy_left(proxy), 0);
    if (losses[_i].steps < 0)
        replica_await(0, "GET", SESSIONS "/a", NULL, 404, "does not exist");
    else
        replica_await(0, "GET", SESSIONS "/a", NULL, 200, "\"id\":\"a\"");
    if (losses[_i].steps >= 0)
        ck_assert_int_eq(replica_steps(0, "a"), losses[_i].steps);
    if (strcmp(losses[_i].word, "begin") == 0)
        replica_await(0, "GET", SESSIONS "/b", NULL, 200, "\"id\":\"b\"");
    replicas_stop();
    redis_proxy_stop(proxy);
}
END_TEST

/* ---- Records are wrong ----------------------------------------------------------------------- */

#define KEY "{lstmd}:session:any/a"

static const struct {
    const char *words[8];
    int status;
    const char *says;
} tampered[] = {
    {{"HSET", KEY, "state", "xyz"}, 500, "damaged"},
    {{"HSET", KEY, "state", ""}, 500, "damaged"},
    {{"HSET", KEY, "state", "eight by"}, 500, "damaged"},
    {{"HDEL", KEY, "state"}, 500, "damaged"},
    {{"HDEL", KEY, "w1"}, 500, "damaged"},
    {{"HSET", KEY, "format", "lstmd-session-9"}, 500, "damaged"},
    {{"HSET", KEY, "generation", "nan"}, 500, "damaged"},
    {{"HSET", KEY, "generation", "1e308"}, 500, "damaged"},
    {{"HSET", KEY, "generation", "-1"}, 500, "damaged"},
    {{"HSET", KEY, "generation", "99999999999999999999999"}, 500, "damaged"},
    {{"HSET", KEY, "steps", "-1"}, 500, "damaged"},
    {{"HSET", KEY, "steps", "18446744073709551616"}, 500, "damaged"},
    {{"HSET", KEY, "number", "1.5"}, 500, "damaged"},
    {{"HSET", KEY, "used", "yesterday"}, 500, "damaged"},
    {{"HSET", KEY, "version", "0x1"}, 500, "damaged"},
    {{"HSET", KEY, "version", "9"}, 503, "does not have"},
    {{"HSET", KEY, "weights", "1"}, 503, "does not have"},
    {{"SET", KEY, "a text"}, 500, "damaged"},
    {{"SET", "{lstmd}:use", "a text"}, 503, "does not answer"},
};

START_TEST(test_session_redis_tampered_record_is_refused_with_a_sentence)
{
    const bool is_store = tampered[_i].status == 503 && tampered[_i].words[1][8] != 's';
    replicas_open();
    replica_start(0, redis_server.url, NULL);
    begin(0, "a");
    redis_server_ask(&redis_server, tampered[_i].words);
    expect_words(0, "POST", SESSIONS "/a:predict", one_step, tampered[_i].status,
                 tampered[_i].says);
    expect_words(0, "GET", SESSIONS "/a/state", NULL, tampered[_i].status, tampered[_i].says);
    replica_ask(0, "POST", "/v1/models/any:predict", one_step, 200);
    if (!is_store) {
        replica_ask(0, "GET", SESSIONS, NULL, 200);
        replica_ask(0, "DELETE", SESSIONS "/a", NULL, 200);
        begin(0, "a");
        replica_ask(0, "POST", SESSIONS "/a:predict", one_step, 200);
    }
    replicas_stop();
}
END_TEST

/* The script is sent again where Redis has forgotten it: by the connection that knew it there, as
 * there is no other, which would have brought it. */
START_TEST(test_session_redis_script_that_was_flushed_is_sent_again)
{
    static const char *const flush[] = {"SCRIPT", "FLUSH", NULL};
    static const char *const alone[] = {"--session-store-connections", "1", NULL};
    replicas_open();
    replica_start(0, redis_server.url, alone);
    begin(0, "a");
    redis_server_ask(&redis_server, flush);
    replica_ask(0, "POST", SESSIONS "/a:predict", one_step, 200);
    ck_assert_int_eq(replica_steps(0, "a"), 1);
    replicas_stop();
}
END_TEST

START_TEST(test_session_redis_password_and_database_are_used)
{
    static const char *const protect[] = {"CONFIG", "SET", "requirepass", "p@ss", NULL};
    char right[128], wrong[128];
    replicas_open();
    redis_server_ask(&redis_server, protect);
    snprintf(right, sizeof right, "redis://:p%%40ss@127.0.0.1:%s/3", redis_server.port.text);
    snprintf(wrong, sizeof wrong, "redis://u:secret@127.0.0.1:%s", redis_server.port.text);
    replica_start(0, right, NULL);
    replica_start(1, wrong, NULL);
    begin(0, "a");
    expect_words(1, "GET", SESSIONS "/a", NULL, 503, "does not answer");
    ck_assert_ptr_nonnull(strstr(daemon_log(&replicas[1].server), "WRONGPASS"));
    ck_assert_ptr_null(strstr(daemon_log(&replicas[1].server), "secret"));
    replicas_stop();
}
END_TEST

START_TEST(test_session_that_redis_has_no_memory_for_is_503_and_says_so)
{
    static const char *const tighten[] = {"CONFIG", "SET", "maxmemory", "1", NULL};
    static const char *const loosen[] = {"CONFIG", "SET", "maxmemory", "0", NULL};
    replicas_start(NULL);
    replica_ask(0, "POST", SESSIONS, "{\"id\":\"a\"}", 201);
    redis_server_ask(&redis_server, tighten);
    const char *answer = replica_ask(0, "POST", SESSIONS, "{}", 503);
    ck_assert_msg(strstr(answer, "a new session cannot be kept: the store of sessions has no "
                                 "memory left") != NULL,
                  "%s", answer);
    answer = replica_ask(0, "POST", SESSIONS "/a:predict", "{\"instances\":[[[1,2]]]}", 503);
    ck_assert_msg(strstr(answer, "session 'a' cannot be kept") != NULL, "%s", answer);
    ck_assert_double_eq(replica_metric(0, "lstmd_session_store_up"), 1);
    redis_server_ask(&redis_server, loosen);
    replica_ask(0, "POST", SESSIONS "/a:predict", "{\"instances\":[[[1,2]]]}", 200);
    ck_assert_int_eq(replica_steps(0, "a"), 1);
    replicas_stop();
}
END_TEST

Suite *suite_session_redis_faults(void)
{
    Suite *suite = suite_create("session_redis_faults");
    TCase *tcase = tcase_create("session_redis_faults");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 120);
    if (!redis_server_is_there())
        return suite;
    tcase_add_test(tcase, test_session_that_redis_has_no_memory_for_is_503_and_says_so);
    tcase_add_test(tcase, test_session_redis_killed_server_costs_only_what_was_in_flight_on_it);
    tcase_add_test(tcase, test_session_redis_that_is_stopped_and_started_is_waited_for);
    tcase_add_test(tcase, test_session_redis_that_comes_later_is_waited_for);
    tcase_add_test(tcase, test_session_redis_that_hangs_costs_its_timeout);
    tcase_add_loop_test(tcase, test_session_redis_lost_answer_counts_no_piece_twice, 0,
                        sizeof losses / sizeof *losses);
    tcase_add_loop_test(tcase, test_session_redis_tampered_record_is_refused_with_a_sentence, 0,
                        sizeof tampered / sizeof *tampered);
    tcase_add_test(tcase, test_session_redis_script_that_was_flushed_is_sent_again);
    tcase_add_test(tcase, test_session_redis_password_and_database_are_used);
    return suite;
}
