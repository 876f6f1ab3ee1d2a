/* test_version_folder.c: how versions get their numbers. SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/repository.h"
#include "server/version_folder.h"
#include "tests/support/temp_folder.h"

Suite *suite_version_folder(void);

static char folder[] = "/tmp/test_version_XXXXXX";

static void make_model_folder(void)
{
    memcpy(folder + sizeof folder - 7, "XXXXXX", 6);
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void remove_model_folder(void)
{
    char command[64];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    ck_assert_int_eq(system(command), 0);
}

/* What is in the model's folder, and the name of the next version. */
static const struct {
    const char *present[3];
    const char *next;
} cases[] = {{{NULL}, "1"},
             {{"1"}, "2"},
             {{"9", "10"}, "11"},
             {{".training", "x1"}, "1"},
             {{"3", "7abc"}, "4"},
             {{"-5"}, "1"},
             {{"0"}, "1"},
             {{"007"}, "8"},
             {{"2", "labels"}, "3"},
             {{"5", "1"}, "6"},
             {{"1764500000000000"}, "1764500000000001"},
             {{"999999999999999998"}, "999999999999999999"},
             {{"1000000000000000000"}, "1"},
             {{"99999999999999999999"}, "1"}};

START_TEST(test_version_folder_next_follows_the_largest_number)
{
    struct version_folder made;
    char unfinished[PATH_MAX], published[PATH_MAX], expected[64], path[64];
    for (size_t i = 0; i < 3 && cases[_i].present[i] != NULL; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, cases[_i].present[i]);
        ck_assert_int_eq(mkdir(path, 0777), 0);
    }
    ck_assert_int_eq(version_folder_begin(&made, folder, NULL), LSTM_OK);
    memcpy(unfinished, made.unfinished, sizeof unfinished);
    ck_assert_int_eq(version_folder_publish(&made, folder, 0, published, NULL), LSTM_OK);
    version_folder_end(&made);
    snprintf(expected, sizeof expected, "%s/%s", folder, cases[_i].next);
    ck_assert_str_eq(published, expected);
    ck_assert_int_ne(access(unfinished, F_OK), 0);
    ck_assert_int_eq(access(published, F_OK), 0);
}
END_TEST

START_TEST(test_version_folder_number_is_above_the_one_asked_for_and_one_that_may_be)
{
    struct version_folder made;
    struct lstm_error error = {.text = ""};
    char published[PATH_MAX], path[64];
    ck_assert_int_eq(version_folder_begin(&made, folder, NULL), LSTM_OK);
    ck_assert_int_eq(
        version_folder_publish(&made, folder, REPOSITORY_MAX_VERSION, published, &error),
        LSTM_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(error.text, "none may have a larger number"));
    ck_assert_int_eq(version_folder_publish(&made, folder, 41, published, NULL), LSTM_OK);
    snprintf(path, sizeof path, "%s/42", folder);
    ck_assert_str_eq(published, path);
    version_folder_end(&made);
}
END_TEST

START_TEST(test_version_folder_is_hidden_and_readable_until_published)
{
    struct version_folder made;
    struct stat info;
    ck_assert_int_eq(version_folder_begin(&made, folder, NULL), LSTM_OK);
    ck_assert_int_eq(strncmp(made.unfinished, folder, strlen(folder)), 0);
    ck_assert_int_eq(strncmp(made.unfinished + strlen(folder), "/.", 2), 0);
    ck_assert_int_eq(stat(made.unfinished, &info), 0);
    ck_assert_uint_eq(info.st_mode & 0777, 0755);
    version_folder_end(&made);
}
END_TEST

START_TEST(test_version_folder_that_is_not_published_is_removed_at_its_end)
{
    struct version_folder made;
    char unfinished[PATH_MAX], file[PATH_MAX];
    ck_assert_int_eq(version_folder_begin(&made, folder, NULL), LSTM_OK);
    memcpy(unfinished, made.unfinished, sizeof unfinished);
    ck_assert_int_eq(folder_path(file, unfinished, "model.json", NULL), LSTM_OK);
    temp_file_write(file, "{}", 2);
    version_folder_end(&made);
    ck_assert_int_ne(access(unfinished, F_OK), 0);
}
END_TEST

/* What a killed program leaves is a folder without a lock. */
START_TEST(test_version_folder_of_a_killed_program_is_swept_and_one_at_work_is_not)
{
    struct version_folder first, second;
    char abandoned[PATH_MAX], file[PATH_MAX];
    ck_assert_int_eq(version_folder_begin(&first, folder, NULL), LSTM_OK);
    ck_assert_int_eq(folder_path(abandoned, folder, ".unfinished-killed", NULL), LSTM_OK);
    ck_assert_int_eq(mkdir(abandoned, 0755), 0);
    ck_assert_int_eq(folder_path(file, abandoned, "weights.safetensors", NULL), LSTM_OK);
    temp_file_write(file, "half", 4);
    ck_assert_int_eq(version_folder_begin(&second, folder, NULL), LSTM_OK);
    ck_assert_int_ne(access(abandoned, F_OK), 0);
    ck_assert_int_eq(access(first.unfinished, F_OK), 0);
    version_folder_sweep(folder);
    ck_assert_int_eq(access(first.unfinished, F_OK), 0);
    ck_assert_int_eq(access(second.unfinished, F_OK), 0);
    version_folder_end(&first);
    version_folder_end(&second);
}
END_TEST

START_TEST(test_version_folder_sweep_leaves_what_is_no_unfinished_folder)
{
    static const char *const names[] = {"1", ".training", "labels"};
    char path[PATH_MAX];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        ck_assert_int_eq(folder_path(path, folder, names[i], NULL), LSTM_OK);
        ck_assert_int_eq(mkdir(path, 0755), 0);
    }
    version_folder_sweep(folder);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        ck_assert_int_eq(folder_path(path, folder, names[i], NULL), LSTM_OK);
        ck_assert_int_eq(access(path, F_OK), 0);
    }
}
END_TEST

START_TEST(test_version_folder_in_a_missing_folder_is_an_error)
{
    struct version_folder made;
    struct lstm_error error;
    ck_assert_int_eq(version_folder_begin(&made, "/tmp/test_version_none", &error), LSTM_IO);
    ck_assert_ptr_nonnull(strstr(error.text, "/tmp/test_version_none"));
}
END_TEST

START_TEST(test_folder_make_makes_all_parts_and_accepts_what_is_there)
{
    char path[64];
    snprintf(path, sizeof path, "%s/a/b//c/", folder);
    ck_assert_int_eq(folder_make(path, NULL), LSTM_OK);
    ck_assert_int_eq(access(path, F_OK), 0);
    ck_assert_int_eq(folder_make(path, NULL), LSTM_OK);
}
END_TEST

START_TEST(test_folder_make_over_a_file_is_refused)
{
    struct lstm_error error;
    ck_assert_int_eq(folder_make("tests/data/mnist/digit.bin", &error), LSTM_INVALID);
    ck_assert_int_eq(folder_make("tests/data/mnist/digit.bin/x", &error), LSTM_INVALID);
    ck_assert_int_eq(folder_make("", &error), LSTM_INVALID);
}
END_TEST

START_TEST(test_folder_path_too_long_is_refused)
{
    static char name[PATH_MAX];
    char path[PATH_MAX];
    memset(name, 'x', sizeof name - 1);
    ck_assert_int_eq(folder_path(path, "/tmp", name, NULL), LSTM_INVALID);
    ck_assert_int_eq(folder_path(path, "/tmp", "x", NULL), LSTM_OK);
    ck_assert_str_eq(path, "/tmp/x");
}
END_TEST

START_TEST(test_folder_remove_takes_the_files_with_it)
{
    char path[64], file[96];
    snprintf(path, sizeof path, "%s/old", folder);
    snprintf(file, sizeof file, "%s/file", path);
    ck_assert_int_eq(folder_make(path, NULL), LSTM_OK);
    FILE *stream = fopen(file, "we");
    ck_assert_ptr_nonnull(stream);
    ck_assert_int_eq(fclose(stream), 0);
    folder_remove(path);
    ck_assert_int_ne(access(path, F_OK), 0);
    folder_remove(path);
}
END_TEST

Suite *suite_version_folder(void)
{
    Suite *suite = suite_create("version_folder");
    TCase *tcase = tcase_create("version_folder");
    tcase_add_checked_fixture(tcase, make_model_folder, remove_model_folder);
    tcase_add_loop_test(tcase, test_version_folder_next_follows_the_largest_number, 0,
                        sizeof cases / sizeof *cases);
    tcase_add_test(tcase,
                   test_version_folder_number_is_above_the_one_asked_for_and_one_that_may_be);
    tcase_add_test(tcase, test_version_folder_is_hidden_and_readable_until_published);
    tcase_add_test(tcase, test_version_folder_that_is_not_published_is_removed_at_its_end);
    tcase_add_test(tcase, test_version_folder_of_a_killed_program_is_swept_and_one_at_work_is_not);
    tcase_add_test(tcase, test_version_folder_sweep_leaves_what_is_no_unfinished_folder);
    tcase_add_test(tcase, test_version_folder_in_a_missing_folder_is_an_error);
    tcase_add_test(tcase, test_folder_make_makes_all_parts_and_accepts_what_is_there);
    tcase_add_test(tcase, test_folder_make_over_a_file_is_refused);
    tcase_add_test(tcase, test_folder_path_too_long_is_refused);
    tcase_add_test(tcase, test_folder_remove_takes_the_files_with_it);
    suite_add_tcase(suite, tcase);
    return suite;
}
