/* test_drain.c: SIGTERM ends a daemon that is under load without losing a request that it took.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

#include "server/clock.h"
#include "tests/support/answer_text.h"
#include "tests/support/client.h"
#include "tests/support/daemon.h"
#include "tests/support/daemon_metrics.h"
#include "tests/support/model_store.h"
#include "tests/support/raw_client.h"
#include "tests/support/temp_folder.h"

Suite *suite_drain(void);

enum { N_CLIENTS = 64 };

struct caller {
    pthread_t thread;
    struct client client;
    struct client_answer answer; /* the last */
    size_t n_answers;
};

static struct temp_folder folder;
static struct daemon server;
static struct caller callers[N_CLIENTS];
static atomic_size_t n_answered;
static struct raw_client filler;

static const char body[] = "{\"instances\":[[[1,2],[3,4]],[[5,6]]]}";
static const struct client_request request = {.path = "/v1/models/m:predict",
                                              .content_type = "application/json",
                                              .body = body,
                                              .body_bytes = sizeof body - 1};

static void start(const char *const *options)
{
    temp_folder_create(&folder);
    model_store_add(folder.path, "m", "1", model_any, 1);
    daemon_start(&server, folder.path, options);
    atomic_store(&n_answered, 0);
    for (size_t i = 0; i < N_CLIENTS; i++) {
        callers[i] = (struct caller){.n_answers = 0};
        client_init(&callers[i].client, server.url);
    }
}

static void stop(void)
{
    for (size_t i = 0; i < N_CLIENTS; i++) {
        client_answer_release(&callers[i].answer);
        client_release(&callers[i].client);
    }
    temp_folder_remove(&folder);
}

static void start_callers(void *(*call)(void *))
{
    for (size_t i = 0; i < N_CLIENTS; i++)
        ck_assert_int_eq(pthread_create(&callers[i].thread, NULL, call, &callers[i]), 0);
}

static void join_callers(void)
{
    for (size_t i = 0; i < N_CLIENTS; i++)
        pthread_join(callers[i].thread, NULL);
}

static void *call_once(void *argument)
{
    struct caller *caller = argument;
    client_try(&caller->client, &request, &caller->answer);
    return NULL;
}

/* Calls until there is no whole answer, or one that is not a success. */
static void *call_on(void *argument)
{
    struct caller *caller = argument;
    client_try(&caller->client, &request, &caller->answer);
    while (caller->answer.status == 200) {
        caller->n_answers++;
        atomic_fetch_add(&n_answered, 1);
        client_answer_release(&caller->answer);
        client_try(&caller->client, &request, &caller->answer);
    }
    return NULL;
}

/* Sends the last request but for its end. */
static void begin_last(void)
{
    raw_client_connect(&filler, server.port);
    raw_client_send_text(&filler, "POST /v1/models/m:predict HTTP/1.1\r\nHost: x\r\n"
                                  "Content-Length: 25\r\n\r\n{\"instances\":");
}

/* Until the sequences of all callers wait in the queue, and the last request has begun. */
static void wait_for_all(void)
{
    struct client client;
    client_init(&client, server.url);
    daemon_wait_metric(&client, "lstmd_queue_depth{model=\"m\"}", 2 * N_CLIENTS);
    daemon_wait_in_flight(&client, N_CLIENTS + 1);
    client_release(&client);
}

/* Asserts that a client which asks again is told to come with a new connection. */
static void assert_closing(const struct client_answer *answer)
{
    const char *connection = client_answer_field(answer, "Connection");
    ck_assert_msg(connection != NULL && strcasecmp(connection, "close") == 0, "Connection: %s",
                  connection == NULL ? "none" : connection);
}

/* Asks on one connection whether the daemon is ready, until it is not. An answer that was on its
 * way when the draining began may be the last one, and says so. */
static void wait_for_draining(void)
{
    static const struct client_request ready = {.path = "/v2/health/ready"};
    const int64_t until_us = monotonic_us() + PATIENCE_US;
    struct client client;
    struct client_answer answer;
    client_init(&client, server.url);
    client_get(&client, ready.path, &answer);
    daemon_signal(&server, SIGTERM);
    while (answer.status == 200 && client_answer_field(&answer, "Connection") == NULL &&
           monotonic_us() < until_us) {
        client_answer_release(&answer);
        client_get(&client, ready.path, &answer);
    }
    assert_closing(&answer);
    if (answer.status != 200) {
        ck_assert_msg(answer.status == 503, "%d %s", answer.status, answer.body);
        ck_assert_ptr_nonnull(strstr(answer.body, "draining"));
    }
    client_answer_release(&answer);
    client_release(&client);
}

/* All requests wait for a batch that the last of them fills, after the signal. Each answer closes
 * its connection, so that clients which never pause cannot put off the end. */
START_TEST(test_drain_requests_that_wait_are_answered)
{
    static const char *const options[] = {
        "--batch-delay-us", "60000000", "--max-batch", "129", "--request-timeout-ms", "0",
        "--drain-seconds",  "3600",     NULL};
    static struct raw_answer answer;
    start(options);
    begin_last();
    start_callers(call_once);
    wait_for_all();
    wait_for_draining();
    raw_client_ask(&filler, "[[[1,2]]]}  ", &answer);
    ck_assert_int_eq(answer.status, 200);
    ck_assert_int_eq(daemon_wait(&server), 0);
    raw_client_close(&filler);
    join_callers();
    for (size_t i = 0; i < N_CLIENTS; i++) {
        float found[6];
        ck_assert_msg(callers[i].answer.status == 200, "%d %s %s", callers[i].answer.status,
                      callers[i].answer.failure, callers[i].answer.body);
        ck_assert_uint_eq(answer_numbers(callers[i].answer.body, "predictions", found, 6), 6);
        assert_closing(&callers[i].answer);
    }
    stop();
}
END_TEST

/* The daemon finds a connection that nobody has accepted, and a request on one that was, when it
 * finds the signal. */
START_TEST(test_drain_requests_that_arrived_before_the_signal_are_answered)
{
    static const char text[] = "POST /v1/models/m:predict HTTP/1.1\r\nHost: x\r\n"
                               "Content-Length: 23\r\n\r\n{\"instances\":[[[1,2]]]}";
    static struct raw_client known, unknown;
    static struct raw_answer answer;
    temp_folder_create(&folder);
    model_store_add(folder.path, "m", "1", model_any, 1);
    daemon_start(&server, folder.path, NULL);
    raw_client_connect(&known, server.port);
    raw_client_ask(&known, text, &answer);
    daemon_suspend(&server);
    raw_client_connect(&unknown, server.port);
    raw_client_send_text(&unknown, text);
    raw_client_send_text(&known, text);
    daemon_signal(&server, SIGTERM);
    daemon_signal(&server, SIGCONT);
    raw_client_receive(&unknown, &answer, false);
    ck_assert_int_eq(answer.status, 200);
    raw_client_receive(&known, &answer, false);
    ck_assert_int_eq(answer.status, 200);
    ck_assert_int_eq(daemon_wait(&server), 0);
    raw_client_close(&known);
    raw_client_close(&unknown);
    temp_folder_remove(&folder);
}
END_TEST

/* Clients that never pause must not keep the daemon from ending, and none may see a part of an
 * answer. */
START_TEST(test_drain_clients_that_go_on_are_let_go_between_two_requests)
{
    static const char *const options[] = {"--drain-seconds", "3600", NULL};
    start(options);
    start_callers(call_on);
    const int64_t until_us = monotonic_us() + PATIENCE_US;
    while (atomic_load(&n_answered) < 10 * N_CLIENTS && monotonic_us() < until_us)
        sched_yield();
    ck_assert_uint_ge(atomic_load(&n_answered), 10 * N_CLIENTS);
    ck_assert_int_eq(daemon_stop(&server), 0);
    join_callers();
    for (size_t i = 0; i < N_CLIENTS; i++) {
        const struct client_answer *last = &callers[i].answer;
        ck_assert_msg(last->status == 503 || !last->began, "status %d, %s: %s", last->status,
                      last->failure, last->head);
    }
    stop();
}
END_TEST

Suite *suite_drain(void)
{
    Suite *suite = suite_create("drain");
    TCase *tcase = tcase_create("drain");
    tcase_set_timeout(tcase, 90);
    tcase_add_test(tcase, test_drain_requests_that_wait_are_answered);
    tcase_add_loop_test(tcase, test_drain_requests_that_arrived_before_the_signal_are_answered, 0,
                        10);
    tcase_add_test(tcase, test_drain_clients_that_go_on_are_let_go_between_two_requests);
    suite_add_tcase(suite, tcase);
    return suite;
}
