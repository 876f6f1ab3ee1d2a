/* session_answer.c: session statuses as HTTP. SPDX-License-Identifier: Apache-2.0 */
#include "server/session_answer.h"

enum { RETRY_S = 1 };

/* What is wrong with the session whose id the answer begins with. */
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
        {503, RETRY_S,
         "has no place: --max-sessions live already; end one, or try again in a second"},
    [SESSION_QUEUED] = {503, RETRY_S,
                        "cannot go on yet: too much waits for its model; try again in a second"},
    [SESSION_BUSY] = {409, 0, "is busy: pieces of it are under way; wait for their answers"},
    [SESSION_MISFIT] = {409, 0,
                        "runs on a version whose states have another shape, or has just moved"},
    [SESSION_NO_MEMORY] = {500, 0, "cannot be kept: out of memory"}};

enum handled respond_session(struct request *request, enum session_status status)
{
    request->response.retry_after_s = answers[status].retry_after_s;
    return respond_error(request, answers[status].code, "session '%.64s' %s",
                         request->parts.session, answers[status].what);
}

bool sessions_are_loaded(const struct app *app, struct request *request)
{
    if (atomic_load(&app->is_loaded))
        return true;
    request->response.retry_after_s = RETRY_S;
    respond_error(request, 503, "the server is starting; try again in %d second", RETRY_S);
    return false;
}

struct session *find_session(struct app *app, struct request *request)
{
    struct session *session;
    if (!sessions_are_loaded(app, request))
        return NULL;
    const enum session_status status =
        sessions_find(app->sessions, request->parts.model, request->parts.session, &session);
    if (status == SESSION_OK)
        return session;
    respond_session(request, status);
    return NULL;
}
