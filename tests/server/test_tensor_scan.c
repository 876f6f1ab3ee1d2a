/* test_tensor_scan.c: numeric arrays are lifted out of JSON, or refused with a good sentence.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
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

START_TEST(test_tensor_scan_refuses_too_much_beside_the_numbers)
{
    static const char *const pieces[] = {"\"text\",", "[], \"\", \"\",", "{\"long\":1},"};
    struct buf text;
    buf_init(&text, 1 << 24);
    buf_text(&text, "[\"\",");
    while (text.n <= SCAN_MAX_REST)
        buf_text(&text, pieces[_i]);
    struct tensor_scan scan;
    struct lstm_error error = {0};
    ck_assert_int_eq(tensor_scan(text.data, text.n, &scan, &error), LSTM_INVALID);
    ck_assert_msg(strstr(error.text, "at most 1048576 bytes beside its arrays") != NULL, "%s",
                  error.text);
    buf_release(&text);
}
END_TEST

/* Each as often as there may be arrays and objects in the rest, and once more. */
START_TEST(test_tensor_scan_more_containers_than_the_limit_are_refused)
{
    static const char *const containers[] = {"{}", "[]", "[1]", "[[1,2],[3]]"};
    for (size_t more = 0; more < 2; more++) {
        struct buf text;
        struct tensor_scan scan;
        struct lstm_error error = {0};
        buf_init(&text, 1 << 24);
        buf_text(&text, "[\"\"");
        for (size_t i = 1; i < SCAN_MAX_CONTAINERS + more; i++)
            buf_printf(&text, ",%s", i % 2 == 0 ? "{}" : containers[i / 2 % 4]);
        buf_text(&text, "]");
        const enum lstm_status status = tensor_scan(text.data, text.n, &scan, &error);
        ck_assert_int_eq(status, more == 0 ? LSTM_OK : LSTM_INVALID);
        ck_assert(more == 0 || strstr(error.text, "at most 131072 arrays and objects") != NULL);
        tensor_scan_release(&scan);
        buf_release(&text);
    }
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
    tcase_add_loop_test(tcase, test_tensor_scan_refuses_too_much_beside_the_numbers, 0, 3);
    tcase_add_test(tcase, test_tensor_scan_more_containers_than_the_limit_are_refused);
    tcase_add_test(tcase, test_tensor_scan_never_reads_behind_its_text);
    suite_add_tcase(suite, tcase);
    return suite;
}
