/* test_router.c: paths against patterns. SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stddef.h>
#include <string.h>

#include "server/router.h"

Suite *suite_router(void);

static const struct route table[] = {
    {"GET", "/m", "list", "", NULL, SCOPE_NONE},
    {"GET", "/m/{model}", "one", "", NULL, SCOPE_NONE},
    {"POST", "/m/{model}", "make", "", NULL, SCOPE_NONE},
    {"POST", "/m/{model}:predict", "predict", "", NULL, SCOPE_NONE},
    {"GET", "/m/{model}/versions/{version}", "version", "", NULL, SCOPE_NONE},
    {"POST", "/m/{model}/versions/{version}:predict", "predict", "", NULL, SCOPE_NONE},
    {"GET", "/m/{model}/labels/{label}", "label", "", NULL, SCOPE_NONE},
    {"GET", "/m/{model}/sessions/{session}/state", "state", "", NULL, SCOPE_NONE},
    {0},
};

static const struct {
    const char *method, *path, *name, *model, *rest;
} matches[] = {
    {"GET", "/m", "list", "", ""},
    {"GET", "/m/mnist", "one", "mnist", ""},
    {"HEAD", "/m/mnist", "one", "mnist", ""},
    {"POST", "/m/mnist", "make", "mnist", ""},
    {"POST", "/m/mnist:predict", "predict", "mnist", ""},
    {"GET", "/m/mnist/versions/12", "version", "mnist", "12"},
    {"POST", "/m/mnist/versions/12:predict", "predict", "mnist", "12"},
    {"GET", "/m/a%20b%3Ac/labels/caf%c3%a9", "label", "a b:c", "caf\xC3\xA9"},
    {"GET", "/m/%25/sessions/x+y/state", "state", "%", "x+y"},
};

START_TEST(test_router_path_matches_and_its_parts_are_decoded)
{
    struct path_parts parts;
    char allow[64];
    const struct route *route =
        router_match(table, matches[_i].method, matches[_i].path, &parts, allow, sizeof allow);
    ck_assert_ptr_nonnull(route);
    ck_assert_str_eq(route->name, matches[_i].name);
    ck_assert_str_eq(allow, "");
    ck_assert_str_eq(parts.model, matches[_i].model);
    const char *rest = parts.version[0] ? parts.version
                       : parts.label[0] ? parts.label
                                        : parts.session;
    ck_assert_str_eq(rest, matches[_i].rest);
}
END_TEST

static const char *const no_paths[] = {
    "",
    "/",
    "m",
    "/m/",
    "/mm",
    "/m/mnist/",
    "/m/mnist:predictx",
    "/m/mnist:",
    "/m/:predict",
    "/m/a/b",
    "/m/a%2Fb",
    "/m/a%00b",
    "/m/a%0Ab",
    "/m/a%7F",
    "/m/a%",
    "/m/a%4",
    "/m/a%G1",
    "/m/mnist/versions/",
    "/m/mnist/versions/1x",
    "/m/mnist/versions/-1",
    "/m/mnist/versions/999999999999999999999999",
    "/m/mnist/labels/0123456789012345678901234567890123456789012345678901234567890123",
    "/%6D",
};

START_TEST(test_router_other_path_has_no_route)
{
    struct path_parts parts;
    char allow[64] = "x";
    ck_assert_ptr_null(router_match(table, "GET", no_paths[_i], &parts, allow, sizeof allow));
    ck_assert_str_eq(allow, "");
    ck_assert_str_eq(parts.model, "");
    ck_assert_str_eq(parts.label, "");
}
END_TEST

START_TEST(test_router_other_method_gives_those_that_are_allowed)
{
    struct path_parts parts;
    char allow[64];
    ck_assert_ptr_null(router_match(table, "PUT", "/m/mnist", &parts, allow, sizeof allow));
    ck_assert_str_eq(allow, "GET, POST");
    ck_assert_ptr_null(
        router_match(table, "HEAD", "/m/mnist:predict", &parts, allow, sizeof allow));
    ck_assert_str_eq(allow, "POST");
    ck_assert_ptr_null(router_match(table, "get", "/m", &parts, allow, sizeof allow));
    ck_assert_str_eq(allow, "GET");
}
END_TEST

START_TEST(test_router_longest_part_fits_exactly)
{
    struct path_parts parts;
    char allow[64], path[256] = "/m/";
    memset(path + 3, 'a', sizeof parts.model - 1);
    ck_assert_ptr_nonnull(router_match(table, "GET", path, &parts, allow, sizeof allow));
    ck_assert_uint_eq(strlen(parts.model), sizeof parts.model - 1);
    path[strlen(path)] = 'a';
    ck_assert_ptr_null(router_match(table, "GET", path, &parts, allow, sizeof allow));
}
END_TEST

START_TEST(test_router_every_row_of_the_table_matches_its_own_pattern)
{
    for (const struct route *route = routes; route->method != NULL; route++) {
        struct path_parts parts;
        char path[256] = "", allow[64];
        for (const char *c = route->path; *c != '\0'; c++) {
            if (*c == '{')
                c += strcspn(c, "}");
            path[strlen(path)] = *c == '}' ? '1' : *c;
        }
        const struct route *found =
            router_match(routes, route->method, path, &parts, allow, sizeof allow);
        ck_assert_msg(found == route, "%s %s is not reached", route->method, route->path);
        ck_assert_ptr_nonnull(route->handle);
    }
}
END_TEST

Suite *suite_router(void)
{
    Suite *suite = suite_create("router");
    TCase *tcase = tcase_create("router");
    tcase_add_loop_test(tcase, test_router_path_matches_and_its_parts_are_decoded, 0,
                        sizeof matches / sizeof *matches);
    tcase_add_loop_test(tcase, test_router_other_path_has_no_route, 0,
                        sizeof no_paths / sizeof *no_paths);
    tcase_add_test(tcase, test_router_other_method_gives_those_that_are_allowed);
    tcase_add_test(tcase, test_router_longest_part_fits_exactly);
    tcase_add_test(tcase, test_router_every_row_of_the_table_matches_its_own_pattern);
    suite_add_tcase(suite, tcase);
    return suite;
}
