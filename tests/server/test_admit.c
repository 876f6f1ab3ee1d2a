/* test_admit.c: what a request's header decides, without a network.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "server/admit.h"
#include "server/log.h"
#include "tests/support/cases.h"
#include "tests/support/temp_folder.h"

Suite *suite_admit(void);

/* The key "abc" may predict. */
static const char key_file[] =
    "predict sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad web\n";

static const struct route table[] = {{"GET", "/open", "open", "", NULL, SCOPE_NONE},
                                     {"GET", "/m", "read", "", NULL, SCOPE_READ},
                                     {"POST", "/m", "predict", "", NULL, SCOPE_PREDICT},
                                     {"POST", "/t", "train", "", NULL, SCOPE_TRAIN},
                                     {0}};

static struct temp_folder folder;
static struct cors *cors;
static struct admission rules;
static struct request request;
static const char *const *fields; /* names and values, ended by NULL */

static const char *find_header(const struct request *unused, const char *name)
{
    (void)unused;
    for (size_t k = 0; fields[k] != NULL; k += 2) {
        if (strcasecmp(fields[k], name) == 0)
            return fields[k + 1];
    }
    return NULL;
}

static void set_up(void)
{
    struct lstm_error error;
    char path[256];
    log_init(LOG_LEVEL_OFF, LOG_FORMAT_LOGFMT);
    temp_folder_create(&folder);
    temp_file_write(temp_folder_path(&folder, "keys", path), key_file, strlen(key_file));
    rules = (struct admission){
        .routes = table, .max_body_bytes = 100, .request_timeout_us = 30 * 1000000};
    ck_assert_int_eq(keys_open(path, &rules.keys, &error), LSTM_OK);
    ck_assert_int_eq(cors_create("https://a.example", &cors, &error), LSTM_OK);
    rules.cors = cors;
    request = (struct request){.header = find_header, .received_us = 5000};
    buf_init(&request.response.body, 4096);
}

static void tear_down(void)
{
    buf_release(&request.response.body);
    keys_close(rules.keys);
    cors_destroy(cors);
    temp_folder_remove(&folder);
}

/* Returns what admit() does. */
static bool ask(const char *method, const char *path, const char *const *header, size_t length)
{
    request.method = method;
    request.path = path;
    fields = header;
    return admit(&rules, &request, length);
}

#define HEADER(...) ((const char *const[]){__VA_ARGS__, NULL})
#define NO_HEADER   ((const char *const[]){NULL})

static const struct {
    const char *method, *path;
    const char *const *header;
    int status; /* 0: admitted */
} key_cases[] = {
    {"GET", "/open", NO_HEADER, 0},
    {"HEAD", "/open", NO_HEADER, 0},
    {"GET", "/m", NO_HEADER, 401},
    {"POST", "/m", NO_HEADER, 401},
    {"GET", "/m", HEADER("Authorization", "Bearer abc"), 0},
    {"GET", "/m", HEADER("authorization", "bearer   abc "), 0},
    {"GET", "/m", HEADER("X-API-Key", "abc"), 0},
    {"POST", "/m", HEADER("X-API-Key", "abc"), 0},
    {"POST", "/t", HEADER("X-API-Key", "abc"), 403},
    {"GET", "/m", HEADER("X-API-Key", "abd"), 401},
    {"GET", "/m", HEADER("X-API-Key", ""), 401},
    {"GET", "/m", HEADER("Authorization", "Basic abc"), 401},
    {"GET", "/m", HEADER("Authorization", "Bearer"), 401},
    {"GET", "/m", HEADER("Authorization", "Basic eDp5", "X-API-Key", "abc"), 0},
    {"GET", "/none", NO_HEADER, 404},
    {"PUT", "/m", NO_HEADER, 405},
};

START_TEST(test_admit_key_decides)
{
    bool admitted = ask(key_cases[_i].method, key_cases[_i].path, key_cases[_i].header, 10);
    ck_assert_int_eq(request.response.status, key_cases[_i].status);
    ck_assert(admitted == (key_cases[_i].status == 0));
}
END_TEST

START_TEST(test_admit_request_carries_the_name_of_its_key)
{
    ck_assert(ask("POST", "/m", HEADER("X-API-Key", "abc"), 0));
    ck_assert_str_eq(request.key, "web");
}
END_TEST

START_TEST(test_admit_missing_scope_is_named_in_the_error)
{
    ck_assert(!ask("POST", "/t", HEADER("X-API-Key", "abc"), 0));
    ck_assert_ptr_nonnull(strstr(request.response.body.data, "scope train"));
}
END_TEST

START_TEST(test_admit_without_a_key_file_needs_no_key)
{
    struct keys *keys = rules.keys;
    rules.keys = NULL;
    ck_assert(ask("POST", "/t", NO_HEADER, 0));
    rules.keys = keys;
}
END_TEST

START_TEST(test_admit_body_beyond_the_limit_is_413_but_only_with_a_key)
{
    ck_assert(!ask("POST", "/m", NO_HEADER, 101));
    ck_assert_int_eq(request.response.status, 401);
    ck_assert(!ask("POST", "/m", HEADER("X-API-Key", "abc"), 101));
    ck_assert_int_eq(request.response.status, 413);
}
END_TEST

static const struct {
    const char *value;
    int64_t timeout_ms; /* 0: 400 */
} timeouts[] = {{"1", 1},       {"250", 250},
                {"0250", 250},  {"3600000", 3600000},
                {"3600001", 0}, {"0", 0},
                {"", 0},        {"-1", 0},
                {"+1", 0},      {" 1", 0},
                {"1.5", 0},     {"1e3", 0},
                {"1 2", 0},     {"99999999999999999999", 0},
                {"0x10", 0},    {"infinite", 0}};

START_TEST(test_admit_timeout_of_the_client_sets_the_deadline)
{
    bool admitted = ask("GET", "/open", HEADER("X-Request-Timeout-Ms", timeouts[_i].value), 0);
    ck_assert(admitted == (timeouts[_i].timeout_ms > 0));
    if (admitted)
        ck_assert_int_eq(request.deadline_us, 5000 + timeouts[_i].timeout_ms * 1000);
    else
        ck_assert_int_eq(request.response.status, 400);
}
END_TEST

START_TEST(test_admit_timeout_of_the_server_sets_the_deadline_unless_it_is_0)
{
    ck_assert(ask("GET", "/open", NO_HEADER, 0));
    ck_assert_int_eq(request.deadline_us, 5000 + 30 * 1000000);
    rules.request_timeout_us = 0;
    ck_assert(ask("GET", "/open", NO_HEADER, 0));
    ck_assert_int_eq(request.deadline_us, 0);
}
END_TEST

/* ---- Pages of other sites ---------------------------------------------------------------------
 */

#define HERE     "Host", "localhost:8501"
#define PAGE(x)  "Origin", x
#define FETCH(x) "Sec-Fetch-Site", x

static const struct {
    const char *method;
    const char *const *header;
    bool is_admitted;
} site_cases[] = {
    /* What is no browser. */
    {"POST", NO_HEADER, true},
    {"POST", HEADER(HERE), true},
    /* This server's page, behind a proxy that keeps the Host or not. */
    {"POST", HEADER(HERE, PAGE("http://localhost:8501")), true},
    {"POST", HEADER("Host", "LocalHost:8501", PAGE("https://localhost:8501")), true},
    {"POST", HEADER(HERE, PAGE("http://localhost:8501"), FETCH("same-origin")), true},
    {"POST", HEADER(HERE, PAGE("https://front.example"), FETCH("same-origin")), true},
    {"POST", HEADER(HERE, FETCH("none")), true},
    /* An allowed page. */
    {"POST", HEADER(HERE, PAGE("https://a.example")), true},
    {"POST", HEADER(HERE, PAGE("https://a.example"), FETCH("cross-site")), true},
    /* Others. */
    {"POST", HEADER(HERE, PAGE("https://evil.example")), false},
    {"POST", HEADER(HERE, PAGE("https://evil.example"), FETCH("cross-site")), false},
    {"POST", HEADER(HERE, PAGE("http://localhost:3000"), FETCH("same-site")), false},
    {"POST", HEADER(HERE, PAGE("http://localhost:3000")), false},
    {"POST", HEADER(HERE, PAGE("http://localhost")), false},
    {"POST", HEADER(HERE, PAGE("null")), false},
    {"POST", HEADER(HERE, PAGE("")), false},
    {"POST", HEADER(HERE, FETCH("cross-site")), false},
    {"POST", HEADER(PAGE("http://localhost:8501")), false},
    {"GET", HEADER(HERE, PAGE("https://evil.example"), FETCH("cross-site")), true},
    {"HEAD", HEADER(HERE, PAGE("https://evil.example"), FETCH("cross-site")), true},
    /* Names that have come to mean this machine. */
    {"GET", HEADER("Host", "evil.example"), false},
    {"GET", HEADER("Host", "evil.example:8501"), false},
    {"POST", HEADER("Host", "evil.example", PAGE("http://evil.example")), false},
    {"GET", HEADER("Host", "127.0.0.1.evil.example"), false},
    {"GET", HEADER("Host", "localhost.evil.example"), false},
    {"GET", HEADER("Host", "1.example"), false},
    {"GET", HEADER("Host", "a.example:8501"), false},
    /* Names that no public name server tells, addresses, and an allowed page's. */
    {"GET", HEADER("Host", ""), true},
    {"GET", HEADER("Host", "localhost"), true},
    {"GET", HEADER("Host", "LOCALHOST:80"), true},
    {"GET", HEADER("Host", "127.0.0.1:8501"), true},
    {"GET", HEADER("Host", "127.8.9.1"), true},
    {"GET", HEADER("Host", "[::1]:8501"), true},
    {"GET", HEADER("Host", "machine:8501"), true},
    {"GET", HEADER("Host", "printer.local"), true},
    {"GET", HEADER("Host", "models.docker.INTERNAL:1"), true},
    {"GET", HEADER("Host", "a.example"), true},
    {"POST", HEADER("Host", "A.example", PAGE("https://a.example")), true},
};

START_TEST(test_admit_page_of_another_site_may_not_act_and_a_strange_name_nothing)
{
    struct keys *keys = rules.keys;
    rules.keys = NULL;
    rules.is_local = true;
    const bool is_admitted = ask(site_cases[_i].method, "/m", site_cases[_i].header, 0);
    rules.keys = keys;
    ck_assert(is_admitted == site_cases[_i].is_admitted);
    if (!is_admitted) {
        ck_assert_int_eq(request.response.status, 403);
        ck_assert_ptr_nonnull(strstr(request.response.body.data, "--cors-origins"));
    }
}
END_TEST

START_TEST(test_admit_name_is_free_where_others_reach_the_server)
{
    struct keys *keys = rules.keys;
    rules.keys = NULL;
    ck_assert(ask("POST", "/m", HEADER("Host", "models.example"), 0));
    ck_assert(!ask("POST", "/m", HEADER("Host", "models.example", PAGE("http://b.example")), 0));
    rules.keys = keys;
}
END_TEST

START_TEST(test_admit_key_vouches_for_origin_and_name)
{
    rules.is_local = true;
    ck_assert(ask("POST", "/m",
                  HEADER("X-API-Key", "abc", "Host", "b.example", PAGE("http://c.example")), 0));
}
END_TEST

START_TEST(test_admit_any_origin_is_any_name)
{
    struct keys *keys = rules.keys;
    struct cors *any;
    struct lstm_error error;
    ck_assert_int_eq(cors_create("*", &any, &error), LSTM_OK);
    rules.keys = NULL;
    rules.cors = any;
    rules.is_local = true;
    ck_assert(ask("POST", "/m", HEADER("Host", "b.example", PAGE("null")), 0));
    rules.keys = keys;
    cors_destroy(any);
}
END_TEST

/* ---- Encodings --------------------------------------------------------------------------------
 */

static const struct {
    const char *encoding;
    bool is_admitted;
} encodings[] = {{"identity", true}, {"Identity", true}, {"", true},
                 {"gzip", false},    {"br", false},      {"identity, gzip", false}};

START_TEST(test_admit_encoded_body_is_415_that_says_what_is_read)
{
    const bool is_admitted = ask(
        "POST", "/m", HEADER("X-API-Key", "abc", "Content-Encoding", encodings[_i].encoding), 10);
    ck_assert(is_admitted == encodings[_i].is_admitted);
    if (is_admitted)
        return;
    ck_assert_int_eq(request.response.status, 415);
    ck_assert_ptr_nonnull(strstr(request.response.body.data, "Content-Encoding"));
    ck_assert_str_eq(request.response.fields[0].name, "Accept-Encoding");
}
END_TEST

#define PREFLIGHT(origin) HEADER("Origin", origin, "Access-Control-Request-Method", "POST")

START_TEST(test_admit_preflight_of_an_allowed_origin_is_answered_without_a_key)
{
    ck_assert(!ask("OPTIONS", "/m", PREFLIGHT("https://a.example"), 0));
    ck_assert_int_eq(request.response.status, 204);
    ck_assert(request.response.preflight);
    ck_assert_str_eq(request.response.allow, "GET, POST");
    ck_assert_str_eq(request.response.allow_origin, "https://a.example");
}
END_TEST

START_TEST(test_admit_preflight_of_a_stranger_is_an_error)
{
    ck_assert(!ask("OPTIONS", "/m", PREFLIGHT("https://b.example"), 0));
    ck_assert_int_eq(request.response.status, 405);
    ck_assert_ptr_null(request.response.allow_origin);
    ck_assert(request.response.varies);
}
END_TEST

START_TEST(test_admit_preflight_of_no_route_is_404)
{
    ck_assert(!ask("OPTIONS", "/none", PREFLIGHT("https://a.example"), 0));
    ck_assert_int_eq(request.response.status, 404);
}
END_TEST

START_TEST(test_admit_without_a_list_of_origins_allows_none)
{
    rules.cors = NULL;
    ck_assert(!ask("OPTIONS", "/m", PREFLIGHT("https://a.example"), 0));
    ck_assert_int_eq(request.response.status, 405);
    ck_assert_ptr_null(request.response.allow_origin);
    ck_assert(!request.response.varies);
}
END_TEST

START_TEST(test_admit_error_tells_an_allowed_origin_too)
{
    ck_assert(!ask("GET", "/m", HEADER("Origin", "https://a.example"), 0));
    ck_assert_int_eq(request.response.status, 401);
    ck_assert_str_eq(request.response.allow_origin, "https://a.example");
}
END_TEST

START_TEST(test_admit_every_route_that_does_something_needs_more_than_reading)
{
    for (const struct route *route = routes; route->method != NULL; route++) {
        if (strcmp(route->method, "GET") != 0)
            ck_assert_msg(route->scope < SCOPE_READ, "%s %s", route->method, route->path);
    }
}
END_TEST

Suite *suite_admit(void)
{
    Suite *suite = suite_create("admit");
    TCase *tcase = tcase_create("admit");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, test_admit_key_decides, 0, N_CASES(key_cases));
    tcase_add_test(tcase, test_admit_request_carries_the_name_of_its_key);
    tcase_add_test(tcase, test_admit_missing_scope_is_named_in_the_error);
    tcase_add_test(tcase, test_admit_without_a_key_file_needs_no_key);
    tcase_add_test(tcase, test_admit_body_beyond_the_limit_is_413_but_only_with_a_key);
    tcase_add_loop_test(tcase, test_admit_timeout_of_the_client_sets_the_deadline, 0,
                        N_CASES(timeouts));
    tcase_add_test(tcase, test_admit_timeout_of_the_server_sets_the_deadline_unless_it_is_0);
    tcase_add_loop_test(tcase,
                        test_admit_page_of_another_site_may_not_act_and_a_strange_name_nothing, 0,
                        N_CASES(site_cases));
    tcase_add_test(tcase, test_admit_name_is_free_where_others_reach_the_server);
    tcase_add_test(tcase, test_admit_key_vouches_for_origin_and_name);
    tcase_add_test(tcase, test_admit_any_origin_is_any_name);
    tcase_add_loop_test(tcase, test_admit_encoded_body_is_415_that_says_what_is_read, 0,
                        N_CASES(encodings));
    tcase_add_test(tcase, test_admit_preflight_of_an_allowed_origin_is_answered_without_a_key);
    tcase_add_test(tcase, test_admit_preflight_of_a_stranger_is_an_error);
    tcase_add_test(tcase, test_admit_preflight_of_no_route_is_404);
    tcase_add_test(tcase, test_admit_without_a_list_of_origins_allows_none);
    tcase_add_test(tcase, test_admit_error_tells_an_allowed_origin_too);
    tcase_add_test(tcase, test_admit_every_route_that_does_something_needs_more_than_reading);
    suite_add_tcase(suite, tcase);
    return suite;
}
