/* test_float_formats.c: float32 rounded to the smaller stored types, bit by bit.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <math.h>
#include <string.h>

#include "core/float_formats.h"
#include "tests/support/cases.h"

Suite *suite_float_formats(void);

static const struct {
    enum lstm_dtype dtype;
    float value;
    unsigned bits;
} cases[] = {
    {LSTM_F16, 1.0F, 0x3c00},         {LSTM_F16, -5.0F, 0xc500},
    {LSTM_F16, 0x1.004p0F, 0x3c01},   {LSTM_F16, 0x1.002p0F, 0x3c00}, /* a tie, to even */
    {LSTM_F16, 0x1.006p0F, 0x3c02},   {LSTM_F16, 65504.0F, 0x7bff},
    {LSTM_F16, 65520.0F, 0x7c00}, /* a tie that carries into the exponent: infinite */
    {LSTM_F16, 65536.0F, 0x7c00},     {LSTM_F16, -1e30F, 0xfc00},
    {LSTM_F16, INFINITY, 0x7c00},     {LSTM_F16, 0x1p-14F, 0x0400},
    {LSTM_F16, 0x1.ff8p-15F, 0x03ff}, /* the largest that is subnormal */
    {LSTM_F16, -0x1p-24F, 0x8001},    {LSTM_F16, 0x1p-25F, 0x0000}, /* a tie */
    {LSTM_F16, 0x1.8p-25F, 0x0001},   {LSTM_F16, -0x1p-26F, 0x8000},
    {LSTM_BF16, 1.0F, 0x3f80},        {LSTM_BF16, 0x1.01p0F, 0x3f80}, /* a tie, to even */
    {LSTM_BF16, 0x1.03p0F, 0x3f82},   {LSTM_BF16, -0x1.fffffep127F, 0xff80},
    {LSTM_BF16, INFINITY, 0x7f80},
};

START_TEST(test_float_is_rounded_to_the_nearest_stored_value)
{
    unsigned char bytes[2];
    float_format_write(cases[_i].dtype, &cases[_i].value, 1, bytes);
    const unsigned bits = bytes[0] | (unsigned)bytes[1] << 8;
    ck_assert_msg(bits == cases[_i].bits, "%a: expected %04x, found %04x", (double)cases[_i].value,
                  cases[_i].bits, bits);
}
END_TEST

START_TEST(test_float_that_is_stored_as_infinite_is_found_among_others)
{
    const unsigned exponent = cases[_i].dtype == LSTM_F16 ? 0x7c00 : 0x7f80;
    const float values[] = {1, cases[_i].value, NAN};
    ck_assert_uint_eq(float_format_find_non_finite(cases[_i].dtype, values, 3),
                      (cases[_i].bits & exponent) == exponent ? 1 : 2);
    ck_assert_uint_eq(float_format_find_non_finite(cases[_i].dtype, values, 1), 1);
    ck_assert_uint_eq(float_format_find_non_finite(LSTM_F32, values, 3), isinf(values[1]) ? 1 : 2);
}
END_TEST

/* One whose payload lies in the bits that are cut off, too: cutting alone would make it infinite.
 */
START_TEST(test_float_that_is_no_number_stays_none)
{
    static const enum lstm_dtype dtypes[] = {LSTM_F64, LSTM_F32, LSTM_F16, LSTM_BF16};
    static const uint32_t patterns[] = {0x7fc00000, 0x7f800001, 0xffc00000, 0xff800001};
    for (size_t k = 0; k < N_CASES(dtypes); k++)
        for (size_t i = 0; i < N_CASES(patterns); i++) {
            unsigned char bytes[8];
            float value, back;
            memcpy(&value, &patterns[i], sizeof value);
            float_format_write(dtypes[k], &value, 1, bytes);
            float_format_read(dtypes[k], bytes, 1, &back);
            ck_assert(isnan(back));
            ck_assert_int_eq(signbit(back) != 0, signbit(value) != 0);
        }
}
END_TEST

Suite *suite_float_formats(void)
{
    Suite *suite = suite_create("float_formats");
    TCase *tcase = tcase_create("float_formats");
    tcase_add_loop_test(tcase, test_float_is_rounded_to_the_nearest_stored_value, 0,
                        N_CASES(cases));
    tcase_add_loop_test(tcase, test_float_that_is_stored_as_infinite_is_found_among_others, 0,
                        N_CASES(cases));
    tcase_add_test(tcase, test_float_that_is_no_number_stays_none);
    suite_add_tcase(suite, tcase);
    return suite;
}
