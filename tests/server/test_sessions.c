/* test_sessions.c: sessions are begun, found, listed and ended. SPDX-License-Identifier: Apache-2.0
 */
#include <check.h>
#include <malloc.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/metrics_series.h"
#include "server/sanitizers.h"
#include "tests/support/assert_tensor.h"
#include "tests/support/model_store.h"
#include "tests/support/session_fixture.h"

Suite *suite_sessions(void);

enum { MOST = 4, FIRST_TABLE = 64 };

static const struct sessions_options roomy = {.max_sessions = 100000};

static struct session_info info_of(const char *id)
{
    struct session_info info;
    struct session *session = find_session_of(id);
    session_info(session, &info);
    session_release(session);
    return info;
}

static double metric_of(enum metric metric)
{
    return metric_value(metric_series(metric, NULL, NULL, NULL));
}

/* Until so long after the session's last use. */
static void wait_until_idle(const char *id, int64_t us)
{
    while (info_of(id).idle_us <= us)
        sched_yield();
}

START_TEST(test_sessions_begun_is_found_until_it_is_ended)
{
    struct session_info info;
    struct session *session;
    session_fixture_start(model_any, roomy);
    ck_assert_int_eq(try_session("a"), SESSION_UNKNOWN);
    begin_session("a");
    ck_assert_int_eq(sessions_begin(sessions, versions[2], "a", NULL, 0, &info), SESSION_EXISTS);
    info = info_of("a");
    ck_assert_str_eq(info.id, "a");
    ck_assert_str_eq(info.model, "m");
    ck_assert_uint_eq(info.version, 1);
    ck_assert_uint_eq(info.steps, 0);
    ck_assert(!info.is_busy);
    ck_assert_int_eq(sessions_find(sessions, "n", "a", &session), SESSION_UNKNOWN);
    ck_assert_uint_eq(session_memory_count(sessions), 1);
    session = find_session_of("a");
    ck_assert_int_eq(sessions_end(sessions, session), SESSION_OK);
    ck_assert_int_eq(sessions_end(sessions, session), SESSION_UNKNOWN);
    session_release(session);
    ck_assert_int_eq(try_session("a"), SESSION_UNKNOWN);
    ck_assert_uint_eq(session_memory_count(sessions), 0);
    session_fixture_stop();
}
END_TEST

START_TEST(test_sessions_without_an_id_get_one_of_128_random_bits)
{
    struct session_info a, b;
    session_fixture_start(model_any, roomy);
    ck_assert_int_eq(sessions_begin(sessions, versions[1], NULL, NULL, 0, &a), SESSION_OK);
    ck_assert_int_eq(sessions_begin(sessions, versions[1], NULL, NULL, 0, &b), SESSION_OK);
    ck_assert_uint_eq(strlen(a.id), 32);
    ck_assert_uint_eq(strspn(a.id, "0123456789abcdef"), 32);
    ck_assert_str_ne(a.id, b.id);
    ck_assert_int_eq(try_session(a.id), SESSION_OK);
    session_fixture_stop();
}
END_TEST

START_TEST(test_sessions_state_is_what_was_given_last)
{
    float given[PIECE_STATE], other[PIECE_STATE];
    struct session_info info;
    const struct served_version *version;
    uint64_t steps;
    session_fixture_start(model_any, roomy);
    for (size_t i = 0; i < PIECE_STATE; i++) {
        given[i] = (float)i;
        other[i] = -(float)i;
    }
    ck_assert_int_eq(sessions_begin(sessions, versions[1], "a", given, 7, &info), SESSION_OK);
    struct session *session = find_session_of("a");
    float *state = copy_state_of(session, &version, &steps);
    assert_tensor_identical("state", state, given, PIECE_STATE);
    ck_assert_uint_eq(steps, 7);
    ck_assert_ptr_eq(version, versions[1]);
    free(state);
    registry_release(version);
    ck_assert_int_eq(session_write_state(session, versions[2], other, 1), SESSION_MISFIT);
    ck_assert_int_eq(session_write_state(session, versions[1], other, 9), SESSION_OK);
    state = copy_state_of(session, &version, &steps);
    assert_tensor_identical("state", state, other, PIECE_STATE);
    ck_assert_uint_eq(steps, 9);
    free(state);
    registry_release(version);
    end_session("a");
    ck_assert_int_eq(session_write_state(session, versions[1], given, 0), SESSION_UNKNOWN);
    session_release(session);
    session_fixture_stop();
}
END_TEST

START_TEST(test_sessions_expire_and_that_is_remembered_until_the_id_begins_anew)
{
    enum { TTL_US = 2000000 };
    session_fixture_start(model_any,
                          (struct sessions_options){.max_sessions = 100, .ttl_us = TTL_US});
    begin_session("a");
    wait_until_idle("a", TTL_US);
    begin_session("b");
    sessions_sweep(sessions);
    ck_assert_int_eq(try_session("a"), SESSION_EXPIRED);
    ck_assert_int_eq(try_session("c"), SESSION_UNKNOWN);
    ck_assert(metric_of(METRIC_SESSIONS_EXPIRED) == 1);
    begin_session("a");
    end_session("a");
    ck_assert_int_eq(try_session("a"), SESSION_UNKNOWN);
    session_fixture_stop();
}
END_TEST

START_TEST(test_sessions_without_time_to_live_do_not_expire)
{
    session_fixture_start(model_any, roomy);
    begin_session("a");
    wait_until_idle("a", 1000);
    sessions_sweep(sessions);
    ck_assert_int_eq(try_session("a"), SESSION_OK);
    session_fixture_stop();
}
END_TEST

START_TEST(test_sessions_too_many_are_refused)
{
    struct session_info info;
    session_fixture_start(model_any, (struct sessions_options){.max_sessions = 2});
    begin_session("a");
    begin_session("b");
    ck_assert_int_eq(sessions_begin(sessions, versions[1], "c", NULL, 0, &info), SESSION_FULL);
    ck_assert_int_eq(sessions_begin(sessions, versions[1], "a", NULL, 0, &info), SESSION_EXISTS);
    end_session("a");
    begin_session("c");
    session_fixture_stop();
}
END_TEST

START_TEST(test_sessions_too_many_end_an_expired_one_first)
{
    session_fixture_start(model_any, (struct sessions_options){.max_sessions = 1, .ttl_us = 1000});
    begin_session("a");
    wait_until_idle("a", 1000);
    begin_session("b");
    ck_assert_int_eq(try_session("a"), SESSION_EXPIRED);
    session_fixture_stop();
}
END_TEST

START_TEST(test_sessions_too_many_evict_the_one_idle_longest_if_so_chosen)
{
    static const float state[PIECE_STATE];
    session_fixture_start(model_any,
                          (struct sessions_options){.max_sessions = 2, .evicts_oldest = true});
    begin_session("a");
    begin_session("b");
    struct session *session = find_session_of("a");
    ck_assert_int_eq(session_write_state(session, versions[1], state, 0), SESSION_OK);
    session_release(session);
    begin_session("c");
    ck_assert_int_eq(try_session("a"), SESSION_OK);
    ck_assert_int_eq(try_session("b"), SESSION_EVICTED);
    ck_assert(metric_of(METRIC_SESSIONS_EVICTED) == 1);
    ck_assert(metric_of(METRIC_SESSIONS_CREATED) == 3);
    ck_assert(metric_of(METRIC_SESSIONS_LIVE) == 2);
    session_fixture_stop();
}
END_TEST

/* Begins sessions "0", "1", ... */
static void begin_many(size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char id[16];
        snprintf(id, sizeof id, "%zu", i);
        begin_session(id);
    }
}

START_TEST(test_sessions_are_listed_in_pages_oldest_first)
{
    struct session *page[MOST];
    struct session_info info = {.number = 0};
    session_fixture_start(model_any, roomy);
    begin_many(10);
    end_session("3");
    ck_assert_uint_eq(list_sessions("n", 0, MOST, page), 0);
    for (size_t i = 0, n; (n = list_sessions("m", info.number, MOST, page)) > 0;) {
        ck_assert_uint_eq(n, i < 8 ? MOST : 1);
        for (size_t k = 0; k < n; k++, i++) {
            session_info(page[k], &info);
            ck_assert_uint_eq(strtoul(info.id, NULL, 10), i < 3 ? i : i + 1);
            session_release(page[k]);
        }
    }
    ck_assert_str_eq(info.id, "9");
    session_fixture_stop();
}
END_TEST

START_TEST(test_sessions_walk_goes_on_behind_one_that_has_ended)
{
    struct session *page[MOST];
    struct session_info info;
    session_fixture_start(model_any, roomy);
    begin_many(4);
    ck_assert_uint_eq(session_memory_walk(sessions, NULL, 2, page), 2);
    end_session("1");
    end_session("2");
    struct session *last = page[1];
    session_release(page[0]);
    ck_assert_uint_eq(session_memory_walk(sessions, last, 2, page), 1);
    session_info(page[0], &info);
    ck_assert_str_eq(info.id, "3");
    session_release(last);
    last = page[0];
    ck_assert_uint_eq(session_memory_walk(sessions, last, 2, page), 0);
    session_release(last);
    session_fixture_stop();
}
END_TEST

START_TEST(test_sessions_are_found_while_the_table_grows)
{
    session_fixture_start(model_any, roomy);
    begin_many(FIRST_TABLE * 20);
    for (size_t i = 0; i < FIRST_TABLE * 20; i++) {
        char id[16];
        snprintf(id, sizeof id, "%zu", i);
        ck_assert_str_eq(info_of(id).id, id);
        if (i % 2 == 0)
            end_session(id);
        ck_assert_int_eq(try_session(id), i % 2 == 0 ? SESSION_UNKNOWN : SESSION_OK);
    }
    ck_assert_uint_eq(session_memory_count(sessions), FIRST_TABLE * 10);
    session_fixture_stop();
}
END_TEST

START_TEST(test_sessions_list_begins_anywhere_in_a_long_table)
{
    static const size_t firsts[] = {0, 1, 1023, 1024, 1025, 2500, 2999, 3000};
    enum { N = 3000 };
    static struct session *list[N];
    session_fixture_start(model_any, roomy);
    begin_many(N);
    for (size_t k = 0; k < sizeof firsts / sizeof *firsts; k++) {
        const size_t n = list_sessions(NULL, firsts[k], N, list);
        ck_assert_uint_eq(n, N - firsts[k]);
        for (size_t i = 0; i < n; i++) {
            struct session_info info;
            session_info(list[i], &info);
            ck_assert_uint_eq(info.number, firsts[k] + i + 1);
            session_release(list[i]);
        }
    }
    session_fixture_stop();
}
END_TEST

START_TEST(test_sessions_move_to_a_version_of_the_same_states_only)
{
    struct session_info info;
    session_fixture_start(model_any, roomy);
    model_store_add(folder.path, "m", "3", model_fixed, 3);
    scan();
    const struct served_version *third;
    struct lstm_error error = {.text = ""};
    const struct path_parts parts = parts_of("3", "");
    assert_ok(registry_find(registry, &parts, &third, &error), &error);
    begin_session("a");
    struct session *session = find_session_of("a");
    ck_assert_int_eq(session_move(session, third), SESSION_MISFIT);
    ck_assert_int_eq(session_move(session, versions[2]), SESSION_OK);
    session_info(session, &info);
    ck_assert_uint_eq(info.version, 2);
    end_session("a");
    ck_assert_int_eq(session_move(session, versions[1]), SESSION_UNKNOWN);
    session_release(session);
    registry_release(third);
    session_fixture_stop();
}
END_TEST

/* Sanitizers have an allocator of their own, which mallinfo2() does not see. */
START_TEST(test_sessions_of_the_mnist_model_take_twice_their_state_and_256_bytes_at_most)
{
    enum { N = 20000, STATE_BYTES = 200 * sizeof(float) };
    session_fixture_start(model_digits, roomy);
    const struct mallinfo2 before = mallinfo2();
    for (size_t i = 0; i < N; i++) {
        struct session_info info;
        ck_assert_int_eq(sessions_begin(sessions, versions[1], NULL, NULL, 0, &info), SESSION_OK);
    }
    const struct mallinfo2 after = mallinfo2();
    const size_t used = after.uordblks + after.hblkhd - before.uordblks - before.hblkhd;
    ck_assert_uint_ge(used / N, STATE_BYTES);
    ck_assert_uint_le(used / N, 2 * STATE_BYTES + 256);
    session_fixture_stop();
}
END_TEST

Suite *suite_sessions(void)
{
    Suite *suite = suite_create("sessions");
    TCase *tcase = tcase_create("sessions");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, test_sessions_begun_is_found_until_it_is_ended);
    tcase_add_test(tcase, test_sessions_without_an_id_get_one_of_128_random_bits);
    tcase_add_test(tcase, test_sessions_state_is_what_was_given_last);
    tcase_add_test(tcase, test_sessions_expire_and_that_is_remembered_until_the_id_begins_anew);
    tcase_add_test(tcase, test_sessions_without_time_to_live_do_not_expire);
    tcase_add_test(tcase, test_sessions_too_many_are_refused);
    tcase_add_test(tcase, test_sessions_too_many_end_an_expired_one_first);
    tcase_add_test(tcase, test_sessions_too_many_evict_the_one_idle_longest_if_so_chosen);
    tcase_add_test(tcase, test_sessions_are_listed_in_pages_oldest_first);
    tcase_add_test(tcase, test_sessions_walk_goes_on_behind_one_that_has_ended);
    tcase_add_test(tcase, test_sessions_list_begins_anywhere_in_a_long_table);
    tcase_add_test(tcase, test_sessions_are_found_while_the_table_grows);
    tcase_add_test(tcase, test_sessions_move_to_a_version_of_the_same_states_only);
    if (!IS_SANITIZED)
        tcase_add_test(
            tcase, test_sessions_of_the_mnist_model_take_twice_their_state_and_256_bytes_at_most);
    suite_add_tcase(suite, tcase);
    return suite;
}
