/* test_session_file.c: sessions come back from their file whole, or not at all.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/session_file_internal.h"
#include "tests/support/assert_tensor.h"
#include "tests/support/cases.h"
#include "tests/support/fill.h"
#include "tests/support/model_store.h"
#include "tests/support/session_fixture.h"

Suite *suite_session_file(void);

enum { N = 150, MARK_BYTES = 8 }; /* more than are written at a time */

static const struct sessions_options roomy = {.max_sessions = 1000};
static char path[256], aside[256 + 16];
static struct session_file_counts counts;
static struct lstm_error error;

static void make_state(float state[PIECE_STATE], size_t i)
{
    fill_values(state, PIECE_STATE, i, 1);
}

/* Sessions "0", "1", ... alternately on versions 1 and 2. */
static void start(void)
{
    session_fixture_start(model_any, roomy);
    temp_folder_path(&folder, "sessions", path);
    snprintf(aside, sizeof aside, "%s.corrupt", path);
    error.text[0] = '\0';
    for (size_t i = 0; i < N; i++) {
        float state[PIECE_STATE];
        struct session_info info;
        char id[16];
        make_state(state, i);
        snprintf(id, sizeof id, "%zu", i);
        ck_assert_int_eq(sessions_begin(sessions, versions[1 + i % 2], id, state, i, &info),
                         SESSION_OK);
    }
}

/* In place of the sessions, an empty store. */
static void forget(struct sessions_options options)
{
    sessions_destroy(sessions);
    assert_ok(session_memory_create(&options, &sessions, &error), &error);
}

static enum lstm_status read_file(void)
{
    return session_file_read(path, sessions, registry, &counts, &error);
}

static void check_session(size_t i)
{
    char id[16];
    float expected[PIECE_STATE];
    const struct served_version *version;
    uint64_t steps;
    snprintf(id, sizeof id, "%zu", i);
    struct session *session = find_session_of(id);
    float *state = copy_state_of(session, &version, &steps);
    make_state(expected, i);
    assert_tensor_identical(id, state, expected, PIECE_STATE);
    ck_assert_uint_eq(steps, i);
    ck_assert_ptr_eq(version, versions[1 + i % 2]);
    free(state);
    registry_release(version);
    session_release(session);
}

START_TEST(test_session_file_gives_back_what_was_written_in_order)
{
    struct session *list[N];
    struct session_info before, info;
    start();
    struct session *first = find_session_of("0");
    session_info(first, &before);
    session_release(first);
    assert_ok(session_file_write(path, sessions, &error), &error);
    forget(roomy);
    assert_ok(read_file(), &error);
    ck_assert_uint_eq(counts.n_restored, N);
    ck_assert_uint_eq(counts.n_dropped, 0);
    ck_assert_uint_eq(list_sessions("m", 0, N, list), N);
    for (size_t i = 0; i < N; i++) {
        session_info(list[i], &info);
        ck_assert_uint_eq(strtoul(info.id, NULL, 10), i);
        session_release(list[i]);
        check_session(i);
        ck_assert_int_ge(info.age_us, i == 0 ? before.age_us : 0);
    }
    session_fixture_stop();
}
END_TEST

START_TEST(test_session_file_is_its_owners_alone_and_leaves_nothing_beside_it)
{
    struct stat about;
    char unfinished[256 + 16];
    start();
    assert_ok(session_file_write(path, sessions, &error), &error);
    ck_assert_int_eq(stat(path, &about), 0);
    ck_assert_uint_eq(about.st_mode & 0777, 0600);
    snprintf(unfinished, sizeof unfinished, "%s.tmp", path);
    ck_assert_int_ne(access(unfinished, F_OK), 0);
    session_fixture_stop();
}
END_TEST

START_TEST(test_session_file_of_no_sessions_gives_none)
{
    session_fixture_start(model_any, roomy);
    temp_folder_path(&folder, "sessions", path);
    assert_ok(session_file_write(path, sessions, &error), &error);
    assert_ok(read_file(), &error);
    ck_assert_uint_eq(counts.n_restored + counts.n_dropped, 0);
    session_fixture_stop();
}
END_TEST

START_TEST(test_session_file_that_cannot_be_written_leaves_the_one_before)
{
    char unfinished[256 + 16];
    start();
    assert_ok(session_file_write(path, sessions, &error), &error);
    snprintf(unfinished, sizeof unfinished, "%s.tmp", path);
    ck_assert_int_eq(mkdir(unfinished, 0700), 0);
    assert_failure(session_file_write(path, sessions, &error), LSTM_IO, &error, "cannot create");
    ck_assert_int_eq(rmdir(unfinished), 0);
    forget(roomy);
    assert_ok(read_file(), &error);
    ck_assert_uint_eq(counts.n_restored, N);
    session_fixture_stop();
}
END_TEST

START_TEST(test_session_file_sessions_whose_version_is_gone_are_dropped)
{
    start();
    assert_ok(session_file_write(path, sessions, &error), &error);
    forget(roomy);
    model_store_remove(folder.path, "m", "2");
    scan();
    assert_ok(read_file(), &error);
    ck_assert_uint_eq(counts.n_restored, N / 2);
    ck_assert_uint_eq(counts.n_dropped, N / 2);
    check_session(0);
    ck_assert_int_eq(try_session("1"), SESSION_UNKNOWN);
    session_fixture_stop();
}
END_TEST

/* Of the same number and the same shape. */
START_TEST(test_session_file_sessions_whose_version_has_other_weights_or_cells_are_dropped)
{
    static const char relu[] =
        "{\"format\":\"lstmd-model-1\",\"input\":{\"features\":2},\"layers\":[{\"type\":\"lstm\","
        "\"units\":5,\"activation\":\"relu\"},{\"type\":\"dense\",\"units\":3,\"activation\":"
        "\"softmax\"}]}";
    start();
    assert_ok(session_file_write(path, sessions, &error), &error);
    forget(roomy);
    model_store_remove(folder.path, "m", "1");
    model_store_remove(folder.path, "m", "2");
    scan();
    model_store_add(folder.path, "m", "1", _i == 0 ? model_any : relu, _i == 0 ? 7 : 1);
    model_store_add(folder.path, "m", "2", model_any, 2);
    scan();
    assert_ok(read_file(), &error);
    ck_assert_uint_eq(counts.n_restored, N / 2);
    ck_assert_uint_eq(counts.n_dropped, N / 2);
    ck_assert_int_eq(try_session("0"), SESSION_UNKNOWN);
    ck_assert_int_eq(try_session("1"), SESSION_OK);
    session_fixture_stop();
}
END_TEST

START_TEST(test_session_file_of_the_format_before_is_read_without_a_look_at_the_weights)
{
    static const struct {
        uint64_t format, id_bytes, model_bytes, version, steps, age_us, is_head, learned,
            state_size;
    } first = {2, 1, 1, 2, 41, 0, 0, 0, PIECE_STATE};
    static const uint64_t end[8];
    char bytes[512];
    uint64_t sum = HASH_START;
    size_t n = 0;
    float state[PIECE_STATE];
    const struct {
        const void *data;
        size_t n;
    } parts[] = {{"lstmdses", 8}, {&first, sizeof first}, {"7", 1},
                 {"m", 1},        {state, sizeof state},  {end, sizeof end}};
    session_fixture_start(model_any, roomy);
    temp_folder_path(&folder, "sessions", path);
    make_state(state, 3);
    for (size_t k = 0; k < N_CASES(parts); n += parts[k++].n) {
        memcpy(bytes + n, parts[k].data, parts[k].n);
        sum = session_sum(sum, parts[k].data, parts[k].n);
    }
    memcpy(bytes + n, &sum, sizeof sum);
    temp_file_write(path, bytes, n + sizeof sum);
    assert_ok(read_file(), &error);
    ck_assert_uint_eq(counts.n_restored, 1);
    ck_assert_int_eq(try_session("7"), SESSION_OK);
    session_fixture_stop();
}
END_TEST

START_TEST(test_session_file_of_which_not_all_comes_back_is_kept)
{
    char dropped[256 + 16];
    start();
    assert_ok(session_file_write(path, sessions, &error), &error);
    forget(roomy);
    model_store_remove(folder.path, "m", "2");
    scan();
    assert_ok(session_file_restore(path, sessions, registry, &error), &error);
    ck_assert_uint_eq(session_memory_count(sessions), N / 2);
    forget(roomy);
    assert_ok(session_file_restore(path, sessions, registry, &error), &error);
    ck_assert_uint_eq(session_memory_count(sessions), N / 2);
    forget(roomy);
    snprintf(dropped, sizeof dropped, "%s.dropped", path);
    ck_assert_int_eq(rename(dropped, path), 0);
    model_store_add(folder.path, "m", "2", model_any, 2);
    scan();
    assert_ok(read_file(), &error);
    ck_assert_uint_eq(counts.n_restored, N);
    session_fixture_stop();
}
END_TEST

START_TEST(test_session_file_that_is_a_fifo_is_an_error_at_once)
{
    start();
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    assert_failure(session_file_restore(path, sessions, registry, &error), LSTM_IO, &error,
                   "is not a regular file");
    session_fixture_stop();
}
END_TEST

START_TEST(test_session_file_sessions_beyond_the_most_are_dropped)
{
    start();
    assert_ok(session_file_write(path, sessions, &error), &error);
    forget((struct sessions_options){.max_sessions = 10});
    assert_ok(read_file(), &error);
    ck_assert_uint_eq(counts.n_restored, 10);
    ck_assert_uint_eq(counts.n_dropped, N - 10);
    session_fixture_stop();
}
END_TEST

START_TEST(test_session_file_a_changed_byte_anywhere_is_refused)
{
    size_t n;
    start();
    assert_ok(session_file_write(path, sessions, &error), &error);
    forget(roomy);
    char *bytes = temp_file_read(path, &n);
    for (size_t i = 0; i < n; i += i < 200 || i + 200 > n ? 1 : 61) {
        bytes[i] ^= (char)(1 << i % 8);
        temp_file_write(path, bytes, n);
        ck_assert_msg(read_file() == LSTM_FORMAT, "byte %zu of %zu: %s", i, n, error.text);
        ck_assert_uint_eq(session_memory_count(sessions), 0);
        bytes[i] ^= (char)(1 << i % 8);
    }
    free(bytes);
    session_fixture_stop();
}
END_TEST

START_TEST(test_session_file_cut_anywhere_or_longer_is_refused)
{
    size_t n;
    start();
    assert_ok(session_file_write(path, sessions, &error), &error);
    forget(roomy);
    char *bytes = temp_file_read(path, &n);
    for (size_t i = 0; i < n; i += i < 200 || i + 200 > n ? 1 : 61) {
        temp_file_write(path, bytes, i);
        ck_assert_msg(read_file() == LSTM_FORMAT, "%zu bytes of %zu: %s", i, n, error.text);
        ck_assert_uint_eq(session_memory_count(sessions), 0);
    }
    bytes[n] = 'x';
    temp_file_write(path, bytes, n + 1);
    assert_failure(read_file(), LSTM_FORMAT, &error, "behind its end");
    free(bytes);
    session_fixture_stop();
}
END_TEST

/* Numbers that a checksum does not make right. */
static const struct {
    size_t at; /* which number of the first session's head */
    uint64_t value;
} bad_heads[] = {{0, 65},         {0, UINT64_MAX},        {1, 128},
                 {1, UINT64_MAX}, {4, UINT64_MAX},        {5, 2},
                 {7, UINT64_MAX}, {7, UINT64_C(1) << 40}, {7, UINT64_MAX / 4 + 3}};

START_TEST(test_session_file_a_head_that_makes_no_sense_is_refused_before_its_sum)
{
    size_t n;
    start();
    assert_ok(session_file_write(path, sessions, &error), &error);
    forget(roomy);
    char *bytes = temp_file_read(path, &n);
    memcpy(bytes + MARK_BYTES + sizeof(uint64_t) * (1 + bad_heads[_i].at), &bad_heads[_i].value,
           sizeof(uint64_t));
    temp_file_write(path, bytes, n);
    assert_failure(read_file(), LSTM_FORMAT, &error, "makes no sense");
    free(bytes);
    session_fixture_stop();
}
END_TEST

START_TEST(test_session_file_restore_sets_a_damaged_file_aside_and_starts_without)
{
    start();
    forget(roomy);
    temp_file_write(path, "lstmdses", MARK_BYTES);
    assert_ok(session_file_restore(path, sessions, registry, &error), &error);
    ck_assert_uint_eq(session_memory_count(sessions), 0);
    ck_assert_int_ne(access(path, F_OK), 0);
    ck_assert_int_eq(access(aside, F_OK), 0);
    assert_ok(session_file_restore(path, sessions, registry, &error), &error);
    ck_assert_int_eq(access(path, F_OK), 0);
    session_fixture_stop();
}
END_TEST

START_TEST(test_session_file_restore_of_a_path_that_cannot_be_written_is_an_error)
{
    start();
    temp_folder_path(&folder, "none/sessions", path);
    assert_failure(session_file_restore(path, sessions, registry, &error), LSTM_IO, &error, path);
    session_fixture_stop();
}
END_TEST

START_TEST(test_session_file_restore_of_what_cannot_be_read_is_an_error)
{
    start();
    ck_assert_int_eq(mkdir(path, 0700), 0);
    assert_failure(session_file_restore(path, sessions, registry, &error), LSTM_IO, &error, path);
    ck_assert_int_eq(access(path, F_OK), 0);
    session_fixture_stop();
}
END_TEST

Suite *suite_session_file(void)
{
    Suite *suite = suite_create("session_file");
    TCase *tcase = tcase_create("session_file");
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, test_session_file_gives_back_what_was_written_in_order);
    tcase_add_test(tcase, test_session_file_is_its_owners_alone_and_leaves_nothing_beside_it);
    tcase_add_test(tcase, test_session_file_of_no_sessions_gives_none);
    tcase_add_test(tcase, test_session_file_that_cannot_be_written_leaves_the_one_before);
    tcase_add_test(tcase, test_session_file_sessions_whose_version_is_gone_are_dropped);
    tcase_add_loop_test(
        tcase, test_session_file_sessions_whose_version_has_other_weights_or_cells_are_dropped, 0,
        2);
    tcase_add_test(tcase,
                   test_session_file_of_the_format_before_is_read_without_a_look_at_the_weights);
    tcase_add_test(tcase, test_session_file_of_which_not_all_comes_back_is_kept);
    tcase_add_test(tcase, test_session_file_that_is_a_fifo_is_an_error_at_once);
    tcase_add_test(tcase, test_session_file_sessions_beyond_the_most_are_dropped);
    tcase_add_test(tcase, test_session_file_a_changed_byte_anywhere_is_refused);
    tcase_add_test(tcase, test_session_file_cut_anywhere_or_longer_is_refused);
    tcase_add_loop_test(tcase,
                        test_session_file_a_head_that_makes_no_sense_is_refused_before_its_sum, 0,
                        N_CASES(bad_heads));
    tcase_add_test(tcase, test_session_file_restore_sets_a_damaged_file_aside_and_starts_without);
    tcase_add_test(tcase, test_session_file_restore_of_a_path_that_cannot_be_written_is_an_error);
    tcase_add_test(tcase, test_session_file_restore_of_what_cannot_be_read_is_an_error);
    suite_add_tcase(suite, tcase);
    return suite;
}
