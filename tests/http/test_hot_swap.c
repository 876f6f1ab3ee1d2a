/* test_hot_swap.c: versions are replaced under load, and nobody notices but by the numbers.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "server/clock.h"
#include "tests/support/answer_text.h"
#include "tests/support/client.h"
#include "tests/support/daemon.h"
#include "tests/support/model_builder.h"
#include "tests/support/model_store.h"
#include "tests/support/temp_folder.h"

Suite *suite_hot_swap(void);

/* Enough instances that a request is cut over the workers. */
enum { N_CLIENTS = 8, N_VERSIONS = 6, INSTANCES = 64, OUTPUTS = 3 };

struct caller {
    pthread_t thread;
    struct client client;
    atomic_size_t n_answers;
    bool seen[N_VERSIONS]; /* a version answered */
    char failure[256];     /* "" while all is well */
};

static struct temp_folder folder;
static struct daemon server;
static struct caller callers[N_CLIENTS];
static float expected[N_VERSIONS][OUTPUTS]; /* of each version, for the instance */
static char body[INSTANCES * 32];
static atomic_bool is_over;

/* Every instance is the same, so that all rows of an answer of one version are. */
static void make_body(void)
{
    int n = snprintf(body, sizeof body, "{\"instances\":[");
    for (int i = 0; i < INSTANCES; i++)
        n += snprintf(body + n, sizeof body - (size_t)n, "%s[[1,2],[3,4]]", i > 0 ? "," : "");
    snprintf(body + n, sizeof body - (size_t)n, "]}");
}

static bool is_row_of(const float *row, size_t version)
{
    for (size_t k = 0; k < OUTPUTS; k++)
        if (fabsf(row[k] - expected[version][k]) > 1e-5f)
            return false;
    return true;
}

/* The version that gave all rows; N_VERSIONS: there is none. */
static size_t find_version(const float *rows)
{
    for (size_t version = 0; version < N_VERSIONS; version++) {
        size_t i = 0;
        while (i < INSTANCES && is_row_of(rows + i * OUTPUTS, version))
            i++;
        if (i == INSTANCES)
            return version;
    }
    return N_VERSIONS;
}

static void make_expected(void)
{
    static const float input[] = {1, 2, 3, 4};
    const struct lstm_sequence sequence = {.input = input, .steps = 2};
    for (size_t version = 0; version < N_VERSIONS; version++) {
        struct lstm_model *model = create_model(model_any, version + 1);
        model_store_run_alone(model, &sequence, expected[version]);
        lstm_model_destroy(model);
        for (size_t before = 0; before < version; before++)
            ck_assert(!is_row_of(expected[version], before));
    }
}

/* Checks one answer; may be called by any thread. */
static void check(struct caller *caller, const struct client_answer *answer)
{
    float rows[INSTANCES * OUTPUTS];
    size_t version = N_VERSIONS;
    if (answer->status == 200 && answer_numbers(answer->body, "predictions", rows,
                                                INSTANCES * OUTPUTS) == INSTANCES * OUTPUTS)
        version = find_version(rows);
    if (version < N_VERSIONS)
        caller->seen[version] = true;
    else
        snprintf(caller->failure, sizeof caller->failure, "%d %s %.150s", answer->status,
                 answer->failure, answer->body != NULL ? answer->body : "");
    atomic_fetch_add(&caller->n_answers, 1);
}

static void ask(struct caller *caller)
{
    const struct client_request request = {.path = "/v1/models/m:predict",
                                           .content_type = "application/json",
                                           .body = body,
                                           .body_bytes = strlen(body)};
    struct client_answer answer;
    client_try(&caller->client, &request, &answer);
    check(caller, &answer);
    client_answer_release(&answer);
}

static void *call_on(void *argument)
{
    struct caller *caller = argument;
    while (!atomic_load(&is_over) && caller->failure[0] == '\0')
        ask(caller);
    return NULL;
}

static void start(void)
{
    static const char *const options[] = {"--workers", "2", "--max-batch", "32", NULL};
    temp_folder_create(&folder);
    make_body();
    make_expected();
    model_store_add(folder.path, "m", "1", model_any, 1);
    daemon_start(&server, folder.path, options);
    atomic_store(&is_over, false);
}

static void stop(void)
{
    ck_assert_int_eq(daemon_stop(&server), 0);
    temp_folder_remove(&folder);
}

/* Until every client has had an answer. */
static void wait_for_load(void)
{
    const int64_t until_us = monotonic_us() + PATIENCE_US;
    for (size_t i = 0; i < N_CLIENTS; i++)
        while (atomic_load(&callers[i].n_answers) == 0) {
            ck_assert_int_lt(monotonic_us(), until_us);
            sched_yield();
        }
}

/* Publishes every version but the first, and expects each to answer at once what is asked after it
 * was loaded. */
static void publish_all(void)
{
    struct caller publisher = {.failure = ""};
    client_init(&publisher.client, server.url);
    for (unsigned version = 2; version <= N_VERSIONS; version++) {
        char name[16];
        struct client_answer answer;
        snprintf(name, sizeof name, "%u", version);
        model_store_add(folder.path, "m", name, model_any, version);
        client_post(&publisher.client, "/v1/models/m:load", "", &answer);
        ck_assert_int_eq(answer.status, 200);
        client_answer_release(&answer);
        ask(&publisher);
        ck_assert_msg(publisher.seen[version - 1], "version %u does not answer: %s", version,
                      publisher.failure);
    }
    client_release(&publisher.client);
}

START_TEST(test_hot_swap_under_load_fails_no_request_and_mixes_no_answer)
{
    for (size_t i = 0; i < N_CLIENTS; i++) {
        client_init(&callers[i].client, server.url);
        ck_assert_int_eq(pthread_create(&callers[i].thread, NULL, call_on, &callers[i]), 0);
    }
    wait_for_load();
    publish_all();
    atomic_store(&is_over, true);
    for (size_t i = 0; i < N_CLIENTS; i++) {
        pthread_join(callers[i].thread, NULL);
        client_release(&callers[i].client);
        ck_assert_str_eq(callers[i].failure, "");
        ck_assert(callers[i].seen[0]);
    }
}
END_TEST

Suite *suite_hot_swap(void)
{
    Suite *suite = suite_create("hot_swap");
    TCase *tcase = tcase_create("hot_swap");
    tcase_set_timeout(tcase, 120);
    tcase_add_checked_fixture(tcase, start, stop);
    tcase_add_test(tcase, test_hot_swap_under_load_fails_no_request_and_mixes_no_answer);
    suite_add_tcase(suite, tcase);
    return suite;
}
