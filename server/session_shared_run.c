/* session_shared_run.c: pieces of shared sessions: run, written back, and run again if another
 * server was faster. SPDX-License-Identifier: Apache-2.0
 *
 * A session with a piece under way is in its lane's list, with the pieces that wait for it. They go
 * on from the state that the piece before wrote: the store is asked for it only if it has another.
 */
#include <stddef.h>
#include <string.h>

#include "server/session_shared_internal.h"

/* How often a piece runs before it is refused: each time, another piece has come through. */
enum { MOST_TRIES = 100 };

struct shared_session *session_shared_find_active(struct session_lane *lane, const char *model,
                                                  const char *id)
{
    struct shared_session *each = *session_lane_active(lane);
    while (each != NULL && (strcmp(each->id, id) != 0 || strcmp(each->model, model) != 0))
        each = each->next_active;
    return each;
}

static void deactivate(struct shared_session *session)
{
    struct shared_session **place = session_lane_active(session->lane);
    while (*place != session)
        place = &(*place)->next_active;
    *place = session->next_active;
    session_release(&session->base);
}

/* On a worker's thread. */
static void on_computed(struct batch_job *job)
{
    struct shared_session *session = job->context;
    session_piece_check(session->running, batch_queue_model(session->version->queue));
    session_lane_resume(session->lane, &session->computed);
}

/* Hands the piece whose turn it is to the batcher. */
static void submit(struct shared_session *session)
{
    struct session_piece *piece = session->running;
    piece->sequence->initial_state = session->record.state;
    piece->sequence->final_state = piece->state;
    piece->job->done = on_computed;
    piece->job->context = session;
    piece->job->is_accepted = true;
    if (batch_queue_submit(session->version->queue, piece->job) == BATCH_QUEUED)
        return;
    piece->job->started_us = piece->job->finished_us = piece->job->submitted_us;
    piece->job->fate = BATCH_REFUSED;
    session_lane_resume(session->lane, &session->computed);
}

static void give_back(struct session_piece *piece, enum session_status outcome)
{
    struct session *session = piece->session;
    piece->outcome = outcome;
    piece->done(piece);
    session_release(session);
}

static struct session_piece *take_waiting(struct shared_session *session)
{
    struct session_piece *next = session->first_waiting;
    if (next == NULL)
        return NULL;
    session->first_waiting = next->next;
    session->last_waiting = next->next != NULL ? session->last_waiting : NULL;
    session->n_waiting--;
    return next;
}

/* The turn goes to the next piece. After a failure none has a state to go on from: they have not
 * run, whatever became of the one before. */
static void finish(struct shared_session *session, enum session_status outcome)
{
    struct session_piece *piece = session->running, *next;
    session_retain(&session->base);
    give_back(piece, outcome);
    while (outcome != SESSION_OK && (next = take_waiting(session)) != NULL)
        give_back(next, outcome == SESSION_UNSURE ? SESSION_AWAY : outcome);
    session->running = take_waiting(session);
    session->n_tries = 0;
    if (session->running != NULL)
        submit(session);
    else
        deactivate(session);
    session_release(&session->base);
}

/* Whether the record that was found instead is still one that the piece can go on from. */
static bool fits(const struct shared_session *session, uint64_t version, uint64_t weights)
{
    const struct lstm_model_info *info =
        lstm_model_info(batch_queue_model(session->version->queue));
    return session->record.version == version && session->record.weights == weights &&
           session->record.n_floats == info->state_size;
}

static enum session_status write_back(struct shared_session *session)
{
    const struct session_piece *piece = session->running;
    const uint64_t version = session->record.version, weights = session->record.weights;
    if (!session_record_make_token(session->token))
        return SESSION_NO_MEMORY;
    const struct session_change change = {.version = session->version,
                                          .weights = weights,
                                          .steps = session->record.steps + piece->sequence->steps,
                                          .state = piece->state,
                                          .token = session->token};
    const enum session_status status = session_shared_commit(session, &change);
    if (status == SESSION_CONTENDED)
        metric_add(session->store->conflicts, 1);
    return status == SESSION_CONTENDED && !fits(session, version, weights) ? SESSION_MISFIT
                                                                           : status;
}

/* On the lane again: the batch is done. */
static void on_lane(struct session_task *task)
{
    struct shared_session *session =
        (struct shared_session *)(void *)((char *)task - offsetof(struct shared_session, computed));
    const struct batch_job *job = session->running->job;
    enum session_status status = SESSION_OK;
    if (job->fate == BATCH_COMPUTED && job->status == LSTM_OK)
        status = write_back(session);
    if (status == SESSION_CONTENDED && ++session->n_tries < MOST_TRIES)
        submit(session);
    else
        finish(session, status);
}

enum session_status session_shared_run(struct session *base, const struct served_version *version,
                                       struct session_piece *piece)
{
    struct shared_session *session = (struct shared_session *)base;
    struct session_lane *lane = session_lane_current();
    struct shared_session *active = session_shared_find_active(lane, session->model, session->id);
    if (batch_queue_is_full(version->queue))
        return SESSION_CROWDED;
    piece->next = NULL;
    if (active == NULL) {
        session->lane = lane;
        session->next_active = *session_lane_active(lane);
        session->computed.run = on_lane;
        session->running = piece;
        session->n_tries = 0;
        *session_lane_active(lane) = session;
        session_retain(base);
        piece->session = session_retain(base);
        submit(session);
        return SESSION_OK;
    }
    if (active->record.version != version->number)
        return SESSION_MISFIT;
    if (active->n_waiting >= SESSION_MAX_WAITING)
        return SESSION_BUSY;
    piece->session = session_retain(&active->base);
    if (active->last_waiting != NULL)
        active->last_waiting->next = piece;
    else
        active->first_waiting = piece;
    active->last_waiting = piece;
    active->n_waiting++;
    return SESSION_OK;
}
