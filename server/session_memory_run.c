/* session_memory_run.c: a session's state, and its pieces one after the other.
 * SPDX-License-Identifier: Apache-2.0
 *
 * While a piece is under way the session is busy: nobody writes its state, so the worker reads it
 * where it lies. The state after the piece goes to memory of the piece's own and is copied when the
 * piece is done, so that readers never see half a step. */
#include <stdlib.h>
#include <string.h>

#include "server/session_memory_internal.h"

static const struct served_version *retain_version(struct memory_session *session)
{
    pthread_mutex_lock(&session->store->lock);
    const struct served_version *version = registry_retain(session->version);
    pthread_mutex_unlock(&session->store->lock);
    return version;
}

enum session_status session_memory_version(struct session *session,
                                           const struct served_version **version)
{
    *version = retain_version((struct memory_session *)session);
    return SESSION_OK;
}

/* Whether the version is still the session's, and then its state and steps. */
static bool read_state(struct memory_session *session, const struct served_version *version,
                       float *state, uint64_t *steps)
{
    pthread_mutex_lock(&session->store->lock);
    const bool is_same = session->version == version;
    if (is_same) {
        memcpy(state, session->state, session_state_size(version) * sizeof *state);
        *steps = session->steps;
    }
    pthread_mutex_unlock(&session->store->lock);
    return is_same;
}

enum session_status session_memory_copy_state(struct session *session, float **state,
                                              const struct served_version **version,
                                              uint64_t *steps)
{
    for (;;) {
        *version = retain_version((struct memory_session *)session);
        *state = calloc(session_state_size(*version) + 1, sizeof **state);
        if (*state != NULL && read_state((struct memory_session *)session, *version, *state, steps))
            return SESSION_OK;
        registry_release(*version);
        *version = NULL;
        if (*state == NULL)
            return SESSION_NO_MEMORY;
        free(*state); /* it moved meanwhile */
    }
}

enum session_status session_memory_write_state(struct session *base,
                                               const struct served_version *version,
                                               const float *state, uint64_t steps)
{
    struct memory_session *session = (struct memory_session *)base;
    enum session_status status = SESSION_OK;
    pthread_mutex_lock(&session->store->lock);
    if (session->has_ended)
        status = SESSION_UNKNOWN;
    else if (session->is_busy)
        status = SESSION_BUSY;
    else if (session->version != version)
        status = SESSION_MISFIT;
    if (status == SESSION_OK) {
        memcpy(session->state, state, session_state_size(version) * sizeof *state);
        session->steps = steps;
        session_memory_touch(session);
    }
    pthread_mutex_unlock(&session->store->lock);
    return status;
}

enum session_status session_memory_move(struct session *base, const struct served_version *version)
{
    struct memory_session *session = (struct memory_session *)base;
    enum session_status status = SESSION_OK;
    const struct served_version *old = NULL;
    pthread_mutex_lock(&session->store->lock);
    if (session->has_ended)
        status = SESSION_UNKNOWN;
    else if (session->is_busy)
        status = SESSION_BUSY;
    else if (strcmp(session->version->model, version->model) != 0 ||
             !session_states_fit(session->version, version))
        status = SESSION_MISFIT;
    if (status == SESSION_OK) {
        old = session->version;
        session->version = registry_retain(version);
        session_memory_touch(session);
    }
    pthread_mutex_unlock(&session->store->lock);
    registry_release(old);
    return status;
}

static void on_done(struct batch_job *job);

/* Hands a piece whose turn it is to the batcher. */
static void submit(struct session_piece *piece)
{
    struct memory_session *session = (struct memory_session *)piece->session;
    piece->sequence->initial_state = session->state;
    piece->sequence->final_state = piece->state;
    piece->job->done = on_done;
    piece->job->context = piece;
    piece->job->is_accepted = true;
    if (batch_queue_submit(session->version->queue, piece->job) == BATCH_QUEUED)
        return;
    piece->job->started_us = piece->job->finished_us = piece->job->submitted_us;
    piece->job->fate = BATCH_REFUSED;
    on_done(piece->job);
}

/* On a worker's thread, or on the caller's when the batcher stops. */
static void on_done(struct batch_job *job)
{
    struct session_piece *piece = job->context;
    struct memory_session *session = (struct memory_session *)piece->session;
    session_piece_check(piece, batch_queue_model(session->version->queue));
    pthread_mutex_lock(&session->store->lock);
    if (job->fate == BATCH_COMPUTED && job->status == LSTM_OK) {
        memcpy(session->state, piece->state, session_state_size(session->version) * sizeof(float));
        session->steps += piece->sequence->steps;
    }
    if (!session->has_ended)
        session_memory_touch(session);
    struct session_piece *next = session->first_waiting;
    if (next != NULL) {
        session->first_waiting = next->next;
        session->last_waiting = next->next != NULL ? session->last_waiting : NULL;
        session->n_waiting--;
    }
    session->is_busy = next != NULL;
    pthread_mutex_unlock(&session->store->lock);
    piece->done(piece);
    if (next != NULL)
        submit(next);
    session_release(&session->base);
}

/* Takes the turn, or a place behind those who wait. The lock is held. */
static void take_turn(struct memory_session *session, struct session_piece *piece)
{
    if (!session->is_busy) {
        session->is_busy = true;
        return;
    }
    if (session->last_waiting != NULL)
        session->last_waiting->next = piece;
    else
        session->first_waiting = piece;
    session->last_waiting = piece;
    session->n_waiting++;
}

enum session_status session_memory_piece(struct session *base, const struct served_version *version,
                                         struct session_piece *piece)
{
    struct memory_session *session = (struct memory_session *)base;
    enum session_status status = SESSION_OK;
    bool is_turn = false;
    if (batch_queue_is_full(version->queue))
        return SESSION_CROWDED;
    pthread_mutex_lock(&session->store->lock);
    if (session->has_ended)
        status = SESSION_UNKNOWN;
    else if (session->version != version)
        status = SESSION_MISFIT;
    else if (session->n_waiting >= SESSION_MAX_WAITING)
        status = SESSION_BUSY;
    if (status == SESSION_OK) {
        piece->session = session_retain(base);
        piece->next = NULL;
        is_turn = !session->is_busy;
        take_turn(session, piece);
        session_memory_touch(session);
    }
    pthread_mutex_unlock(&session->store->lock);
    if (is_turn)
        submit(piece);
    return status;
}
