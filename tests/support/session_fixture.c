/* session_fixture.c: the store, and waiting for pieces. SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/session_fixture.h"

#include <check.h>
#include <pthread.h>

#include "tests/support/assert_tensor.h"
#include "tests/support/model_store.h"

struct sessions *sessions;
const struct served_version *versions[3];

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

void session_fixture_start(const char *json, struct sessions_options options)
{
    struct lstm_error error = {.text = ""};
    registry_fixture_start();
    write_policies("{\"models\":{\"m\":{\"version_policy\":{\"all\":{}}}}}");
    model_store_add(folder.path, "m", "1", json, 1);
    model_store_add(folder.path, "m", "2", json, 2);
    scan();
    const struct path_parts first = parts_of("1", ""), second = parts_of("2", "");
    assert_ok(registry_find(registry, &first, &versions[1], &error), &error);
    assert_ok(registry_find(registry, &second, &versions[2], &error), &error);
    assert_ok(session_memory_create(&options, &sessions, &error), &error);
}

void session_fixture_stop(void)
{
    sessions_destroy(sessions);
    registry_release(versions[1]);
    registry_release(versions[2]);
    registry_fixture_stop();
}

void begin_session(const char *id)
{
    struct session_info info;
    ck_assert_int_eq(sessions_begin(sessions, versions[1], id, NULL, 0, &info), SESSION_OK);
    ck_assert_str_eq(info.id, id);
}

struct session *find_session_of(const char *id)
{
    struct session *session;
    ck_assert_int_eq(sessions_find(sessions, "m", id, &session), SESSION_OK);
    return session;
}

const struct served_version *version_of(struct session *session)
{
    const struct served_version *version;
    ck_assert_int_eq(session_version(session, &version), SESSION_OK);
    return version;
}

float *copy_state_of(struct session *session, const struct served_version **version,
                     uint64_t *steps)
{
    float *state;
    ck_assert_int_eq(session_copy_state(session, &state, version, steps), SESSION_OK);
    return state;
}

size_t list_sessions(const char *model, uint64_t after, size_t most, struct session **list)
{
    size_t n;
    ck_assert_int_eq(sessions_list(sessions, model, after, most, list, &n), SESSION_OK);
    return n;
}

enum session_status try_session(const char *id)
{
    struct session *session;
    const enum session_status status = sessions_find(sessions, "m", id, &session);
    if (status == SESSION_OK)
        session_release(session);
    return status;
}

void end_session(const char *id)
{
    struct session *session = find_session_of(id);
    ck_assert_int_eq(sessions_end(sessions, session), SESSION_OK);
    session_release(session);
}

static void on_done(struct session_piece *piece)
{
    bool *is_done = piece->context;
    pthread_mutex_lock(&lock);
    *is_done = true;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

enum session_status test_piece_run(struct test_piece *test, struct session *session,
                                   const float *input, size_t steps)
{
    return test_piece_run_until(test, session, input, steps, 0);
}

enum session_status test_piece_run_until(struct test_piece *test, struct session *session,
                                         const float *input, size_t steps, int64_t deadline_us)
{
    const struct served_version *version = version_of(session);
    *test = (struct test_piece){.sequence = {.input = input, .steps = steps}};
    test->sequence.output = test->output;
    test->job =
        (struct batch_job){.sequences = &test->sequence, .n = 1, .deadline_us = deadline_us};
    test->piece = (struct session_piece){.job = &test->job,
                                         .sequence = &test->sequence,
                                         .state = test->state,
                                         .done = on_done,
                                         .context = &test->is_done};
    const enum session_status status = session_run(session, version, &test->piece);
    registry_release(version);
    return status;
}

void test_piece_wait(struct test_piece *test)
{
    pthread_mutex_lock(&lock);
    while (!test->is_done)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
}
