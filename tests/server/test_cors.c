/* test_cors.c: lists of origins. SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "server/cors.h"
#include "tests/support/cases.h"

Suite *suite_cors(void);

static const struct {
    const char *list, *origin, *expected;
    bool varies;
} cases[] = {
    {"https://a.example", "https://a.example", "https://a.example", true},
    {"https://a.example, http://localhost:3000", "http://localhost:3000", "http://localhost:3000",
     true},
    {"https://a.example", "https://a.example.evil", NULL, true},
    {"https://a.example", "http://a.example", NULL, true},
    {"https://a.example", "https://a.example:8443", NULL, true},
    {"https://a.example", "null", NULL, true},
    {"https://a.example", NULL, NULL, true},
    {"http://[::1]:8080", "http://[::1]:8080", "http://[::1]:8080", true},
    {"*", "https://anyone.example", "*", false},
    {"*", NULL, NULL, false},
};

START_TEST(test_cors_origin_is_allowed_only_if_the_list_has_it)
{
    struct lstm_error error;
    struct cors *cors;
    ck_assert_int_eq(cors_create(cases[_i].list, &cors, &error), LSTM_OK);
    const char *allowed = cors_allow(cors, cases[_i].origin);
    if (cases[_i].expected == NULL)
        ck_assert_ptr_null(allowed);
    else
        ck_assert_str_eq(allowed, cases[_i].expected);
    ck_assert(cors_varies(cors) == cases[_i].varies);
    cors_destroy(cors);
}
END_TEST

static const char *const bad_lists[] = {"",
                                        "a.example",
                                        "https://",
                                        "://a.example",
                                        "https://a.example/",
                                        "https://a.example/path",
                                        "https://A.example",
                                        "https://a.example,",
                                        "https://a.example,*",
                                        "https://*.example",
                                        "https://a.example https://b.example/x"};

static const struct {
    const char *list, *host;
    bool has;
} hosts[] = {{"https://a.example,http://b.example:81", "a.example", true},
             {"https://a.example,http://b.example:81", "B.example:81", true},
             {"https://a.example,http://b.example:81", "b.example", false},
             {"https://a.example", "a.example.evil", false},
             {"*", "anyone.example", true}};

START_TEST(test_cors_host_is_that_of_an_origin_of_the_list)
{
    struct lstm_error error;
    struct cors *cors;
    ck_assert_int_eq(cors_create(hosts[_i].list, &cors, &error), LSTM_OK);
    ck_assert(cors_has_host(cors, hosts[_i].host) == hosts[_i].has);
    cors_destroy(cors);
}
END_TEST

START_TEST(test_cors_origin_that_no_answer_can_hold_is_none)
{
    char list[400];
    struct lstm_error error;
    struct cors *cors;
    snprintf(list, sizeof list, "https://%0320d.example", 0);
    ck_assert_int_eq(cors_create(list, &cors, &error), LSTM_INVALID);
    ck_assert_ptr_nonnull(strstr(error.text, "no origin"));
}
END_TEST

START_TEST(test_cors_list_that_is_none_is_an_error)
{
    struct lstm_error error;
    struct cors *cors;
    ck_assert_int_eq(cors_create(bad_lists[_i], &cors, &error), LSTM_INVALID);
    ck_assert_ptr_null(cors);
    ck_assert_ptr_nonnull(strstr(error.text, "no origin"));
}
END_TEST

Suite *suite_cors(void)
{
    Suite *suite = suite_create("cors");
    TCase *tcase = tcase_create("cors");
    tcase_add_loop_test(tcase, test_cors_origin_is_allowed_only_if_the_list_has_it, 0,
                        N_CASES(cases));
    tcase_add_loop_test(tcase, test_cors_host_is_that_of_an_origin_of_the_list, 0, N_CASES(hosts));
    tcase_add_test(tcase, test_cors_origin_that_no_answer_can_hold_is_none);
    tcase_add_loop_test(tcase, test_cors_list_that_is_none_is_an_error, 0, N_CASES(bad_lists));
    suite_add_tcase(suite, tcase);
    return suite;
}
