/* test_keys.c: key files, and what a key may do. SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "server/keys.h"
#include "server/log.h"
#include "tests/support/cases.h"
#include "tests/support/temp_folder.h"

Suite *suite_keys(void);

/* SHA-256 of "abc" (FIPS 180-2) and of the empty text. */
#define ABC   "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define EMPTY "sha256:E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855"

static struct temp_folder folder;
static char path[256];
static struct keys *keys;
static struct lstm_error error;

static void set_up(void)
{
    log_init(LOG_LEVEL_OFF, LOG_FORMAT_LOGFMT);
    temp_folder_create(&folder);
    temp_folder_path(&folder, "keys", path);
    keys = NULL;
}

static void tear_down(void)
{
    keys_close(keys);
    temp_folder_remove(&folder);
}

static void write_keys(const char *text)
{
    temp_file_write(path, text, strlen(text));
}

static void open_keys(const char *text)
{
    write_keys(text);
    ck_assert_msg(keys_open(path, &keys, &error) == LSTM_OK, "%s", error.text);
}

static enum key_verdict check(const char *key, enum scope scope)
{
    char name[KEY_NAME_BYTES];
    return keys_check(keys, key, strlen(key), scope, name);
}

START_TEST(test_keys_known_key_has_its_name_and_may_what_its_scopes_say)
{
    char name[KEY_NAME_BYTES] = "left over";
    open_keys("# who\n\npredict " ABC " dashboard # a comment\r\n");
    ck_assert_uint_eq(keys_count(keys), 1);
    ck_assert_int_eq(keys_check(keys, "abcd", 3, SCOPE_PREDICT, name), KEY_ACCEPTED);
    ck_assert_str_eq(name, "dashboard");
    ck_assert_int_eq(check("abc", SCOPE_READ), KEY_ACCEPTED);
    ck_assert_int_eq(check("abc", SCOPE_TRAIN), KEY_INSUFFICIENT);
    ck_assert_int_eq(check("abc", SCOPE_ADMIN), KEY_INSUFFICIENT);
}
END_TEST

START_TEST(test_keys_unknown_key_is_unknown_and_has_no_name)
{
    char name[KEY_NAME_BYTES] = "left over";
    open_keys("predict " ABC " dashboard");
    ck_assert_int_eq(keys_check(keys, "abd", 3, SCOPE_READ, name), KEY_UNKNOWN);
    ck_assert_str_eq(name, "");
    ck_assert_int_eq(check("", SCOPE_READ), KEY_UNKNOWN);
}
END_TEST

START_TEST(test_keys_admin_may_everything_and_two_scopes_both)
{
    open_keys("admin " ABC "\npredict,train\t" EMPTY "\n");
    ck_assert_uint_eq(keys_count(keys), 2);
    for (enum scope scope = SCOPE_ADMIN; scope < SCOPE_NONE; scope++)
        ck_assert_int_eq(check("abc", scope), KEY_ACCEPTED);
    ck_assert_int_eq(check("", SCOPE_TRAIN), KEY_ACCEPTED);
    ck_assert_int_eq(check("", SCOPE_PREDICT), KEY_ACCEPTED);
    ck_assert_int_eq(check("", SCOPE_ADMIN), KEY_INSUFFICIENT);
}
END_TEST

static const struct {
    const char *text, *expected;
} bad_files[] = {
    {"", "empty"},
    {"# nobody\n", "has no keys"},
    {"predict\n", "line 1"},
    {"admin " ABC "\nread " ABC "\n", "line 2"},
    {"none " ABC "\n", "line 1"},
    {"predict, " ABC "\n", "line 1"},
    {"predict,,train " ABC "\n", "line 1"},
    {"predict sha256:ba78\n", "line 1"},
    {"predict " ABC "0\n", "line 1"},
    {"predict sha256:xa7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n", "line 1"},
    {"predict secret-key\n", "line 1"},
    {"predict " ABC " two words\n", "line 1"},
    {"predict " ABC " a-name-of-more-than-sixty-three-characters-is-not-a-name-but-a-story\n",
     "line 1"},
};

START_TEST(test_keys_bad_file_is_an_error_that_names_the_line)
{
    write_keys(bad_files[_i].text);
    ck_assert_int_eq(keys_open(path, &keys, &error), LSTM_INVALID);
    ck_assert_ptr_null(keys);
    ck_assert_msg(strstr(error.text, bad_files[_i].expected) != NULL, "%s", error.text);
    ck_assert_ptr_nonnull(strstr(error.text, path));
    ck_assert_ptr_null(strstr(error.text, "secret-key"));
}
END_TEST

START_TEST(test_keys_missing_file_is_an_error_that_names_it)
{
    ck_assert_int_eq(keys_open(path, &keys, &error), LSTM_IO);
    ck_assert_ptr_nonnull(strstr(error.text, path));
}
END_TEST

/* Nobody writes to it: who waited would wait for ever. */
START_TEST(test_keys_fifo_is_an_error_at_once)
{
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert_int_eq(keys_open(path, &keys, &error), LSTM_IO);
    ck_assert_ptr_nonnull(strstr(error.text, "is not a regular file"));
}
END_TEST

START_TEST(test_keys_too_many_are_an_error)
{
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    for (int k = 0; k < 1025; k++)
        fprintf(file, "predict " ABC "\n");
    fclose(file);
    ck_assert_int_eq(keys_open(path, &keys, &error), LSTM_INVALID);
    ck_assert_ptr_nonnull(strstr(error.text, "1024"));
}
END_TEST

START_TEST(test_keys_reload_swaps_and_a_broken_file_keeps_the_old)
{
    open_keys("predict " ABC);
    write_keys("predict nonsense");
    ck_assert_int_eq(keys_reload(keys, &error), LSTM_INVALID);
    ck_assert_int_eq(check("abc", SCOPE_PREDICT), KEY_ACCEPTED);
    write_keys("train " EMPTY);
    ck_assert_int_eq(keys_reload(keys, &error), LSTM_OK);
    ck_assert_int_eq(check("abc", SCOPE_PREDICT), KEY_UNKNOWN);
    ck_assert_int_eq(check("", SCOPE_TRAIN), KEY_ACCEPTED);
}
END_TEST

static atomic_bool is_over;

static void *reload_often(void *unused)
{
    for (int k = 0; k < 200; k++)
        ck_assert_int_eq(keys_reload(keys, NULL), LSTM_OK);
    atomic_store(&is_over, true);
    return unused;
}

START_TEST(test_keys_are_good_at_every_moment_of_a_reload)
{
    pthread_t thread;
    atomic_store(&is_over, false);
    open_keys("predict " ABC);
    ck_assert_int_eq(pthread_create(&thread, NULL, reload_often, NULL), 0);
    do
        ck_assert_int_eq(check("abc", SCOPE_PREDICT), KEY_ACCEPTED);
    while (!atomic_load(&is_over));
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
}
END_TEST

Suite *suite_keys(void)
{
    Suite *suite = suite_create("keys");
    TCase *tcase = tcase_create("keys");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, test_keys_known_key_has_its_name_and_may_what_its_scopes_say);
    tcase_add_test(tcase, test_keys_unknown_key_is_unknown_and_has_no_name);
    tcase_add_test(tcase, test_keys_admin_may_everything_and_two_scopes_both);
    tcase_add_loop_test(tcase, test_keys_bad_file_is_an_error_that_names_the_line, 0,
                        N_CASES(bad_files));
    tcase_add_test(tcase, test_keys_missing_file_is_an_error_that_names_it);
    tcase_add_test(tcase, test_keys_fifo_is_an_error_at_once);
    tcase_add_test(tcase, test_keys_too_many_are_an_error);
    tcase_add_test(tcase, test_keys_reload_swaps_and_a_broken_file_keeps_the_old);
    tcase_add_test(tcase, test_keys_are_good_at_every_moment_of_a_reload);
    suite_add_tcase(suite, tcase);
    return suite;
}
