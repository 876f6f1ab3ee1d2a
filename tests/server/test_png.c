/* test_png.c: every form of PNG gives the same picture, and none that is broken or hostile gives
 * one. SPDX-License-Identifier: Apache-2.0
 *
 * tests/tools/make_png.py makes the files. */
#include <check.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/png.h"
#include "server/predict_call.h"
#include "tests/support/cases.h"
#include "tests/support/temp_folder.h"

Suite *suite_png(void);

enum { WIDTH = 19, HEIGHT = 15, N_PIXELS = WIDTH * HEIGHT, N_GOOD = 70 };

static glob_t good;
static char *picture; /* the file; its ink is its last N_PIXELS bytes */
static const uint8_t *ink;
static struct lstm_model *digits, *texts;
static const struct predict_limits limits = {.max_instances = 2, .max_steps = 30};

static struct lstm_model *make_model(const char *input)
{
    char text[256];
    struct lstm_model *model;
    snprintf(text, sizeof text,
             "{\"format\":\"lstmd-model-1\",\"input\":{%s},"
             "\"layers\":[{\"type\":\"lstm\",\"units\":2}]}",
             input);
    ck_assert_int_eq(lstm_model_create(text, strlen(text), 1, &model, NULL), LSTM_OK);
    return model;
}

static void open_files(void)
{
    size_t n;
    ck_assert_int_eq(glob("tests/data/png/*.png", 0, NULL, &good), 0);
    ck_assert_uint_eq(good.gl_pathc, N_GOOD);
    picture = temp_file_read("tests/data/png/picture.pgm", &n);
    ink = (const uint8_t *)picture + n - N_PIXELS;
    digits = make_model("\"steps\":28,\"features\":28,\"scale\":0.5");
    texts = make_model("\"features\":28");
}

static void close_files(void)
{
    globfree(&good);
    free(picture);
    lstm_model_destroy(digits);
    lstm_model_destroy(texts);
}

START_TEST(test_png_every_form_gives_the_same_ink)
{
    size_t n;
    const char *const path = good.gl_pathv[_i];
    char *const file = temp_file_read(path, &n);
    struct png_image image;
    struct lstm_error error;
    uint8_t found[N_PIXELS];
    const enum lstm_status status = png_decode(file, n, &image, &error);
    ck_assert_msg(status == LSTM_OK, "%s: %s", path, error.text);
    ck_assert_uint_eq(image.width, WIDTH);
    ck_assert_uint_eq(image.height, HEIGHT);
    ck_assert(lstm_image_ink(image.grey, image.alpha, HEIGHT, WIDTH, found));
    ck_assert_msg(memcmp(found, ink, N_PIXELS) == 0, "%s has other ink", path);
    png_image_release(&image);
    free(file);
}
END_TEST

/* The last chunk's checksum, its last 4 bytes, is of nothing: the library does not ask for it. */
START_TEST(test_png_cut_at_any_byte_is_refused)
{
    size_t n;
    char *const file = temp_file_read(good.gl_pathv[_i], &n);
    for (size_t cut = 0; cut < n - 4; cut++) {
        struct png_image image;
        struct lstm_error error;
        char *const part = malloc(cut + 1); /* so that a sanitizer sees what is read behind it */
        ck_assert_ptr_nonnull(part);
        memcpy(part, file, cut);
        ck_assert_msg(png_decode(part, cut, &image, &error) == LSTM_FORMAT, "%s cut at %zu of %zu",
                      good.gl_pathv[_i], cut, n);
        ck_assert_ptr_null(image.grey);
        free(part);
    }
    free(file);
}
END_TEST

/* A file of tests/data/png/bad, and what is said of it. */
static const struct {
    const char *name;
    enum lstm_status status;
    const char *message;
} bad[] = {
    {"adler", LSTM_FORMAT, "expected a whole PNG"},
    {"blank", LSTM_INVALID, "the picture is empty: nothing in its 19x15 pixels differs"},
    {"bomb_of_pixels", LSTM_INVALID, "the picture is empty"},
    {"bomb_of_text", LSTM_FORMAT, "expected a whole PNG"},
    {"chunk_length", LSTM_FORMAT, "expected a whole PNG"},
    {"colour_5", LSTM_FORMAT, "expected a whole PNG"},
    {"crc_of_header", LSTM_FORMAT, "expected a whole PNG"},
    {"crc_of_pixels", LSTM_FORMAT, "expected a whole PNG"},
    {"crc_of_text", LSTM_FORMAT, "expected a whole PNG"},
    {"depth_3", LSTM_FORMAT, "expected a whole PNG"},
    {"empty", LSTM_FORMAT, "expected a whole PNG"},
    {"filter_9", LSTM_FORMAT, "expected a whole PNG"},
    {"height_0", LSTM_FORMAT, "expected a whole PNG"},
    {"huge", LSTM_INVALID,
     "a PNG of 100000x100000 pixels; expected at most 1048576 pixels, and 16384 on a side"},
    {"no_end", LSTM_FORMAT, "expected a whole PNG"},
    {"no_palette", LSTM_FORMAT, "expected a whole PNG"},
    {"no_pixels", LSTM_FORMAT, "expected a whole PNG"},
    {"not_a_png", LSTM_FORMAT, "expected a whole PNG"},
    {"not_deflate", LSTM_FORMAT, "expected a whole PNG"},
    {"one_pixel", LSTM_INVALID, "the picture is empty: nothing in its 1x1 pixels differs"},
    {"overflow", LSTM_FORMAT, "expected a whole PNG"},
    {"palette_16", LSTM_FORMAT, "expected a whole PNG"},
    {"palette_of_4_bytes", LSTM_FORMAT, "expected a whole PNG"},
    {"signature_only", LSTM_FORMAT, "expected a whole PNG"},
    {"too_few_rows", LSTM_FORMAT, "expected a whole PNG"},
    {"too_many_pixels", LSTM_INVALID, "a PNG of 1025x1024 pixels"},
    {"unknown_critical", LSTM_FORMAT, "expected a whole PNG"},
    {"wide", LSTM_INVALID, "a PNG of 16385x1 pixels"},
    {"width_0", LSTM_FORMAT, "expected a whole PNG"},
};

START_TEST(test_png_bad_file_is_refused_in_words)
{
    char path[128];
    size_t n;
    snprintf(path, sizeof path, "tests/data/png/bad/%s.png", bad[_i].name);
    char *const file = temp_file_read(path, &n);
    struct predict_call call;
    struct lstm_error error;
    const enum lstm_status status = predict_decode_png(digits, &limits, file, n, &call, &error);
    ck_assert_msg(status == bad[_i].status && strstr(error.text, bad[_i].message) != NULL,
                  "%s: %d, %s", bad[_i].name, (int)status, status == LSTM_OK ? "" : error.text);
    ck_assert_ptr_null(call.memory);
    free(file);
}
END_TEST

START_TEST(test_png_every_bad_file_is_a_case)
{
    glob_t files;
    ck_assert_int_eq(glob("tests/data/png/bad/*.png", 0, NULL, &files), 0);
    ck_assert_uint_eq(files.gl_pathc, N_CASES(bad));
    globfree(&files);
}
END_TEST

START_TEST(test_png_grey_and_alpha_are_those_of_the_file)
{
    size_t n, n_bytes;
    char *const file = temp_file_read("tests/data/mnist/digit.png", &n);
    char *const bytes = temp_file_read("tests/data/mnist/digit.bin", &n_bytes);
    struct png_image image;
    ck_assert_int_eq(png_decode(file, n, &image, NULL), LSTM_OK);
    ck_assert_uint_eq(image.width * image.height, n_bytes);
    for (size_t i = 0; i < n_bytes; i++) {
        ck_assert_int_eq(image.grey[i], 255 - (uint8_t)bytes[i]);
        ck_assert_int_eq(image.alpha[i], 255);
    }
    png_image_release(&image);
    free(file);
    free(bytes);
}
END_TEST

/* The pictures of drawings come out as the page prepared the drawings. */
START_TEST(test_png_drawing_gives_the_pages_digit)
{
    char path[64];
    size_t n, n_bytes;
    snprintf(path, sizeof path, "tests/data/drawings/%d.png", _i);
    char *const file = temp_file_read(path, &n);
    snprintf(path, sizeof path, "tests/data/drawings/%d.bin", _i);
    char *const bytes = temp_file_read(path, &n_bytes);
    struct predict_call call;
    struct lstm_error error;
    ck_assert_int_eq(predict_decode_png(digits, &limits, file, n, &call, &error), LSTM_OK);
    ck_assert_uint_eq(call.n, 1);
    ck_assert_uint_eq(call.sequences[0].steps, 28);
    for (size_t i = 0; i < n_bytes; i++) { /* the model's scale is a half */
        const int found = (int)(call.sequences[0].input[i] * 2);
        ck_assert_int_le(abs(found - (uint8_t)bytes[i]), 1);
    }
    predict_call_release(&call);
    free(file);
    free(bytes);
}
END_TEST

START_TEST(test_png_for_another_model_is_refused)
{
    struct predict_call call;
    struct lstm_error error;
    ck_assert_int_eq(predict_decode_png(texts, &limits, "", 0, &call, &error), LSTM_UNSUPPORTED);
    ck_assert_str_eq(error.text, "image/png: expected a model of 28 steps of 28 numbers; this one "
                                 "takes any number of steps of 28 numbers, so send JSON");
}
END_TEST

Suite *suite_png(void)
{
    Suite *suite = suite_create("png");
    TCase *tcase = tcase_create("png");
    tcase_set_timeout(tcase, 60);
    tcase_add_unchecked_fixture(tcase, open_files, close_files);
    tcase_add_loop_test(tcase, test_png_every_form_gives_the_same_ink, 0, N_GOOD);
    tcase_add_loop_test(tcase, test_png_cut_at_any_byte_is_refused, 0, N_GOOD);
    tcase_add_loop_test(tcase, test_png_bad_file_is_refused_in_words, 0, N_CASES(bad));
    tcase_add_test(tcase, test_png_every_bad_file_is_a_case);
    tcase_add_test(tcase, test_png_grey_and_alpha_are_those_of_the_file);
    tcase_add_loop_test(tcase, test_png_drawing_gives_the_pages_digit, 0, 10);
    tcase_add_test(tcase, test_png_for_another_model_is_refused);
    suite_add_tcase(suite, tcase);
    return suite;
}
