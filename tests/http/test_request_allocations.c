/* test_request_allocations.c: every allocation that a request makes in a daemon fails.
 * SPDX-License-Identifier: Apache-2.0
 *
 * For each request the n-th allocation of the whole process fails, n from 1 until none is left,
 * alone or with all behind it. The answer is the right one, or 500 or 503 with a sentence; only
 * where libmicrohttpd has no memory, or nobody has any more, is there none. Then the same request
 * works, and the daemon holds as many blocks of memory as before. A stride keeps the suite short;
 * TORTURE=full takes every n. */
#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/clock.h"
#include "tests/support/allocation_faults.h"
#include "tests/support/cases.h"
#include "tests/support/client.h"
#include "tests/support/daemon.h"
#include "tests/support/model_store.h"
#include "tests/support/temp_folder.h"

Suite *suite_request_allocations(void);

enum { MOST_ROUNDS = 8, WARM_ROUNDS = 4 };

#define ANY    "/v1/models/any"
#define DIGITS "/v1/models/digits"
#define LIVES  "/v1/models/any/sessions/lives"
#define PIECE  "{\"instances\":[[[1,2],[3,4]]]}"
#define ROWS   "{\"instances\":[[[1,2],[3,4.0625]],[[12345678.5,0.000123456789]]]}"
#define LEARN  "{\"instances\":[[[1,2],[3,4]]],\"labels\":[1]}"
#define STATE  "{\"state\":{\"c\":[0,1,2,3,4],\"h\":[0,0.5,0.25,0.125,0.1234567890123]},\"steps\":7}"

static struct temp_folder folder;
static char models[256], state[256];
static struct daemon server;
static size_t n_descriptors; /* of the daemon while nobody is connected */
static size_t digit_bytes, picture_bytes;
static char *digit, *picture;

static void start(void)
{
    static const char *const options[] = {"--io-threads",
                                          "1",
                                          "--workers",
                                          "1",
                                          "--state-dir",
                                          state,
                                          "--train-sync",
                                          "never",
                                          "--model-poll-seconds",
                                          "0",
                                          "--log-level",
                                          "off",
                                          NULL};
    char plan[256];
    temp_folder_create(&folder);
    temp_folder_path(&folder, "state", state);
    temp_folder_path(&folder, "models", models);
    model_store_add(models, "any", "1", model_any, 1);
    model_store_add(models, "digits", "1", model_digits, 1);
    allocation_faults_begin(temp_folder_path(&folder, "plan", plan));
    daemon_start(&server, models, options);
    n_descriptors = daemon_descriptors(&server);
    digit = temp_file_read("tests/data/mnist/digit.bin", &digit_bytes);
    picture = temp_file_read("tests/data/mnist/digit.png", &picture_bytes);
}

static void stop(void)
{
    ck_assert_int_eq(daemon_stop(&server), 0);
    allocation_faults_end();
    free(digit);
    free(picture);
    temp_folder_remove(&folder);
}

/* ---- Requests ---------------------------------------------------------------------------------
 */

struct ask {
    const char *method, *path, *body;
    int status;
};

static const struct operation {
    struct ask ask;
    const char *type;         /* of the body, which is the digit's bytes or picture; NULL: JSON */
    struct ask before, after; /* whatever they answer; method NULL: none */
} operations[] = {
    {.ask = {"POST", ANY ":predict", ROWS, 200}},
    {.ask = {"POST", ANY ":predict", "{\"inputs\":[[[1,2],[3,4]],[[5,6],[7,8]]]}", 200}},
    {.ask = {"POST", ANY ":predict", "{\"instances\":[[[1,2],[3]]]}", 400}},
    {.ask = {"POST", DIGITS ":predict?dtype=uint8", NULL, 200}, "application/octet-stream"},
    {.ask = {"POST", DIGITS ":predict", NULL, 200}, "image/png"},
    {.ask = {"POST", ANY ":state", "{\"instances\":[[[1,2],[3,4]]],\"trace\":true,\"gates\":true}",
             200}},
    {.ask = {"POST", ANY ":evaluate", LEARN, 200}},
    {.ask = {"POST", ANY ":train-step", LEARN, 200}},
    {.ask = {"POST", ANY ":reset", "", 200}, .before = {"POST", ANY ":train-step", LEARN, 200}},
    {.ask = {"GET", ANY "/training", NULL, 200}},
    {.ask = {"POST", ANY "/sessions", "{\"id\":\"new\"}", 201},
     .before = {"DELETE", ANY "/sessions/new", NULL, 200},
     .after = {"DELETE", ANY "/sessions/new", NULL, 200}},
    {.ask = {"POST", LIVES ":predict", PIECE, 200}},
    {.ask = {"POST", LIVES ":state", PIECE, 200}},
    {.ask = {"GET", LIVES "/state", NULL, 200}},
    {.ask = {"PUT", LIVES "/state", STATE, 200}},
    {.ask = {"POST", LIVES ":fork", "{\"id\":\"fork\"}", 201},
     .before = {"DELETE", ANY "/sessions/fork", NULL, 200},
     .after = {"DELETE", ANY "/sessions/fork", NULL, 200}},
    {.ask = {"GET", ANY "/sessions", NULL, 200}},
    {.ask = {"DELETE", ANY "/sessions/old", NULL, 200},
     .before = {"POST", ANY "/sessions", "{\"id\":\"old\"}", 201}},
    {.ask = {"GET", "/v1/models", NULL, 200}},
    {.ask = {"GET", DIGITS "/metadata", NULL, 200}},
    {.ask = {"GET", ANY, NULL, 200}},
    {.ask = {"GET", "/metrics", NULL, 200}},
    {.ask = {"GET", "/openapi.json", NULL, 200}},
    {.ask = {"GET", "/", NULL, 200}},
    {.ask = {"GET", "/no/such/route", NULL, 404}},
    {.ask = {"POST", DIGITS ":load", "", 200}, .before = {"POST", DIGITS ":unload", "", 200}},
    {.ask = {"POST", DIGITS ":unload", "", 200}, .after = {"POST", DIGITS ":load", "", 200}},
};

/* On a connection of its own. */
static void ask_once(const struct ask *ask, const char *type, struct client_answer *answer)
{
    struct client client;
    struct client_request request = {.method = ask->method,
                                     .path = ask->path,
                                     .content_type = type,
                                     .body = ask->body,
                                     .body_bytes = ask->body != NULL ? strlen(ask->body) : 0};
    if (type != NULL) {
        const bool is_picture = strcmp(type, "image/png") == 0;
        request.body = is_picture ? picture : digit;
        request.body_bytes = is_picture ? picture_bytes : digit_bytes;
    }
    client_init(&client, server.url);
    client_try(&client, &request, answer);
    client_release(&client);
}

static void ask_aside(const struct ask *ask)
{
    struct client_answer answer;
    if (ask->method == NULL)
        return;
    ask_once(ask, NULL, &answer);
    ck_assert_int_ne(answer.status, 0);
    client_answer_release(&answer);
}

static void assert_works(const struct operation *operation)
{
    struct client_answer answer;
    ask_aside(&operation->before);
    ask_once(&operation->ask, operation->type, &answer);
    ck_assert_msg(answer.status == operation->ask.status, "%s %s: %d %s", operation->ask.method,
                  operation->ask.path, answer.status,
                  answer.status != 0 ? answer.body : answer.failure);
    client_answer_release(&answer);
    ask_aside(&operation->after);
}

/* ---- What must hold ---------------------------------------------------------------------------
 */

/* Until the daemon has closed all connections. */
static void await_closed(void)
{
    const int64_t until_us = monotonic_us() + PATIENCE_US;
    while (daemon_descriptors(&server) != n_descriptors) {
        ck_assert_int_lt(monotonic_us(), until_us);
        poll(NULL, 0, 1);
    }
}

/* Blocks that the daemon holds without connections: the number that stays for a while, or is not
 * more than `expected`, which is waited for if it `must` come. */
static long settle(long expected, bool must)
{
    const int64_t until_us = monotonic_us() + PATIENCE_US;
    await_closed();
    long before = -1, now = allocation_faults_live();
    for (int n_same = 0; now > expected && (must || n_same < 10) && monotonic_us() < until_us;) {
        poll(NULL, 0, 2);
        before = now;
        now = allocation_faults_live();
        n_same = before == now ? n_same + 1 : 0;
    }
    return now;
}

static void assert_clean(const struct operation *operation, const struct client_answer *answer,
                         unsigned n, bool lasts)
{
    const char *place = allocation_faults_place();
    const bool is_refused = (answer->status == 500 || answer->status == 503) &&
                            strncmp(answer->body, "{\"error\":\"", 10) == 0;
    const bool is_dropped =
        answer->status == 0 && (lasts || strstr(place, "libmicrohttpd") != NULL);
    ck_assert_msg(answer->status == operation->ask.status || is_refused || is_dropped,
                  "%s %s, %u%s, %s: %d %s", operation->ask.method, operation->ask.path, n,
                  lasts ? " and on" : "", place, answer->status,
                  answer->status != 0 ? answer->body : answer->failure);
}

/* Returns the number of allocations. n 0: none fails. */
static unsigned attempt(const struct operation *operation, unsigned n, bool lasts, bool *hit)
{
    struct client_answer answer;
    ask_aside(&operation->before);
    allocation_faults_arm(n, lasts);
    ask_once(&operation->ask, operation->type, &answer);
    const unsigned n_calls = allocation_faults_disarm(hit);
    assert_clean(operation, &answer, n, lasts);
    client_answer_release(&answer);
    ask_aside(&operation->after);
    return n_calls;
}

static long attempt_and_recover(const struct operation *operation, unsigned n, bool lasts,
                                long before, bool must, bool *hit)
{
    attempt(operation, n, lasts, hit);
    assert_works(operation);
    return settle(before, must);
}

/* What an answer needs for the first time, as the series of its status in the metrics, may stay:
 * the second time, nothing may. */
static void torture(const struct operation *operation, unsigned n_calls, long *live, bool lasts)
{
    const unsigned stride = allocation_faults_stride(n_calls, MOST_ROUNDS);
    bool hit = true;
    for (unsigned n = 1; hit; n += stride) {
        for (int k = 0; k < 3; k++) {
            const long now = attempt_and_recover(operation, n, lasts, *live, k == 2, &hit);
            ck_assert_msg(k < 2 || now <= *live, "%s %s, %u%s, %s: %ld blocks stay",
                          operation->ask.method, operation->ask.path, n, lasts ? " and on" : "",
                          allocation_faults_place(), now - *live);
            if (now <= *live)
                break;
            *live = now;
        }
        ck_assert_msg(hit || n > n_calls / 2, "%s: nothing fails", operation->ask.path);
    }
}

START_TEST(test_request_without_memory_is_refused_and_leaves_nothing)
{
    static const struct ask begin = {"POST", ANY "/sessions", "{\"id\":\"lives\"}", 201};
    const struct operation *operation = &operations[_i];
    bool hit;
    ask_aside(&begin);
    for (int k = 0; k < WARM_ROUNDS; k++)
        assert_works(operation);
    const unsigned n_calls = attempt(operation, 0, false, &hit);
    ck_assert_uint_gt(n_calls, 0);
    assert_works(operation);
    long live = settle(-1, false);
    torture(operation, n_calls, &live, false);
    torture(operation, n_calls, &live, true);
    if (getenv("TORTURE") != NULL)
        printf("%5u allocations: %s %s\n", n_calls, operation->ask.method, operation->ask.path);
}
END_TEST

Suite *suite_request_allocations(void)
{
    Suite *suite = suite_create("request_allocations");
    TCase *tcase = tcase_create("request_allocations");
    suite_add_tcase(suite, tcase);
    if (!allocations_can_fail)
        return suite;
    tcase_add_unchecked_fixture(tcase, start, stop);
    tcase_set_timeout(tcase, 600);
    tcase_add_loop_test(tcase, test_request_without_memory_is_refused_and_leaves_nothing, 0,
                        N_CASES(operations));
    return suite;
}
