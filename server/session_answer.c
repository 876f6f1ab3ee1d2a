/* session_answer.c: session statuses as HTTP. SPDX-License-Identifier: Apache-2.0 */
#include "server/session_answer.h"

#include <stdlib.h>

#include "server/clock.h"
#include "server/session_text.h"
#include "server/status_http.h"

/* What is wrong with the session that the answer begins with: its id, or that it is a new one. */
static const struct {
    int code;
    int retry_after_s;
    const char *what;
} answers[] = {
    [SESSION_UNKNOWN] = {404, 0, "does not exist; begin it with POST .../sessions"},
    [SESSION_EXPIRED] = {404, 0,
                         "expired: it was idle for longer than --session-ttl-seconds; begin a new "
                         "one"},
    [SESSION_EVICTED] = {404, 0,
                         "was evicted: a newer one needed its place; begin a new one, or raise "
                         "--max-sessions"},
    [SESSION_EXISTS] = {409, 0, "lives already; choose another id, or end it"},
    [SESSION_FULL] =
        {503, RETRY_AFTER_S,
         "has no place: --max-sessions live already; end one, or try again in a second"},
    [SESSION_CROWDED] = {503, RETRY_AFTER_S,
                         "cannot go on yet: too much waits for its model; try again in a second"},
    [SESSION_BUSY] = {409, 0, "is busy: pieces of it are under way; wait for their answers"},
    [SESSION_MISFIT] = {409, 0,
                        "runs on a version whose states have another shape, or has just moved"},
    [SESSION_NO_MEMORY] = {500, 0, "cannot be kept: out of memory"},
    [SESSION_NO_ROOM] = {503, RETRY_AFTER_S,
                         "cannot be kept: the store of sessions has no memory left, and nothing "
                         "has changed; end sessions, or raise the maxmemory of Redis"},
    [SESSION_AWAY] = {503, RETRY_AFTER_S,
                      "cannot be reached: the store of sessions does not answer, and nothing has "
                      "changed; try again in a second"},
    [SESSION_UNSURE] = {500, 0,
                        "may or may not have changed: the store of sessions went away meanwhile; "
                        "read the session's steps before you send this again"},
    [SESSION_ELSEWHERE] = {503, RETRY_AFTER_S,
                           "runs on a version that this server does not have; try another server, "
                           "or put the version back into the repository"},
    [SESSION_DAMAGED] = {500, 0,
                         "cannot go on: what the store of sessions holds of it is damaged, or of "
                         "another model; end it, and begin a new one"},
    [SESSION_CONTENDED] = {409, 0,
                           "has not changed: pieces of it on other servers came before, again and "
                           "again; send them one after the other"}};

enum handled respond_session(struct request *request, enum session_status status)
{
    request->response.retry_after_s = answers[status].retry_after_s;
    if (request->parts.session[0] == '\0')
        return respond_error(request, answers[status].code, "a new session %s",
                             answers[status].what);
    return respond_error(request, answers[status].code, "session '%.64s' %s",
                         request->parts.session, answers[status].what);
}

enum handled respond_session_info(struct request *request, int code,
                                  const struct session_info *info)
{
    request->response.status = code;
    session_text_info(info, &request->response.body);
    return HANDLED;
}

/* A request on its way to a thread of the store's. */
struct deferred {
    struct session_task task;
    struct app *app;
    struct request *request;
    enum handled (*handle)(struct app *app, struct request *request);
};

/* The answer was made on the store's thread. */
static void keep_answer(struct app *app, struct request *request)
{
    (void)app;
    (void)request;
}

static bool is_too_late(const struct request *request)
{
    return request->deadline_us > 0 && monotonic_us() >= request->deadline_us;
}

/* A request whose handler returns LATER is resumed by whoever it left it to. */
static void run_deferred(struct session_task *task)
{
    struct deferred *deferred = (struct deferred *)task;
    struct request *request = deferred->request;
    enum handled handled = HANDLED;
    request->finish = keep_answer;
    if (is_too_late(request))
        respond_error(request, 504,
                      "the deadline passed while other requests waited for the store of sessions; "
                      "allow more time (X-Request-Timeout-Ms) or send less");
    else
        handled = deferred->handle(deferred->app, request);
    free(deferred);
    if (handled == HANDLED)
        request_resume(request);
}

static enum handled defer(struct app *app, struct request *request,
                          enum handled (*handle)(struct app *app, struct request *request))
{
    struct deferred *deferred = malloc(sizeof *deferred);
    if (deferred == NULL)
        return respond_error(request, 500, "out of memory for the request");
    *deferred = (struct deferred){{.run = run_deferred}, app, request, handle};
    const enum session_status status = sessions_defer(app->sessions, request->parts.model,
                                                      request->parts.session, &deferred->task);
    if (status == SESSION_OK)
        return LATER;
    free(deferred);
    if (status != SESSION_CROWDED)
        return respond_stopping(request);
    return respond_retry(request,
                         "too many requests wait for the store of sessions; try again in %d second",
                         RETRY_AFTER_S);
}

enum handled session_handle(struct app *app, struct request *request,
                            enum handled (*handle)(struct app *app, struct request *request))
{
    if (!atomic_load(&app->is_loaded))
        return respond_starting(request);
    return sessions_wait(app->sessions) ? defer(app, request, handle) : handle(app, request);
}

struct session *find_session(struct app *app, struct request *request)
{
    struct session *session;
    const enum session_status status =
        sessions_find(app->sessions, request->parts.model, request->parts.session, &session);
    request->has_model = status == SESSION_OK;
    if (status == SESSION_OK)
        return session;
    respond_session(request, status);
    return NULL;
}

float *copy_session_state(struct request *request, struct session *session,
                          const struct served_version **version, uint64_t *steps)
{
    float *state;
    const enum session_status status = session_copy_state(session, &state, version, steps);
    if (status == SESSION_OK)
        return state;
    respond_session(request, status);
    return NULL;
}
