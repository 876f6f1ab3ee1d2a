/* test_many_clients.c: requests that arrive all at once. SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <signal.h>

#include "tests/support/daemon.h"
#include "tests/support/model_store.h"
#include "tests/support/raw_client.h"
#include "tests/support/temp_folder.h"

Suite *suite_many_clients(void);

/* As many as libmicrohttpd takes from epoll at a time: its own thread then waits for one more. */
enum { N_CLIENTS = 128 };

static const char question[] = "GET /v2/health/live HTTP/1.1\r\nHost: x\r\n\r\n";
static struct raw_client clients[N_CLIENTS];
static struct temp_folder folder;
static struct daemon server;

static void ask_all(void)
{
    for (size_t i = 0; i < N_CLIENTS; i++)
        raw_client_send_text(&clients[i], question);
}

static void assert_all_are_answered(void)
{
    static struct raw_answer answer;
    for (size_t i = 0; i < N_CLIENTS; i++) {
        raw_client_receive(&clients[i], &answer, false);
        ck_assert_int_eq(answer.status, 200);
    }
}

/* Stopped, the daemon finds the requests of all connections at once when it goes on. */
START_TEST(test_many_clients_that_ask_at_once_are_all_answered)
{
    static const char *const options[] = {"--io-threads", "1", NULL};
    temp_folder_create(&folder);
    model_store_add(folder.path, "m", "1", model_any, 1);
    daemon_start(&server, folder.path, options);
    for (size_t i = 0; i < N_CLIENTS; i++)
        raw_client_connect(&clients[i], server.port);
    ask_all();
    assert_all_are_answered();

    daemon_suspend(&server);
    ask_all();
    daemon_signal(&server, SIGCONT);
    assert_all_are_answered();

    for (size_t i = 0; i < N_CLIENTS; i++)
        raw_client_close(&clients[i]);
    ck_assert_int_eq(daemon_stop(&server), 0);
    temp_folder_remove(&folder);
}
END_TEST

Suite *suite_many_clients(void)
{
    Suite *suite = suite_create("many_clients");
    TCase *tcase = tcase_create("at_once");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, test_many_clients_that_ask_at_once_are_all_answered);
    suite_add_tcase(suite, tcase);
    return suite;
}
