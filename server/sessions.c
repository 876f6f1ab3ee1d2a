/* sessions.c: the store that was chosen does it; and what all stores need.
 * SPDX-License-Identifier: Apache-2.0 */
#include "server/sessions.h"

#include <math.h>
#include <stdio.h>
#include <sys/random.h>

#include "core/status.h"
#include "server/session_store.h"

enum { RANDOM_BYTES = 16 };

bool session_make_id(char id[SESSION_ID_BYTES])
{
    unsigned char random[RANDOM_BYTES];
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return false;
    for (size_t i = 0; i < sizeof random; i++)
        snprintf(id + 2 * i, 3, "%02x", random[i]);
    return true;
}

/* Rows of what a piece gave. */
struct given {
    const char *name;
    const float *values; /* NULL: not asked for */
    size_t rows, width, stride;
};

/* False: there is a number that is none, of which the job tells. */
static bool is_finite(const struct given *given, struct batch_job *job)
{
    for (size_t t = 0; given->values != NULL && t < given->rows; t++)
        for (size_t i = 0; i < given->width; i++) {
            const float value = given->values[t * given->stride + i];
            if (isfinite(value))
                continue;
            job->status = lstm_fail(&job->error, LSTM_NON_FINITE,
                                    "the piece was not applied, and the session is where it was: "
                                    "%s %zu would be %g; expected smaller inputs",
                                    given->name, i, (double)value);
            return false;
        }
    return true;
}

void session_piece_check(const struct session_piece *piece, const struct lstm_model *model)
{
    struct batch_job *const job = piece->job;
    const struct lstm_sequence *const s = piece->sequence;
    const struct lstm_model_info *const info = lstm_model_info(model);
    const size_t outputs = info->output_is_sequence ? s->steps : 1, width = info->rnn_output_size;
    const struct given all[] = {
        {"state", piece->state, 1, info->state_size, 0},
        {"output", s->output, outputs, info->output_size, info->output_size},
        {"output", s->rnn_output, s->steps, width,
         s->rnn_output_stride > 0 ? s->rnn_output_stride : width},
        {"state", s->state_trace, s->steps, info->state_size, info->state_size},
        {"gate", s->gates_trace, s->steps, info->gates_size, info->gates_size}};
    if (job->fate != BATCH_COMPUTED || job->status != LSTM_OK || s->steps == 0)
        return;
    for (size_t k = 0; k < sizeof all / sizeof *all && is_finite(&all[k], job); k++)
        ;
}

size_t session_state_size(const struct served_version *version)
{
    return lstm_model_info(batch_queue_model(version->queue))->state_size;
}

bool session_states_fit(const struct served_version *a, const struct served_version *b)
{
    const struct lstm_model *x = batch_queue_model(a->queue), *y = batch_queue_model(b->queue);
    const size_t n = lstm_model_info(x)->n_recurrent;
    if (n != lstm_model_info(y)->n_recurrent || lstm_model_info(y)->needs_whole)
        return false;
    for (size_t k = 0; k < n; k++) {
        const struct lstm_state_info *p = lstm_model_state(x, k), *q = lstm_model_state(y, k);
        if (p->units != q->units || p->h_units != q->h_units || p->has_c != q->has_c)
            return false;
    }
    return true;
}

void sessions_stop(struct sessions *sessions)
{
    if (sessions != NULL && sessions->store->stop != NULL)
        sessions->store->stop(sessions);
}

void sessions_destroy(struct sessions *sessions)
{
    if (sessions != NULL)
        sessions->store->destroy(sessions);
}

bool sessions_wait(const struct sessions *sessions)
{
    return sessions->store->defer != NULL;
}

enum session_status sessions_defer(struct sessions *sessions, const char *model, const char *id,
                                   struct session_task *task)
{
    return sessions->store->defer(sessions, model, id, task);
}

enum session_status sessions_begin(struct sessions *sessions, const struct served_version *version,
                                   const char *id, const float *state, uint64_t steps,
                                   struct session_info *info)
{
    return sessions->store->begin(sessions, version, id, state, steps, info);
}

enum session_status sessions_find(struct sessions *sessions, const char *model, const char *id,
                                  struct session **session)
{
    return sessions->store->find(sessions, model, id, session);
}

struct session *session_retain(struct session *session)
{
    return session->store->retain(session);
}

void session_release(struct session *session)
{
    if (session != NULL)
        session->store->release(session);
}

enum session_status session_version(struct session *session, const struct served_version **version)
{
    return session->store->version(session, version);
}

void session_info(struct session *session, struct session_info *info)
{
    session->store->info(session, info);
}

enum session_status session_copy_state(struct session *session, float **state,
                                       const struct served_version **version, uint64_t *steps)
{
    return session->store->copy_state(session, state, version, steps);
}

enum session_status session_write_state(struct session *session,
                                        const struct served_version *version, const float *state,
                                        uint64_t steps)
{
    return session->store->write_state(session, version, state, steps);
}

enum session_status session_move(struct session *session, const struct served_version *version)
{
    return session->store->move(session, version);
}

enum session_status session_run(struct session *session, const struct served_version *version,
                                struct session_piece *piece)
{
    return session->store->run(session, version, piece);
}

enum session_status sessions_end(struct sessions *sessions, struct session *session)
{
    return sessions->store->end(sessions, session);
}

enum session_status sessions_discard(struct sessions *sessions, const char *model, const char *id)
{
    return sessions->store->discard == NULL ? SESSION_UNKNOWN
                                            : sessions->store->discard(sessions, model, id);
}

enum session_status sessions_list(struct sessions *sessions, const char *model, uint64_t after,
                                  size_t most, struct session **list, size_t *n)
{
    return sessions->store->list(sessions, model, after, most, list, n);
}

void sessions_sweep(struct sessions *sessions)
{
    sessions->store->sweep(sessions);
}
