/* test_security.c: a real daemon with keys, certificate, origins, limits and another user.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/cases.h"
#include "tests/support/client.h"
#include "tests/support/daemon.h"
#include "tests/support/model_store.h"
#include "tests/support/raw_client.h"
#include "tests/support/temp_folder.h"
#include "tests/support/tls_client.h"

Suite *suite_security(void);

/* SHA-256 of "abc", which may predict, and of "abcd", which may train. */
#define PREDICT "predict sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n"
#define TRAIN   "train sha256:88d4266fd4e6338d13b845fcf289579d209c897823b9217da3e161936f031589\n"

static struct temp_folder folder;
static char models[256], keys[256], certificate[256], key[256];
static struct daemon server;
static struct client client;

static void write_keys(const char *text)
{
    temp_file_write(keys, text, strlen(text));
    ck_assert_int_eq(chmod(keys, 0600), 0);
}

static void set_up(void)
{
    temp_folder_create(&folder);
    temp_folder_path(&folder, "models", models);
    temp_folder_path(&folder, "keys", keys);
    temp_folder_path(&folder, "certificate.pem", certificate);
    temp_folder_path(&folder, "key.pem", key);
    ck_assert_int_eq(mkdir(models, 0755), 0);
    model_store_add(models, "m", "1", model_any, 1);
}

static void tear_down(void)
{
    temp_folder_remove(&folder);
}

static void start(const char *const *options)
{
    daemon_start(&server, models, options);
    client_init(&client, server.url);
}

static void stop(void)
{
    client_release(&client);
    ck_assert_int_eq(daemon_stop(&server), 0);
}

/* The status of a request with this header field (NULL: none); POST if there is a body. */
static int ask(const char *path, const char *field, const char *body)
{
    struct client_answer answer;
    client_ask(&client,
               &(struct client_request){.path = path,
                                        .content_type = body != NULL ? "application/json" : NULL,
                                        .field = field,
                                        .body = body,
                                        .body_bytes = body != NULL ? strlen(body) : 0},
               &answer);
    int status = answer.status;
    client_answer_release(&answer);
    return status;
}

static const char instance[] = "{\"instances\":[[[1,2]]]}";

START_TEST(test_security_key_opens_what_its_scope_says)
{
    write_keys(PREDICT TRAIN);
    start((const char *const[]){"--api-keys", keys, NULL});
    ck_assert_int_eq(ask("/v2/health/live", NULL, NULL), 200);
    ck_assert_int_eq(ask("/v2/health/ready", NULL, NULL), 200);
    ck_assert_int_eq(ask("/v1/models", NULL, NULL), 401);
    ck_assert_int_eq(ask("/metrics", NULL, NULL), 401);
    ck_assert_int_eq(ask("/v1/models/m:predict", NULL, instance), 401);
    ck_assert_int_eq(ask("/v1/models/m:predict", "X-API-Key: guess", instance), 401);
    ck_assert_int_eq(ask("/v1/models", "X-API-Key: abcd", NULL), 200);
    ck_assert_int_eq(ask("/metrics", "X-API-Key: abcd", NULL), 200);
    ck_assert_int_eq(ask("/v1/models/m:predict", "X-API-Key: abcd", instance), 403);
    ck_assert_int_eq(ask("/v1/models/m:predict", "Authorization: Bearer abc", instance), 200);
    stop();
}
END_TEST

START_TEST(test_security_page_of_another_site_can_neither_act_nor_become_this_machine)
{
    char page[128];
    start((const char *const[]){"--cors-origins", "https://good.example", NULL});
    snprintf(page, sizeof page, "Origin: %s", server.url);
    ck_assert_int_eq(ask("/v1/models/m:predict", NULL, instance), 200);
    ck_assert_int_eq(ask("/v1/models/m:predict", page, instance), 200);
    ck_assert_int_eq(ask("/v1/models/m:predict", "Origin: https://good.example", instance), 200);
    ck_assert_int_eq(ask("/v1/models/m:predict", "Origin: https://evil.example", instance), 403);
    ck_assert_int_eq(ask("/v1/models/m:predict", "Sec-Fetch-Site: cross-site", instance), 403);
    ck_assert_int_eq(ask("/v1/models", "Origin: https://evil.example", NULL), 200);
    ck_assert_int_eq(ask("/v1/models", "Host: evil.example:8501", NULL), 403);
    ck_assert_int_eq(ask("/v1/models", "Host: localhost:8501", NULL), 200);
    ck_assert_int_eq(ask("/v1/models", "Host: good.example", NULL), 200);
    stop();
}
END_TEST

START_TEST(test_security_answer_401_says_how_and_never_repeats_the_key)
{
    struct client_answer answer;
    write_keys(PREDICT);
    start((const char *const[]){"--api-keys", keys, "--log-level", "debug", NULL});
    client_ask(&client,
               &(struct client_request){.path = "/v1/models", .field = "X-API-Key: guess-me"},
               &answer);
    ck_assert_int_eq(answer.status, 401);
    ck_assert_str_eq(client_answer_field(&answer, "WWW-Authenticate"), "Bearer realm=\"lstmd\"");
    ck_assert_ptr_null(strstr(answer.body, "guess-me"));
    ck_assert_ptr_null(strstr(daemon_log(&server), "guess-me"));
    client_answer_release(&answer);
    stop();
}
END_TEST

/* Asks until the key's status is `expected`; the daemon's patience is the test's. */
static void await_status(const char *field, int expected)
{
    while (ask("/v1/models", field, NULL) != expected)
        ck_assert_msg(kill(server.pid, 0) == 0, "the daemon has ended");
}

START_TEST(test_security_keys_are_read_again_on_sighup)
{
    write_keys(PREDICT);
    start((const char *const[]){"--api-keys", keys, NULL});
    ck_assert_int_eq(ask("/v1/models", "X-API-Key: abcd", NULL), 401);
    write_keys(TRAIN);
    daemon_signal(&server, SIGHUP);
    await_status("X-API-Key: abcd", 200);
    ck_assert_int_eq(ask("/v1/models", "X-API-Key: abc", NULL), 401);
    write_keys("broken\n");
    daemon_signal(&server, SIGHUP);
    while (strstr(daemon_log(&server), "reload_failed") == NULL)
        ck_assert_int_eq(ask("/v1/models", "X-API-Key: abcd", NULL), 200);
    ck_assert_int_eq(ask("/v1/models", "X-API-Key: abcd", NULL), 200);
    stop();
}
END_TEST

START_TEST(test_security_public_key_file_and_open_address_are_warned_of)
{
    write_keys(PREDICT);
    start((const char *const[]){"--host", "0.0.0.0", NULL});
    ck_assert_ptr_nonnull(strstr(daemon_log(&server), "event=open_to_all"));
    stop();
    start((const char *const[]){"--host", "0.0.0.0", "--api-keys", keys, NULL});
    ck_assert_str_eq(daemon_log(&server), "");
    stop();
    ck_assert_int_eq(chmod(keys, 0644), 0);
    start((const char *const[]){"--api-keys", keys, NULL});
    ck_assert_ptr_nonnull(strstr(daemon_log(&server), "event=api_keys_public"));
    stop();
}
END_TEST

START_TEST(test_security_https_serves_and_takes_a_new_certificate_on_sighup)
{
    struct tls_client secure;
    char text[4096];
    certificate_write("first", certificate, key);
    ck_assert_int_eq(chmod(key, 0600), 0);
    start((const char *const[]){"--tls-cert", certificate, "--tls-key", key, NULL});
    ck_assert_ptr_nonnull(strstr(server.ready_line, " on https://127.0.0.1:"));
    tls_client_connect(&secure, server.port, NULL);
    ck_assert_str_eq(secure.common_name, "first");
    tls_client_ask(&secure,
                   "POST /v1/models/m:predict HTTP/1.1\r\nHost: x\r\nContent-Length: 23\r\n\r\n"
                   "{\"instances\":[[[1,2]]]}",
                   text, sizeof text);
    ck_assert_ptr_nonnull(strstr(text, "HTTP/1.1 200 "));
    tls_client_close(&secure);

    certificate_write("second", certificate, key);
    daemon_signal(&server, SIGHUP);
    do {
        tls_client_connect(&secure, server.port, NULL);
        tls_client_close(&secure);
    } while (strcmp(secure.common_name, "second") != 0);
    stop();
}
END_TEST

START_TEST(test_security_browser_of_an_allowed_site_may_ask_and_read)
{
    static struct raw_client raw;
    static struct raw_answer answer;
    start((const char *const[]){"--cors-origins", "https://a.example", NULL});
    raw_client_connect(&raw, server.port);
    raw_client_send_text(&raw, "OPTIONS /v1/models/m:predict HTTP/1.1\r\nHost: x\r\n"
                               "Origin: https://a.example\r\n"
                               "Access-Control-Request-Method: POST\r\n\r\n");
    raw_client_receive(&raw, &answer, false);
    ck_assert_int_eq(answer.status, 204);
    ck_assert_str_eq(raw_answer_field(&answer, "Access-Control-Allow-Methods"), "POST");
    const char *allowed = raw_answer_field(&answer, "Access-Control-Allow-Headers");
    ck_assert_ptr_nonnull(strstr(allowed, "Content-Type, Authorization, X-API-Key"));
    raw_client_ask(&raw, "GET /v1/models HTTP/1.1\r\nHost: x\r\nOrigin: https://a.example\r\n\r\n",
                   &answer);
    ck_assert_int_eq(answer.status, 200);
    ck_assert_str_eq(raw_answer_field(&answer, "Access-Control-Allow-Origin"), "https://a.example");
    ck_assert_str_eq(raw_answer_field(&answer, "Vary"), "Origin");
    ck_assert_ptr_nonnull(
        strstr(raw_answer_field(&answer, "Access-Control-Expose-Headers"), "X-Request-Id"));
    raw_client_ask(&raw, "GET /v1/models HTTP/1.1\r\nHost: x\r\nOrigin: https://b.example\r\n\r\n",
                   &answer);
    ck_assert_ptr_null(raw_answer_field(&answer, "Access-Control-Allow-Origin"));
    raw_client_close(&raw);
    stop();
}
END_TEST

START_TEST(test_security_connections_of_one_address_are_bounded)
{
    static struct raw_client first, second;
    static struct raw_answer answer;
    start((const char *const[]){"--max-connections-per-address", "1", NULL});
    raw_client_connect(&first, server.port);
    raw_client_ask(&first, "GET /v2/health/live HTTP/1.1\r\nHost: x\r\n\r\n", &answer);
    ck_assert_int_eq(answer.status, 200);
    raw_client_connect(&second, server.port);
    ck_assert(raw_client_is_closed(&second));
    raw_client_ask(&first, "GET /v2/health/live HTTP/1.1\r\nHost: x\r\n\r\n", &answer);
    ck_assert_int_eq(answer.status, 200);
    raw_client_close(&first);
    raw_client_close(&second);
    stop();
}
END_TEST

START_TEST(test_security_timeout_that_is_no_number_is_400)
{
    start(NULL);
    ck_assert_int_eq(ask("/v1/models/m:predict", "X-Request-Timeout-Ms: soon", instance), 400);
    ck_assert_int_eq(ask("/v1/models/m:predict", "X-Request-Timeout-Ms: 60000", instance), 200);
    stop();
}
END_TEST

static const struct {
    const char *option[4];
    const char *expected; /* of the error */
} bad_starts[] = {
    {{"--tls-cert", "c.pem"}, "--tls-key is missing"},
    {{"--tls-key", "k.pem"}, "--tls-cert is missing"},
    {{"--tls-key", "/nonexistent", "--tls-cert", "/nonexistent"}, "/nonexistent"},
    {{"--api-keys", "/nonexistent"}, "/nonexistent"},
    {{"--cors-origins", "a.example"}, "no origin"},
    {{"--user", "no-such-user"}, "no-such-user"},
};

START_TEST(test_security_half_a_configuration_does_not_start)
{
    const char *arguments[10] = {"serve", "--port", "0", "--models", models};
    struct daemon_run run;
    memcpy(&arguments[5], bad_starts[_i].option, sizeof bad_starts[_i].option);
    daemon_run(arguments, &run);
    ck_assert_int_eq(run.exit_status, EXIT_FAILURE);
    ck_assert_str_eq(run.out, "");
    ck_assert_msg(strstr(run.log, bad_starts[_i].expected) != NULL, "%s", run.log);
}
END_TEST

/* The line of /proc/<pid>/status of this name. */
static const char *status_line(const char *name)
{
    static char line[256];
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/status", (int)server.pid);
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    while (fgets(line, sizeof line, file) != NULL && strncmp(line, name, strlen(name)) != 0)
        line[0] = '\0';
    fclose(file);
    return line;
}

/* Only root can become somebody else. */
START_TEST(test_security_root_becomes_another_user_and_serves)
{
    unsigned real, effective, saved;
    if (geteuid() != 0)
        return;
    write_keys(PREDICT); /* for root's eyes only */
    ck_assert_int_eq(chmod(folder.path, 0755), 0);
    start((const char *const[]){"--user", "nobody", "--api-keys", keys, NULL});
    ck_assert_int_eq(sscanf(status_line("Uid:"), "Uid: %u %u %u", &real, &effective, &saved), 3);
    ck_assert_uint_ne(real, 0);
    ck_assert(real == effective && effective == saved);
    ck_assert_uint_ne(strtoul(status_line("Groups:") + strlen("Groups:"), NULL, 10), 0);
    ck_assert_int_eq(ask("/v1/models/m:predict", "X-API-Key: abc", instance), 200);
    stop();
}
END_TEST

Suite *suite_security(void)
{
    Suite *suite = suite_create("security");
    TCase *tcase = tcase_create("security");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, test_security_key_opens_what_its_scope_says);
    tcase_add_test(tcase,
                   test_security_page_of_another_site_can_neither_act_nor_become_this_machine);
    tcase_add_test(tcase, test_security_answer_401_says_how_and_never_repeats_the_key);
    tcase_add_test(tcase, test_security_keys_are_read_again_on_sighup);
    tcase_add_test(tcase, test_security_public_key_file_and_open_address_are_warned_of);
    tcase_add_test(tcase, test_security_https_serves_and_takes_a_new_certificate_on_sighup);
    tcase_add_test(tcase, test_security_browser_of_an_allowed_site_may_ask_and_read);
    tcase_add_test(tcase, test_security_connections_of_one_address_are_bounded);
    tcase_add_test(tcase, test_security_timeout_that_is_no_number_is_400);
    tcase_add_loop_test(tcase, test_security_half_a_configuration_does_not_start, 0,
                        N_CASES(bad_starts));
    tcase_add_test(tcase, test_security_root_becomes_another_user_and_serves);
    suite_add_tcase(suite, tcase);
    return suite;
}
