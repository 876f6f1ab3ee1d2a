/* test_deadlines.c: requests that nobody waits for any more are answered 504, or not at all, and
 * cost no computing. SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "server/clock.h"
#include "tests/support/client.h"
#include "tests/support/daemon.h"
#include "tests/support/daemon_metrics.h"
#include "tests/support/model_store.h"
#include "tests/support/raw_client.h"
#include "tests/support/temp_folder.h"

Suite *suite_deadlines(void);

#define BODY "{\"instances\":[[[1,2]]]}"

enum { LONG_WAIT_US = 50000 };

static struct temp_folder folder;
static struct daemon server;
static struct client client;

static void start(const char *const *options)
{
    temp_folder_create(&folder);
    model_store_add(folder.path, "m", "1", model_any, 1);
    daemon_start(&server, folder.path, options);
    client_init(&client, server.url);
}

/* Every batch waits longer than the deadlines below. */
static void start_with_delay(void)
{
    static const char *const options[] = {"--batch-delay-us", "400000", "--workers", "1", NULL};
    start(options);
}

static void start_with_pairs(void)
{
    static const char *const options[] = {"--batch-delay-us", "60000000", "--max-batch", "2",
                                          "--workers",        "1",        NULL};
    start(options);
}

static void stop(void)
{
    client_release(&client);
    ck_assert_int_eq(daemon_stop(&server), 0);
    temp_folder_remove(&folder);
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
    ck_assert(daemon_metric(&client, "lstmd_batch_size_count{model=\"m\"}") == 0);
    client_get(&client, "/v1/models/m/sessions/a/state", &answer);
    ck_assert_ptr_nonnull(strstr(answer.body, "\"steps\":0"));
    client_answer_release(&answer);
}
END_TEST

/* Returns when the daemon's end of the connection knows of it. */
static void hang_up(struct raw_client *gone)
{
    const struct linger until_seen = {.l_onoff = 1, .l_linger = PATIENCE_MS / 1000};
    ck_assert_int_eq(setsockopt(gone->fd, SOL_SOCKET, SO_LINGER, &until_seen, sizeof until_seen),
                     0);
    raw_client_close(gone);
}

/* Two sequences are a batch, which then runs at once: one of nobody, and one of somebody. A request
 * is only asked whether its client is there if it has waited for a while. */
START_TEST(test_deadlines_client_that_hung_up_is_not_computed_for)
{
    static struct raw_client gone;
    struct client_answer answer;
    char text[256];
    raw_client_connect(&gone, server.port);
    snprintf(text, sizeof text,
             "POST /v1/models/m:predict HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n%s",
             strlen(BODY), BODY);
    raw_client_send_text(&gone, text);
    daemon_wait_metric(&client, "lstmd_queue_depth{model=\"m\"}", 1);
    const int64_t until_us = monotonic_us() + LONG_WAIT_US;
    hang_up(&gone);
    while (monotonic_us() < until_us)
        sched_yield();
    client_post(&client, "/v1/models/m:predict", BODY, &answer);
    ck_assert_int_eq(answer.status, 200);
    client_answer_release(&answer);
    ck_assert(daemon_metric(&client, "lstmd_queue_duration_seconds_count{model=\"m\"}") == 2);
    ck_assert(daemon_metric(&client, "lstmd_batch_size_sum{model=\"m\"}") == 1);
}
END_TEST

Suite *suite_deadlines(void)
{
    Suite *suite = suite_create("deadlines");
    TCase *late = tcase_create("late"), *gone = tcase_create("gone");
    tcase_set_timeout(late, 60);
    tcase_add_checked_fixture(late, start_with_delay, stop);
    tcase_add_test(late, test_deadlines_passed_in_the_queue_answer_504_and_compute_nothing);
    suite_add_tcase(suite, late);
    tcase_set_timeout(gone, 60);
    tcase_add_checked_fixture(gone, start_with_pairs, stop);
    tcase_add_test(gone, test_deadlines_client_that_hung_up_is_not_computed_for);
    suite_add_tcase(suite, gone);
    return suite;
}
