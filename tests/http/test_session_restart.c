/* test_session_restart.c: sessions outlive their daemon. SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/clock.h"
#include "tests/support/assert_tensor.h"
#include "tests/support/fill.h"
#include "tests/support/model_builder.h"
#include "tests/support/model_store.h"
#include "tests/support/session_client.h"
#include "tests/support/tensor_json.h"

Suite *suite_session_restart(void);

enum { N_CALLERS = 8, FEATURES = 2, UNITS = 5, STATE_SIZE = 10, MOST_STEPS = 4000, ENOUGH = 400 };

struct caller {
    pthread_t thread;
    struct client client;
    char name[16];
    float *input;
    size_t n_answered;
};

static struct temp_folder own;
static char path[256];
static const char *options[] = {"--session-file", path, "--session-file-seconds", "0", NULL};
static struct caller callers[N_CALLERS];
static atomic_size_t n_answered;

static void start(void)
{
    temp_folder_create(&own);
    temp_folder_path(&own, "sessions", path);
    session_server_start(options);
}

static void restart(void)
{
    client_release(&session_client);
    ck_assert_int_eq(daemon_stop(&session_server), 0);
    daemon_start(&session_server, session_folder.path, options);
    client_init(&session_client, session_server.url);
}

static void stop(void)
{
    session_server_stop();
    temp_folder_remove(&own);
}

/* Sends step after step until one is not answered with success. */
static void *step_on(void *argument)
{
    struct caller *caller = argument;
    char body[64], url[64];
    int status = 200;
    snprintf(url, sizeof url, SESSIONS "/%s:predict", caller->name);
    for (size_t t = 0; status == 200 && t < MOST_STEPS; t++) {
        struct client_answer answer;
        snprintf(body, sizeof body, "{\"instances\":[[[%.9g,%.9g]]]}",
                 (double)caller->input[FEATURES * t], (double)caller->input[FEATURES * t + 1]);
        const struct client_request request = {
            .path = url, .body = body, .body_bytes = strlen(body)};
        client_try(&caller->client, &request, &answer);
        status = answer.status;
        client_answer_release(&answer);
        caller->n_answered += status == 200;
        atomic_fetch_add(&n_answered, status == 200);
    }
    return NULL;
}

static void start_callers(void)
{
    atomic_store(&n_answered, 0);
    for (size_t i = 0; i < N_CALLERS; i++) {
        char body[32];
        snprintf(callers[i].name, sizeof callers[i].name, "%zu", i);
        snprintf(body, sizeof body, "{\"id\":\"%zu\"}", i);
        session_expect("POST", SESSIONS, body, 201);
        callers[i].input = fill_new(FEATURES * MOST_STEPS, i, 1);
        client_init(&callers[i].client, session_server.url);
        ck_assert_int_eq(pthread_create(&callers[i].thread, NULL, step_on, &callers[i]), 0);
    }
}

/* The session has at least the steps that were answered, and the state after just the steps that
 * it says. */
static void check_caller(const struct caller *caller, const struct lstm_model *model)
{
    static const size_t shape[] = {UNITS};
    float found[STATE_SIZE], expected[STATE_SIZE], output[3];
    char url[64];
    snprintf(url, sizeof url, SESSIONS "/%s/state", caller->name);
    json_t *root = session_ask("GET", url, NULL, 200);
    const size_t steps = (size_t)json_integer_value(json_object_get(root, "steps"));
    tensor_json_read(root, "state/c", 1, shape, found);
    tensor_json_read(root, "state/h", 1, shape, found + UNITS);
    json_decref(root);
    ck_assert_uint_ge(steps, caller->n_answered);
    ck_assert_uint_le(steps, caller->n_answered + 1);
    const struct lstm_sequence whole = {
        .input = caller->input, .steps = steps, .final_state = expected};
    model_store_run_alone(model, &whole, output);
    assert_tensor_float("state", found, expected, STATE_SIZE, 1e-5, 0);
}

START_TEST(test_session_restart_under_load_keeps_every_step_that_was_answered)
{
    const int64_t until_us = monotonic_us() + PATIENCE_US;
    struct lstm_model *model = create_model(model_any, 1);
    start_callers();
    while (atomic_load(&n_answered) < ENOUGH) {
        ck_assert_int_lt(monotonic_us(), until_us);
        sched_yield();
    }
    restart();
    for (size_t i = 0; i < N_CALLERS; i++) {
        pthread_join(callers[i].thread, NULL);
        client_release(&callers[i].client);
        check_caller(&callers[i], model);
        free(callers[i].input);
    }
    ck_assert(session_metric("lstmd_sessions_live") == N_CALLERS);
    lstm_model_destroy(model);
}
END_TEST

START_TEST(test_session_restart_damaged_file_is_set_aside_and_logged)
{
    char aside[256 + 16];
    snprintf(aside, sizeof aside, "%s.corrupt", path);
    session_expect("POST", SESSIONS, "{\"id\":\"a\"}", 201);
    client_release(&session_client);
    ck_assert_int_eq(daemon_stop(&session_server), 0);
    ck_assert_int_eq(truncate(path, 100), 0);
    daemon_start(&session_server, session_folder.path, options);
    client_init(&session_client, session_server.url);
    session_refused("GET", SESSIONS "/a", NULL, 404, "does not exist");
    ck_assert_ptr_nonnull(strstr(daemon_log(&session_server), "event=session_file_refused"));
    ck_assert_int_eq(unlink(aside), 0);
    session_expect("POST", SESSIONS, "{\"id\":\"a\"}", 201);
    restart();
    session_expect("GET", SESSIONS "/a", NULL, 200);
}
END_TEST

START_TEST(test_session_restart_sessions_of_a_version_that_is_gone_are_dropped_and_logged)
{
    session_expect("POST", SESSIONS, "{\"id\":\"a\"}", 201);
    session_server_add_version();
    session_expect("POST", SESSIONS, "{\"id\":\"b\"}", 201);
    model_store_remove(session_folder.path, "any", "1");
    restart();
    session_refused("GET", SESSIONS "/a", NULL, 404, "does not exist");
    session_expect("GET", SESSIONS "/b", NULL, 200);
    const char *log = daemon_log(&session_server);
    ck_assert_msg(strstr(log, "event=sessions_dropped count=1") != NULL, "%s", log);
}
END_TEST

START_TEST(test_session_restart_file_is_written_while_the_daemon_runs)
{
    static const char *const often[] = {"--session-file", path, "--session-file-seconds", "1",
                                        NULL};
    const int64_t until_us = monotonic_us() + PATIENCE_US;
    size_t n = 0;
    client_release(&session_client);
    ck_assert_int_eq(daemon_stop(&session_server), 0);
    char *before = temp_file_read(path, &n);
    const size_t empty = n;
    free(before);
    daemon_start(&session_server, session_folder.path, often);
    client_init(&session_client, session_server.url);
    session_expect("POST", SESSIONS, "{\"id\":\"a\"}", 201);
    while (n == empty) {
        ck_assert_int_lt(monotonic_us(), until_us);
        sched_yield();
        free(temp_file_read(path, &n));
    }
    /* What a crash would leave is what another daemon can begin with. */
    struct daemon first = session_server;
    client_release(&session_client);
    daemon_start(&session_server, session_folder.path, options);
    client_init(&session_client, session_server.url);
    session_expect("GET", SESSIONS "/a", NULL, 200);
    ck_assert_int_eq(daemon_stop(&first), 0);
}
END_TEST

START_TEST(test_session_restart_file_that_cannot_be_written_is_an_error_at_the_start)
{
    static const char *const arguments[] = {
        "serve", "--port", "0", "--models", "models", "--session-file", "/nowhere/there", NULL};
    static struct daemon_run run;
    daemon_run(arguments, &run);
    ck_assert_int_eq(run.exit_status, 1);
    ck_assert_ptr_nonnull(strstr(run.log, "/nowhere/there"));
}
END_TEST

Suite *suite_session_restart(void)
{
    Suite *suite = suite_create("session_restart");
    TCase *tcase = tcase_create("session_restart"), *alone = tcase_create("alone");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, start, stop);
    tcase_add_test(tcase, test_session_restart_under_load_keeps_every_step_that_was_answered);
    tcase_add_test(tcase, test_session_restart_damaged_file_is_set_aside_and_logged);
    tcase_add_test(tcase,
                   test_session_restart_sessions_of_a_version_that_is_gone_are_dropped_and_logged);
    tcase_add_test(tcase, test_session_restart_file_is_written_while_the_daemon_runs);
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(alone, 60);
    tcase_add_test(alone,
                   test_session_restart_file_that_cannot_be_written_is_an_error_at_the_start);
    suite_add_tcase(suite, alone);
    return suite;
}
