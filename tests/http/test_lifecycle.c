/* test_lifecycle.c: how a daemon starts, says no, and drains. SPDX-License-Identifier: Apache-2.0
 */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/cases.h"
#include "tests/support/client.h"
#include "tests/support/daemon.h"
#include "tests/support/model_store.h"
#include "tests/support/temp_folder.h"

Suite *suite_lifecycle(void);

static struct temp_folder folder;

static void setup(void)
{
    temp_folder_create(&folder);
}

static void teardown(void)
{
    temp_folder_remove(&folder);
}

START_TEST(test_lifecycle_daemon_says_where_it_serves_and_ends_well)
{
    static const int signals[] = {SIGTERM, SIGINT};
    struct daemon server;
    struct client client;
    struct client_answer answer;
    char expected[128];
    model_store_add(folder.path, "m", "1", model_any, 1);
    daemon_start(&server, folder.path, NULL);
    snprintf(expected, sizeof expected, "lstmd: serving 1 model on http://127.0.0.1:%u",
             (unsigned)server.port);
    ck_assert_str_eq(server.ready_line, expected);
    client_init(&client, server.url);
    client_get(&client, "/v2/health/ready", &answer);
    ck_assert_int_eq(answer.status, 200);
    client_answer_release(&answer);
    daemon_signal(&server, signals[_i]);
    ck_assert_str_eq(daemon_log(&server), "");
    ck_assert_int_eq(daemon_wait(&server), 0);
    client_try(&client, &(struct client_request){.path = "/v2/health/live"}, &answer);
    ck_assert_int_eq(answer.status, 0);
    client_answer_release(&answer);
    client_release(&client);
}
END_TEST

START_TEST(test_lifecycle_ready_line_counts_the_models_that_serve)
{
    static const char *const options[] = {"--log-level", "off", NULL};
    struct daemon server;
    model_store_add(folder.path, "a", "1", model_any, 1);
    model_store_add(folder.path, "b", "1", model_any, 1);
    model_store_add_broken(folder.path, "c", "1");
    daemon_start(&server, folder.path, options);
    ck_assert_int_eq(strncmp(server.ready_line, "lstmd: serving 2 models on http://", 34), 0);
    ck_assert_int_eq(daemon_stop(&server), 0);
}
END_TEST

/* A broken version shows in the log, in the status, and harms nothing. */
START_TEST(test_lifecycle_broken_version_beside_a_good_one_leaves_the_good_one_serving)
{
    struct daemon server;
    struct client client;
    struct client_answer answer;
    model_store_add(folder.path, "m", "1", model_any, 1);
    model_store_add_broken(folder.path, "m", "2");
    daemon_start(&server, folder.path, NULL);
    ck_assert_ptr_nonnull(strstr(daemon_log(&server), "event=model_failed model=m version=2"));
    client_init(&client, server.url);
    client_post(&client, "/v1/models/m:predict", "{\"instances\":[[[1,2]]]}", &answer);
    ck_assert_int_eq(answer.status, 200);
    client_answer_release(&answer);
    client_get(&client, "/v1/models/m/versions/2", &answer);
    ck_assert_ptr_nonnull(strstr(answer.body, "\"state\":\"END\""));
    client_answer_release(&answer);
    client_release(&client);
    ck_assert_int_eq(daemon_stop(&server), 0);
}
END_TEST

START_TEST(test_lifecycle_without_a_model_that_serves_it_says_so_and_ends)
{
    const char *const arguments[] = {"serve",     "--port",      "0",   "--models",
                                     folder.path, "--log-level", "off", NULL};
    struct daemon_run run;
    if (_i == 1)
        model_store_add_broken(folder.path, "m", "1");
    daemon_run(arguments, &run);
    ck_assert_int_eq(run.exit_status, 1);
    ck_assert_str_eq(run.out, "");
    ck_assert_msg(strstr(run.log, "no model in ") != NULL && strstr(run.log, folder.path) != NULL,
                  "%s", run.log);
    ck_assert_ptr_eq(strchr(run.log, '\n'), run.log + strlen(run.log) - 1);
}
END_TEST

START_TEST(test_lifecycle_missing_repository_is_named)
{
    static const char *const arguments[] = {"serve",    "--port",         "0",
                                            "--models", "no/such/folder", NULL};
    struct daemon_run run;
    daemon_run(arguments, &run);
    ck_assert_int_eq(run.exit_status, 1);
    ck_assert_ptr_nonnull(strstr(run.log, "cannot read the model repository no/such/folder: "));
}
END_TEST

START_TEST(test_lifecycle_port_in_use_is_named)
{
    struct daemon server;
    struct daemon_run run;
    char port[16], expected[64];
    model_store_add(folder.path, "m", "1", model_any, 1);
    daemon_start(&server, folder.path, NULL);
    snprintf(port, sizeof port, "%u", (unsigned)server.port);
    const char *const arguments[] = {"serve",     "--port",      port,  "--models",
                                     folder.path, "--log-level", "off", NULL};
    daemon_run(arguments, &run);
    ck_assert_int_eq(run.exit_status, 1);
    ck_assert_str_eq(run.out, "");
    snprintf(expected, sizeof expected, "lstmd: cannot listen on 127.0.0.1, port %s: ", port);
    ck_assert_msg(strstr(run.log, expected) == run.log, "%s", run.log);
    ck_assert_int_eq(daemon_stop(&server), 0);
}
END_TEST

static const struct {
    const char *arguments[4];
    const char *words;
} bad_options[] = {
    {{NULL}, "no command given"},
    {{"sreve"}, "unknown command sreve"},
    {{"serve", "--prot", "1"}, "--prot"},
    {{"serve", "--port"}, "--port"},
    {{"serve", "--port", "65536"}, "--port"},
    {{"serve", "--port", "80x"}, "--port"},
    {{"serve", "--max-batch", "0"}, "--max-batch"},
    {{"serve", "--log-level", "loud"}, "--log-level"},
    {{"serve", "extra"}, "extra"},
};

START_TEST(test_lifecycle_bad_options_are_one_line_and_exit_status_2)
{
    struct daemon_run run;
    daemon_run(bad_options[_i].arguments, &run);
    ck_assert_int_eq(run.exit_status, 2);
    ck_assert_str_eq(run.out, "");
    ck_assert_msg(strstr(run.log, bad_options[_i].words) != NULL, "%s", run.log);
    ck_assert_ptr_eq(strchr(run.log, '\n'), run.log + strlen(run.log) - 1);
}
END_TEST

Suite *suite_lifecycle(void)
{
    Suite *suite = suite_create("lifecycle");
    TCase *tcase = tcase_create("lifecycle");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, test_lifecycle_daemon_says_where_it_serves_and_ends_well, 0, 2);
    tcase_add_test(tcase, test_lifecycle_ready_line_counts_the_models_that_serve);
    tcase_add_test(tcase,
                   test_lifecycle_broken_version_beside_a_good_one_leaves_the_good_one_serving);
    tcase_add_loop_test(tcase, test_lifecycle_without_a_model_that_serves_it_says_so_and_ends, 0,
                        2);
    tcase_add_test(tcase, test_lifecycle_missing_repository_is_named);
    tcase_add_test(tcase, test_lifecycle_port_in_use_is_named);
    tcase_add_loop_test(tcase, test_lifecycle_bad_options_are_one_line_and_exit_status_2, 0,
                        N_CASES(bad_options));
    suite_add_tcase(suite, tcase);
    return suite;
}
