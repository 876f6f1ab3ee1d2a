/* test_session_faults.c: every call that writes the session file fails in turn.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdio.h>

#include "tests/support/fault_plan.h"
#include "tests/support/session_client.h"

Suite *suite_session_faults(void);

enum { MOST_CALLS = 20 };

static struct temp_folder own;
static char path[256];
static const char *const options[] = {"--session-file", path, "--session-file-seconds", "0", NULL};
static json_t *states[2]; /* the session's after each piece */

static void start_daemon(void)
{
    daemon_start(&session_server, session_folder.path, options);
    client_init(&session_client, session_server.url);
}

static int stop_daemon(void)
{
    client_release(&session_client);
    return daemon_stop(&session_server);
}

static void run_piece(size_t k)
{
    session_expect("POST", SESSIONS "/a:predict", "{\"instances\":[[[1,2]]]}", 200);
    states[k] = session_ask("GET", SESSIONS "/a/state", NULL, 200);
}

static void begin(void)
{
    char plan[256];
    temp_folder_create(&own);
    temp_folder_path(&own, "sessions", path);
    fault_plan_begin(temp_folder_path(&own, "plan", plan), own.path);
    session_server_start(options);
    session_expect("POST", SESSIONS, "{\"id\":\"a\"}", 201);
    run_piece(0);
    ck_assert_int_eq(stop_daemon(), 0);
    start_daemon();
    run_piece(1);
}

static void end(void)
{
    json_decref(states[0]);
    json_decref(states[1]);
    session_server_stop();
    fault_plan_end();
    temp_folder_remove(&own);
}

/* The file of before or the new one is there, whole; the new one if the daemon said so. */
START_TEST(test_session_file_survives_any_failing_call)
{
    const struct fault *const fault = &write_faults[_i];
    bool has_hit = true;
    unsigned n_hits = 0;
    for (unsigned n = 1; has_hit; n++) {
        ck_assert_uint_lt(n, MOST_CALLS);
        begin();
        fault_plan_arm(fault, n);
        const int status = stop_daemon();
        has_hit = fault_plan_disarm();
        n_hits += has_hit;
        ck_assert(status == 0 || (has_hit && status == 1 && !fault_is_harmless(fault)));
        start_daemon();
        json_t *found = session_ask("GET", SESSIONS "/a/state", NULL, 200);
        ck_assert(json_equal(found, states[1]) || (status != 0 && json_equal(found, states[0])));
        json_decref(found);
        end();
    }
    /* It makes no folder, and removes its file only when it could not write it. */
    ck_assert(n_hits > 0 || fault->call == FAULT_MAKE_FOLDER || fault->call == FAULT_UNLINK);
}
END_TEST

Suite *suite_session_faults(void)
{
    Suite *suite = suite_create("session_faults");
    TCase *tcase = tcase_create("session_faults");
    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, test_session_file_survives_any_failing_call, 0, N_WRITE_FAULTS);
    suite_add_tcase(suite, tcase);
    return suite;
}
