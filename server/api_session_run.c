/* api_session_run.c: the next piece of a session's sequence, to predict or to inspect.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "server/api.h"
#include "server/inference.h"
#include "server/session_answer.h"

/* What a piece adds to its inference, which frees it. */
struct attachment {
    struct session_piece piece;
    struct session *session; /* a reference */
    float state[];           /* after the piece */
};

static void detach(void *attached)
{
    struct attachment *attachment = attached;
    session_release(attachment->session);
    free(attachment);
}

static void on_done(struct session_piece *piece)
{
    request_resume(piece->context);
}

static void finish(struct app *app, struct request *request)
{
    const struct inference *inference = request->work;
    const struct attachment *attachment = inference->attached;
    if (attachment->piece.outcome != SESSION_OK)
        respond_session(request, attachment->piece.outcome);
    else if (inference->job.status == LSTM_NON_FINITE)
        respond_error(request, 400, "%s", inference->job.error.text); /* the inputs' fault */
    else
        inference_finish(app, request);
}

/* One sequence, which may be shorter than a whole instance and begins where the session is. */
static bool check_piece(struct request *request, const struct inference *inference)
{
    if (inference->call.n != 1) {
        respond_error(request, 400,
                      "expected one instance, the next piece of the session's sequence, found %zu",
                      inference->call.n);
        return false;
    }
    if (inference->call.sequences[0].initial_state != NULL) {
        respond_error(request, 400,
                      "initial_state: a session has its state; PUT it to .../state to change it");
        return false;
    }
    return true;
}

static enum handled run(struct request *request, struct session *session,
                        struct inference *inference)
{
    const struct lstm_model_info *info = lstm_model_info(inference_model(inference));
    struct attachment *attachment =
        calloc(1, sizeof *attachment + info->state_size * sizeof(float));
    if (attachment == NULL)
        return respond_error(request, 500, "out of memory for the request");
    attachment->session = session_retain(session);
    inference->attached = attachment;
    inference->detach = detach;
    inference->job = (struct batch_job){
        .sequences = inference->call.sequences, .n = 1, .deadline_us = request->deadline_us};
    float *wanted = inference->call.sequences[0].final_state;
    attachment->piece = (struct session_piece){.job = &inference->job,
                                               .sequence = inference->call.sequences,
                                               .state = wanted != NULL ? wanted : attachment->state,
                                               .done = on_done,
                                               .context = request};
    request->finish = finish;
    const enum session_status status = session_run(session, inference->version, &attachment->piece);
    return status == SESSION_OK ? LATER : respond_session(request, status);
}

static enum handled handle(struct app *app, struct request *request,
                           const struct inference_kind *kind)
{
    struct session *session = find_session(app, request);
    if (session == NULL)
        return HANDLED;
    enum handled handled = HANDLED;
    struct inference *inference = inference_begin(request, kind);
    if (inference != NULL) {
        inference->takes_pieces = true;
        const enum session_status status = session_version(session, &inference->version);
        if (status != SESSION_OK)
            respond_session(request, status);
        else if (inference_decode(app, request, inference) && check_piece(request, inference))
            handled = run(request, session, inference);
    }
    session_release(session);
    return handled;
}

static enum handled predict(struct app *app, struct request *request)
{
    return handle(app, request, &inference_predict);
}

static enum handled inspect(struct app *app, struct request *request)
{
    return handle(app, request, &inference_state);
}

enum handled handle_session_predict(struct app *app, struct request *request)
{
    return session_handle(app, request, predict);
}

enum handled handle_session_inspect(struct app *app, struct request *request)
{
    return session_handle(app, request, inspect);
}
