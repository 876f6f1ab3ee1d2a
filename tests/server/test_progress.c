/* test_progress.c: the plain lines of a training's progress. SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "server/progress.h"

Suite *suite_progress(void);

/* Runs n_epochs of n_batches and gives what was printed to a file that is no terminal. */
static void run(size_t n_epochs, size_t n_batches, char *text, size_t n)
{
    FILE *file = tmpfile();
    struct progress progress;
    ck_assert_ptr_nonnull(file);
    progress_begin(&progress, file, n_epochs, n_batches, 0);
    for (size_t epoch = 0; epoch < n_epochs; epoch++)
        for (size_t batch = 0; batch < n_batches; batch++)
            progress_step(&progress, epoch, batch, 0.5);
    progress_clear(&progress);
    rewind(file);
    size_t n_read = fread(text, 1, n - 1, file);
    text[n_read] = '\0';
    fclose(file);
}

static size_t count_lines(const char *text)
{
    size_t n = 0;
    for (; *text != '\0'; text++)
        n += *text == '\n';
    return n;
}

START_TEST(test_progress_elsewhere_prints_ten_lines_an_epoch)
{
    char text[8192];
    run(2, 1100, text, sizeof text);
    ck_assert_uint_eq(count_lines(text), 20);
    ck_assert_int_eq(strncmp(text, "epoch 1 of 2, step 110 of 1100: loss 0.5000, ", 45), 0);
    ck_assert_ptr_nonnull(strstr(text, "\nepoch 2 of 2, step 1100 of 1100: loss 0.5000, "));
    ck_assert_str_eq(text + strlen(text) - 10, "0:00 left\n");
    ck_assert_ptr_null(strchr(text, '\r'));
}
END_TEST

START_TEST(test_progress_of_short_epochs_prints_a_line_a_step)
{
    char text[2048];
    run(1, 3, text, sizeof text);
    ck_assert_uint_eq(count_lines(text), 3);
}
END_TEST

Suite *suite_progress(void)
{
    Suite *suite = suite_create("progress");
    TCase *tcase = tcase_create("progress");
    tcase_add_test(tcase, test_progress_elsewhere_prints_ten_lines_an_epoch);
    tcase_add_test(tcase, test_progress_of_short_epochs_prints_a_line_a_step);
    suite_add_tcase(suite, tcase);
    return suite;
}
