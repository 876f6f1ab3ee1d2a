/* test_digit_image.c: pictures to ink, and ink to digits as MNIST has them.
 * SPDX-License-Identifier: Apache-2.0
 *
 * That the page's preparation gives the same is checked by tests/web/prepare_c.test.mjs. */
#include <check.h>
#include <math.h>
#include <string.h>

#include "core/lstm.h"
#include "tests/support/cases.h"

Suite *suite_digit_image(void);

enum { SIDE = LSTM_DIGIT_SIDE, MAX_PIXELS = 300 * 300 };

static uint8_t ink[MAX_PIXELS], alpha[MAX_PIXELS], digit[SIDE * SIDE];

static void fill(size_t width, size_t left, size_t top, size_t wide, size_t high, uint8_t value)
{
    for (size_t y = top; y < top + high; y++)
        memset(ink + y * width + left, value, wide);
}

static void clear(void)
{
    memset(ink, 0, sizeof ink);
    memset(alpha, 255, sizeof alpha);
}

/* Which of the digit's pixels are not 0: [left, right) and [top, bottom). */
static void assert_extent(size_t left, size_t top, size_t right, size_t bottom)
{
    for (size_t y = 0; y < SIDE; y++)
        for (size_t x = 0; x < SIDE; x++) {
            const bool is_inside = x >= left && x < right && y >= top && y < bottom;
            ck_assert_msg((digit[y * SIDE + x] != 0) == is_inside, "%zu, %zu is %d", x, y,
                          digit[y * SIDE + x]);
        }
}

static const struct {
    size_t wide, high, left, top, right, bottom;
} rectangles[] = {{100, 100, 4, 4, 24, 24}, {40, 20, 4, 9, 24, 19},  {20, 40, 9, 4, 19, 24},
                  {10, 10, 4, 4, 24, 24},   {200, 1, 4, 14, 24, 15}, {1, 1, 4, 4, 24, 24}};

START_TEST(test_digit_prepare_rectangle_fills_the_box_and_keeps_its_proportions)
{
    fill(280, 60, 30, rectangles[_i].wide, rectangles[_i].high, 255);
    ck_assert(lstm_digit_prepare(ink, 240, 280, digit));
    assert_extent(rectangles[_i].left, rectangles[_i].top, rectangles[_i].right,
                  rectangles[_i].bottom);
}
END_TEST

START_TEST(test_digit_prepare_pixel_is_the_mean_of_its_area)
{
    fill(40, 0, 0, 40, 40, 255);
    ink[0] = ink[1] = 0; /* half of the first area of 2x2 */
    ck_assert(lstm_digit_prepare(ink, 40, 40, digit));
    ck_assert_int_eq(digit[4 * SIDE + 4], 128);
}
END_TEST

START_TEST(test_digit_prepare_area_that_cuts_pixels_takes_their_shares)
{
    fill(30, 0, 0, 30, 30, 255);
    ink[1] = 0; /* half of it, and all of its height, in the first area of 1.5x1.5 */
    ck_assert(lstm_digit_prepare(ink, 30, 30, digit));
    ck_assert_int_eq(digit[4 * SIDE + 4], (int)(255 * (1 - 0.5 / 2.25) + 0.5));
}
END_TEST

START_TEST(test_digit_prepare_heavy_end_is_not_pushed_over_the_edge)
{
    fill(200, 0, 0, 60, 200, 255);
    fill(200, 60, 0, 140, 200, 40);
    ck_assert(lstm_digit_prepare(ink, 200, 200, digit));
    assert_extent(8, 4, 28, 24);
}
END_TEST

START_TEST(test_digit_prepare_faint_ink_is_no_digit)
{
    fill(10, 0, 0, 10, 10, 31);
    memset(digit, 9, sizeof digit);
    ck_assert(!lstm_digit_prepare(ink, 10, 10, digit));
    ck_assert_int_eq(digit[0], 9);
}
END_TEST

/* What [10][10] of `paper` with a block of `pen` in it become. */
static const struct {
    const char *what;
    uint8_t paper, pen, paper_alpha, pen_alpha;
    bool has_ink;
} pictures[] = {
    {"black on white", 255, 0, 255, 255, true},
    {"white on black", 0, 255, 255, 255, true},
    {"a pencil on grey", 200, 120, 255, 255, true},
    {"black on nothing", 255, 0, 0, 255, true},
    {"white on nothing", 255, 255, 0, 255, true},
    {"a marker that shines through", 255, 128, 0, 128, true},
    {"nothing on black", 0, 255, 255, 0, true},
    {"nothing", 255, 255, 0, 0, false},
    {"white on white", 255, 255, 255, 255, false},
    {"a shade", 200, 169, 255, 255, false},
    {"a faint cloud", 255, 224, 0, 31, false},
};

START_TEST(test_image_ink_is_what_differs_from_the_border)
{
    memset(ink, pictures[_i].paper, 100);
    memset(alpha, pictures[_i].paper_alpha, 100);
    fill(10, 3, 0, 4, 8, pictures[_i].pen); /* it touches the border */
    for (size_t y = 0; y < 8; y++)
        memset(alpha + y * 10 + 3, pictures[_i].pen_alpha, 4);
    ck_assert_msg(lstm_image_ink(ink, alpha, 10, 10, ink) == pictures[_i].has_ink, "%s",
                  pictures[_i].what);
    for (size_t i = 0; i < 100 && pictures[_i].has_ink; i++) {
        const bool is_pen = i / 10 < 8 && i % 10 >= 3 && i % 10 < 7;
        ck_assert_msg(ink[i] == (is_pen ? 255 : 0), "%s: %zu is %d", pictures[_i].what, i, ink[i]);
    }
}
END_TEST

START_TEST(test_image_ink_keeps_what_is_black_and_white_already)
{
    for (size_t i = 0; i < 256; i++) {
        alpha[i] = 255;
        ink[i] = (uint8_t)(i < 64 || i >= 192 || i % 16 == 0 || i % 16 == 15 ? 0 : 2 * (i - 64));
    }
    uint8_t before[256];
    ink[100] = 255;
    memcpy(before, ink, sizeof before);
    ck_assert(lstm_image_ink(ink, alpha, 16, 16, ink));
    ck_assert_mem_eq(ink, before, sizeof before);
}
END_TEST

START_TEST(test_image_ink_of_a_line_of_pixels_is_found)
{
    static const uint8_t grey[] = {255, 255, 255, 0, 255}, full[] = {255, 255, 255, 255, 255};
    static const uint8_t expected[] = {0, 0, 0, 255, 0};
    for (int tall = 0; tall < 2; tall++) {
        ck_assert(lstm_image_ink(grey, full, tall ? 5 : 1, tall ? 1 : 5, ink));
        ck_assert_mem_eq(ink, expected, sizeof expected);
    }
    ck_assert(!lstm_image_ink(grey, full, 1, 1, ink));
}
END_TEST

Suite *suite_digit_image(void)
{
    Suite *suite = suite_create("digit_image");
    TCase *tcase = tcase_create("digit_image");
    tcase_add_checked_fixture(tcase, clear, NULL);
    tcase_add_loop_test(tcase, test_digit_prepare_rectangle_fills_the_box_and_keeps_its_proportions,
                        0, N_CASES(rectangles));
    tcase_add_test(tcase, test_digit_prepare_pixel_is_the_mean_of_its_area);
    tcase_add_test(tcase, test_digit_prepare_area_that_cuts_pixels_takes_their_shares);
    tcase_add_test(tcase, test_digit_prepare_heavy_end_is_not_pushed_over_the_edge);
    tcase_add_test(tcase, test_digit_prepare_faint_ink_is_no_digit);
    tcase_add_loop_test(tcase, test_image_ink_is_what_differs_from_the_border, 0,
                        N_CASES(pictures));
    tcase_add_test(tcase, test_image_ink_keeps_what_is_black_and_white_already);
    tcase_add_test(tcase, test_image_ink_of_a_line_of_pixels_is_found);
    suite_add_tcase(suite, tcase);
    return suite;
}
