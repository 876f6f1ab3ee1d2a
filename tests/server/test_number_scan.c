/* test_number_scan.c: numbers of every form, size and length read as jansson reads them, to the
 * bit. SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "server/tensor_scan.h"

Suite *suite_number_scan(void);

/* Compares a tensor's values, in text order, with jansson's reading of the same array. */
static void compare(const json_t *array, const float **values)
{
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *const element = json_array_get(array, i);
        if (json_is_array(element)) {
            compare(element, values);
            continue;
        }
        const float expected = (float)json_real_value(element);
        ck_assert_msg(memcmp(&expected, *values, sizeof expected) == 0, "expected %.9g, found %.9g",
                      (double)expected, (double)**values);
        ++*values;
    }
}

static void check_against_jansson(const struct buf *text)
{
    struct tensor_scan scan;
    struct lstm_error error = {0};
    ck_assert_msg(tensor_scan(text->data, text->n, &scan, &error) == LSTM_OK, "%s", error.text);
    json_t *const array = json_loadb(text->data, text->n, JSON_DECODE_INT_AS_REAL, NULL);
    ck_assert_ptr_nonnull(array);
    ck_assert_uint_eq(scan.n_tensors, 1);
    ck_assert_uint_eq(scan.tensors[0].lengths[0][0], json_array_size(array));
    const float *values = scan.tensors[0].values;
    compare(array, &values);
    ck_assert_uint_eq((size_t)(values - scan.tensors[0].values), scan.tensors[0].n_values);
    json_decref(array);
    tensor_scan_release(&scan);
}

static void append_digits(struct buf *text, struct lstm_random *random, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++)
        buf_printf(text, "%d", (int)lstm_random_below(random, 10));
}

/* A number of random form and, within what float32 holds, random size. */
static void append_number(struct buf *text, struct lstm_random *random)
{
    const uint64_t form = lstm_random_below(random, 6);
    const double value =
        ldexp(lstm_random_uniform(random) - 0.5, (int)lstm_random_below(random, 300) - 180);
    if (form == 0) {
        buf_printf(text, "%.17g", value);
    } else if (form == 1) {
        buf_printf(text, "%.*f", 1 + (int)lstm_random_below(random, 60), value);
    } else if (form == 2) {
        /* The middle between two floats, and what lies just beside it. */
        const float low = (float)value;
        const double middle = ((double)low + (double)nextafterf(low, INFINITY)) / 2;
        buf_printf(text, "%.*e", 14 + (int)lstm_random_below(random, 40), middle);
    } else if (form == 3) {
        buf_text(text, lstm_random_below(random, 2) ? "0.0" : "-0");
    } else {
        buf_printf(text, "%s%d.", form == 4 ? "" : "-", (int)lstm_random_below(random, 100));
        append_digits(text, random, 1 + lstm_random_below(random, 25));
        buf_printf(text, "e%d", (int)lstm_random_below(random, 60) - 30);
    }
}

START_TEST(test_number_scan_reads_numbers_as_jansson_does)
{
    struct lstm_random random;
    lstm_random_init(&random, 1, (uint64_t)_i);
    struct buf text;
    buf_init(&text, 1 << 20);
    buf_text(&text, "[");
    for (int i = 0; i < 1000; i++) {
        buf_text(&text, i > 0 ? ", " : "");
        append_number(&text, &random);
    }
    buf_text(&text, "]");
    check_against_jansson(&text);
    buf_release(&text);
}
END_TEST

/* Fills an array of this depth with arrays, numbers or nothing. */
static void append_array(struct buf *text, struct lstm_random *random, int depth)
{
    const uint64_t n = lstm_random_below(random, 5);
    buf_text(text, "[");
    for (uint64_t i = 0; i < n; i++) {
        buf_text(text, i > 0 ? "," : "");
        buf_text(text, lstm_random_below(random, 3) > 0 ? "" : " \n");
        if (depth == 1)
            append_number(text, random);
        else
            append_array(text, random, depth - 1);
    }
    buf_text(text, "]");
}

START_TEST(test_number_scan_reads_ragged_arrays_as_jansson_does)
{
    struct lstm_random random;
    lstm_random_init(&random, 2, 0);
    for (int i = 0; i < 1000; i++) {
        struct buf text;
        buf_init(&text, 1 << 20);
        append_array(&text, &random, 1 + i % TENSOR_MAX_RANK);
        check_against_jansson(&text);
        buf_release(&text);
    }
}
END_TEST

START_TEST(test_number_scan_reads_numbers_of_any_length)
{
    static const char *const shapes[][2] = {
        {"0.", "1"}, {"1.", "5"}, {"", "e-5000"}, {"0.00", "7e4990"}, {"16777217.", "1"}};
    enum { N = 5000 };
    struct buf text;
    buf_init(&text, 1 << 20);
    buf_text(&text, "[");
    buf_text(&text, shapes[_i][0]);
    for (int i = 0; i < N; i++)
        buf_text(&text, _i == 2 ? "1" : "0");
    buf_text(&text, shapes[_i][1]);
    buf_text(&text, "]");
    check_against_jansson(&text);
    buf_release(&text);
}
END_TEST

/* Powers that no double holds exactly, down to where floats lose bits and end, and the middles
 * between two floats there, cut to the digits that are read quickly. */
START_TEST(test_number_scan_reads_distant_powers_as_jansson_does)
{
    struct lstm_random random;
    struct buf text;
    lstm_random_init(&random, 4, (uint64_t)_i);
    buf_init(&text, 1 << 20);
    buf_text(&text, "[1");
    for (int i = 0; i < 1000; i++) {
        const uint64_t digits = lstm_random_bits(&random) >> lstm_random_below(&random, 60);
        buf_printf(&text, ",%llue%d", (unsigned long long)digits / 2,
                   (int)lstm_random_below(&random, 90) - 70);
        const float low = (float)ldexp((double)(digits >> 40), -174);
        const double middle = ((double)low + (double)nextafterf(low, 1)) / 2;
        buf_printf(&text, ",%.*e", 12 + (int)lstm_random_below(&random, 7), middle);
    }
    buf_text(&text, ",1e-99999999999999999999,7.006492321624085e-46,7.006492321624086e-46]");
    check_against_jansson(&text);
    buf_release(&text);
}
END_TEST

/* Each form of zero in turn, alone and in runs, beside numbers that begin like one. */
START_TEST(test_number_scan_reads_runs_of_zeros_as_jansson_does)
{
    static const char *const forms[] = {"0", "0.0", "0.05", "-0.0", "0e5", "0.00", "10", "0.0e1"};
    static const char *const separators[] = {",", ", ", " ,", ",  ", ",\n"};
    enum { N_FORMS = sizeof forms / sizeof *forms, N = 400 };
    struct lstm_random random;
    struct buf text;
    lstm_random_init(&random, 3, (uint64_t)_i);
    buf_init(&text, 1 << 20);
    buf_text(&text, "[");
    const char *form = forms[0];
    for (int i = 0; i < N; i++) {
        if (lstm_random_below(&random, 5) == 0)
            form = forms[lstm_random_below(&random, N_FORMS)];
        buf_printf(&text, "%s%s", i > 0 ? separators[_i] : "", form);
        buf_text(&text, "]");
        check_against_jansson(&text);
        text.data[--text.n] = '\0';
    }
    buf_release(&text);
}
END_TEST

/* Behind the digits of a fraction come all bytes that could be taken for more of them. */
START_TEST(test_number_scan_refuses_what_is_not_a_digit)
{
    for (int byte = 1; byte < 256; byte++) {
        if (byte == ']') /* ends the array; the rest is not this scanner's to refuse */
            continue;
        char text[] = "[0.1234?6789012345, 1]";
        text[7] = (char)byte;
        struct tensor_scan scan;
        struct lstm_error error = {0};
        const bool is_digit = byte >= '0' && byte <= '9';
        const enum lstm_status status = tensor_scan(text, sizeof text - 1, &scan, &error);
        ck_assert_msg((status == LSTM_OK) == (is_digit || byte == ','), "byte %d: %s", byte,
                      error.text);
        ck_assert_msg(status != LSTM_OK || scan.tensors[0].n_values == (is_digit ? 2 : 3),
                      "byte %d: %zu numbers", byte, scan.tensors[0].n_values);
        tensor_scan_release(&scan);
    }
}
END_TEST

Suite *suite_number_scan(void)
{
    Suite *const suite = suite_create("number_scan");
    TCase *const tcase = tcase_create("number_scan");
    tcase_add_loop_test(tcase, test_number_scan_reads_numbers_as_jansson_does, 0, 20);
    tcase_add_test(tcase, test_number_scan_reads_ragged_arrays_as_jansson_does);
    tcase_add_loop_test(tcase, test_number_scan_reads_numbers_of_any_length, 0, 5);
    tcase_add_loop_test(tcase, test_number_scan_reads_distant_powers_as_jansson_does, 0, 20);
    tcase_add_loop_test(tcase, test_number_scan_reads_runs_of_zeros_as_jansson_does, 0, 5);
    tcase_add_test(tcase, test_number_scan_refuses_what_is_not_a_digit);
    suite_add_tcase(suite, tcase);
    return suite;
}
