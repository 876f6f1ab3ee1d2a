/* session_shared_internal.h: what shared sessions are inside, shared by session_shared*.c.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SESSION_SHARED_INTERNAL_H
#define SESSION_SHARED_INTERNAL_H

#include <stdatomic.h>

#include "server/metrics.h"
#include "server/session_lane.h"
#include "server/session_record.h"
#include "server/session_shared.h"
#include "server/session_store.h"
#include "server/session_versions.h"

struct shared_sessions {
    struct sessions base;
    struct sessions_options options;
    struct session_lanes *lanes;
    struct session_versions *versions;
    struct metric_series *live, *created, *expired, *evicted, *conflicts;
    struct session_task sweep;
    atomic_bool is_sweeping;
};

/* A session as it was read; of its lane's thread, but for the references. */
struct shared_session {
    struct session base;
    struct shared_sessions *store;
    atomic_size_t references;
    char model[MODEL_NAME_BYTES], id[SESSION_ID_BYTES];
    struct session_record record;
    int64_t now_ms;                       /* of the store's clock, when it was read */
    const struct served_version *version; /* a reference; NULL: not needed yet, or not here */

    /* While a piece is under way. */
    struct session_lane *lane;
    struct shared_session *next_active;
    struct session_piece *running, *first_waiting, *last_waiting;
    unsigned n_waiting, n_tries;
    char token[SESSION_TOKEN_BYTES]; /* of the write that ends the piece */
    struct session_task computed;    /* runs on the lane when the batch is done */
};

/* What is written over a record. */
struct session_change {
    const struct served_version *version;
    uint64_t weights, steps;
    const float *state; /* [state_size] of the version */
    const char *token;
};

/* Writes it if the record is still as it was read, and then takes it over into the session. A
 * record that has changed is read into the session: CONTENDED. What the store says otherwise:
 * UNKNOWN, EXPIRED, EVICTED, DAMAGED, AWAY, UNSURE. NO_MEMORY: the session's copy is old now, the
 * store's is new. */
LSTM_MUST_CHECK enum session_status session_shared_commit(struct shared_session *session,
                                                          const struct session_change *change);

/* The session with a piece under way in this lane; NULL: there is none. */
struct shared_session *session_shared_find_active(struct session_lane *lane, const char *model,
                                                  const char *id);

/* Takes the record of an answer over into a session. DAMAGED, NO_MEMORY: then it has none. */
LSTM_MUST_CHECK enum session_status session_shared_take_record(struct shared_session *session,
                                                               const struct redis_reply *reply);

/* What session_store.h says of write_state(), move() and run(). */
enum session_status session_shared_write_state(struct session *session,
                                               const struct served_version *version,
                                               const float *state, uint64_t steps);
enum session_status session_shared_move(struct session *session,
                                        const struct served_version *version);
enum session_status session_shared_run(struct session *session,
                                       const struct served_version *version,
                                       struct session_piece *piece);

/* The session's version, found if it was not yet, and whether the record fits it. OK, ELSEWHERE,
 * DAMAGED. */
LSTM_MUST_CHECK enum session_status session_shared_resolve(struct shared_session *session);

#endif
