/* test_session_redis.c: three daemons that share their sessions in Redis are as one.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/clock.h"
#include "tests/support/fill.h"
#include "tests/support/model_store.h"
#include "tests/support/replicas.h"

Suite *suite_session_redis(void);

static const char one_step[] = "{\"instances\":[[[1,2]]]}";

static void begin(size_t i, const char *id)
{
    char body[128];
    snprintf(body, sizeof body, "{\"id\":\"%s\"}", id);
    replica_ask(i, "POST", SESSIONS, body, 201);
}

/* ---- One after the other --------------------------------------------------------------------- */

static void write_piece(char *body, size_t room, size_t sequence, size_t piece)
{
    const size_t steps = 1 + fill_bits(sequence, piece) % 5;
    size_t n = (size_t)snprintf(body, room, "{\"instances\":[[");
    for (size_t t = 0; t < steps; t++)
        n += (size_t)snprintf(body + n, room - n, "%s[%.4f,%.4f]", t > 0 ? "," : "",
                              (double)fill_value(sequence, 100 * piece + 2 * t, 2),
                              (double)fill_value(sequence, 100 * piece + 2 * t + 1, 2));
    snprintf(body + n, room - n, "]]}");
}

START_TEST(test_session_redis_pieces_spread_over_three_give_the_bits_of_one_in_memory)
{
    enum { N_SEQUENCES = 10, N_PIECES = 12 };
    struct daemon alone;
    struct client client;
    char begun[64], path[128], body[1024], expected[1024], state[4096];
    replicas_start(NULL);
    daemon_start(&alone, replicas_folder.path, NULL);
    client_init(&client, alone.url);
    for (size_t k = 0; k < N_SEQUENCES; k++) {
        snprintf(begun, sizeof begun, "{\"id\":\"s%zu\"}", k);
        ck_assert_int_eq(replica_try(&client, "POST", SESSIONS, begun, expected, sizeof expected),
                         201);
        replica_ask(k % N_REPLICAS, "POST", SESSIONS, begun, 201);
        for (size_t p = 0; p < N_PIECES; p++) {
            write_piece(body, sizeof body, k, p);
            snprintf(path, sizeof path, SESSIONS "/s%zu:%s", k, p % 3 == 2 ? "state" : "predict");
            ck_assert_int_eq(replica_try(&client, "POST", path, body, expected, sizeof expected),
                             200);
            ck_assert_str_eq(
                replica_ask(fill_bits(k, 1000 + p) % N_REPLICAS, "POST", path, body, 200),
                expected);
        }
        snprintf(path, sizeof path, SESSIONS "/s%zu/state", k);
        ck_assert_int_eq(replica_try(&client, "GET", path, NULL, state, sizeof state), 200);
        ck_assert_str_eq(replica_ask(k % N_REPLICAS, "GET", path, NULL, 200), state);
    }
    client_release(&client);
    ck_assert_int_eq(daemon_stop(&alone), 0);
    replicas_stop();
}
END_TEST

/* ---- At once --------------------------------------------------------------------------------- */

enum { CALLERS_EACH = 2, N_CALLERS = CALLERS_EACH * N_REPLICAS, PIECES_EACH = 40 };

struct caller {
    pthread_t thread;
    struct client client;
    char failure[256]; /* "" if all went well */
};

static void *call(void *argument)
{
    struct caller *caller = argument;
    char text[1024];
    for (int i = 0; i < PIECES_EACH && caller->failure[0] == '\0'; i++) {
        const int status = replica_try(&caller->client, "POST", SESSIONS "/shared:predict",
                                       one_step, text, sizeof text);
        if (status != 200)
            snprintf(caller->failure, sizeof caller->failure, "%d %.200s", status, text);
    }
    return NULL;
}

START_TEST(test_session_redis_pieces_at_once_on_three_count_once_each)
{
    static struct caller callers[N_CALLERS];
    double conflicts = 0;
    char body[64], in_memory[4096];
    replicas_start(NULL);
    begin(0, "shared");
    for (size_t i = 0; i < N_CALLERS; i++) {
        client_init(&callers[i].client, replicas[i % N_REPLICAS].server.url);
        ck_assert_int_eq(pthread_create(&callers[i].thread, NULL, call, &callers[i]), 0);
    }
    for (size_t i = 0; i < N_CALLERS; i++) {
        pthread_join(callers[i].thread, NULL);
        client_release(&callers[i].client);
        ck_assert_str_eq(callers[i].failure, "");
    }
    for (size_t i = 0; i < N_REPLICAS; i++)
        conflicts += replica_metric(i, "lstmd_session_conflicts_total");
    ck_assert_int_eq(replica_steps(1, "shared"), N_CALLERS * PIECES_EACH);
    ck_assert(conflicts > 0);
    /* The pieces were all the same: the state is that of as many of them in a row. */
    snprintf(body, sizeof body, "{\"id\":\"row\"}");
    replica_ask(0, "POST", SESSIONS, body, 201);
    for (int i = 0; i < N_CALLERS * PIECES_EACH; i++)
        replica_ask((size_t)i % N_REPLICAS, "POST", SESSIONS "/row:predict", one_step, 200);
    snprintf(in_memory, sizeof in_memory, "%s",
             replica_ask(0, "GET", SESSIONS "/row/state", NULL, 200));
    ck_assert_str_eq(replica_ask(2, "GET", SESSIONS "/shared/state", NULL, 200), in_memory);
    replicas_stop();
}
END_TEST

/* ---- The routes ------------------------------------------------------------------------------ */

static void expect_words(size_t i, const char *method, const char *path, const char *body,
                         int status, const char *words)
{
    const char *text = replica_ask(i, method, path, body, status);
    ck_assert_msg(strstr(text, words) != NULL, "%s %s: %s", method, path, text);
}

START_TEST(test_session_redis_routes_do_on_each_server_what_they_do_in_memory)
{
    char state[4096];
    replicas_start(NULL);
    begin(0, "a");
    expect_words(1, "POST", SESSIONS, "{\"id\":\"a\"}", 409, "lives already");
    expect_words(2, "POST", SESSIONS, "", 201, "\"number\":2,");
    replica_ask(1, "POST", SESSIONS "/a:predict", one_step, 200);
    snprintf(state, sizeof state, "%s", replica_ask(2, "GET", SESSIONS "/a/state", NULL, 200));
    expect_words(2, "POST", SESSIONS "/a:fork", "{\"id\":\"b\"}", 201, "\"steps\":1,");
    ck_assert_str_eq(replica_ask(0, "GET", SESSIONS "/b/state", NULL, 200), state);
    replica_ask(0, "POST", SESSIONS "/a:predict", one_step, 200);
    expect_words(1, "PUT", SESSIONS "/a/state", state, 200, "\"steps\":1,");
    ck_assert_str_eq(replica_ask(2, "GET", SESSIONS "/a/state", NULL, 200), state);
    expect_words(0, "PUT", SESSIONS "/a/state", "{\"state\":{\"c\":[1],\"h\":[2]}}", 400, "state");
    expect_words(0, "PUT", SESSIONS "/a", "{\"version\":\"7\"}", 404, "7");
    expect_words(0, "PUT", SESSIONS "/a", "{\"version\":\"1\"}", 200, "\"id\":\"a\"");
    expect_words(1, "DELETE", SESSIONS "/a", NULL, 200, "\"id\":\"a\"");
    expect_words(2, "GET", SESSIONS "/a", NULL, 404, "does not exist");
    expect_words(2, "DELETE", SESSIONS "/a", NULL, 404, "does not exist");
    expect_words(0, "POST", SESSIONS "/a:predict", one_step, 404, "does not exist");
    expect_words(0, "GET", "/v1/models/none/sessions", NULL, 404, "none");
    expect_words(0, "POST", "/v1/models/none/sessions/a:predict", one_step, 404, "does not");
    expect_words(0, "GET", SESSIONS "/a*b", NULL, 404, "does not exist");
    begin(1, "a");
    ck_assert_int_eq(replica_steps(0, "a"), 0);
    replicas_stop();
}
END_TEST

START_TEST(test_session_redis_pages_have_each_session_once)
{
    enum { N = 25 };
    char id[16], path[64], ids[N * 8] = "";
    int64_t after = 0;
    size_t n = 0, n_pages = 0;
    replicas_start(NULL);
    for (size_t i = 0; i < N; i++) {
        snprintf(id, sizeof id, "s%02zu", i);
        begin(i % N_REPLICAS, id);
    }
    replica_ask(0, "DELETE", SESSIONS "/s03", NULL, 200);
    do {
        snprintf(path, sizeof path, SESSIONS "?limit=10&after=%lld", (long long)after);
        json_t *page =
            json_loads(replica_ask(n_pages++ % N_REPLICAS, "GET", path, NULL, 200), 0, NULL);
        const json_t *sessions = json_object_get(page, "sessions");
        for (size_t i = 0; i < json_array_size(sessions); i++, n++) {
            const char *found =
                json_string_value(json_object_get(json_array_get(sessions, i), "id"));
            ck_assert_ptr_null(strstr(ids, found));
            strncat(ids, found, sizeof ids - strlen(ids) - 1);
        }
        after = json_integer_value(json_object_get(page, "next"));
        json_decref(page);
    } while (after > 0);
    ck_assert_uint_eq(n, N - 1);
    ck_assert_uint_eq(n_pages, 3);
    replica_await(1, "GET", "/metrics", NULL, 200, "lstmd_sessions_live 24\n");
    replicas_stop();
}
END_TEST

START_TEST(test_session_redis_expired_one_says_so_on_each_server)
{
    static const char *const options[] = {"--session-ttl-seconds", "3", NULL};
    const int64_t until_us = monotonic_us() + PATIENCE_US;
    double expired = 0;
    replicas_start(options);
    begin(0, "a");
    replica_await(1, "GET", SESSIONS "/a", NULL, 404, "expired");
    expect_words(0, "POST", SESSIONS "/a:predict", one_step, 404, "expired");
    expect_words(2, "DELETE", SESSIONS "/a", NULL, 404, "expired");
    /* Who ended it counts it when Redis' answer has come, after the others could see it. */
    while (expired == 0 && monotonic_us() < until_us)
        for (size_t i = 0; i < N_REPLICAS; i++)
            expired += replica_metric(i, "lstmd_sessions_expired_total");
    ck_assert(expired == 1);
    begin(2, "a");
    ck_assert_int_eq(replica_steps(0, "a"), 0);
    replicas_stop();
}
END_TEST

START_TEST(test_session_redis_bound_holds_for_all_servers_together)
{
    static const char *const options[] = {"--max-sessions", "2", NULL};
    static const char *const evicts[] = {"--max-sessions", "2", "--session-full", "evict", NULL};
    replicas_open();
    replica_start(0, redis_server.url, options);
    replica_start(1, redis_server.url, evicts);
    begin(0, "a");
    begin(1, "b");
    expect_words(0, "POST", SESSIONS, "{\"id\":\"c\"}", 503, "no place");
    replica_ask(0, "POST", SESSIONS "/a:predict", one_step, 200);
    begin(1, "c");
    expect_words(0, "GET", SESSIONS "/b", NULL, 404, "evicted");
    ck_assert_int_eq(replica_steps(0, "a"), 1);
    replicas_stop();
}
END_TEST

/* Without models.json only the newest version serves. */
START_TEST(test_session_redis_stays_on_its_version_on_servers_that_never_ran_it)
{
    char expected[1024];
    replicas_open();
    replica_start(0, redis_server.url, NULL);
    begin(0, "a");
    begin(0, "b");
    snprintf(expected, sizeof expected, "%s",
             replica_ask(0, "POST", SESSIONS "/a:predict", one_step, 200));
    model_store_add(replicas_folder.path, "any", "2", model_any, 2);
    replica_start(1, redis_server.url, NULL);
    expect_words(1, "GET", "/v1/models/any/versions/1", NULL, 404, "");
    ck_assert_str_eq(replica_ask(1, "POST", SESSIONS "/b:predict", one_step, 200), expected);
    expect_words(1, "GET", SESSIONS "/b", NULL, 200, "\"version\":\"1\"");
    expect_words(1, "PUT", SESSIONS "/b", "{\"version\":\"2\"}", 200, "\"version\":\"2\"");
    ck_assert_str_ne(replica_ask(1, "POST", SESSIONS "/b:predict", one_step, 200), expected);
    model_store_remove(replicas_folder.path, "any", "1");
    replica_start(2, redis_server.url, NULL);
    expect_words(2, "POST", SESSIONS "/a:predict", one_step, 503, "does not have");
    expect_words(2, "GET", SESSIONS "/a", NULL, 200, "\"steps\":1,");
    replica_ask(1, "POST", SESSIONS "/a:predict", one_step, 200);
    replicas_stop();
}
END_TEST

START_TEST(test_session_redis_runs_on_published_weights_where_another_server_learns)
{
    char expected[1024];
    replicas_start(NULL);
    replica_ask(0, "POST", "/v1/models/any:train-step",
                "{\"instances\":[[[1,2],[3,4]]],\"labels\":[2],\"learning_rate\":0.1}", 200);
    begin(0, "a");
    begin(1, "b");
    snprintf(expected, sizeof expected, "%s",
             replica_ask(1, "POST", SESSIONS "/b:predict", one_step, 200));
    ck_assert_str_eq(replica_ask(0, "POST", SESSIONS "/a:predict", one_step, 200), expected);
    replicas_stop();
}
END_TEST

/* ---- Started wrongly ------------------------------------------------------------------------- */

static const struct {
    const char *store, *words;
} wrong[] = {{"redis:/localhost", "expected memory, or redis://"},
             {"rediss://localhost", "TLS tunnel"},
             {"redis://", "expected a host"},
             {"redis://host:0", "port from 1"},
             {"redis://host:70000", "port from 1"},
             {"redis://secret@host", "expected user:password"},
             {"redis://u:%zz@host", "expected user:password"},
             {"redis://host/x", "number of a database"}};

START_TEST(test_session_redis_wrong_address_is_an_error_without_its_password)
{
    static struct daemon_run run;
    const char *const arguments[] = {"serve",           "--port",        "0",
                                     "--session-store", wrong[_i].store, NULL};
    daemon_run(arguments, &run);
    ck_assert_int_eq(run.exit_status, 1);
    ck_assert_msg(strstr(run.log, wrong[_i].words) != NULL, "%s", run.log);
    ck_assert_ptr_null(strstr(run.log, "secret"));
}
END_TEST

START_TEST(test_session_redis_and_a_session_file_is_an_error_that_says_why)
{
    static struct daemon_run run;
    static const char *const arguments[] = {
        "serve",          "--port", "0", "--session-store", "redis://localhost",
        "--session-file", "x",      NULL};
    daemon_run(arguments, &run);
    ck_assert_int_eq(run.exit_status, 1);
    ck_assert_msg(strstr(run.log, "outlive the server in Redis") != NULL, "%s", run.log);
}
END_TEST

Suite *suite_session_redis(void)
{
    Suite *suite = suite_create("session_redis");
    TCase *tcase = tcase_create("session_redis");
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, test_session_redis_wrong_address_is_an_error_without_its_password, 0,
                        sizeof wrong / sizeof *wrong);
    tcase_add_test(tcase, test_session_redis_and_a_session_file_is_an_error_that_says_why);
    if (!redis_server_is_there())
        return suite;
    tcase_add_test(tcase,
                   test_session_redis_pieces_spread_over_three_give_the_bits_of_one_in_memory);
    tcase_add_test(tcase, test_session_redis_pieces_at_once_on_three_count_once_each);
    tcase_add_test(tcase, test_session_redis_routes_do_on_each_server_what_they_do_in_memory);
    tcase_add_test(tcase, test_session_redis_pages_have_each_session_once);
    tcase_add_test(tcase, test_session_redis_expired_one_says_so_on_each_server);
    tcase_add_test(tcase, test_session_redis_bound_holds_for_all_servers_together);
    tcase_add_test(tcase, test_session_redis_stays_on_its_version_on_servers_that_never_ran_it);
    tcase_add_test(tcase, test_session_redis_runs_on_published_weights_where_another_server_learns);
    return suite;
}
