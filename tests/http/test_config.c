/* test_config.c: the binary with config files, and the texts that it writes about itself.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/options_text.h"
#include "tests/support/cases.h"
#include "tests/support/client.h"
#include "tests/support/daemon.h"
#include "tests/support/temp_folder.h"

Suite *suite_config(void);

static struct temp_folder folder;
static char path[256];
static struct daemon_run run;

static void setup(void)
{
    temp_folder_create(&folder);
    temp_folder_path(&folder, "lstmd.json", path);
}

static void teardown(void)
{
    unsetenv("LSTMD_CONFIG");
    unsetenv("LSTMD_MAX_STEPS");
    temp_folder_remove(&folder);
}

static void write_config(const char *text)
{
    temp_file_write(path, text, strlen(text));
}

/* "value source" of an option of what --print-config has printed. */
static const char *printed(const json_t *config, const char *name)
{
    static char text[128];
    json_t *const member = json_object_get(config, name);
    char *const value = json_dumps(json_object_get(member, "value"), JSON_ENCODE_ANY);
    ck_assert_msg(value != NULL, "no %s", name);
    snprintf(text, sizeof text, "%s %s", value,
             json_string_value(json_object_get(member, "source")));
    free(value);
    return text;
}

START_TEST(test_config_printed_one_tells_each_value_and_its_source)
{
    const char *const arguments[] = {"serve",           "--config",       path,
                                     "--log-level=off", "--print-config", NULL};
    write_config("{\"max-batch\": 64, \"max-steps\": 10, \"log-level\": \"warn\"}");
    setenv("LSTMD_MAX_STEPS", "20", 1);
    daemon_run(arguments, &run);
    ck_assert_int_eq(run.exit_status, 0);
    ck_assert_str_eq(run.log, "");
    json_t *const config = json_loads(run.out, JSON_REJECT_DUPLICATES, NULL);
    ck_assert_msg(config != NULL, "%s", run.out);
    ck_assert_str_eq(printed(config, "max-batch"), "64 file");
    ck_assert_str_eq(printed(config, "max-steps"), "20 environment");
    ck_assert_str_eq(printed(config, "log-level"), "\"off\" flag");
    ck_assert_str_eq(printed(config, "host"), "\"127.0.0.1\" default");
    json_decref(config);
}
END_TEST

/* A password of the Redis server, as it is given and as it may be seen. */
static const struct {
    const char *store, *printed;
} stores[] = {{"memory", "memory"},
              {"redis://localhost:6379/1", "redis://localhost:6379/1"},
              {"redis://lstmd:secret@localhost/1", "redis://lstmd:***@localhost/1"},
              {"redis://:secret@localhost", "redis://:***@localhost"},
              {"redis://a:secret@secret@[::1]:1/0", "redis://a:***@[::1]:1/0"},
              {"redis://secret@localhost", "redis://***@localhost"},
              {"a:secret@localhost", "a:***@localhost"},
              {"redis://lstmd:with/secret@localhost", "redis://lstmd:***@localhost"}};

START_TEST(test_config_printed_password_is_stars)
{
    char expected[128];
    const char *const arguments[] = {"serve", "--session-store", stores[_i].store, "--print-config",
                                     NULL};
    daemon_run(arguments, &run);
    ck_assert_int_eq(run.exit_status, 0);
    json_t *const config = json_loads(run.out, JSON_REJECT_DUPLICATES, NULL);
    ck_assert_msg(config != NULL, "%s", run.out);
    snprintf(expected, sizeof expected, "\"%s\" flag", stores[_i].printed);
    ck_assert_str_eq(printed(config, "session-store"), expected);
    ck_assert_ptr_null(strstr(run.out, "secret"));
    json_decref(config);
}
END_TEST

START_TEST(test_config_file_of_the_environment_holds_for_a_daemon)
{
    struct daemon server;
    struct client client;
    struct client_answer answer;
    write_config("{\"max-body-bytes\": 1024}");
    setenv("LSTMD_CONFIG", path, 1);
    daemon_start(&server, "models", NULL);
    client_init(&client, server.url);
    const struct client_request request = {
        .path = "/v1/models/mnist:predict", .body = folder.path, .body_bytes = 1};
    char body[1025];
    struct client_request longer = request;
    memset(body, ' ', sizeof body);
    longer.body = body;
    longer.body_bytes = sizeof body;
    client_ask(&client, &longer, &answer);
    ck_assert_int_eq(answer.status, 413);
    client_answer_release(&answer);
    client_ask(&client, &request, &answer);
    ck_assert_int_eq(answer.status, 400);
    client_answer_release(&answer);
    client_release(&client);
    ck_assert_int_eq(daemon_stop(&server), 0);
}
END_TEST

START_TEST(test_config_file_that_is_wrong_is_one_line_and_exit_status_2)
{
    const char *const arguments[] = {"serve", "--config", path, NULL};
    char expected[512];
    write_config("{\"max-bacth\": 64}");
    daemon_run(arguments, &run);
    ck_assert_int_eq(run.exit_status, 2);
    ck_assert_str_eq(run.out, "");
    snprintf(expected, sizeof expected,
             "lstmd: %s: \"max-bacth\" is no option; see lstmd serve --help for those there are\n",
             path);
    ck_assert_str_eq(run.log, expected);
}
END_TEST

START_TEST(test_config_completion_of_an_unknown_shell_is_refused)
{
    static const char *const arguments[] = {"completion", "tcsh", NULL};
    daemon_run(arguments, &run);
    ck_assert_int_eq(run.exit_status, 2);
    ck_assert_str_eq(run.out, "");
    ck_assert_str_eq(run.log, "lstmd: no completion for \"tcsh\"; expected bash, fish or zsh\n");
}
END_TEST

Suite *suite_config(void)
{
    Suite *suite = suite_create("config");
    TCase *tcase = tcase_create("config");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, test_config_printed_one_tells_each_value_and_its_source);
    tcase_add_loop_test(tcase, test_config_printed_password_is_stars, 0, N_CASES(stores));
    tcase_add_test(tcase, test_config_file_of_the_environment_holds_for_a_daemon);
    tcase_add_test(tcase, test_config_file_that_is_wrong_is_one_line_and_exit_status_2);
    tcase_add_test(tcase, test_config_completion_of_an_unknown_shell_is_refused);
    suite_add_tcase(suite, tcase);
    return suite;
}
