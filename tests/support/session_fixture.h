/* session_fixture.h: a store of sessions on versions 1 and 2 of a model "m", and pieces to run.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SESSION_FIXTURE_H
#define SESSION_FIXTURE_H

#include "server/session_memory.h"
#include "tests/support/registry_fixture.h"

extern struct sessions *sessions;
extern const struct served_version *versions[3]; /* [1] and [2], of seeds 1 and 2 */

/* With the registry of registry_fixture.h. json: the description of both versions. */
void session_fixture_start(const char *json, struct sessions_options options);
void session_fixture_stop(void);

/* Begins a session on version 1 at zeros, which is expected to go well. */
void begin_session(const char *id);

/* Finds it, which is expected to go well. To be released. */
struct session *find_session_of(const char *id);

/* Its version, to be released. */
const struct served_version *version_of(struct session *session);

/* Its state, new; to go well. */
float *copy_state_of(struct session *session, const struct served_version **version,
                     uint64_t *steps);

/* Up to `most` sessions behind `after`, each held; returns how many. */
size_t list_sessions(const char *model, uint64_t after, size_t most, struct session **list);

/* What finding it gives. */
enum session_status try_session(const char *id);

/* Finds and ends it. */
void end_session(const char *id);

enum { PIECE_OUTPUTS = 3, PIECE_STATE = 10 }; /* of model_any */

/* A piece of a session on model_any. */
struct test_piece {
    struct session_piece piece;
    struct batch_job job;
    struct lstm_sequence sequence;
    float output[PIECE_OUTPUTS], state[PIECE_STATE];
    bool is_done; /* see test_piece_wait() */
};

/* Runs a piece of `steps` steps of `input`. Not OK: it will not be done. */
enum session_status test_piece_run(struct test_piece *test, struct session *session,
                                   const float *input, size_t steps);

/* The same with a deadline. */
enum session_status test_piece_run_until(struct test_piece *test, struct session *session,
                                         const float *input, size_t steps, int64_t deadline_us);

/* Waits until it is done. */
void test_piece_wait(struct test_piece *test);

#endif
