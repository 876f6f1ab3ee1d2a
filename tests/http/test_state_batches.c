/* test_state_batches.c: requests for states share calls of dynamic_rnn with predictions.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <pthread.h>

#include "tests/support/client.h"
#include "tests/support/daemon.h"
#include "tests/support/daemon_metrics.h"
#include "tests/support/model_store.h"
#include "tests/support/temp_folder.h"

Suite *suite_state_batches(void);

struct caller {
    pthread_t thread;
    struct client client;
    struct client_answer answer;
    const char *path;
};

static void *call(void *argument)
{
    static const char body[] = "{\"instances\":[[[1,2],[3,4]]],\"trace\":true}";
    struct caller *caller = argument;
    const struct client_request request = {
        .path = caller->path, .body = body, .body_bytes = sizeof body - 1};
    client_try(&caller->client, &request, &caller->answer);
    return NULL;
}

START_TEST(test_state_and_predict_in_flight_at_once_are_one_batch)
{
    /* A batch runs when it is full, and it is full with one instance of each. */
    static const char *const options[] = {"--batch-delay-us", "60000000", "--max-batch", "2",
                                          "--workers",        "1",        NULL};
    struct caller callers[2] = {{.path = "/v1/models/any:predict"},
                                {.path = "/v1/models/any:state"}};
    struct temp_folder folder;
    struct daemon server;
    temp_folder_create(&folder);
    model_store_add(folder.path, "any", "1", model_any, 1);
    daemon_start(&server, folder.path, options);
    for (size_t i = 0; i < 2; i++) {
        client_init(&callers[i].client, server.url);
        ck_assert_int_eq(pthread_create(&callers[i].thread, NULL, call, &callers[i]), 0);
    }
    for (size_t i = 0; i < 2; i++) {
        pthread_join(callers[i].thread, NULL);
        ck_assert_msg(callers[i].answer.status == 200, "%d %s", callers[i].answer.status,
                      callers[i].answer.body);
    }
    struct client *const client = &callers[0].client;
    ck_assert(daemon_metric(client, "lstmd_batch_size_sum{model=\"any\"}") == 2);
    ck_assert(daemon_metric(client, "lstmd_batch_size_count{model=\"any\"}") == 1);
    for (size_t i = 0; i < 2; i++) {
        client_answer_release(&callers[i].answer);
        client_release(&callers[i].client);
    }
    ck_assert_int_eq(daemon_stop(&server), 0);
    temp_folder_remove(&folder);
}
END_TEST

Suite *suite_state_batches(void)
{
    Suite *suite = suite_create("state_batches");
    TCase *tcase = tcase_create("state_batches");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, test_state_and_predict_in_flight_at_once_are_one_batch);
    suite_add_tcase(suite, tcase);
    return suite;
}
