/* test_tls.c: certificates, and HTTPS through the HTTP front. SPDX-License-Identifier: Apache-2.0
 */
#include <check.h>
#include <string.h>

#include "server/log.h"
#include "server/tls.h"
#include "tests/support/http_fixture.h"
#include "tests/support/temp_folder.h"
#include "tests/support/tls_client.h"

Suite *suite_tls(void);

static struct temp_folder folder;
static char certificate[256], key[256];
static struct lstm_error error;

static void set_up(void)
{
    log_init(LOG_LEVEL_OFF, LOG_FORMAT_LOGFMT);
    temp_folder_create(&folder);
    certificate_write("first", temp_folder_path(&folder, "certificate.pem", certificate),
                      temp_folder_path(&folder, "key.pem", key));
}

static void tear_down(void)
{
    tls_release();
    temp_folder_remove(&folder);
}

static void set_up_server(void)
{
    set_up();
    ck_assert_msg(tls_load(certificate, key, &error) == LSTM_OK, "%s", error.text);
    struct http_options options = fixture_options();
    options.is_tls = true;
    fixture_start_with(options);
}

static void tear_down_server(void)
{
    fixture_stop();
    tear_down();
}

START_TEST(test_tls_key_of_another_certificate_is_an_error_that_names_both)
{
    char other[256], unused[256];
    certificate_write("second", temp_folder_path(&folder, "unused.pem", unused),
                      temp_folder_path(&folder, "other.pem", other));
    ck_assert_int_eq(tls_load(certificate, other, &error), LSTM_INVALID);
    ck_assert_ptr_nonnull(strstr(error.text, other));
    ck_assert_ptr_nonnull(strstr(error.text, certificate));
}
END_TEST

START_TEST(test_tls_files_that_are_none_are_errors)
{
    ck_assert_int_eq(tls_load(key, key, &error), LSTM_INVALID);
    ck_assert_ptr_nonnull(strstr(error.text, "certificate"));
    ck_assert_int_eq(tls_load(certificate, certificate, &error), LSTM_INVALID);
    ck_assert_ptr_nonnull(strstr(error.text, "private key"));
    ck_assert_int_eq(tls_load(certificate, "/nonexistent", &error), LSTM_IO);
    ck_assert_ptr_nonnull(strstr(error.text, "/nonexistent"));
    temp_file_write(key, "", 0);
    ck_assert_int_eq(tls_load(certificate, key, &error), LSTM_INVALID);
}
END_TEST

static const char echo[] = "POST /echo/m HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}";

START_TEST(test_tls_requests_are_answered_over_tls_1_3_and_1_2)
{
    static const char *const versions[] = {"NORMAL:-VERS-ALL:+VERS-TLS1.3",
                                           "NORMAL:-VERS-ALL:+VERS-TLS1.2"};
    static const char *const names[] = {"TLS1.3", "TLS1.2"};
    struct tls_client secure;
    char text[2048];
    tls_client_connect(&secure, http_port, versions[_i]);
    ck_assert_str_eq(secure.protocol, names[_i]);
    ck_assert_str_eq(secure.common_name, "first");
    for (int k = 0; k < 3; k++) {
        tls_client_ask(&secure, echo, text, sizeof text);
        ck_assert_ptr_nonnull(strstr(text, "POST|m||none|{}"));
    }
    tls_client_close(&secure);
}
END_TEST

START_TEST(test_tls_old_versions_are_refused)
{
    struct tls_client secure;
    ck_assert_int_lt(tls_client_try(&secure, http_port, "NORMAL:-VERS-ALL:+VERS-TLS1.1:%COMPAT"),
                     0);
}
END_TEST

START_TEST(test_tls_reload_is_for_new_connections)
{
    struct tls_client before, after;
    char text[2048];
    tls_client_connect(&before, http_port, NULL);
    certificate_write("second", certificate, key);
    ck_assert_int_eq(tls_load(certificate, key, &error), LSTM_OK);
    tls_client_connect(&after, http_port, NULL);
    ck_assert_str_eq(before.common_name, "first");
    ck_assert_str_eq(after.common_name, "second");
    tls_client_ask(&before, echo, text, sizeof text);
    tls_client_ask(&after, echo, text, sizeof text);
    tls_client_close(&before);
    tls_client_close(&after);
}
END_TEST

START_TEST(test_tls_broken_reload_serves_what_was_served)
{
    struct tls_client secure;
    temp_file_write(certificate, "nonsense", 8);
    ck_assert_int_eq(tls_load(certificate, key, &error), LSTM_INVALID);
    tls_client_connect(&secure, http_port, NULL);
    ck_assert_str_eq(secure.common_name, "first");
    tls_client_close(&secure);
}
END_TEST

Suite *suite_tls(void)
{
    Suite *suite = suite_create("tls");
    TCase *files = tcase_create("files");
    tcase_add_checked_fixture(files, set_up, tear_down);
    tcase_add_test(files, test_tls_key_of_another_certificate_is_an_error_that_names_both);
    tcase_add_test(files, test_tls_files_that_are_none_are_errors);
    suite_add_tcase(suite, files);
    TCase *server = tcase_create("server");
    tcase_add_checked_fixture(server, set_up_server, tear_down_server);
    tcase_set_timeout(server, 20);
    tcase_add_loop_test(server, test_tls_requests_are_answered_over_tls_1_3_and_1_2, 0, 2);
    tcase_add_test(server, test_tls_old_versions_are_refused);
    tcase_add_test(server, test_tls_reload_is_for_new_connections);
    tcase_add_test(server, test_tls_broken_reload_serves_what_was_served);
    suite_add_tcase(suite, server);
    return suite;
}
