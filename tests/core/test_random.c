/* test_random.c: the generator against published numbers, the distributions against their moments.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "core/random.h"

Suite *suite_random(void);

/* The reference output of xoshiro256++ 1.0 from the state {1, 2, 3, 4}. */
START_TEST(test_random_bits_follow_the_published_algorithm)
{
    static const uint64_t expected[] = {UINT64_C(41943041),
                                        UINT64_C(58720359),
                                        UINT64_C(3588806011781223),
                                        UINT64_C(3591011842654386),
                                        UINT64_C(9228616714210784205),
                                        UINT64_C(9973669472204895162),
                                        UINT64_C(14011001112246962877),
                                        UINT64_C(12406186145184390807),
                                        UINT64_C(15849039046786891736),
                                        UINT64_C(10450023813501588000)};
    struct lstm_random random = {{1, 2, 3, 4}};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        ck_assert_uint_eq(lstm_random_bits(&random), expected[i]);
}
END_TEST

/* The reference seeding: four outputs of splitmix64 from the state 0. */
START_TEST(test_random_init_stream_0_is_splitmix64)
{
    struct lstm_random random;
    lstm_random_init(&random, 0, 0);
    ck_assert_uint_eq(random.s[0], UINT64_C(0xe220a8397b1dcdaf));
    ck_assert_uint_eq(random.s[1], UINT64_C(0x6e789e6aa1b965f4));
    ck_assert_uint_eq(random.s[2], UINT64_C(0x06c45d188009454f));
    ck_assert_uint_eq(random.s[3], UINT64_C(0xf88bb8a8724c81ec));
}
END_TEST

START_TEST(test_random_init_other_seed_or_stream_gives_other_numbers)
{
    static const uint64_t seeds[][2] = {{0, 0}, {0, 1}, {1, 0}, {1, 1}, {0, 2}, {2, 0}};
    enum { N = sizeof seeds / sizeof *seeds };
    uint64_t first[N];
    for (size_t i = 0; i < N; i++) {
        struct lstm_random random;
        lstm_random_init(&random, seeds[i][0], seeds[i][1]);
        first[i] = lstm_random_bits(&random);
        for (size_t j = 0; j < i; j++)
            ck_assert_uint_ne(first[i], first[j]);
    }
}
END_TEST

START_TEST(test_random_uniform_stays_in_range_with_the_right_mean)
{
    enum { N = 100000 };
    struct lstm_random random;
    lstm_random_init(&random, 7, 0);
    double sum = 0;
    for (size_t i = 0; i < N; i++) {
        double x = lstm_random_uniform(&random);
        ck_assert(x >= 0 && x < 1);
        sum += x;
    }
    /* The mean's deviation is 0.0009. */
    ck_assert_double_eq_tol(sum / N, 0.5, 0.005);
}
END_TEST

START_TEST(test_random_below_reaches_each_value_equally_often)
{
    enum { N = 60000 };
    struct lstm_random random;
    lstm_random_init(&random, 7, 0);
    int count[6] = {0};
    for (size_t i = 0; i < N; i++) {
        uint64_t x = lstm_random_below(&random, 6);
        ck_assert_uint_lt(x, 6);
        count[x]++;
    }
    /* Each count's deviation is 91. */
    for (size_t i = 0; i < 6; i++)
        ck_assert_int_lt(abs(count[i] - N / 6), 500);
    ck_assert_uint_eq(lstm_random_below(&random, 1), 0);
}
END_TEST

START_TEST(test_random_below_half_of_all_numbers_is_unbiased)
{
    /* With a plain remainder, two of three draws would fall into the lower half. */
    enum { N = 30000 };
    const uint64_t n = UINT64_C(3) << 62;
    struct lstm_random random;
    lstm_random_init(&random, 7, 0);
    int lower = 0;
    for (size_t i = 0; i < N; i++)
        lower += lstm_random_below(&random, n) < n / 3;
    ck_assert_int_lt(abs(lower - N / 3), 500);
}
END_TEST

START_TEST(test_random_normal_has_the_moments_and_tails_of_a_normal)
{
    enum { N = 200000 };
    struct lstm_random random;
    lstm_random_init(&random, 7, 0);
    double sum = 0, squares = 0, fourths = 0;
    int within_1 = 0, beyond_2 = 0;
    for (size_t i = 0; i < N; i++) {
        double x = lstm_random_normal(&random);
        sum += x;
        squares += x * x;
        fourths += x * x * x * x;
        within_1 += fabs(x) < 1;
        beyond_2 += fabs(x) >= 2;
    }
    ck_assert_double_eq_tol(sum / N, 0, 0.012);
    ck_assert_double_eq_tol(squares / N, 1, 0.02);
    ck_assert_double_eq_tol(fourths / N, 3, 0.15);
    ck_assert_double_eq_tol(within_1 / (double)N, 0.682689, 0.006);
    ck_assert_double_eq_tol(beyond_2 / (double)N, 0.045500, 0.003);
}
END_TEST

/* The deviation of a normal cut off at 2 is 0.87962566103423978. */
START_TEST(test_random_truncated_normal_never_reaches_2)
{
    enum { N = 100000 };
    struct lstm_random random;
    lstm_random_init(&random, 7, 0);
    double squares = 0;
    for (size_t i = 0; i < N; i++) {
        double x = random_truncated_normal(&random);
        ck_assert_double_lt(fabs(x), 2);
        squares += x * x;
    }
    ck_assert_double_eq_tol(sqrt(squares / N), 0.87962566, 0.01);
}
END_TEST

Suite *suite_random(void)
{
    Suite *suite = suite_create("random");
    TCase *bits = tcase_create("bits");
    tcase_add_test(bits, test_random_bits_follow_the_published_algorithm);
    tcase_add_test(bits, test_random_init_stream_0_is_splitmix64);
    tcase_add_test(bits, test_random_init_other_seed_or_stream_gives_other_numbers);
    suite_add_tcase(suite, bits);
    TCase *distributions = tcase_create("distributions");
    tcase_add_test(distributions, test_random_uniform_stays_in_range_with_the_right_mean);
    tcase_add_test(distributions, test_random_below_reaches_each_value_equally_often);
    tcase_add_test(distributions, test_random_below_half_of_all_numbers_is_unbiased);
    tcase_add_test(distributions, test_random_normal_has_the_moments_and_tails_of_a_normal);
    tcase_add_test(distributions, test_random_truncated_normal_never_reaches_2);
    suite_add_tcase(suite, distributions);
    return suite;
}
