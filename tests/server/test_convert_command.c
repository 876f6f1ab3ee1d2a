/* test_convert_command.c: `lstmd convert` writes versions, and says what it cannot do.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "server/commands.h"
#include "server/convert_config.h"
#include "tests/support/assert_tensor.h"
#include "tests/support/temp_folder.h"

Suite *suite_convert_command(void);

static struct temp_folder folder;
static char out[256];

static void set_up(void)
{
    temp_folder_create(&folder);
    temp_folder_path(&folder, "model", out);
}

static void tear_down(void)
{
    temp_folder_remove(&folder);
}

static int run(const char *source, const char *labels)
{
    const struct convert_config config = {.out = out, .labels = labels, .forget_bias = (double)NAN};
    char *const arguments[] = {(char *)(uintptr_t)source};
    return cmd_convert(&config, 1, arguments);
}

/* As run(), with one option set by the caller. */
static int run_with(const char *source, struct convert_config config)
{
    char *const arguments[] = {(char *)(uintptr_t)source};
    config.out = out;
    return cmd_convert(&config, 1, arguments);
}

/* A checkpoint of the example program needs no option beyond --out, and keeps its training. */
START_TEST(test_convert_of_the_example_program_makes_versions_that_load)
{
    char path[320];
    struct lstm_model *model;
    struct lstm_trainer *trainer;
    struct lstm_error error;
    for (int version = 1; version <= 2; version++) {
        ck_assert_int_eq(run("tests/data/import/tf1/example", NULL), EXIT_SUCCESS);
        snprintf(path, sizeof path, "%s/%d", out, version);
        assert_ok(lstm_model_load(path, &model, &error), &error);
        assert_ok(lstm_trainer_create(model, NULL, &trainer, &error), &error);
        snprintf(path, sizeof path, "%s/%d/training.safetensors", out, version);
        assert_ok(lstm_trainer_restore(trainer, path, NULL, 0, &error), &error);
        ck_assert_uint_eq(lstm_trainer_n_steps(trainer), 7);
        lstm_trainer_destroy(trainer);
        lstm_model_destroy(model);
    }
}
END_TEST

START_TEST(test_convert_gives_the_outputs_their_labels)
{
    char path[320];
    struct lstm_model *model;
    struct lstm_error error;
    ck_assert_int_eq(run("tests/data/import/tf1/example", "no,yes"), EXIT_SUCCESS);
    snprintf(path, sizeof path, "%s/1", out);
    assert_ok(lstm_model_load(path, &model, &error), &error);
    ck_assert_uint_eq(lstm_model_info(model)->n_labels, 2);
    ck_assert_str_eq(lstm_model_info(model)->labels[1], "yes");
    lstm_model_destroy(model);
}
END_TEST

/* A name a line, whichever program ended them. */
START_TEST(test_convert_reads_labels_from_a_file)
{
    static const char names[] = "no, never\r\nyes\r\n";
    char path[320], list[330];
    struct lstm_model *model;
    struct lstm_error error;
    temp_folder_path(&folder, "names", path);
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(names, file), 0);
    ck_assert_int_eq(fclose(file), 0);
    snprintf(list, sizeof list, "@%s", path);
    ck_assert_int_eq(run("tests/data/import/tf1/example", list), EXIT_SUCCESS);
    snprintf(path, sizeof path, "%s/1", out);
    assert_ok(lstm_model_load(path, &model, &error), &error);
    ck_assert_str_eq(lstm_model_info(model)->labels[0], "no, never");
    ck_assert_str_eq(lstm_model_info(model)->labels[1], "yes");
    lstm_model_destroy(model);
    ck_assert_int_eq(run("tests/data/import/tf1/example", ""), EXIT_USAGE);
}
END_TEST

START_TEST(test_convert_that_fails_leaves_no_version)
{
    char path[320];
    ck_assert_int_eq(run("tests/data/import/tf1/example", "one,two,three"), EXIT_USAGE);
    ck_assert_int_eq(run("tests/data/import/tf1/example.txt", NULL), EXIT_USAGE);
    ck_assert_int_eq(run("tests/data/import/tf1/none", NULL), EXIT_USAGE);
    snprintf(path, sizeof path, "%s/1", out);
    ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

/* Whoever gives an option believes that it does something. */
START_TEST(test_convert_refuses_an_option_that_decides_nothing)
{
    static const char lstmd_model[] = "models/mnist/1", no_head[] = "tests/data/torch/lstm_bare";
    const double none = (double)NAN;
    const struct {
        const char *source;
        struct convert_config config;
    } cases[] = {
        {lstmd_model, {.forget_bias = none, .activation = "relu"}},
        {lstmd_model, {.forget_bias = 1}},
        {lstmd_model, {.forget_bias = none, .layers = "a,b"}},
        {no_head, {.forget_bias = none, .output_activation = "softmax"}},
        {no_head, {.forget_bias = none, .hidden_activation = "tanh"}},
        {no_head, {.forget_bias = none, .shared_layers = 3}},
        {no_head, {.forget_bias = none, .inputs = "given_data"}},
        {"tests/data/onnx/rows.onnx", {.forget_bias = none, .return_sequences = true}},
        {"tests/data/onnx/rows.onnx", {.forget_bias = none, .scope = "a"}},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        const struct convert_config without = {.forget_bias = none};
        ck_assert_int_eq(run_with(cases[k].source, without), EXIT_SUCCESS);
        ck_assert_int_eq(run_with(cases[k].source, cases[k].config), EXIT_USAGE);
    }
}
END_TEST

/* What was learned in the meantime must not end below the model that was there at first. */
START_TEST(test_convert_if_empty_writes_the_first_version_only)
{
    static const char source[] = "models/mnist/1";
    const struct convert_config if_empty = {.forget_bias = (double)NAN, .if_empty = true};
    char first[320], second[320], third[320];
    snprintf(first, sizeof first, "%s/1", out);
    snprintf(second, sizeof second, "%s/2", out);
    snprintf(third, sizeof third, "%s/3", out);
    ck_assert_int_eq(run_with("tests/data/import/tf1/none", if_empty), EXIT_USAGE);
    ck_assert_int_ne(access(out, F_OK), 0);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(run_with(source, if_empty), EXIT_SUCCESS);
        ck_assert_int_eq(access(first, F_OK), 0);
        ck_assert_int_ne(access(second, F_OK), 0);
    }
    ck_assert_int_eq(run(source, NULL), EXIT_SUCCESS);
    ck_assert_int_eq(run_with(source, if_empty), EXIT_SUCCESS);
    ck_assert_int_eq(access(second, F_OK), 0);
    ck_assert_int_ne(access(third, F_OK), 0);
}
END_TEST

Suite *suite_convert_command(void)
{
    Suite *suite = suite_create("convert_command");
    TCase *tests = tcase_create("all");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, test_convert_of_the_example_program_makes_versions_that_load);
    tcase_add_test(tests, test_convert_gives_the_outputs_their_labels);
    tcase_add_test(tests, test_convert_reads_labels_from_a_file);
    tcase_add_test(tests, test_convert_that_fails_leaves_no_version);
    tcase_add_test(tests, test_convert_refuses_an_option_that_decides_nothing);
    tcase_add_test(tests, test_convert_if_empty_writes_the_first_version_only);
    suite_add_tcase(suite, tests);
    return suite;
}
