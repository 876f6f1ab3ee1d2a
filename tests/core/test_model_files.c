/* test_model_files.c: a model's folder in which not everything is a file.
 * SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/model.h"
#include "tests/support/assert_tensor.h"
#include "tests/support/cases.h"
#include "tests/support/model_builder.h"
#include "tests/support/temp_folder.h"

Suite *suite_model_files(void);

static const char json[] = "{\"format\":\"lstmd-model-1\",\"input\":{\"features\":1},"
                           "\"layers\":[{\"type\":\"lstm\",\"units\":1}]}";

static struct temp_folder folder;
static char path[256];

static void set_up(void)
{
    temp_folder_create(&folder);
}

static void tear_down(void)
{
    temp_folder_remove(&folder);
}

static void assert_refused(const char *where, enum lstm_status status, const char *words)
{
    struct lstm_model *model;
    struct lstm_error error = {.text = ""};
    assert_failure(lstm_model_load(where, &model, &error), status, &error, words);
    ck_assert_ptr_null(model);
}

START_TEST(test_model_file_that_is_a_folder_is_refused)
{
    ck_assert_int_eq(mkdir(temp_folder_path(&folder, "model.json", path), 0700), 0);
    assert_refused(folder.path, LSTM_IO, "model.json is not a regular file");
}
END_TEST

START_TEST(test_model_weights_that_are_a_folder_are_refused)
{
    temp_file_write(temp_folder_path(&folder, "model.json", path), json, sizeof json - 1);
    ck_assert_int_eq(mkdir(temp_folder_path(&folder, "weights.safetensors", path), 0700), 0);
    assert_refused(folder.path, LSTM_IO, "weights.safetensors is not a regular file");
}
END_TEST

/* Nobody writes to it: who waited would wait for ever. */
START_TEST(test_model_file_that_is_a_fifo_is_refused_at_once)
{
    static const char *const names[] = {"model.json", "weights.safetensors"};
    temp_file_write(temp_folder_path(&folder, "model.json", path), json, sizeof json - 1);
    unlink(temp_folder_path(&folder, names[_i], path));
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    assert_refused(folder.path, LSTM_IO, "is not a regular file");
}
END_TEST

START_TEST(test_model_description_beyond_its_limit_is_refused_unread)
{
    temp_file_write(temp_folder_path(&folder, "model.json", path), json, sizeof json - 1);
    ck_assert_int_eq(truncate(path, (off_t)1 << 40), 0);
    assert_refused(folder.path, LSTM_FORMAT, "1099511627776 bytes; at most");
}
END_TEST

START_TEST(test_model_folder_whose_path_is_too_long_is_refused)
{
    static char longest[PATH_MAX];
    struct lstm_model *model = create_model(json, 1);
    struct lstm_error error = {.text = ""};
    memset(longest, 'x', sizeof longest - 1);
    assert_refused(longest, LSTM_INVALID, "is too long");
    assert_failure(lstm_model_save(model, longest, &error), LSTM_INVALID, &error, "is too long");
    lstm_model_destroy(model);
}
END_TEST

START_TEST(test_model_whose_weights_are_no_numbers_is_told)
{
    struct lstm_model *model = create_model(json, 1);
    struct lstm_error error = {.text = ""};
    model->weights[model->spec->tensors[1].offset + 2] = INFINITY;
    assert_failure(lstm_model_check(model, &error), LSTM_NON_FINITE, &error, "value 2 is inf");
    lstm_model_destroy(model);
}
END_TEST

/* The model's dtype, and a weight that is finite only as float32. */
static const struct {
    const char *dtype;
    float weight;
} overflows[] = {{"F16", 1e6F}, {"BF16", 3.4e38F}, {"F32", INFINITY}, {"F64", NAN}};

START_TEST(test_model_is_not_written_with_weights_that_its_dtype_does_not_hold)
{
    char text[200];
    struct lstm_error error = {.text = ""};
    snprintf(text, sizeof text, "{\"dtype\":\"%s\",%s", overflows[_i].dtype, json + 1);
    struct lstm_model *model = create_model(text, 1);
    model->weights[model->spec->tensors[0].offset + 3] = overflows[_i].weight;
    assert_failure(lstm_model_save(model, folder.path, &error), LSTM_NON_FINITE, &error,
                   overflows[_i].dtype);
    ck_assert_ptr_nonnull(strstr(error.text, "kernel: value 3 is"));
    ck_assert_int_ne(access(temp_folder_path(&folder, "model.json", path), F_OK), 0);
    ck_assert_int_ne(access(temp_folder_path(&folder, "weights.safetensors", path), F_OK), 0);
    lstm_model_destroy(model);
}
END_TEST

START_TEST(test_status_has_a_name_and_a_meaning)
{
    static const char *const names[] = {
#define X(name, number, text) #name,
        LSTM_STATUS_LIST(X)
#undef X
    };
    for (size_t k = 0; k < N_CASES(names); k++) {
        ck_assert_str_eq(lstm_status_name((enum lstm_status)k), names[k]);
        ck_assert_uint_gt(strlen(lstm_status_text((enum lstm_status)k)), 0);
    }
    ck_assert_str_eq(lstm_status_name((enum lstm_status)99), "UNKNOWN");
    ck_assert_str_eq(lstm_status_text((enum lstm_status)99), "unknown status");
}
END_TEST

Suite *suite_model_files(void)
{
    Suite *suite = suite_create("model_files");
    TCase *tcase = tcase_create("model_files");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, test_model_file_that_is_a_folder_is_refused);
    tcase_add_test(tcase, test_model_weights_that_are_a_folder_are_refused);
    tcase_add_loop_test(tcase, test_model_file_that_is_a_fifo_is_refused_at_once, 0, 2);
    tcase_add_test(tcase, test_model_description_beyond_its_limit_is_refused_unread);
    tcase_add_test(tcase, test_model_folder_whose_path_is_too_long_is_refused);
    tcase_add_test(tcase, test_model_whose_weights_are_no_numbers_is_told);
    tcase_add_loop_test(tcase, test_model_is_not_written_with_weights_that_its_dtype_does_not_hold,
                        0, N_CASES(overflows));
    tcase_add_test(tcase, test_status_has_a_name_and_a_meaning);
    suite_add_tcase(suite, tcase);
    return suite;
}
