/* test_repository.c: what is found in a model repository's folder, and what is passed over.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/repository.h"
#include "server/version_folder.h"
#include "tests/support/assert_tensor.h"
#include "tests/support/cases.h"
#include "tests/support/temp_folder.h"

Suite *suite_repository(void);

static struct temp_folder folder;

static void make_folder(void)
{
    temp_folder_create(&folder);
}

static void remove_folder(void)
{
    temp_folder_remove(&folder);
}

/* Makes the folders named in a list that ends with NULL. */
static void make_folders(const char *const *names)
{
    char path[256];
    struct lstm_error error = {.text = ""};
    for (; *names != NULL; names++)
        assert_ok(folder_make(temp_folder_path(&folder, *names, path), &error), &error);
}

static void write_file(const char *name, const char *text)
{
    char path[256];
    temp_file_write(temp_folder_path(&folder, name, path), text, strlen(text));
}

static int64_t find_change(void)
{
    struct lstm_error error = {.text = ""};
    struct repository_version *versions;
    size_t n;
    assert_ok(repository_versions(folder.path, "m", &versions, &n, &error), &error);
    ck_assert_uint_eq(n, 1);
    const int64_t changed = versions[0].changed;
    free(versions);
    return changed;
}

START_TEST(test_repository_models_are_sorted_and_other_names_passed_over)
{
    static const char *const folders[] = {"b", "a.2_x-Y", ".hidden", "with space", "a", NULL};
    static const char *const expected[] = {"a", "a.2_x-Y", "b"};
    struct lstm_error error = {.text = ""};
    char(*names)[MODEL_NAME_BYTES];
    char path[256], other[256];
    size_t n;
    make_folders(folders);
    write_file("file", "no folder");
    ck_assert_int_eq(symlink("a", temp_folder_path(&folder, "linked", path)), 0);
    ck_assert_int_eq(symlink("nothing", temp_folder_path(&folder, "dangling", other)), 0);
    assert_ok(repository_models(folder.path, &names, &n, &error), &error);
    ck_assert_uint_eq(n, 4);
    for (size_t i = 0; i < 3; i++)
        ck_assert_str_eq(names[i], expected[i]);
    ck_assert_str_eq(names[3], "linked");
    free(names);
}
END_TEST

START_TEST(test_repository_empty_folder_has_no_models)
{
    struct lstm_error error = {.text = ""};
    char(*names)[MODEL_NAME_BYTES];
    size_t n;
    assert_ok(repository_models(folder.path, &names, &n, &error), &error);
    ck_assert_uint_eq(n, 0);
    free(names);
}
END_TEST

START_TEST(test_repository_missing_folder_is_an_error_that_names_it)
{
    struct lstm_error error;
    struct repository_version *versions;
    char(*names)[MODEL_NAME_BYTES];
    char path[256];
    size_t n = 1;
    temp_folder_path(&folder, "none", path);
    assert_failure(repository_models(path, &names, &n, &error), LSTM_IO, &error, path);
    ck_assert(names == NULL && n == 0);
    assert_failure(repository_versions(folder.path, "none", &versions, &n, &error), LSTM_IO, &error,
                   path);
    ck_assert(versions == NULL && n == 0);
}
END_TEST

START_TEST(test_repository_versions_come_newest_first_and_other_names_are_passed_over)
{
    static const char *const folders[] = {
        "m/2",   "m/10", "m/1",  "m/00003", "m/0",
        "m/-1",  "m/1a", "m/a1", "m/1.0",   "m/.unfinished-x",
        "m/+12", "m/ 9", "m/9 ", "m/0x10",  "m/1000000000000000000",
        NULL};
    static const uint64_t numbers[] = {10, 3, 2, 1};
    static const char *const expected[] = {"10", "00003", "2", "1"};
    struct lstm_error error = {.text = ""};
    struct repository_version *versions;
    size_t n;
    make_folders(folders);
    write_file("m/11", "no folder");
    assert_ok(repository_versions(folder.path, "m", &versions, &n, &error), &error);
    ck_assert_uint_eq(n, 4);
    for (size_t i = 0; i < n; i++) {
        ck_assert_uint_eq(versions[i].number, numbers[i]);
        ck_assert_str_eq(versions[i].folder, expected[i]);
    }
    free(versions);
}
END_TEST

START_TEST(test_repository_folders_of_the_same_number_count_once)
{
    static const char *const folders[] = {"m/01", "m/1", "m/001", "m/2", NULL};
    struct lstm_error error = {.text = ""};
    struct repository_version *versions;
    size_t n;
    make_folders(folders);
    assert_ok(repository_versions(folder.path, "m", &versions, &n, &error), &error);
    ck_assert_uint_eq(n, 2);
    ck_assert_str_eq(versions[0].folder, "2");
    ck_assert_str_eq(versions[1].folder, "1");
    free(versions);
}
END_TEST

START_TEST(test_repository_link_that_is_turned_shows)
{
    char link_path[256];
    write_file("a", "same");
    write_file("b", "same");
    temp_folder_path(&folder, "link", link_path);
    ck_assert_int_eq(repository_file_stamp(link_path), 0);
    ck_assert_int_eq(symlink("a", link_path), 0);
    const int64_t first = repository_file_stamp(link_path);
    ck_assert_int_eq(repository_file_stamp(link_path), first);
    ck_assert_int_eq(unlink(link_path), 0);
    ck_assert_int_eq(symlink("b", link_path), 0);
    ck_assert_int_ne(repository_file_stamp(link_path), first);
}
END_TEST

START_TEST(test_repository_change_of_a_file_shows)
{
    static const char *const folders[] = {"m/1", NULL};
    char path[256];
    struct stat about;
    make_folders(folders);
    const int64_t empty = find_change();
    write_file("m/1/model.json", "{}");
    const int64_t with_model = find_change();
    ck_assert_int_ne(with_model, empty);
    write_file("m/1/weights.safetensors", "x");
    const int64_t with_weights = find_change();
    ck_assert_int_ne(with_weights, with_model);
    ck_assert_int_eq(find_change(), with_weights);

    temp_folder_path(&folder, "m/1/weights.safetensors", path);
    ck_assert_int_eq(stat(path, &about), 0);
    const struct timespec times[2] = {about.st_atim, {about.st_mtim.tv_sec + 1, 0}};
    ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
    ck_assert_int_ne(find_change(), with_weights);
}
END_TEST

static const struct {
    const char *folder, *words; /* NULL: it is one */
} outs[] = {
    {"models/mnist", NULL},
    {"mnist", NULL},
    {"/models/a.2_x-Y//", NULL},
    {NULL, "--out is missing"},
    {"", "--out is missing"},
    {"models/with space", "'with space' is no model's name"},
    {"models/.hidden/", "'.hidden' is no model's name"},
    {"models/caf\xc3\xa9", "is no model's name"},
    {"/", "'' is no model's name"},
};

START_TEST(test_repository_folder_to_write_to_has_a_name_that_is_found)
{
    struct lstm_error error = {.text = ""};
    const enum lstm_status status = repository_check_out(outs[_i].folder, &error);
    if (outs[_i].words == NULL)
        assert_ok(status, &error);
    else
        assert_failure(status, LSTM_INVALID, &error, outs[_i].words);
}
END_TEST

/* "." is the folder that it leads to, not a name. */
START_TEST(test_repository_name_of_where_a_path_leads_counts)
{
    static const char *const folders[] = {"good/1", "not good", NULL};
    struct lstm_error error = {.text = ""};
    char path[256];
    make_folders(folders);
    assert_ok(repository_check_out(temp_folder_path(&folder, "good/.", path), &error), &error);
    assert_ok(repository_check_out(temp_folder_path(&folder, "good/1/..", path), &error), &error);
    temp_folder_path(&folder, "not good/.", path);
    assert_failure(repository_check_out(path, &error), LSTM_INVALID, &error, "'not good'");
    assert_ok(repository_check_out(temp_folder_path(&folder, "nothing/./", path), &error), &error);
    temp_folder_path(&folder, "nothing/..", path);
    assert_failure(repository_check_out(path, &error), LSTM_INVALID, &error, "'..' is no model");
}
END_TEST

Suite *suite_repository(void)
{
    Suite *suite = suite_create("repository");
    TCase *tcase = tcase_create("repository");
    tcase_add_checked_fixture(tcase, make_folder, remove_folder);
    tcase_add_test(tcase, test_repository_models_are_sorted_and_other_names_passed_over);
    tcase_add_test(tcase, test_repository_empty_folder_has_no_models);
    tcase_add_test(tcase, test_repository_missing_folder_is_an_error_that_names_it);
    tcase_add_test(tcase,
                   test_repository_versions_come_newest_first_and_other_names_are_passed_over);
    tcase_add_test(tcase, test_repository_folders_of_the_same_number_count_once);
    tcase_add_test(tcase, test_repository_link_that_is_turned_shows);
    tcase_add_test(tcase, test_repository_change_of_a_file_shows);
    tcase_add_loop_test(tcase, test_repository_folder_to_write_to_has_a_name_that_is_found, 0,
                        N_CASES(outs));
    tcase_add_test(tcase, test_repository_name_of_where_a_path_leads_counts);
    suite_add_tcase(suite, tcase);
    return suite;
}
