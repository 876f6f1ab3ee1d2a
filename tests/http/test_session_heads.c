/* test_session_heads.c: sessions that run on what was learned, over a restart.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/session_client.h"

Suite *suite_session_heads(void);

static const char piece[] = "{\"instances\":[[[1,2],[0.5,-1]]]}";

static struct temp_folder own;
static char sessions_path[256], state_path[256], checkpoint_path[256];
static const char *const options[] = {"--session-file", sessions_path, "--state-dir", state_path,
                                      NULL};

static void start_daemon(void)
{
    daemon_start(&session_server, session_folder.path, options);
    client_init(&session_client, session_server.url);
}

static void stop_daemon(void)
{
    client_release(&session_client);
    ck_assert_int_eq(daemon_stop(&session_server), 0);
}

static void learn(void)
{
    session_expect("POST", "/v1/models/any:train-step",
                   "{\"instances\":[[[1,2],[3,4]]],\"labels\":[2],\"learning_rate\":0.1}", 200);
}

static void begin_session(const char *sessions, const char *id)
{
    char body[64];
    snprintf(body, sizeof body, "{\"id\":\"%s\"}", id);
    session_expect("POST", sessions, body, 201);
}

static json_t *run_piece(const char *id)
{
    char path[128];
    snprintf(path, sizeof path, SESSIONS "/%s:predict", id);
    return session_ask("POST", path, piece, 200);
}

static void start(void)
{
    temp_folder_create(&own);
    temp_folder_path(&own, "sessions", sessions_path);
    temp_folder_path(&own, "state", state_path);
    temp_folder_path(&own, "state/any/1.safetensors", checkpoint_path);
    session_server_start(options);
    learn();
}

static void stop(void)
{
    session_server_stop();
    temp_folder_remove(&own);
}

/* Twins run the same pieces; one of them before the restart, the other behind it. */
START_TEST(test_session_on_what_was_learned_goes_on_with_it_after_a_restart)
{
    static const char *const kinds[] = {SESSIONS, "/v1/models/any/versions/1/sessions"};
    static const char *const ids[][2] = {{"a", "b"}, {"c", "d"}};
    json_t *before[2];
    for (size_t kind = 0; kind < 2; kind++) {
        for (size_t twin = 0; twin < 2; twin++) {
            begin_session(kinds[kind], ids[kind][twin]);
            json_decref(run_piece(ids[kind][twin]));
        }
        before[kind] = run_piece(ids[kind][0]);
    }
    ck_assert(!json_equal(before[0], before[1]));
    stop_daemon();
    start_daemon();
    for (size_t kind = 0; kind < 2; kind++) {
        json_t *after = run_piece(ids[kind][1]);
        ck_assert(json_equal(before[kind], after));
        json_decref(after);
        json_decref(before[kind]);
    }
}
END_TEST

static void assert_dropped(void)
{
    session_expect("GET", SESSIONS "/a", NULL, 404);
    ck_assert_ptr_nonnull(strstr(daemon_log(&session_server), "what was learned on it is gone"));
}

START_TEST(test_session_on_what_was_reset_is_dropped_at_a_restart)
{
    begin_session(SESSIONS, "a");
    session_expect("POST", "/v1/models/any:reset", "", 200);
    learn();
    learn();
    json_decref(run_piece("a"));
    stop_daemon();
    start_daemon();
    assert_dropped();
}
END_TEST

START_TEST(test_session_on_more_steps_than_came_back_is_dropped)
{
    size_t n;
    char *first = temp_file_read(checkpoint_path, &n);
    learn();
    begin_session(SESSIONS, "a");
    stop_daemon();
    temp_file_write(checkpoint_path, first, n);
    free(first);
    start_daemon();
    assert_dropped();
}
END_TEST

Suite *suite_session_heads(void)
{
    Suite *suite = suite_create("session_heads");
    TCase *tcase = tcase_create("session_heads");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, start, stop);
    tcase_add_test(tcase, test_session_on_what_was_learned_goes_on_with_it_after_a_restart);
    tcase_add_test(tcase, test_session_on_what_was_reset_is_dropped_at_a_restart);
    tcase_add_test(tcase, test_session_on_more_steps_than_came_back_is_dropped);
    suite_add_tcase(suite, tcase);
    return suite;
}
