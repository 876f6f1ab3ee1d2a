/* test_web.c: the demo page as the daemon serves it. SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/web.h"
#include "tests/support/cases.h"
#include "tests/support/client.h"
#include "tests/support/daemon.h"
#include "tests/support/temp_folder.h"

Suite *suite_web(void);

enum { MAX_PAGE_BYTES = 150 * 1000 };

static struct daemon server;
static struct client client;
static struct client_answer answer;

static void start(void)
{
    daemon_start(&server, "models", NULL);
}

static void stop(void)
{
    ck_assert_int_eq(daemon_stop(&server), 0);
}

static void open_client(void)
{
    client_init(&client, server.url);
}

static void close_client(void)
{
    client_answer_release(&answer);
    client_release(&client);
}

static void assert_field(const char *name, const char *value)
{
    const char *const found = client_answer_field(&answer, name);
    ck_assert_msg(found != NULL, "no %s", name);
    ck_assert_str_eq(found, value);
}

static void assert_file(const struct web_file *file)
{
    char path[64];
    size_t n;
    const bool is_client = strcmp(file->name, "lstmd.js") == 0;
    snprintf(path, sizeof path, "clients/%s/%s", is_client ? "javascript" : "web", file->name);
    char *const source = temp_file_read(path, &n);
    ck_assert_int_eq(answer.status, 200);
    ck_assert_uint_eq(answer.body_bytes, n);
    ck_assert_mem_eq(answer.body, source, n);
    free(source);
    assert_field("Content-Type", web_content_type(file->name));
    assert_field("ETag", file->etag);
    assert_field("X-Content-Type-Options", "nosniff");
}

START_TEST(test_web_root_is_the_page)
{
    client_get(&client, "/", &answer);
    assert_file(web_find("index.html"));
    assert_field("Content-Type", "text/html; charset=utf-8");
}
END_TEST

START_TEST(test_web_every_file_is_served_as_it_lies_in_its_folder)
{
    size_t total = 0;
    for (const struct web_file *file = web_files; file->name != NULL; file++) {
        char path[64];
        snprintf(path, sizeof path, "/web/%s", file->name);
        client_get(&client, path, &answer);
        assert_file(file);
        client_answer_release(&answer);
        total += file->size;
    }
    ck_assert_uint_gt(total, 0);
    ck_assert_uint_lt(total, MAX_PAGE_BYTES);
    client_get(&client, "/web/main.js", &answer);
    assert_field("Content-Type", "text/javascript; charset=utf-8");
}
END_TEST

/* Else a module is asked for only when the one that imports it has come. */
START_TEST(test_web_page_preloads_every_module)
{
    client_get(&client, "/", &answer);
    for (const struct web_file *file = web_files; file->name != NULL; file++) {
        char link[128];
        snprintf(link, sizeof link, "<link rel=\"modulepreload\" href=\"web/%s\">", file->name);
        const char *const end = strrchr(file->name, '.');
        const bool is_module = end != NULL && strcmp(end, ".js") == 0;
        ck_assert_msg((strstr(answer.body, link) != NULL) == is_module, "%s", link);
    }
}
END_TEST

START_TEST(test_web_policy_allows_nothing_but_this_server)
{
    client_get(&client, "/", &answer);
    const char *const policy = client_answer_field(&answer, "Content-Security-Policy");
    ck_assert_ptr_nonnull(policy);
    ck_assert_ptr_eq(strstr(policy, "default-src 'self';"), policy);
    ck_assert_ptr_null(strstr(policy, "unsafe"));
    ck_assert_ptr_null(strstr(policy, "http"));
}
END_TEST

START_TEST(test_web_known_file_is_not_sent_again)
{
    char field[64];
    const struct web_file *const file = web_find("main.js");
    snprintf(field, sizeof field, "If-None-Match: W/%s", file->etag);
    client_ask(&client, &(struct client_request){.path = "/web/main.js", .field = field}, &answer);
    ck_assert_int_eq(answer.status, 304);
    ck_assert_uint_eq(answer.body_bytes, 0);
    assert_field("ETag", file->etag);
    assert_field("Cache-Control", "no-cache");
}
END_TEST

START_TEST(test_web_file_of_another_version_is_sent)
{
    const struct client_request request = {.path = "/web/main.js",
                                           .field = "If-None-Match: \"0000000000000000\""};
    client_ask(&client, &request, &answer);
    assert_file(web_find("main.js"));
}
END_TEST

/* What is not in the table, however it is written. */
static const char *const unknown[] = {
    "/web/",
    "/web",
    "/web/main",
    "/web/MAIN.JS",
    "/web/main.js/",
    "/web/main.js%00",
    "/web/.",
    "/web/..",
    "/web/../README.md",
    "/web/%2e%2e",
    "/web/%2e%2e%2fREADME.md",
    "/web/..%5cREADME.md",
    "/web//etc/passwd",
    "/web/%2fetc%2fpasswd",
    "/web/a-name-that-is-far-longer-than-that-of-any-file-of-the-page.js",
    "/index.html",
    "//",
};

START_TEST(test_web_other_name_is_not_found)
{
    client_ask(&client, &(struct client_request){.path = unknown[_i]}, &answer);
    ck_assert_int_eq(answer.status, 404);
    ck_assert_ptr_eq(strstr(answer.body, "{\"error\":\""), answer.body);
}
END_TEST

START_TEST(test_web_page_takes_no_post)
{
    client_post(&client, "/", "{}", &answer);
    ck_assert_int_eq(answer.status, 405);
    assert_field("Allow", "GET");
}
END_TEST

Suite *suite_web(void)
{
    Suite *suite = suite_create("web");
    TCase *tcase = tcase_create("web");
    tcase_set_timeout(tcase, 60);
    tcase_add_unchecked_fixture(tcase, start, stop);
    tcase_add_checked_fixture(tcase, open_client, close_client);
    tcase_add_test(tcase, test_web_root_is_the_page);
    tcase_add_test(tcase, test_web_every_file_is_served_as_it_lies_in_its_folder);
    tcase_add_test(tcase, test_web_page_preloads_every_module);
    tcase_add_test(tcase, test_web_policy_allows_nothing_but_this_server);
    tcase_add_test(tcase, test_web_known_file_is_not_sent_again);
    tcase_add_test(tcase, test_web_file_of_another_version_is_sent);
    tcase_add_loop_test(tcase, test_web_other_name_is_not_found, 0, N_CASES(unknown));
    tcase_add_test(tcase, test_web_page_takes_no_post);
    suite_add_tcase(suite, tcase);
    return suite;
}
