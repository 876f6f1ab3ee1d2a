/* session_shared_change.c: what is written over a shared session: a state, another version, and
 * what a piece came to. SPDX-License-Identifier: Apache-2.0
 *
 * A change names the record that it goes out from. Where another server's came before, the store
 * answers with that record, and the change is made again from there. */
#include <string.h>

#include "server/session_question.h"

/* Of a change that other servers' pieces come before. */
enum { MOST_TRIES = 100 };

/* What the store has now, as far as the session knows it. */
static void apply(struct shared_session *session, const struct session_change *change)
{
    struct session_record *record = &session->record;
    memmove(record->state, change->state, record->n_floats * sizeof *record->state);
    memcpy(record->token, change->token, sizeof record->token);
    record->version = change->version->number;
    record->weights = change->weights;
    record->steps = change->steps;
    record->generation++;
    record->used_ms = session->now_ms;
}

enum session_status session_shared_commit(struct shared_session *session,
                                          const struct session_change *change)
{
    const struct session_record *record = &session->record;
    struct session_question question;
    struct redis_reply *reply;
    session_question_init(&question, session->store, "commit", session->model, session->id);
    session_question_add_number(&question, record->generation);
    session_question_add_text(&question, record->token);
    session_question_add_text(&question, change->token);
    session_question_add_number(&question, change->version->number);
    session_question_add_number(&question, change->weights);
    session_question_add_number(&question, change->steps);
    session_question_add_state(&question, change->state, record->n_floats);
    enum session_status status = session_question_ask(&question, session->store, &reply);
    if (status == SESSION_OK) {
        apply(session, change);
    } else if (status == SESSION_CONTENDED) {
        const enum session_status taken = session_shared_take_record(session, reply);
        status = taken == SESSION_OK ? SESSION_CONTENDED : taken;
    }
    redis_reply_release(reply);
    return status;
}

static bool is_active(const struct shared_session *session)
{
    return session_shared_find_active(session_lane_current(), session->model, session->id) != NULL;
}

enum session_status session_shared_write_state(struct session *base,
                                               const struct served_version *version,
                                               const float *state, uint64_t steps)
{
    struct shared_session *session = (struct shared_session *)base;
    const uint64_t weights = session->record.weights;
    char token[SESSION_TOKEN_BYTES];
    enum session_status status = SESSION_CONTENDED;
    if (is_active(session))
        return SESSION_BUSY;
    for (int i = 0; i < MOST_TRIES && status == SESSION_CONTENDED; i++) {
        const struct session_change change = {version, weights, steps, state, token};
        if (!session_record_make_token(token))
            return SESSION_NO_MEMORY;
        if (session->record.version != version->number || session->record.weights != weights ||
            session->record.n_floats != session_state_size(version))
            return SESSION_MISFIT;
        status = session_shared_commit(session, &change);
    }
    return status;
}

/* One try, from the record as it was read. */
static enum session_status try_move(struct shared_session *session,
                                    const struct served_version *version)
{
    struct session_change change = {.steps = session->record.steps, .state = session->record.state};
    char token[SESSION_TOKEN_BYTES];
    registry_release(session->version);
    session->version = NULL;
    enum session_status status = session_shared_resolve(session);
    if (status != SESSION_OK)
        return status;
    if (strcmp(session->model, version->model) != 0 ||
        !session_states_fit(session->version, version))
        return SESSION_MISFIT;
    change.token = token;
    change.version = session_versions_find(session->store->versions, version->model,
                                           version->number, &change.weights);
    if (change.version == NULL)
        return SESSION_ELSEWHERE;
    status = session_record_make_token(token) ? session_shared_commit(session, &change)
                                              : SESSION_NO_MEMORY;
    registry_release(change.version);
    return status;
}

enum session_status session_shared_move(struct session *base, const struct served_version *version)
{
    struct shared_session *session = (struct shared_session *)base;
    enum session_status status = SESSION_CONTENDED;
    if (is_active(session))
        return SESSION_BUSY;
    for (int i = 0; i < MOST_TRIES && status == SESSION_CONTENDED; i++)
        status = try_move(session, version);
    return status;
}
