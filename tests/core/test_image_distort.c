/* test_image_distort.c: rotation, zoom and shift of small images.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <string.h>

#include "core/lstm.h"

Suite *suite_image_distort(void);

static const struct lstm_distortion nothing = {.min_scale = 1, .max_scale = 1};

static struct lstm_random seeded(uint64_t seed)
{
    struct lstm_random random;
    lstm_random_init(&random, seed, 0);
    return random;
}

START_TEST(test_image_distort_by_nothing_keeps_the_image)
{
    static const uint8_t image[] = {0, 255, 3, 40, 5, 60};
    uint8_t out[6];
    struct lstm_random random = seeded(1);
    lstm_image_distort(image, 2, 3, &nothing, &random, out);
    ck_assert_mem_eq(out, image, sizeof image);
}
END_TEST

START_TEST(test_image_distort_same_seed_gives_the_same_image)
{
    const struct lstm_distortion limits = {15, 0.85, 1.15, 2};
    uint8_t image[28 * 28], a[28 * 28], b[28 * 28];
    struct lstm_random random = seeded(1);
    for (size_t i = 0; i < sizeof image; i++)
        image[i] = (uint8_t)lstm_random_bits(&random);
    struct lstm_random copy = random;
    lstm_image_distort(image, 28, 28, &limits, &random, a);
    lstm_image_distort(image, 28, 28, &limits, &copy, b);
    ck_assert_mem_eq(a, b, sizeof a);
    lstm_image_distort(image, 28, 28, &limits, &random, b);
    ck_assert_mem_ne(a, b, sizeof a);
}
END_TEST

START_TEST(test_image_distort_half_turn_reverses_the_pixels)
{
    /* The random angle is near 180 degrees only for draws near 1, so those are waited for. */
    const struct lstm_distortion limits = {180, 1, 1, 0};
    uint8_t image[9] = {90, 0, 0, 0, 50, 0, 0, 0, 0}, out[9];
    for (uint64_t seed = 0;; seed++) {
        struct lstm_random random = seeded(seed), copy = random;
        if (lstm_random_uniform(&copy) < 0.999)
            continue;
        lstm_image_distort(image, 3, 3, &limits, &random, out);
        break;
    }
    ck_assert_int_eq(out[4], 50);
    ck_assert_int_gt(out[8], 80);
    ck_assert_int_lt(out[0], 5);
}
END_TEST

START_TEST(test_image_distort_zoom_widens_a_bar_about_the_middle)
{
    const struct lstm_distortion limits = {0, 2, 2, 0};
    static const uint8_t image[] = {0, 0, 100, 0, 0}, expected[] = {0, 50, 100, 50, 0};
    uint8_t out[5];
    struct lstm_random random = seeded(1);
    lstm_image_distort(image, 1, 5, &limits, &random, out);
    ck_assert_mem_eq(out, expected, sizeof expected);
}
END_TEST

START_TEST(test_image_distort_far_shift_leaves_zeros)
{
    const struct lstm_distortion limits = {0, 1, 1, 1e6};
    uint8_t image[16], out[16], zeros[16] = {0};
    memset(image, 255, sizeof image);
    struct lstm_random random = seeded(1);
    lstm_image_distort(image, 4, 4, &limits, &random, out);
    ck_assert_mem_eq(out, zeros, sizeof zeros);
}
END_TEST

/* Shifts are uniform in -2 .. 2 both ways: over many images, the centre of a dot stays within that
 * and its mean stays put. */
START_TEST(test_image_distort_shift_stays_within_the_limit)
{
    enum { N = 2000, SIDE = 9 };
    const struct lstm_distortion limits = {0, 1, 1, 2};
    uint8_t image[SIDE * SIDE] = {0}, out[SIDE * SIDE];
    image[SIDE * 4 + 4] = 200;
    struct lstm_random random = seeded(1);
    double mean_x = 0, mean_y = 0, farthest = 0;
    for (size_t i = 0; i < N; i++) {
        double x = 0, y = 0, mass = 0;
        lstm_image_distort(image, SIDE, SIDE, &limits, &random, out);
        for (int j = 0; j < SIDE * SIDE; j++) {
            mass += out[j];
            x += out[j] * (j % SIDE - 4);
            y += out[j] * (j / SIDE - 4);
        }
        ck_assert_double_eq_tol(mass, 200, 4);
        mean_x += x / mass / N;
        mean_y += y / mass / N;
        farthest = x / mass > farthest ? x / mass : farthest;
    }
    ck_assert_double_eq_tol(mean_x, 0, 0.15);
    ck_assert_double_eq_tol(mean_y, 0, 0.15);
    ck_assert_double_eq_tol(farthest, 2, 0.1);
}
END_TEST

Suite *suite_image_distort(void)
{
    Suite *suite = suite_create("image_distort");
    TCase *tcase = tcase_create("image_distort");
    tcase_add_test(tcase, test_image_distort_by_nothing_keeps_the_image);
    tcase_add_test(tcase, test_image_distort_same_seed_gives_the_same_image);
    tcase_add_test(tcase, test_image_distort_half_turn_reverses_the_pixels);
    tcase_add_test(tcase, test_image_distort_zoom_widens_a_bar_about_the_middle);
    tcase_add_test(tcase, test_image_distort_far_shift_leaves_zeros);
    tcase_add_test(tcase, test_image_distort_shift_stays_within_the_limit);
    suite_add_tcase(suite, tcase);
    return suite;
}
