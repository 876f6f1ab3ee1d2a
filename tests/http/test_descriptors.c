/* test_descriptors.c: a daemon whose file descriptors are used up. SPDX-License-Identifier:
 * Apache-2.0
 */
#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "tests/support/daemon.h"
#include "tests/support/model_store.h"
#include "tests/support/raw_client.h"
#include "tests/support/temp_folder.h"

Suite *suite_descriptors(void);

#define LIVE "GET /v2/health/live HTTP/1.1\r\nHost: x\r\n\r\n"
#define ASK(text)                                                                                  \
    "POST /v1/models/any:" text " HTTP/1.1\r\nHost: x\r\nContent-Length: 23\r\n\r\n"               \
    "{\"instances\":[[[1,2]]]}"

static struct temp_folder folder;
static struct daemon server;
static struct raw_client connected, waiting;
static struct raw_answer answer;

static void limit_descriptors(rlim_t soft)
{
    struct rlimit limit;
    ck_assert_int_eq(prlimit(server.pid, RLIMIT_NOFILE, NULL, &limit), 0);
    limit.rlim_cur = soft < limit.rlim_max ? soft : limit.rlim_max;
    ck_assert_int_eq(prlimit(server.pid, RLIMIT_NOFILE, &limit, NULL), 0);
}

static int ask(struct raw_client *client, const char *text)
{
    raw_client_ask(client, text, &answer);
    return answer.status;
}

/* Those connected are answered, a version that cannot be opened is told and tried again, and who
 * waits is taken as soon as there are descriptors. */
START_TEST(test_descriptors_used_up_stop_nobody_who_is_connected_and_come_back)
{
    struct pollfd silent;
    temp_folder_create(&folder);
    model_store_add(folder.path, "any", "1", model_any, 1);
    daemon_start(&server, folder.path, (const char *const[]){"--model-poll-seconds", "0", NULL});
    raw_client_connect(&connected, server.port);
    ck_assert_int_eq(ask(&connected, LIVE), 200);
    limit_descriptors(3);
    raw_client_connect(&waiting, server.port);
    raw_client_send_text(&waiting, LIVE);
    for (int k = 0; k < 20; k++)
        ck_assert_int_eq(ask(&connected, ASK("predict")), 200);
    ck_assert_int_eq(ask(&connected, "POST /v1/models/any:load HTTP/1.1\r\nHost: x\r\n"
                                     "Content-Length: 0\r\n\r\n"),
                     500);
    ck_assert_ptr_nonnull(strstr(answer.body, "Too many open files"));
    ck_assert_int_eq(ask(&connected, ASK("predict")), 200);
    silent = (struct pollfd){.fd = waiting.fd, .events = POLLIN};
    ck_assert_int_eq(poll(&silent, 1, 0), 0);
    limit_descriptors(1024);
    raw_client_receive(&waiting, &answer, false);
    ck_assert_int_eq(answer.status, 200);
    ck_assert_int_eq(ask(&waiting, "POST /v1/models/any:load HTTP/1.1\r\nHost: x\r\n"
                                   "Content-Length: 0\r\n\r\n"),
                     200);
    ck_assert_ptr_nonnull(strstr(daemon_log(&server), "event=accepting_paused"));
    raw_client_close(&connected);
    raw_client_close(&waiting);
    ck_assert_int_eq(daemon_stop(&server), 0);
    temp_folder_remove(&folder);
}
END_TEST

Suite *suite_descriptors(void)
{
    Suite *suite = suite_create("descriptors");
    TCase *tcase = tcase_create("descriptors");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, test_descriptors_used_up_stop_nobody_who_is_connected_and_come_back);
    suite_add_tcase(suite, tcase);
    return suite;
}
