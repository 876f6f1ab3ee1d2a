/* test_healthcheck.c: `lstmd healthcheck` beside a real daemon. SPDX-License-Identifier: Apache-2.0
 */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/daemon.h"
#include "tests/support/model_store.h"
#include "tests/support/reserved_port.h"
#include "tests/support/temp_folder.h"
#include "tests/support/tls_client.h"

Suite *suite_healthcheck(void);

static struct daemon server;
static struct daemon_run run;
static char port[8];

static void start(void)
{
    daemon_start(&server, "models", NULL);
    snprintf(port, sizeof port, "%u", server.port);
}

static void stop(void)
{
    ck_assert_int_eq(daemon_stop(&server), 0);
}

static void teardown(void)
{
    unsetenv("LSTMD_HOST");
    unsetenv("LSTMD_PORT");
    unsetenv("LSTMD_CONFIG");
}

static void check(const char *const *arguments, int status, const char *words)
{
    daemon_run(arguments, &run);
    ck_assert_msg(run.exit_status == status, "%d %s", run.exit_status, run.log);
    ck_assert_str_eq(run.out, "");
    ck_assert_msg(strstr(run.log, words) != NULL, "%s", run.log);
}

START_TEST(test_healthcheck_of_a_ready_server_is_silent)
{
    const char *const by_url[] = {"healthcheck", "--server", server.url, NULL};
    const char *const by_port[] = {"healthcheck", "--host", "::ffff:127.0.0.1",
                                   "--port",      port,     NULL};
    start();
    check(by_url, 0, "");
    ck_assert_str_eq(run.log, "");
    check(by_port, 0, "");
    stop();
}
END_TEST

START_TEST(test_healthcheck_finds_the_server_by_its_own_variables_and_file)
{
    static const char *const nothing[] = {"healthcheck", NULL};
    struct temp_folder folder;
    char path[256], text[128];
    start();
    setenv("LSTMD_HOST", "0.0.0.0", 1);
    setenv("LSTMD_PORT", port, 1);
    check(nothing, 0, "");
    teardown();
    temp_folder_create(&folder);
    snprintf(text, sizeof text, "{\"max-batch\": 64, \"port\": %s}", port);
    temp_file_write(temp_folder_path(&folder, "lstmd.json", path), text, strlen(text));
    setenv("LSTMD_CONFIG", path, 1);
    check(nothing, 0, "");
    temp_file_write(path, "{\"max-bach\": 64}", 16);
    check(nothing, 2, "max-bach");
    temp_folder_remove(&folder);
    stop();
}
END_TEST

/* By the certificate that the server shows, or by one that is named; without it, nothing is ready.
 */
START_TEST(test_healthcheck_asks_by_https_where_the_server_speaks_it)
{
    struct temp_folder folder;
    char certificate[256], key[256], url[64];
    temp_folder_create(&folder);
    certificate_write("localhost", temp_folder_path(&folder, "certificate.pem", certificate),
                      temp_folder_path(&folder, "key.pem", key));
    daemon_start(&server, "models",
                 (const char *const[]){"--tls-cert", certificate, "--tls-key", key, NULL});
    snprintf(port, sizeof port, "%u", server.port);
    snprintf(url, sizeof url, "https://localhost:%s", port);
    check((const char *const[]){"healthcheck", "--host", "localhost", "--port", port, "--tls-cert",
                                certificate, NULL},
          0, "");
    check((const char *const[]){"healthcheck", "--server", url, "--ca-file", certificate, NULL}, 0,
          "");
    check((const char *const[]){"healthcheck", "--server", url, NULL}, 1,
          "its certificate is not trusted");
    check((const char *const[]){"healthcheck", "--server", url, "--ca-file", "/nonexistent", NULL},
          1, "");
    stop();
    temp_folder_remove(&folder);
}
END_TEST

/* It answers, but a model of its repository does not load. */
START_TEST(test_healthcheck_of_a_server_that_is_not_ready_says_why)
{
    struct temp_folder folder;
    temp_folder_create(&folder);
    model_store_add(folder.path, "any", "1", model_any, 1);
    model_store_add_broken(folder.path, "broken", "1");
    daemon_start(&server, folder.path, NULL);
    snprintf(port, sizeof port, "%u", server.port);
    check((const char *const[]){"healthcheck", "--port", port, NULL}, 1, "is not ready: 503 ");
    ck_assert_ptr_nonnull(strstr(run.log, "a model is still loading or failed to load"));
    stop();
    temp_folder_remove(&folder);
}
END_TEST

START_TEST(test_healthcheck_of_no_server_says_so)
{
    struct reserved_port nobody;
    reserved_port_take(&nobody);
    const char *const gone[] = {"healthcheck", "--port", nobody.text, NULL};
    check(gone, 1, "Connection refused");
    reserved_port_release(&nobody);
}
END_TEST

static const struct {
    const char *url, *words;
} wrong[] = {{"localhost:8501", "expected http://host:port"},
             {"http://", "expected http://host:port"},
             {"http://localhost:x", "expected a port"},
             {"http://localhost:8501/v2", "nothing behind the port"},
             {"ftp://localhost", "expected http://host:port"}};

START_TEST(test_healthcheck_wrong_address_is_told)
{
    const char *const arguments[] = {"healthcheck", "--server", wrong[_i].url, NULL};
    check(arguments, 1, wrong[_i].words);
}
END_TEST

START_TEST(test_healthcheck_of_a_server_that_hangs_ends_with_its_timeout)
{
    const char *const arguments[] = {"healthcheck",       "--server", server.url,
                                     "--timeout-seconds", "1",        NULL};
    start();
    daemon_suspend(&server);
    check(arguments, 1, "no answer in time");
    daemon_signal(&server, SIGCONT);
    stop();
}
END_TEST

Suite *suite_healthcheck(void)
{
    Suite *suite = suite_create("healthcheck");
    TCase *tcase = tcase_create("healthcheck");
    suite_add_tcase(suite, tcase);
    tcase_add_checked_fixture(tcase, NULL, teardown);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, test_healthcheck_of_a_ready_server_is_silent);
    tcase_add_test(tcase, test_healthcheck_finds_the_server_by_its_own_variables_and_file);
    tcase_add_test(tcase, test_healthcheck_asks_by_https_where_the_server_speaks_it);
    tcase_add_test(tcase, test_healthcheck_of_a_server_that_is_not_ready_says_why);
    tcase_add_test(tcase, test_healthcheck_of_no_server_says_so);
    tcase_add_loop_test(tcase, test_healthcheck_wrong_address_is_told, 0,
                        sizeof wrong / sizeof *wrong);
    tcase_add_test(tcase, test_healthcheck_of_a_server_that_hangs_ends_with_its_timeout);
    return suite;
}
