/* test_queue_full.c: more requests than the queue takes: refused at once, told when to come again,
 * and none of those that were accepted is lost. SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <string.h>

#include "server/clock.h"
#include "tests/support/daemon.h"
#include "tests/support/model_store.h"
#include "tests/support/raw_client.h"
#include "tests/support/temp_folder.h"

Suite *suite_queue_full(void);

enum { N_CLIENTS = 8 };

#define BODY    "{\"instances\":[[[1,2]]]}"
#define REQUEST "POST /v1/models/any:predict HTTP/1.1\r\nHost: x\r\nContent-Length: 23\r\n\r\n" BODY
_Static_assert(sizeof BODY - 1 == 23, "as the header says");

static struct temp_folder folder;
static struct daemon server;
static struct raw_client clients[N_CLIENTS];
static struct raw_answer answer;

/* One sequence waits for others to fill its batch, and the queue has room for no more. */
static void start(void)
{
    temp_folder_create(&folder);
    model_store_add(folder.path, "any", "1", model_any, 1);
    daemon_start(&server, folder.path,
                 (const char *const[]){"--max-queue", "1", "--batch-delay-us", "500000", NULL});
}

static void stop(void)
{
    ck_assert_int_eq(daemon_stop(&server), 0);
    temp_folder_remove(&folder);
}

/* All of them at once. How many were refused. */
static size_t storm(void)
{
    size_t n_refused = 0;
    for (size_t i = 0; i < N_CLIENTS; i++)
        raw_client_send_text(&clients[i], REQUEST);
    for (size_t i = 0; i < N_CLIENTS; i++) {
        raw_client_receive(&clients[i], &answer, false);
        if (answer.status == 200)
            continue;
        ck_assert_msg(answer.status == 503, "%d %s", answer.status, answer.body);
        ck_assert_msg(strstr(answer.body, "the queue of model 'any' is full") != NULL, "%s",
                      answer.body);
        const char *again = raw_answer_field(&answer, "Retry-After");
        ck_assert_ptr_nonnull(again);
        ck_assert_str_eq(again, "1");
        n_refused++;
    }
    return n_refused;
}

START_TEST(test_queue_that_is_full_refuses_and_says_when_to_come_again)
{
    const int64_t until_us = monotonic_us() + PATIENCE_US;
    size_t n_refused = 0;
    for (size_t i = 0; i < N_CLIENTS; i++)
        raw_client_connect(&clients[i], server.port);
    while (n_refused == 0 && monotonic_us() < until_us)
        n_refused = storm();
    ck_assert_uint_gt(n_refused, 0);
    ck_assert_uint_lt(n_refused, N_CLIENTS);
    for (size_t i = 0; i < N_CLIENTS; i++)
        raw_client_close(&clients[i]);
}
END_TEST

Suite *suite_queue_full(void)
{
    Suite *suite = suite_create("queue_full");
    TCase *tcase = tcase_create("queue_full");
    tcase_add_unchecked_fixture(tcase, start, stop);
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, test_queue_that_is_full_refuses_and_says_when_to_come_again);
    suite_add_tcase(suite, tcase);
    return suite;
}
