/* test_life.c: signals that come to a daemon with a request in flight, and SIGHUP.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "server/clock.h"
#include "tests/support/client.h"
#include "tests/support/daemon.h"
#include "tests/support/daemon_metrics.h"
#include "tests/support/model_store.h"
#include "tests/support/raw_client.h"
#include "tests/support/temp_folder.h"

Suite *suite_life(void);

static struct temp_folder folder;
static struct daemon server;
static struct client client;
static struct raw_client slow; /* has sent a part of a request */

static void setup(void)
{
    temp_folder_create(&folder);
    model_store_add(folder.path, "m", "1", model_any, 1);
}

static void teardown(void)
{
    temp_folder_remove(&folder);
}

static void start(const char *const *options)
{
    daemon_start(&server, folder.path, options);
    client_init(&client, server.url);
}

/* A request whose body does not come, and which therefore stays in flight. */
static void send_part(void)
{
    raw_client_connect(&slow, server.port);
    raw_client_send_text(&slow, "POST /v1/models/m:predict HTTP/1.1\r\nHost: x\r\n"
                                "Content-Length: 25\r\n\r\n{\"instances\":");
    daemon_wait_in_flight(&client, 1);
}

/* Sends the signal, and waits until readiness is red; or nobody answers any more, which is so if
 * the answer before was on its way when the draining began, and therefore closed the connection. */
static void begin_draining(int number)
{
    static const struct client_request ready = {.path = "/v2/health/ready"};
    const int64_t until_us = monotonic_us() + PATIENCE_US;
    struct client_answer answer;
    client_get(&client, ready.path, &answer);
    daemon_signal(&server, number);
    while (answer.status == 200 && monotonic_us() < until_us) {
        client_answer_release(&answer);
        client_try(&client, &ready, &answer);
    }
    ck_assert_msg(answer.status == 503 || answer.status == 0, "%d", answer.status);
    client_answer_release(&answer);
}

/* Whether a client that comes now gets an answer. */
static bool is_answered(void)
{
    struct client late;
    struct client_answer answer;
    client_init(&late, server.url);
    client_try(&late, &(struct client_request){.path = "/v2/health/live"}, &answer);
    const bool is_whole = answer.status != 0;
    client_answer_release(&answer);
    client_release(&late);
    return is_whole;
}

/* Readiness is red a moment before the listening socket is closed. */
static void wait_until_refused(void)
{
    const int64_t until_us = monotonic_us() + PATIENCE_US;
    while (is_answered())
        ck_assert_int_lt(monotonic_us(), until_us);
}

START_TEST(test_life_request_that_began_before_sigterm_is_answered)
{
    static const char *const options[] = {"--drain-seconds", "3600", NULL};
    static struct raw_answer answer;
    start(options);
    send_part();
    begin_draining(SIGTERM);
    raw_client_ask(&slow, "[[[1,2]]]}  ", &answer);
    ck_assert_int_eq(answer.status, 200);
    ck_assert_str_eq(raw_answer_field(&answer, "Connection"), "close");
    ck_assert(raw_client_is_closed(&slow));
    ck_assert_int_eq(daemon_wait(&server), 0);
    raw_client_close(&slow);
    client_release(&client);
}
END_TEST

START_TEST(test_life_draining_daemon_refuses_new_connections)
{
    static const char *const options[] = {"--drain-seconds", "3600", NULL};
    start(options);
    send_part();
    begin_draining(SIGTERM);
    wait_until_refused();
    raw_client_close(&slow);
    ck_assert_int_eq(daemon_wait(&server), 0);
    client_release(&client);
}
END_TEST

START_TEST(test_life_second_signal_ends_at_once)
{
    static const char *const options[] = {"--drain-seconds", "3600", NULL};
    static const struct {
        int first, second, exit_status;
    } cases[] = {{SIGTERM, SIGTERM, 143}, {SIGINT, SIGINT, 130}, {SIGTERM, SIGINT, 130}};
    start(options);
    send_part();
    begin_draining(cases[_i].first);
    wait_until_refused(); /* a thread that has ended by then is joined: a sanitizer counts them */
    daemon_signal(&server, cases[_i].second);
    ck_assert_int_eq(daemon_wait(&server), cases[_i].exit_status);
    raw_client_close(&slow);
    client_release(&client);
}
END_TEST

START_TEST(test_life_requests_that_outlast_drain_seconds_are_cut_with_exit_status_1)
{
    static const char *const options[] = {"--drain-seconds", "0", NULL};
    start(options);
    send_part();
    ck_assert_int_eq(daemon_stop(&server), 1);
    ck_assert(raw_client_is_closed(&slow));
    raw_client_close(&slow);
    client_release(&client);
}
END_TEST

/* Until the newest version of the model is this one. */
static void wait_for_version(const char *version)
{
    const int64_t until_us = monotonic_us() + PATIENCE_US;
    char expected[128];
    bool found = false;
    snprintf(expected, sizeof expected, "\"version\":\"%s\",\"state\":\"AVAILABLE\"", version);
    while (!found && monotonic_us() < until_us) {
        struct client_answer answer;
        client_get(&client, "/v1/models/m", &answer);
        found = strstr(answer.body, expected) != NULL;
        client_answer_release(&answer);
    }
    ck_assert_msg(found, "version %s does not serve; the log:\n%s", version, daemon_log(&server));
}

static const char *const no_polling[] = {"--model-poll-seconds", "0", NULL};

START_TEST(test_life_sighup_loads_a_new_version)
{
    start(no_polling);
    wait_for_version("1");
    model_store_add(folder.path, "m", "2", model_any, 2);
    daemon_signal(&server, SIGHUP);
    wait_for_version("2");
    client_release(&client);
    ck_assert_int_eq(daemon_stop(&server), 0);
}
END_TEST

START_TEST(test_life_sighup_that_fails_is_logged_and_changes_nothing)
{
    const int64_t until_us = monotonic_us() + PATIENCE_US;
    start(no_polling);
    temp_folder_remove(&folder);
    daemon_signal(&server, SIGHUP);
    while (strstr(daemon_log(&server), "event=reload_failed what=models") == NULL &&
           monotonic_us() < until_us)
        sched_yield();
    ck_assert_ptr_nonnull(strstr(daemon_log(&server), "event=reload_failed what=models error="));
    wait_for_version("1");
    client_release(&client);
    ck_assert_int_eq(daemon_stop(&server), 0);
    temp_folder_create(&folder);
}
END_TEST

Suite *suite_life(void)
{
    Suite *suite = suite_create("life");
    TCase *tcase = tcase_create("life");
    tcase_set_timeout(tcase, 90);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, test_life_request_that_began_before_sigterm_is_answered);
    tcase_add_test(tcase, test_life_draining_daemon_refuses_new_connections);
    tcase_add_loop_test(tcase, test_life_second_signal_ends_at_once, 0, 3);
    tcase_add_test(tcase, test_life_requests_that_outlast_drain_seconds_are_cut_with_exit_status_1);
    tcase_add_test(tcase, test_life_sighup_loads_a_new_version);
    tcase_add_test(tcase, test_life_sighup_that_fails_is_logged_and_changes_nothing);
    suite_add_tcase(suite, tcase);
    return suite;
}
