/* test_session_run.c: pieces of a session run in order of arrival, on what the one before left.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/assert_tensor.h"
#include "tests/support/batcher_fixture.h"
#include "tests/support/fill.h"
#include "tests/support/model_store.h"
#include "tests/support/session_fixture.h"

Suite *suite_session_run(void);

enum { FEATURES = 2, N_THREADS = 8, N_IDS = 5, N_ROUNDS = 300 };

static void start(void)
{
    session_fixture_start(model_any,
                          (struct sessions_options){.max_sessions = 100000, .evicts_oldest = true});
}

START_TEST(test_session_run_pieces_sent_at_once_equal_the_whole)
{
    enum { N = 20 };
    struct test_piece pieces[N], extra;
    float whole[PIECE_OUTPUTS];
    struct session_info info;
    float *input = fill_new(FEATURES * N * 3, 1, 1);
    start();
    begin_session("a");
    struct session *session = find_session_of("a");
    size_t steps = 0;
    for (size_t i = 0; i < N; steps += i++ % 3)
        ck_assert_int_eq(test_piece_run(&pieces[i], session, input + FEATURES * steps, i % 3),
                         SESSION_OK);
    for (size_t i = 0; i < N; i++) {
        test_piece_wait(&pieces[i]);
        ck_assert_int_eq(pieces[i].job.status, LSTM_OK);
    }
    session_info(session, &info);
    ck_assert_uint_eq(info.steps, steps);
    const struct lstm_sequence sequence = {.input = input, .steps = steps};
    model_store_run_alone(model, &sequence, whole);
    assert_tensor_float("output", pieces[N - 1].output, whole, PIECE_OUTPUTS, 1e-5, 0);
    end_session("a");
    ck_assert_int_eq(test_piece_run(&extra, session, input, 1), SESSION_UNKNOWN);
    session_release(session);
    session_fixture_stop();
    free(input);
}
END_TEST

/* Without tanh, a state may grow beyond all numbers. */
START_TEST(test_session_run_piece_that_gives_no_numbers_changes_nothing)
{
    static const char growing[] =
        "{\"format\":\"lstmd-model-1\",\"input\":{\"features\":2},\"layers\":[{\"type\":\"lstm\","
        "\"units\":5,\"activation\":\"linear\"},{\"type\":\"dense\",\"units\":3,\"activation\":"
        "\"softmax\"}]}";
    enum { FAR_STEPS = 32 }; /* eight in each of four directions */
    static const float usual[FEATURES] = {1, 2};
    float far[FEATURES * FAR_STEPS];
    struct test_piece pieces[3];
    struct session_info info;
    for (size_t i = 0; i < FEATURES * FAR_STEPS; i++)
        far[i] = (i % 2 == 0 ? i / 16 : i / 32) % 2 == 0 ? 3e38F : -3e38F;
    session_fixture_start(growing, (struct sessions_options){.max_sessions = 10});
    begin_session("a");
    struct session *session = find_session_of("a");
    ck_assert_int_eq(test_piece_run(&pieces[0], session, usual, 1), SESSION_OK);
    ck_assert_int_eq(test_piece_run(&pieces[1], session, far, FAR_STEPS), SESSION_OK);
    ck_assert_int_eq(test_piece_run(&pieces[2], session, usual, 1), SESSION_OK);
    for (size_t i = 0; i < 3; i++) {
        test_piece_wait(&pieces[i]);
        ck_assert_int_eq(pieces[i].job.status, i == 1 ? LSTM_NON_FINITE : LSTM_OK);
    }
    ck_assert_ptr_nonnull(strstr(pieces[1].job.error.text, "the session is where it was"));
    session_info(session, &info);
    ck_assert_uint_eq(info.steps, 2);
    session_release(session);
    session_fixture_stop();
}
END_TEST

/* A session whose piece waits behind a worker that is held, so that it is busy. */
static struct test_job gate;
static struct test_piece held;
static const float input[FEATURES * 4] = {1, 2, 3, 4, 5, 6, 7, 8};

static struct session *start_busy(void)
{
    batcher_fixture_init_jobs(&gate, 1, 1);
    test_gate_submit(&gate, queue);
    test_gate_wait(&watch);
    begin_session("a");
    struct session *session = find_session_of("a");
    ck_assert_int_eq(test_piece_run(&held, session, input, 1), SESSION_OK);
    return session;
}

static void stop_busy(struct session *session)
{
    test_gate_open(&watch);
    test_piece_wait(&held);
    session_release(session);
    batcher_stop(batcher);
    batcher_fixture_release_jobs(&gate, 1);
    session_fixture_stop();
}

START_TEST(test_session_run_busy_session_is_neither_written_nor_moved_nor_evicted)
{
    struct session_info info;
    static const float state[PIECE_STATE];
    session_fixture_start(model_any, (struct sessions_options){
                                         .max_sessions = 2, .ttl_us = 1, .evicts_oldest = true});
    struct session *session = start_busy();
    begin_session("b");
    begin_session("c");
    ck_assert_int_ne(try_session("b"), SESSION_OK);
    session_info(session, &info);
    ck_assert(info.is_busy);
    ck_assert_int_eq(session_write_state(session, versions[1], state, 0), SESSION_BUSY);
    ck_assert_int_eq(session_move(session, versions[2]), SESSION_BUSY);
    while (info.idle_us <= 1)
        session_info(session, &info);
    sessions_sweep(sessions);
    ck_assert_int_eq(try_session("a"), SESSION_OK);
    stop_busy(session);
}
END_TEST

START_TEST(test_session_run_too_many_waiting_pieces_are_refused)
{
    struct test_piece waiting[SESSION_MAX_WAITING], extra;
    start();
    struct session *session = start_busy();
    for (size_t i = 0; i < SESSION_MAX_WAITING; i++)
        ck_assert_int_eq(test_piece_run(&waiting[i], session, input, 1), SESSION_OK);
    ck_assert_int_eq(test_piece_run(&extra, session, input, 1), SESSION_BUSY);
    end_session("a");
    test_gate_open(&watch);
    for (size_t i = 0; i < SESSION_MAX_WAITING; i++)
        test_piece_wait(&waiting[i]);
    stop_busy(session);
}
END_TEST

START_TEST(test_session_run_piece_past_its_deadline_leaves_the_state_alone)
{
    struct test_piece late;
    struct session_info info;
    const struct served_version *version;
    uint64_t steps;
    start();
    begin_session("b");
    struct session *session = find_session_of("b");
    ck_assert_int_eq(test_piece_run_until(&late, session, input, 2, 1), SESSION_OK);
    test_piece_wait(&late);
    ck_assert_int_eq(late.job.fate, BATCH_EXPIRED);
    session_info(session, &info);
    ck_assert(!info.is_busy);
    float *state = copy_state_of(session, &version, &steps);
    ck_assert_uint_eq(steps, 0);
    for (size_t i = 0; i < PIECE_STATE; i++)
        ck_assert(state[i] == 0);
    free(state);
    registry_release(version);
    session_release(session);
    session_fixture_stop();
}
END_TEST

START_TEST(test_session_run_piece_is_refused_when_the_batcher_has_stopped)
{
    struct test_piece piece;
    start();
    begin_session("a");
    struct session *session = find_session_of("a");
    batcher_stop(batcher);
    ck_assert_int_eq(test_piece_run(&piece, session, input, 1), SESSION_OK);
    test_piece_wait(&piece);
    ck_assert_int_eq(piece.job.fate, BATCH_REFUSED);
    session_release(session);
    session_fixture_stop();
}
END_TEST

/* ---- A storm -------------------------------------------------------------------------------- */

static void step(struct session *session)
{
    struct test_piece piece;
    const enum session_status status = test_piece_run(&piece, session, input, 2);
    if (status == SESSION_OK)
        test_piece_wait(&piece);
}

static void fork_to(struct session *session, const char *id)
{
    struct session_info info;
    const struct served_version *version;
    uint64_t steps;
    float *state = copy_state_of(session, &version, &steps);
    const enum session_status status = sessions_begin(sessions, version, id, state, steps, &info);
    (void)status; /* OK or EXISTS: others do the same */
    registry_release(version);
    free(state);
}

static void move_to(struct session *session, size_t k)
{
    const enum session_status status = session_move(session, versions[1 + k % 2]);
    (void)status;
}

static void end(struct session *session)
{
    const enum session_status status = sessions_end(sessions, session);
    (void)status;
}

static void look_around(struct session *session)
{
    struct session *list[N_IDS];
    for (size_t n = session_memory_walk(sessions, session, N_IDS, list); n > 0; n--)
        session_release(list[n - 1]);
    for (size_t n = list_sessions("m", 0, N_IDS, list); n > 0; n--)
        session_release(list[n - 1]);
}

static void *storm(void *argument)
{
    static const char *const ids[N_IDS] = {"a", "b", "c", "d", "e"};
    const uint64_t seed = *(const uint64_t *)argument;
    for (uint64_t k = 0; k < N_ROUNDS; k++) {
        const uint64_t bits = fill_bits(seed, k);
        const char *id = ids[bits % N_IDS];
        struct session_info info;
        struct session *session;
        if (sessions_find(sessions, "m", id, &session) != SESSION_OK) {
            const enum session_status status =
                sessions_begin(sessions, versions[1 + bits % 2], id, NULL, 0, &info);
            (void)status;
            continue;
        }
        switch (bits >> 8 & 7) {
        case 0:
            end(session);
            break;
        case 1:
            move_to(session, k);
            break;
        case 2:
            fork_to(session, ids[bits >> 16 & 3]);
            break;
        case 3:
            session_info(session, &info);
            sessions_sweep(sessions);
            look_around(session);
            break;
        default:
            step(session);
            break;
        }
        session_release(session);
    }
    return NULL;
}

START_TEST(test_session_run_storm_on_the_same_ids_leaves_the_table_whole)
{
    pthread_t threads[N_THREADS];
    uint64_t seeds[N_THREADS];
    struct session *list[N_IDS + 1];
    session_fixture_start(model_any, (struct sessions_options){.max_sessions = N_IDS - 1,
                                                               .ttl_us = 3000,
                                                               .evicts_oldest = true});
    for (size_t i = 0; i < N_THREADS; i++) {
        seeds[i] = i;
        ck_assert_int_eq(pthread_create(&threads[i], NULL, storm, &seeds[i]), 0);
    }
    for (size_t i = 0; i < N_THREADS; i++)
        pthread_join(threads[i], NULL);
    const size_t n = list_sessions("m", 0, N_IDS + 1, list);
    ck_assert_uint_eq(n, session_memory_count(sessions));
    ck_assert_uint_lt(n, N_IDS);
    for (size_t i = 0; i < n; i++) {
        struct session_info info;
        session_info(list[i], &info);
        ck_assert(!info.is_busy);
        ck_assert_int_eq(try_session(info.id), SESSION_OK);
        session_release(list[i]);
    }
    session_fixture_stop();
}
END_TEST

Suite *suite_session_run(void)
{
    Suite *suite = suite_create("session_run");
    TCase *tcase = tcase_create("session_run");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, test_session_run_piece_that_gives_no_numbers_changes_nothing);
    tcase_add_test(tcase, test_session_run_pieces_sent_at_once_equal_the_whole);
    tcase_add_test(tcase, test_session_run_busy_session_is_neither_written_nor_moved_nor_evicted);
    tcase_add_test(tcase, test_session_run_too_many_waiting_pieces_are_refused);
    tcase_add_test(tcase, test_session_run_piece_past_its_deadline_leaves_the_state_alone);
    tcase_add_test(tcase, test_session_run_piece_is_refused_when_the_batcher_has_stopped);
    tcase_add_test(tcase, test_session_run_storm_on_the_same_ids_leaves_the_table_whole);
    suite_add_tcase(suite, tcase);
    return suite;
}
