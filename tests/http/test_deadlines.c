/* test_deadlines.c: requests that nobody waits for any more are answered 504, or not at all, and
 * cost no computing. SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "server/request.h"
#include "tests/support/answer_text.h"
#include "tests/support/client.h"
#include "tests/support/daemon.h"
#include "tests/support/model_store.h"
#include "tests/support/raw_client.h"
#include "tests/support/temp_folder.h"

Suite *suite_deadlines(void);

#define BODY "{\"instances\":[[[1,2]]]}"

static struct temp_folder folder;
static struct daemon server;
static struct client client;

/* Every batch waits longer than the deadlines below. */
static void start(void)
{
    static const char *const options[] = {"--batch-delay-us", "400000", "--workers", "1", NULL};
    temp_folder_create(&folder);
    model_store_add(folder.path, "m", "1", model_any, 1);
    daemon_start(&server, folder.path, options);
    client_init(&client, server.url);
}

static void stop(void)
{
    client_release(&client);
    ck_assert_int_eq(daemon_stop(&server), 0);
    temp_folder_remove(&folder);
}

static double metric(const char *series)
{
    struct client_answer answer;
    client_get(&client, "/metrics", &answer);
    const double value = answer_metric(answer.body, series);
    client_answer_release(&answer);
    return value;
}

static void assert_late(const char *path)
{
    const struct client_request request = {
        .path = path, .field = "X-Request-Timeout-Ms: 1", .body = BODY, .body_bytes = strlen(BODY)};
    struct client_answer answer;
    client_ask(&client, &request, &answer);
    ck_assert_msg(answer.status == 504, "%s: %d %s", path, answer.status, answer.body);
    ck_assert_ptr_nonnull(strstr(answer.body, "X-Request-Timeout-Ms"));
    client_answer_release(&answer);
}

START_TEST(test_deadlines_passed_in_the_queue_answer_504_and_compute_nothing)
{
    struct client_answer answer;
    client_post(&client, "/v1/models/m/sessions", "{\"id\":\"a\"}", &answer);
    ck_assert_int_eq(answer.status, 201);
    client_answer_release(&answer);
    assert_late("/v1/models/m:predict");
    assert_late("/v1/models/m:state");
    assert_late("/v1/models/m/sessions/a:predict");
    assert_late("/v1/models/m/sessions/a:state");
    ck_assert(metric("lstmd_batch_size_count{model=\"m\"}") == 0);
    client_get(&client, "/v1/models/m/sessions/a/state", &answer);
    ck_assert_ptr_nonnull(strstr(answer.body, "\"steps\":0"));
    client_answer_release(&answer);
}
END_TEST

START_TEST(test_deadlines_client_that_hung_up_is_not_computed_for)
{
    struct raw_client gone;
    const int64_t until_us = monotonic_us() + DAEMON_PATIENCE_MS * 1000;
    char text[256];
    raw_client_connect(&gone, server.port);
    snprintf(text, sizeof text,
             "POST /v1/models/m:predict HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n%s",
             strlen(BODY), BODY);
    raw_client_send_text(&gone, text);
    while (metric("lstmd_queue_depth{model=\"m\"}") == 0 && monotonic_us() < until_us)
        sched_yield();
    raw_client_close(&gone);
    while (metric("lstmd_queue_duration_seconds_count{model=\"m\"}") == 0) {
        ck_assert_int_lt(monotonic_us(), until_us);
        sched_yield();
    }
    ck_assert(metric("lstmd_batch_size_count{model=\"m\"}") == 0);
}
END_TEST

Suite *suite_deadlines(void)
{
    Suite *suite = suite_create("deadlines");
    TCase *tcase = tcase_create("deadlines");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, start, stop);
    tcase_add_test(tcase, test_deadlines_passed_in_the_queue_answer_504_and_compute_nothing);
    tcase_add_test(tcase, test_deadlines_client_that_hung_up_is_not_computed_for);
    suite_add_tcase(suite, tcase);
    return suite;
}
