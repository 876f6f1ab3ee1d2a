/* test_predict_concurrent.c: requests of many clients at once share calls of dynamic_rnn, and each
 * gets what it would get alone. SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/answer_text.h"
#include "tests/support/assert_tensor.h"
#include "tests/support/client.h"
#include "tests/support/daemon.h"
#include "tests/support/fill.h"
#include "tests/support/model_builder.h"
#include "tests/support/model_store.h"
#include "tests/support/temp_folder.h"

Suite *suite_predict_concurrent(void);

enum { N_CLIENTS = 64, MOST_STEPS = 9, OUTPUTS = 3 };

/* One client: its instance of 1 to MOST_STEPS steps, and its answer. */
struct caller {
    pthread_t thread;
    struct client client;
    struct client_answer answer;
    size_t steps;
    float *input;
    char body[512];
};

static struct temp_folder folder;
static struct daemon server;
static struct caller callers[N_CLIENTS];
static pthread_barrier_t barrier;

static void start(void)
{
    /* A batch runs when it holds an instance of every client; the delay only has to be longer than
     * all of them take to send theirs. */
    static const char *const options[] = {
        "--request-timeout-ms", "0", "--batch-delay-us", "60000000", "--max-batch", "64",
        "--io-threads",         "2", "--workers",        "2",        NULL};
    temp_folder_create(&folder);
    model_store_add(folder.path, "any", "1", model_any, 1);
    daemon_start(&server, folder.path, options);
}

static void stop(void)
{
    ck_assert_int_eq(daemon_stop(&server), 0);
    temp_folder_remove(&folder);
}

static void init_caller(struct caller *caller, uint64_t seed)
{
    int n = snprintf(caller->body, sizeof caller->body, "{\"instances\":[[");
    caller->steps = 1 + seed % MOST_STEPS;
    caller->input = fill_new(2 * caller->steps, seed, 1);
    for (size_t t = 0; t < caller->steps; t++)
        n += snprintf(caller->body + n, sizeof caller->body - (size_t)n, "%s[%.9g,%.9g]",
                      t > 0 ? "," : "", (double)caller->input[2 * t],
                      (double)caller->input[2 * t + 1]);
    snprintf(caller->body + n, sizeof caller->body - (size_t)n, "]]}");
    client_init(&caller->client, server.url);
}

static void *call(void *argument)
{
    struct caller *caller = argument;
    const struct client_request request = {.path = "/v1/models/any:predict",
                                           .content_type = "application/json",
                                           .body = caller->body,
                                           .body_bytes = strlen(caller->body)};
    pthread_barrier_wait(&barrier);
    client_try(&caller->client, &request, &caller->answer);
    return NULL;
}

static void check_caller(const struct caller *caller, const struct lstm_model *model)
{
    float alone[OUTPUTS], found[OUTPUTS];
    const struct lstm_sequence sequence = {.input = caller->input, .steps = caller->steps};
    ck_assert_msg(caller->answer.status == 200, "%d %s %s", caller->answer.status,
                  caller->answer.failure, caller->answer.body);
    ck_assert_uint_eq(answer_numbers(caller->answer.body, "predictions", found, OUTPUTS), OUTPUTS);
    model_store_run_alone(model, &sequence, alone);
    assert_tensor_float("prediction", found, alone, OUTPUTS, 1e-5, 0);
}

START_TEST(test_predict_concurrent_requests_share_one_call_and_get_what_each_gets_alone)
{
    struct lstm_model *model = create_model(model_any, 1);
    struct client_answer metrics;
    ck_assert_int_eq(pthread_barrier_init(&barrier, NULL, N_CLIENTS), 0);
    for (size_t i = 0; i < N_CLIENTS; i++) {
        init_caller(&callers[i], i);
        ck_assert_int_eq(pthread_create(&callers[i].thread, NULL, call, &callers[i]), 0);
    }
    for (size_t i = 0; i < N_CLIENTS; i++)
        pthread_join(callers[i].thread, NULL);
    for (size_t i = 0; i < N_CLIENTS; i++)
        check_caller(&callers[i], model);

    client_get(&callers[0].client, "/metrics", &metrics);
    const double n_batches = answer_metric(metrics.body, "lstmd_batch_size_count{model=\"any\"}");
    ck_assert(answer_metric(metrics.body, "lstmd_batch_size_sum{model=\"any\"}") == N_CLIENTS);
    ck_assert_msg(n_batches < N_CLIENTS / 2, "%g batches of %d requests", n_batches, N_CLIENTS);
    client_answer_release(&metrics);
    for (size_t i = 0; i < N_CLIENTS; i++) {
        client_answer_release(&callers[i].answer);
        client_release(&callers[i].client);
        free(callers[i].input);
    }
    pthread_barrier_destroy(&barrier);
    lstm_model_destroy(model);
}
END_TEST

Suite *suite_predict_concurrent(void)
{
    Suite *suite = suite_create("predict_concurrent");
    TCase *tcase = tcase_create("predict_concurrent");
    tcase_set_timeout(tcase, 60);
    tcase_add_unchecked_fixture(tcase, start, stop);
    tcase_add_test(tcase,
                   test_predict_concurrent_requests_share_one_call_and_get_what_each_gets_alone);
    suite_add_tcase(suite, tcase);
    return suite;
}
