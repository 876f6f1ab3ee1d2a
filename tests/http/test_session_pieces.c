/* test_session_pieces.c: sequences sent in pieces, by many clients at once, give what they give
 * whole; pieces share batches with predictions and states. SPDX-License-Identifier: Apache-2.0
 */
#include <check.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/buf.h"
#include "tests/support/answer_text.h"
#include "tests/support/assert_tensor.h"
#include "tests/support/fill.h"
#include "tests/support/model_builder.h"
#include "tests/support/model_store.h"
#include "tests/support/session_client.h"

Suite *suite_session_pieces(void);

enum { FEATURES = 2, OUTPUTS = 3, MOST_STEPS = 200, N_SEQUENCES = 1000, N_CALLERS = 64 };

struct sequence {
    size_t steps, n_pieces;
    float *input, found[OUTPUTS];
    char failure[256]; /* "" if all went well */
};

struct caller {
    pthread_t thread;
    struct client client;
};

static struct sequence sequences[N_SEQUENCES];
static atomic_size_t n_taken;

/* {"instances": [[[x, y], ...]]} */
static void write_piece(struct buf *body, const float *input, size_t steps)
{
    body->n = 0;
    buf_text(body, "{\"instances\":[[");
    for (size_t t = 0; t < steps; t++)
        buf_printf(body, "%s[%.9g,%.9g]", t > 0 ? "," : "", (double)input[FEATURES * t],
                   (double)input[FEATURES * t + 1]);
    buf_text(body, "]]}");
}

/* Posts, and takes the prediction out of the answer if `found` is wanted. */
static bool post(struct caller *caller, struct sequence *sequence, const char *path,
                 const char *body, float *found)
{
    const struct client_request request = {
        .method = "POST", .path = path, .body = body, .body_bytes = strlen(body)};
    struct client_answer answer;
    client_try(&caller->client, &request, &answer);
    const bool is_fine =
        found == NULL ? answer.status == 201
                      : answer.status == 200 &&
                            answer_numbers(answer.body, "predictions", found, OUTPUTS) == OUTPUTS;
    if (!is_fine)
        snprintf(sequence->failure, sizeof sequence->failure, "%s: %d %s %.100s", path,
                 answer.status, answer.failure, answer.body);
    client_answer_release(&answer);
    return is_fine;
}

static void send_sequence(struct caller *caller, size_t i)
{
    struct sequence *sequence = &sequences[i];
    char begin[32], path[64];
    struct buf body;
    snprintf(begin, sizeof begin, "{\"id\":\"%zu\"}", i);
    snprintf(path, sizeof path, SESSIONS "/%zu:predict", i);
    buf_init(&body, SIZE_MAX);
    bool is_fine = post(caller, sequence, SESSIONS, begin, NULL);
    for (size_t t = 0, n; is_fine && t < sequence->steps; t += n, sequence->n_pieces++) {
        const size_t left = sequence->steps - t;
        n = 1 + fill_bits(1000 + i, t) % (1 + sequence->steps / 4);
        n = n < left ? n : left;
        write_piece(&body, sequence->input + FEATURES * t, n);
        is_fine = post(caller, sequence, path, body.data, sequence->found);
    }
    buf_release(&body);
}

static void *call(void *argument)
{
    struct caller *caller = argument;
    for (size_t i; (i = atomic_fetch_add(&n_taken, 1)) < N_SEQUENCES;)
        send_sequence(caller, i);
    return NULL;
}

static void check_sequence(struct sequence *sequence, const struct lstm_model *model)
{
    const struct lstm_sequence whole = {.input = sequence->input, .steps = sequence->steps};
    float expected[OUTPUTS];
    ck_assert_str_eq(sequence->failure, "");
    model_store_run_alone(model, &whole, expected);
    assert_tensor_float("prediction", sequence->found, expected, OUTPUTS, 1e-5, 0);
}

START_TEST(test_session_pieces_of_many_clients_at_once_equal_the_sequences_whole)
{
    static struct caller callers[N_CALLERS];
    static const char *const options[] = {
        "--workers", "2", "--io-threads", "2", "--request-timeout-ms", "0", NULL};
    size_t n_pieces = 0;
    session_server_start(options);
    struct lstm_model *model = create_model(model_any, 1);
    for (size_t i = 0; i < N_SEQUENCES; i++) {
        sequences[i].steps = 1 + fill_bits(7, i) % MOST_STEPS;
        sequences[i].input = fill_new(FEATURES * sequences[i].steps, i, 1);
    }
    atomic_store(&n_taken, 0);
    for (size_t i = 0; i < N_CALLERS; i++) {
        client_init(&callers[i].client, session_server.url);
        ck_assert_int_eq(pthread_create(&callers[i].thread, NULL, call, &callers[i]), 0);
    }
    for (size_t i = 0; i < N_CALLERS; i++) {
        pthread_join(callers[i].thread, NULL);
        client_release(&callers[i].client);
    }
    for (size_t i = 0; i < N_SEQUENCES; i++) {
        check_sequence(&sequences[i], model);
        n_pieces += sequences[i].n_pieces;
        free(sequences[i].input);
    }
    ck_assert_uint_gt(n_pieces, 2 * N_SEQUENCES);
    ck_assert(session_metric("lstmd_sessions_live") == (double)N_SEQUENCES);
    ck_assert(session_metric("lstmd_batch_size_sum{model=\"any\"}") == (double)n_pieces);
    lstm_model_destroy(model);
    session_server_stop();
}
END_TEST

/* ---- Kinds in one batch --------------------------------------------------------------------- */

enum { N_SESSIONS = 32, N_PREDICTS = 16, N_ASKERS = 64 };

struct asker {
    pthread_t thread;
    struct client client;
    struct client_answer answer;
    struct buf body;
    char path[64];
};

static void *ask(void *argument)
{
    struct asker *asker = argument;
    const struct client_request request = {
        .path = asker->path, .body = asker->body.data, .body_bytes = strlen(asker->body.data)};
    client_try(&asker->client, &request, &asker->answer);
    return NULL;
}

static void init_asker(struct asker *asker, size_t i)
{
    char begin[32];
    float *input = fill_new(FEATURES * (1 + i), i, 1);
    if (i < N_SESSIONS) {
        snprintf(begin, sizeof begin, "{\"id\":\"%zu\"}", i);
        session_expect("POST", SESSIONS, begin, 201);
        snprintf(asker->path, sizeof asker->path, SESSIONS "/%zu:%s", i,
                 i % 2 == 0 ? "predict" : "state");
    } else {
        snprintf(asker->path, sizeof asker->path, "/v1/models/any:%s",
                 i < N_SESSIONS + N_PREDICTS ? "predict" : "state");
    }
    buf_init(&asker->body, SIZE_MAX);
    write_piece(&asker->body, input, 1 + i);
    client_init(&asker->client, session_server.url);
    free(input);
}

START_TEST(test_session_pieces_predictions_and_states_of_any_length_are_one_batch)
{
    /* A batch runs when it holds one of each asker; the delay only has to be longer than they all
     * take to ask. */
    static const char *const options[] = {"--request-timeout-ms",
                                          "0",
                                          "--batch-delay-us",
                                          "60000000",
                                          "--max-batch",
                                          "64",
                                          "--workers",
                                          "1",
                                          NULL};
    static struct asker askers[N_ASKERS];
    session_server_start(options);
    for (size_t i = 0; i < N_ASKERS; i++)
        init_asker(&askers[i], i);
    for (size_t i = 0; i < N_ASKERS; i++)
        ck_assert_int_eq(pthread_create(&askers[i].thread, NULL, ask, &askers[i]), 0);
    for (size_t i = 0; i < N_ASKERS; i++) {
        pthread_join(askers[i].thread, NULL);
        ck_assert_msg(askers[i].answer.status == 200, "%s: %d %s", askers[i].path,
                      askers[i].answer.status, askers[i].answer.body);
        client_answer_release(&askers[i].answer);
        client_release(&askers[i].client);
        buf_release(&askers[i].body);
    }
    ck_assert(session_metric("lstmd_batch_size_sum{model=\"any\"}") == N_ASKERS);
    ck_assert(session_metric("lstmd_batch_size_count{model=\"any\"}") == 1);
    session_server_stop();
}
END_TEST

Suite *suite_session_pieces(void)
{
    Suite *suite = suite_create("session_pieces");
    TCase *tcase = tcase_create("session_pieces");
    tcase_set_timeout(tcase, 300);
    tcase_add_test(tcase, test_session_pieces_of_many_clients_at_once_equal_the_sequences_whole);
    tcase_add_test(tcase, test_session_pieces_predictions_and_states_of_any_length_are_one_batch);
    suite_add_tcase(suite, tcase);
    return suite;
}
