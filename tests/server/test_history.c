/* test_history.c: history.csv and history.svg. SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/history.h"

Suite *suite_history(void);

static char path[] = "/tmp/test_history_XXXXXX";

static void make_file(void)
{
    memcpy(path + sizeof path - 7, "XXXXXX", 6);
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
}

static void remove_file(void)
{
    unlink(path);
}

static void add(struct history *history, double epoch, double loss, double accuracy)
{
    const struct history_row row = {.epoch = epoch,
                                    .steps = 1100 * epoch,
                                    .learning_rate = 1e-4,
                                    .train_loss = loss,
                                    .train_accuracy = accuracy,
                                    .validation_loss = (double)NAN,
                                    .validation_accuracy = (double)NAN,
                                    .test_accuracy = accuracy,
                                    .seconds = 1.5};
    ck_assert_int_eq(history_add(history, &row, NULL), LSTM_OK);
}

static void read_text(char *text, size_t n)
{
    FILE *file = fopen(path, "re");
    ck_assert_ptr_nonnull(file);
    size_t n_read = fread(text, 1, n - 1, file);
    fclose(file);
    text[n_read] = '\0';
}

static void write_text(const char *text)
{
    FILE *file = fopen(path, "we");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

START_TEST(test_history_csv_has_a_line_per_epoch_and_empty_fields_for_nan)
{
    struct history history = {0};
    char text[1024];
    add(&history, 1, 2.25, 0.5);
    add(&history, 2, 1.0 / 3, 0.75);
    ck_assert_int_eq(history_write_csv(&history, path, NULL), LSTM_OK);
    history_release(&history);
    read_text(text, sizeof text);
    ck_assert_str_eq(text, "epoch,steps,learning_rate,train_loss,train_accuracy,validation_loss,"
                           "validation_accuracy,test_accuracy,seconds\n"
                           "1,1100,0.0001,2.25,0.5,,,0.5,1.5\n"
                           "2,2200,0.0001,0.333333333,0.75,,,0.75,1.5\n");
}
END_TEST

START_TEST(test_history_csv_read_back_is_written_the_same)
{
    struct history history = {0}, read = {0};
    char first[1024], second[1024];
    for (int i = 1; i <= 5; i++)
        add(&history, i, 1.0 / (3 * i), 1 - 1.0 / (7 * i));
    ck_assert_int_eq(history_write_csv(&history, path, NULL), LSTM_OK);
    read_text(first, sizeof first);
    ck_assert_int_eq(history_read_csv(&read, path, 5, NULL), LSTM_OK);
    ck_assert_uint_eq(read.n, 5);
    ck_assert_int_eq(history_write_csv(&read, path, NULL), LSTM_OK);
    read_text(second, sizeof second);
    ck_assert_str_eq(first, second);
    history_release(&history);
    history_release(&read);
}
END_TEST

START_TEST(test_history_csv_read_takes_only_the_rows_asked_for)
{
    struct history history = {0};
    add(&history, 1, 2, 0.5);
    add(&history, 2, 1, 0.6);
    ck_assert_int_eq(history_write_csv(&history, path, NULL), LSTM_OK);
    ck_assert_int_eq(history_read_csv(&history, path, 1, NULL), LSTM_OK);
    ck_assert_uint_eq(history.n, 1);
    ck_assert_double_eq(history.rows[0].train_loss, 2);
    history_release(&history);
}
END_TEST

#define HEADER                                                                                     \
    "epoch,steps,learning_rate,train_loss,train_accuracy,validation_loss,validation_accuracy,"     \
    "test_accuracy,seconds\n"

static const struct {
    const char *text, *sentence;
} broken[] = {
    {"", "not a history"},
    {"a,b\n1,2\n", "not a history"},
    {HEADER, "expected 1 epochs, found 0"},
    {HEADER "1,2,3\n", "line 2 is malformed"},
    {HEADER "1,2,3,4,5,6,7,8,nine\n", "line 2 is malformed"},
    {HEADER "1,2,3,4,5,6,7,8,9,10\n", "line 2 is malformed"},
    {HEADER "1,2,3,4,5,6,7,8,9", "line 2 is malformed"},
};

START_TEST(test_history_csv_broken_file_is_refused)
{
    struct history history = {0};
    struct lstm_error error;
    write_text(broken[_i].text);
    ck_assert_int_eq(history_read_csv(&history, path, 1, &error), LSTM_FORMAT);
    ck_assert_msg(strstr(error.text, broken[_i].sentence) != NULL, "%s", error.text);
    ck_assert_uint_eq(history.n, 0);
}
END_TEST

START_TEST(test_history_csv_missing_file_is_not_found)
{
    struct history history = {0};
    remove_file();
    ck_assert_int_eq(history_read_csv(&history, path, 1, NULL), LSTM_NOT_FOUND);
}
END_TEST

START_TEST(test_history_write_into_missing_folder_is_an_error)
{
    struct history history = {0};
    ck_assert_int_eq(history_write_csv(&history, "/tmp/test_history_none/x.csv", NULL), LSTM_IO);
    ck_assert_int_eq(history_write_svg(&history, "x", "/tmp/test_history_none/x.svg", NULL),
                     LSTM_IO);
}
END_TEST

/* How often `part` occurs in `text`. */
static int count(const char *text, const char *part)
{
    int n = 0;
    while ((text = strstr(text, part)) != NULL) {
        n++;
        text += strlen(part);
    }
    return n;
}

START_TEST(test_history_svg_has_a_curve_for_each_measured_column)
{
    struct history history = {0};
    static char text[32768];
    for (int i = 1; i <= 6; i++)
        add(&history, i, 2.0 / i, 1 - 0.4 / i);
    ck_assert_int_eq(history_write_svg(&history, "a < b & c", path, NULL), LSTM_OK);
    history_release(&history);
    read_text(text, sizeof text);
    ck_assert(strncmp(text, "<svg xmlns=", 11) == 0);
    ck_assert_str_eq(text + strlen(text) - 7, "</svg>\n");
    ck_assert_ptr_nonnull(strstr(text, "a &lt; b &amp; c"));
    ck_assert_ptr_nonnull(strstr(text, "prefers-color-scheme: dark"));
    /* Loss and accuracy of training, accuracy of test; nothing was validated. */
    ck_assert_int_eq(count(text, "<circle"), 3);
    ck_assert_ptr_null(strstr(text, ">validation"));
    ck_assert_ptr_nonnull(strstr(text, ">test 93.33%</text>"));
    ck_assert_ptr_null(strstr(text, "nan"));
    ck_assert_ptr_null(strstr(text, "inf"));
}
END_TEST

/* Numbers of epochs for which axes could degenerate. */
static const int n_epochs[] = {0, 1, 2, 100};

START_TEST(test_history_svg_of_any_length_is_finite)
{
    struct history history = {0};
    static char text[65536];
    for (int i = 1; i <= n_epochs[_i]; i++)
        add(&history, i, 0, 1);
    ck_assert_int_eq(history_write_svg(&history, "flat", path, NULL), LSTM_OK);
    history_release(&history);
    read_text(text, sizeof text);
    ck_assert_str_eq(text + strlen(text) - 7, "</svg>\n");
    ck_assert_ptr_null(strstr(text, "nan"));
    ck_assert_ptr_null(strstr(text, "inf"));
}
END_TEST

Suite *suite_history(void)
{
    Suite *suite = suite_create("history");
    TCase *csv = tcase_create("csv");
    tcase_add_checked_fixture(csv, make_file, remove_file);
    tcase_add_test(csv, test_history_csv_has_a_line_per_epoch_and_empty_fields_for_nan);
    tcase_add_test(csv, test_history_csv_read_back_is_written_the_same);
    tcase_add_test(csv, test_history_csv_read_takes_only_the_rows_asked_for);
    tcase_add_loop_test(csv, test_history_csv_broken_file_is_refused, 0,
                        sizeof broken / sizeof *broken);
    tcase_add_test(csv, test_history_csv_missing_file_is_not_found);
    tcase_add_test(csv, test_history_write_into_missing_folder_is_an_error);
    suite_add_tcase(suite, csv);
    TCase *svg = tcase_create("svg");
    tcase_add_checked_fixture(svg, make_file, remove_file);
    tcase_add_test(svg, test_history_svg_has_a_curve_for_each_measured_column);
    tcase_add_loop_test(svg, test_history_svg_of_any_length_is_finite, 0,
                        sizeof n_epochs / sizeof *n_epochs);
    suite_add_tcase(suite, svg);
    return suite;
}
