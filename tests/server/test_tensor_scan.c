/* test_tensor_scan.c: numeric arrays are lifted out of JSON exactly as jansson would read them.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/tensor_scan.h"

Suite *suite_tensor_scan(void);

/* Writes a tensor as "lengths of level 0|of level 1|...=values". */
static void write_tensor(const struct scanned_tensor *tensor, struct buf *out)
{
    for (size_t level = 0; level < tensor->rank; level++) {
        for (size_t i = 0; i < tensor->n_lengths[level]; i++)
            buf_printf(out, "%s%u",
                       i > 0       ? ","
                       : level > 0 ? "|"
                                   : "",
                       (unsigned)tensor->lengths[level][i]);
        if (level > 0 && tensor->n_lengths[level] == 0)
            buf_text(out, "|");
    }
    for (size_t i = 0; i < tensor->n_values; i++)
        buf_printf(out, "%s%.9g", i > 0 ? "," : "=", (double)tensor->values[i]);
}

static const struct {
    const char *text;
    const char *expected; /* the rest, then each tensor behind a space */
} good_cases[] = {
    {"[1,2,3]", "[0] 3=1,2,3"},
    {"[]", "[0] 0"},
    {" [ 1 , 2 ] ", " [0]  2=1,2"},
    {"[\t1\r\n,\n2\t]\n", "[0]\n 2=1,2"},
    {"[[1,2],[3]]", "[0] 2|2,1=1,2,3"},
    {"[[[1]],[[2],[3,4]]]", "[0] 2|1,2|1,1,2=1,2,3,4"},
    {"[[[[1]]]]", "[0] 1|1|1|1=1"},
    {"[[],[]]", "[0] 2|0,0"},
    {"[[],[1]]", "[0] 2|0,1=1"},
    {"[[1],[]]", "[0] 2|1,0=1"},
    {"[[],[[1]]]", "[0] 2|0,1|1=1"},
    {"[[[1]],[]]", "[0] 2|1,0|1=1"},
    {"[[[]]]", "[0] 1|1|0"},
    {"{\"a\":[1],\"b\":[[2]]}", "{\"a\":[0],\"b\":[1]} 1=1 1|1=2"},
    {"[{\"a\":[1]},{\"a\":[2]}]", "[{\"a\":[0]},{\"a\":[1]}] 1=1 1=2"},
    {"[\"a\",[1,2]]", "[\"a\",[0]] 2=1,2"},
    {"[[\"a\"],[1]]", "[[\"a\"],[0]] 1=1"},
    {"[null,1]", "[null,1]"},
    {"{\"a\":1.5}", "{\"a\":1.5}"},
    {"{\"[1]\":\"[2,\\\"[3]\"}", "{\"[1]\":\"[2,\\\"[3]\"}"},
    {"\"\\\\\"", "\"\\\\\""},
    {"7", "7"},
    {"", ""},
    {"nonsense", "nonsense"},
    {"[true]", "[true]"},
    {"[-0,0,-1e-3,1E+2,0e5,123.456e-1]", "[0] 6=-0,0,-0.00100000005,100,0,12.3456001"},
    {"[0.0,0.0, 0.0,0.05]", "[0] 4=0,0,0,0.0500000007"},
    {"[1e-400,1e-45,-1e-400]", "[0] 3=0,1.40129846e-45,-0"},
    {"[3.4028235e38,3.4028235677973362e38]", "[0] 2=3.40282347e+38,3.40282347e+38"},
    {"]}", "]}"},
};

START_TEST(test_tensor_scan_lifts_what_is_numeric)
{
    const char *const text = good_cases[_i].text;
    struct tensor_scan scan;
    struct lstm_error error = {0};
    ck_assert_msg(tensor_scan(text, strlen(text), &scan, &error) == LSTM_OK, "%s: %s", text,
                  error.text);
    struct buf found;
    buf_init(&found, 4096);
    buf_append(&found, scan.rest.data, scan.rest.n);
    for (size_t k = 0; k < scan.n_tensors; k++) {
        buf_text(&found, " ");
        write_tensor(&scan.tensors[k], &found);
    }
    ck_assert_str_eq(found.n > 0 ? found.data : "", good_cases[_i].expected);
    buf_release(&found);
    tensor_scan_release(&scan);
}
END_TEST

static const struct {
    const char *text, *message;
} bad_cases[] = {
    {"[1,\"a\"]", "[1]: expected a number, found a string (byte 3)"},
    {"{\"x\":[[1],2]}", "x[1]: expected an array, found the number 2 (byte 10)"},
    {"[[1],\"a\"]", "[1]: expected an array, found a string"},
    {"[[1],[[2]]]", "[1][0]: expected a number, found an array"},
    {"[1,[2]]", "[1]: expected a number, found an array"},
    {"[[],1]", "[1]: expected an array, found the number 1"},
    {"[[1],{\"a\":2}]", "[1]: expected an array, found an object"},
    {"{\"instances\":[{\"input\":[[1,2],[3,x]]}]}",
     "instances[0].input[1][1]: expected a number, found x (byte 33)"},
    {"[1,null]", "[1]: expected a number, found null"},
    {"[1,true]", "[1]: expected a number, found true"},
    {"[NaN]", "[0]: expected a number, found NaN, which JSON does not have"},
    {"[1,Infinity]", "[1]: expected a number, found Infinity, which JSON does not have"},
    {"[-Infinity]", "[0]: -Infinity is a malformed number"},
    {"[1e400]", "[0]: 1e400 is beyond float32 (byte 1)"},
    {"[0,-1e39]", "[1]: -1e39 is beyond float32"},
    {"[3.4028235677973366e38]", "[0]: 3.4028235677973366e38 is beyond float32"},
    {"[01]", "[0]: 01 is a malformed number"},
    {"[-01]", "[0]: -01 is a malformed number"},
    {"[00.5]", "is a malformed number"},
    {"[+1]", "[0]: expected a number, found +1"},
    {"[.5]", "[0]: expected a number, found .5"},
    {"[1.]", "[0]: 1. is a malformed number"},
    {"[1.e5]", "[0]: 1.e5 is a malformed number"},
    {"[1e]", "[0]: 1e is a malformed number"},
    {"[1e+]", "[0]: 1e+ is a malformed number"},
    {"[-]", "[0]: - is a malformed number"},
    {"[--1]", "[0]: --1 is a malformed number"},
    {"[1.5.2]", "[0]: expected ',' or ']', found .2"},
    {"[0x10]", "[0]: expected ',' or ']', found x10"},
    {"[1 2]", "[0]: expected ',' or ']', found the number 2"},
    {"[1,]", "[1]: expected a number, found ']'"},
    {"[1,,2]", "[1]: expected a number, found ','"},
    {"[,1]", "[0]: expected a number, found ','"},
    {"[[1],]", "[1]: expected an array, found ']'"},
    {"[1}", "[0]: expected ',' or ']', found '}'"},
    {"[1,2", "[1]: expected ',' or ']', found the end of the text"},
    {"[1,", "[1]: expected a number, found the end of the text"},
    {"[", "[0]: expected a number, found the end of the text"},
    {"[[1]", "[0]: expected ',' or ']', found the end of the text"},
    {"[1\xff]", "[0]: expected ',' or ']', found byte 0xff"},
    {"[[[[[1]]]]]", "[0][0][0][0]: arrays of numbers nest deeper than 4 levels"},
    {"{\"a\xc3\xa4\x01\":[x,1,[.", "a???[2][0]: expected a number, found ."},
};

START_TEST(test_tensor_scan_names_where_a_text_is_wrong)
{
    const char *const text = bad_cases[_i].text;
    struct tensor_scan scan;
    struct lstm_error error = {0};
    ck_assert_int_eq(tensor_scan(text, strlen(text), &scan, &error), LSTM_INVALID);
    ck_assert_msg(strstr(error.text, bad_cases[_i].message) != NULL, "%s: %s", text, error.text);
    ck_assert_ptr_null(scan.tensors);
    ck_assert_ptr_null(scan.rest.data);
    tensor_scan_release(&scan);
}
END_TEST

START_TEST(test_tensor_scan_of_any_depth_stops_at_the_limit)
{
    static const char *const openings[] = {"[", "{\"a\":", "[\"x\",", "[[1],"};
    enum { N = 10000 };
    const char *const opening = openings[_i];
    struct buf text;
    buf_init(&text, 1 << 20);
    for (int i = 0; i < N; i++)
        buf_text(&text, opening);
    struct tensor_scan scan;
    struct lstm_error error = {0};
    ck_assert_int_eq(tensor_scan(text.data, text.n, &scan, &error), LSTM_INVALID);
    ck_assert_msg(_i == 3 || strstr(error.text, "deeper than") != NULL, "%s", error.text);
    buf_release(&text);
}
END_TEST

START_TEST(test_tensor_scan_cuts_long_keys_and_paths_in_messages)
{
    struct buf text;
    buf_init(&text, 1 << 20);
    for (int i = 0; i < 20; i++)
        buf_text(&text, "{\"a key that is much longer than any that a server would know\":");
    buf_text(&text, "[1,x]");
    struct tensor_scan scan;
    struct lstm_error error = {0};
    ck_assert_int_eq(tensor_scan(text.data, text.n, &scan, &error), LSTM_INVALID);
    ck_assert_msg(strstr(error.text, "a key that is much longer than any t....a key") != NULL, "%s",
                  error.text);
    ck_assert_msg(strstr(error.text, "...: expected a number, found x") != NULL, "%s", error.text);
    buf_release(&text);
}
END_TEST

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

START_TEST(test_tensor_scan_reads_numbers_as_jansson_does)
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

START_TEST(test_tensor_scan_reads_ragged_arrays_as_jansson_does)
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

START_TEST(test_tensor_scan_reads_numbers_of_any_length)
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

START_TEST(test_tensor_scan_never_reads_behind_its_text)
{
    static const char text[] = "{\"a\":[[1.5e-3,0.0,-2],[0.0]]}";
    for (size_t n = 0; n < sizeof text - 1; n++) {
        char *const cut = malloc(n + 1);
        ck_assert_ptr_nonnull(cut);
        memcpy(cut, text, n);
        cut[n] = '9'; /* would be read as part of a number */
        struct tensor_scan scan;
        const enum lstm_status status = tensor_scan(cut, n, &scan, NULL);
        const bool inside = n > 5 && n < sizeof text - 2;
        ck_assert_msg((status == LSTM_OK) == !inside, "cut at %zu: status %d", n, (int)status);
        tensor_scan_release(&scan);
        free(cut);
    }
}
END_TEST

Suite *suite_tensor_scan(void)
{
    Suite *const suite = suite_create("tensor_scan");
    TCase *const tcase = tcase_create("tensor_scan");
    tcase_add_loop_test(tcase, test_tensor_scan_lifts_what_is_numeric, 0,
                        (int)(sizeof good_cases / sizeof *good_cases));
    tcase_add_loop_test(tcase, test_tensor_scan_names_where_a_text_is_wrong, 0,
                        (int)(sizeof bad_cases / sizeof *bad_cases));
    tcase_add_loop_test(tcase, test_tensor_scan_of_any_depth_stops_at_the_limit, 0, 4);
    tcase_add_test(tcase, test_tensor_scan_cuts_long_keys_and_paths_in_messages);
    tcase_add_loop_test(tcase, test_tensor_scan_reads_numbers_as_jansson_does, 0, 20);
    tcase_add_test(tcase, test_tensor_scan_reads_ragged_arrays_as_jansson_does);
    tcase_add_loop_test(tcase, test_tensor_scan_reads_numbers_of_any_length, 0, 5);
    tcase_add_test(tcase, test_tensor_scan_never_reads_behind_its_text);
    suite_add_tcase(suite, tcase);
    return suite;
}
