/* test_float_text.c: every float32 has a shortest decimal that reads back.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/lstm.h"
#include "server/float_text.h"

Suite *suite_float_text(void);

static float float_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static bool same_bits(float a, float b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

static const struct {
    float value;
    const char *text;
} cases[] = {
    {0.0f, "0.0"},
    {-0.0f, "-0.0"},
    {1.0f, "1.0"},
    {-1.0f, "-1.0"},
    {0.1f, "0.1"},
    {0.5f, "0.5"},
    {100.0f, "100.0"},
    {123456.0f, "123456.0"},
    {0.5019608f, "0.5019608"},
    {0.33333334f, "0.33333334"},
    {-0.00012345679f, "-0.00012345679"},
    {0.0001f, "0.0001"},
    {0.00001f, "1e-05"},
    {1e-7f, "1e-07"},
    {1.2345678e-20f, "1.2345678e-20"},
    {16777216.0f, "16777216.0"},
    {-987654336.0f, "-987654340.0"},
    {1e9f, "1e+09"},
    {1e10f, "1e+10"},
    {3.4028235e38f, "3.4028235e+38"},
    {-1.1754944e-38f, "-1.1754944e-38"},
    {0x1p-149f, "1e-45"},
    {-0x1p-148f, "-3e-45"},
    {0x1p-126f, "1.1754944e-38"},
    {9.999999e-5f, "9.999999e-05"},
    {0.99999994f, "0.99999994"},
    {8388608.5f, "8388608.0"},
    {9.8e-45f, "1e-44"},
};

START_TEST(test_float_text_writes_the_shortest_decimal)
{
    char text[FLOAT_TEXT_MAX + 1];
    text[float_text(cases[_i].value, text)] = '\0';
    ck_assert_str_eq(text, cases[_i].text);
}
END_TEST

START_TEST(test_float_text_reads_back_directly_and_as_a_double)
{
    struct lstm_random random;
    lstm_random_init(&random, 1, 0);
    for (int i = 0; i < 1000000; i++) {
        const float value = float_of((uint32_t)lstm_random_bits(&random));
        if (!isfinite(value))
            continue;
        char text[FLOAT_TEXT_MAX + 1];
        const size_t n = float_text(value, text);
        text[n] = '\0';
        if (n > FLOAT_TEXT_MAX || !same_bits(strtof(text, NULL), value) ||
            !same_bits((float)strtod(text, NULL), value))
            ck_abort_msg("%a became %s", (double)value, text);
    }
}
END_TEST

/* Digits of "-1.25e-07" without zeros before or behind. */
static size_t count_digits(const char *text)
{
    size_t n = 0, zeros = 0;
    for (; *text != '\0' && *text != 'e'; text++) {
        if (*text == '0' && n + zeros > 0)
            zeros++;
        if ('1' <= *text && *text <= '9') {
            n += zeros + 1;
            zeros = 0;
        }
    }
    return n;
}

static void check_is_shortest(float value)
{
    char text[FLOAT_TEXT_MAX + 1], shortest[32] = "";
    text[float_text(value, text)] = '\0';
    for (int digits = 1; digits <= 9; digits++) {
        snprintf(shortest, sizeof shortest, "%.*e", digits - 1, (double)value);
        if (same_bits(strtof(shortest, NULL), value) &&
            same_bits((float)strtod(shortest, NULL), value))
            break;
    }
    ck_assert_msg(count_digits(text) == count_digits(shortest), "%s, but %s is shorter", text,
                  shortest);
}

START_TEST(test_float_text_needs_no_more_digits_than_printf)
{
    struct lstm_random random;
    lstm_random_init(&random, 2, 0);
    for (int i = 0; i < 50000; i++) {
        const float value = float_of((uint32_t)lstm_random_bits(&random));
        if (isfinite(value))
            check_is_shortest(value);
        check_is_shortest((float)lstm_random_uniform(&random));
    }
}
END_TEST

START_TEST(test_float_text_is_shortest_around_every_power_of_two)
{
    for (int exponent = -149; exponent < 128; exponent++) {
        const float value = ldexpf(1, exponent);
        check_is_shortest(value);
        check_is_shortest(nextafterf(value, INFINITY));
        if (exponent > -149)
            check_is_shortest(nextafterf(value, 0));
    }
}
END_TEST

Suite *suite_float_text(void)
{
    Suite *const suite = suite_create("float_text");
    TCase *const tcase = tcase_create("float_text");
    tcase_add_loop_test(tcase, test_float_text_writes_the_shortest_decimal, 0,
                        (int)(sizeof cases / sizeof *cases));
    tcase_add_test(tcase, test_float_text_reads_back_directly_and_as_a_double);
    tcase_add_test(tcase, test_float_text_needs_no_more_digits_than_printf);
    tcase_add_test(tcase, test_float_text_is_shortest_around_every_power_of_two);
    suite_add_tcase(suite, tcase);
    return suite;
}
