/* test_network_faults.c: sockets that fail, interrupt, give one byte at a time; a calendar that
 * jumps. SPDX-License-Identifier: Apache-2.0
 *
 * Whatever happens to a connection, an answer that comes is the right one to the bit, or the
 * connection ends without one where its socket is broken; and then the next request works, no
 * descriptor is left, and the daemon rests. */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/faults/network.h"
#include "tests/support/cases.h"
#include "tests/support/client.h"
#include "tests/support/daemon.h"
#include "tests/support/preload.h"
#include "tests/support/temp_folder.h"
#include "tests/support/tls_client.h"

Suite *suite_network_faults(void);

#define DIGITS "/v1/models/mnist"

enum { MOST_CALLS = 40, PAUSE_MS = 5, N_QUIET = 20, HOURS_S = 3600 };

static struct temp_folder folder;
static struct network_plan *plan;
static struct daemon server;
static char *pixels, *digit; /* a digit as bytes and as JSON */
static size_t pixels_bytes, digit_bytes, n_descriptors;
static char labelled[8192];

/* A request, and what makes its answer the same every time; what trains does not change version 1.
 */
struct question {
    const char *path;
    char *const *body;
    const char *content_type;
    const char *before[2][3]; /* method, path, body */
};

static char *labelled_text = labelled;
static const struct question questions[] = {
    {DIGITS "/versions/1:predict", &digit, "application/json", {{0}}},
    {DIGITS "/versions/1:predict?dtype=uint8", &pixels, "application/octet-stream", {{0}}},
    {DIGITS "/versions/1:state?dtype=uint8", &pixels, "application/octet-stream", {{0}}},
    {DIGITS "/sessions/a:predict?dtype=uint8",
     &pixels,
     "application/octet-stream",
     {{"DELETE", DIGITS "/sessions/a", NULL},
      {"POST", DIGITS "/versions/1/sessions", "{\"id\":\"a\"}"}}},
    {DIGITS ":train-step",
     &labelled_text,
     "application/json",
     {{"POST", DIGITS ":train-step", labelled}, {"POST", DIGITS ":reset", "{}"}}},
};
static char *right[N_CASES(questions)];

/* On a connection of its own. */
static void try_once(const struct client_request *request, struct client_answer *answer)
{
    struct client client;
    client_init(&client, server.url);
    client_try(&client, request, answer);
    client_release(&client);
}

static void prepare(const struct question *question)
{
    for (size_t k = 0; k < 2 && question->before[k][0] != NULL; k++) {
        const char *body = question->before[k][2];
        struct client_answer answer;
        try_once(&(struct client_request){.method = question->before[k][0],
                                          .path = question->before[k][1],
                                          .body = body,
                                          .body_bytes = body != NULL ? strlen(body) : 0},
                 &answer);
        ck_assert_int_ne(answer.status, 0);
        client_answer_release(&answer);
    }
}

static void ask(const struct question *question, struct client_answer *answer)
{
    const char *const body = *question->body;
    try_once(&(struct client_request){.path = question->path,
                                      .content_type = question->content_type,
                                      .body = body,
                                      .body_bytes = body == pixels  ? pixels_bytes
                                                    : body == digit ? digit_bytes
                                                                    : strlen(body)},
             answer);
}

/* With the plan as it is. True: it was answered. A client whose connection is reset counts as gone,
 * and what waits for it is not computed. */
static bool ask_rightly(size_t k, const char *fault, bool may_end)
{
    struct client_answer answer;
    ask(&questions[k], &answer);
    const bool is_answered = answer.status != 0;
    ck_assert_msg(is_answered || may_end, "%s, %s: no answer: %s", fault, questions[k].path,
                  answer.failure);
    ck_assert_msg(!is_answered || (answer.status == 200 && strcmp(answer.body, right[k]) == 0) ||
                      (may_end && answer.status == 504),
                  "%s, %s: %d %s", fault, questions[k].path, answer.status, answer.body);
    client_answer_release(&answer);
    return is_answered;
}

static size_t count_descriptors(void)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/fd", (int)server.pid);
    DIR *entries = opendir(path);
    size_t n = 0;
    ck_assert_ptr_nonnull(entries);
    while (readdir(entries) != NULL)
        n++;
    closedir(entries);
    return n;
}

/* Waits until it has as many descriptors as without a connection, and until for a while no thread
 * calls what is counted: one that spins never stops. */
static void await_rest(void)
{
    unsigned before = 0;
    int n_quiet = 0;
    for (int ms = 0; n_quiet < N_QUIET || count_descriptors() != n_descriptors; ms += PAUSE_MS) {
        const unsigned n_calls = atomic_load(&plan->n_calls);
        ck_assert_msg(ms < PATIENCE_MS, "%zu descriptors instead of %zu, %u calls",
                      count_descriptors(), n_descriptors, n_calls - before);
        n_quiet = n_calls == before ? n_quiet + 1 : 0;
        before = n_calls;
        poll(NULL, 0, PAUSE_MS);
    }
}

static void start(const char *const *options)
{
    char path[256];
    temp_folder_create(&folder);
    plan = preload_begin("libnetwork.so", "LSTMD_NETWORK", temp_folder_path(&folder, "plan", path),
                         sizeof *plan);
    digit = temp_file_read("tests/data/mnist/digit.json", &digit_bytes);
    pixels = temp_file_read("tests/data/mnist/digit.bin", &pixels_bytes);
    char *const end = strrchr(digit, '}');
    ck_assert_ptr_nonnull(end);
    ck_assert_int_lt(
        snprintf(labelled, sizeof labelled, "%.*s,\"labels\":[7]}", (int)(end - digit), digit),
        (int)sizeof labelled);
    daemon_start(&server, "models", options);
    n_descriptors = count_descriptors();
}

/* The right answers. */
static void start_answering(void)
{
    start((const char *const[]){"--model-poll-seconds", "0", NULL});
    for (size_t k = 0; k < N_CASES(questions); k++) {
        struct client_answer answer;
        prepare(&questions[k]);
        ask(&questions[k], &answer);
        ck_assert_msg(answer.status == 200, "%s: %s", questions[k].path, answer.body);
        right[k] = strdup(answer.body);
        client_answer_release(&answer);
    }
}

static void stop(void)
{
    ck_assert_int_eq(daemon_stop(&server), 0);
    for (size_t k = 0; k < N_CASES(questions); k++) {
        free(right[k]);
        right[k] = NULL;
    }
    free(digit);
    free(pixels);
    preload_end("LSTMD_NETWORK", plan, sizeof *plan);
    temp_folder_remove(&folder);
}

static void arm(enum network_call call, int reason, unsigned every, unsigned countdown)
{
    atomic_store(&plan->reason, reason);
    atomic_store(&plan->every, every);
    atomic_store(&plan->n_hit, 0);
    atomic_store(&plan->n_seen, 0);
    atomic_store(&plan->countdown, countdown);
    atomic_store(&plan->call, call);
}

static const struct fault {
    const char *name;
    enum network_call call;
    int reason;
    unsigned every; /* 0: each call in turn fails, alone */
    bool may_end;   /* the connection */
} faults[] = {
    {"recv: a byte at a time", NETWORK_RECEIVE, 0, 1, false},
    {"recv: interrupted", NETWORK_RECEIVE, EINTR, 2, false},
    {"recv: not ready", NETWORK_RECEIVE, EAGAIN, 2, false},
    {"recv: reset", NETWORK_RECEIVE, ECONNRESET, 0, true},
    {"recv: no memory", NETWORK_RECEIVE, ENOMEM, 0, true},
    {"recv: timed out", NETWORK_RECEIVE, ETIMEDOUT, 0, true},
    {"send: a byte at a time", NETWORK_SEND, 0, 1, false},
    {"send: interrupted", NETWORK_SEND, EINTR, 2, false},
    {"send: not ready", NETWORK_SEND, EAGAIN, 2, false},
    {"send: broken pipe", NETWORK_SEND, EPIPE, 0, true},
    {"send: reset", NETWORK_SEND, ECONNRESET, 0, true},
    {"send: no buffers", NETWORK_SEND, ENOBUFS, 0, true},
    {"send: no memory", NETWORK_SEND, ENOMEM, 0, true},
    {"accept: interrupted", NETWORK_ACCEPT, EINTR, 2, false},
    {"accept: aborted", NETWORK_ACCEPT, ECONNABORTED, 2, false},
    {"accept: no more files", NETWORK_ACCEPT, EMFILE, 2, false},
    {"accept: no more files of the system", NETWORK_ACCEPT, ENFILE, 2, false},
    {"accept: no buffers", NETWORK_ACCEPT, ENOBUFS, 2, false},
    {"accept: no memory", NETWORK_ACCEPT, ENOMEM, 2, false},
    {"wait: interrupted", NETWORK_WAIT, EINTR, 3, false},
};

static void ask_with(const struct fault *fault, size_t k, unsigned n, bool *is_hit)
{
    prepare(&questions[k]);
    arm(fault->call, fault->reason, fault->every, n);
    ask_rightly(k, fault->name, fault->may_end);
    *is_hit = atomic_load(&plan->n_hit) > 0;
    arm(NETWORK_NONE, 0, 0, 0);
    prepare(&questions[k]);
    ck_assert(ask_rightly(k, fault->name, false));
}

START_TEST(test_network_fault_gives_the_right_answer_or_none)
{
    const struct fault *const fault = &faults[_i];
    unsigned n_hit = 0;
    for (size_t k = 0; k < N_CASES(questions); k++) {
        bool is_hit = true;
        for (unsigned n = 1; is_hit; n++) {
            ck_assert_uint_lt(n, MOST_CALLS);
            ask_with(fault, k, fault->every > 0 ? 0 : n, &is_hit);
            n_hit += is_hit;
            is_hit = is_hit && fault->every == 0;
        }
    }
    ck_assert_uint_gt(n_hit, 0);
    await_rest();
}
END_TEST

/* Waits until main has woken a few times, as it does every second: it ends what is idle. */
static void await_sweeps(void)
{
    const unsigned before = atomic_load(&plan->n_calls);
    for (int ms = 0; atomic_load(&plan->n_calls) - before < 3; ms += PAUSE_MS) {
        ck_assert_msg(ms < PATIENCE_MS, "nobody wakes");
        poll(NULL, 0, PAUSE_MS);
    }
}

/* Nothing that the server times knows the calendar: sessions live on, requests are in time, and the
 * connection that was open stays open. */
START_TEST(test_network_calendar_that_jumps_ends_nothing)
{
    static const long long jumps_s[] = {6 * HOURS_S, -12 * HOURS_S, 400LL * 24 * HOURS_S,
                                        -800LL * 24 * HOURS_S};
    struct client client;
    struct client_answer answer;
    client_init(&client, server.url);
    client_get(&client, "/v2/health/live", &answer);
    client_answer_release(&answer);
    for (size_t j = 0; j < N_CASES(jumps_s); j++) {
        prepare(&questions[3]);
        atomic_fetch_add(&plan->calendar_s, jumps_s[j]);
        await_sweeps();
        ck_assert(ask_rightly(3, "calendar", false));
        client_get(&client, DIGITS "/sessions/a", &answer);
        ck_assert_int_eq(answer.status, 200);
        ck_assert_msg(!answer.reconnected, "the connection was closed");
        client_answer_release(&answer);
        for (size_t k = 0; k < N_CASES(questions); k++) {
            prepare(&questions[k]);
            ck_assert(ask_rightly(k, "calendar", false));
        }
    }
    client_release(&client);
}
END_TEST

static void start_tls(void)
{
    static char certificate[256], key[256];
    static struct temp_folder own;
    temp_folder_create(&own);
    temp_folder_path(&own, "certificate.pem", certificate);
    temp_folder_path(&own, "key.pem", key);
    certificate_write("here", certificate, key);
    start((const char *const[]){"--tls-cert", certificate, "--tls-key", key, NULL});
    temp_folder_remove(&own);
}

/* Behind GnuTLS the same calls carry the handshake and the records. */
START_TEST(test_network_fault_below_tls_changes_no_answer)
{
    char request[8192], got[4096], expected[4096];
    snprintf(request, sizeof request,
             "POST " DIGITS ":predict HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n%s",
             digit_bytes, digit);
    for (int armed = 0; armed < 2; armed++) {
        struct tls_client client;
        if (armed)
            arm(faults[_i].call, faults[_i].reason, faults[_i].every, 0);
        tls_client_connect(&client, server.port, NULL);
        tls_client_ask(&client, request, armed ? got : expected, sizeof got);
        tls_client_close(&client);
    }
    ck_assert_uint_gt(atomic_load(&plan->n_hit), 0);
    arm(NETWORK_NONE, 0, 0, 0);
    const char *const a = strstr(got, "{\"predictions\""), *const b =
                                                               strstr(expected, "{\"predictions\"");
    ck_assert(a != NULL && b != NULL);
    ck_assert_str_eq(a, b);
}
END_TEST

Suite *suite_network_faults(void)
{
    Suite *suite = suite_create("network_faults");
    TCase *plain = tcase_create("plain"), *tls = tcase_create("tls");
    tcase_set_timeout(plain, 240);
    tcase_add_checked_fixture(plain, start_answering, stop);
    tcase_add_loop_test(plain, test_network_fault_gives_the_right_answer_or_none, 0,
                        N_CASES(faults));
    tcase_add_test(plain, test_network_calendar_that_jumps_ends_nothing);
    tcase_set_timeout(tls, 120);
    tcase_add_checked_fixture(tls, start_tls, stop);
    for (int k = 0; k < (int)N_CASES(faults); k++)
        if (!faults[k].may_end)
            tcase_add_loop_test(tls, test_network_fault_below_tls_changes_no_answer, k, k + 1);
    suite_add_tcase(suite, plain);
    suite_add_tcase(suite, tls);
    return suite;
}
