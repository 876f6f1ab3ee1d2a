/* session_answer.c: session statuses as HTTP. SPDX-License-Identifier: Apache-2.0 */
#include "server/session_answer.h"

enum { RETRY_S = 1 };

/* %s is the session's id. */
static const struct {
    int code;
    int retry_after_s;
    const char *sentence;
} answers[] = {
    [SESSION_UNKNOWN] = {404, 0, "there is no session '%.64s' of this model"},
    [SESSION_EXPIRED] = {404, 0,
                         "session '%.64s' expired: it was idle for longer than "
                         "--session-ttl-seconds; begin a new one"},
    [SESSION_EVICTED] = {404, 0,
                         "session '%.64s' was evicted: a newer one needed its place; begin a new "
                         "one, or raise --max-sessions"},
    [SESSION_EXISTS] = {409, 0, "session '%.64s' lives already; choose another id, or end it"},
    [SESSION_FULL] =
        {503, RETRY_S,
         "session '%.64s' cannot go on: too much is waiting or too many sessions live; "
         "try again in a second"},
    [SESSION_BUSY] =
        {409, 0, "session '%.64s' is busy: pieces of it are under way; wait for their answers"},
    [SESSION_MISFIT] = {409, 0,
                        "session '%.64s' runs on a version whose states have another shape"},
    [SESSION_NO_MEMORY] = {500, 0, "out of memory for session '%.64s'"}};

enum handled respond_session(struct request *request, enum session_status status)
{
    request->response.retry_after_s = answers[status].retry_after_s;
    return respond_error(request, answers[status].code, answers[status].sentence,
                         request->parts.session);
}

struct session *find_session(struct app *app, struct request *request)
{
    struct session *session;
    const enum session_status status =
        sessions_find(app->sessions, request->parts.model, request->parts.session, &session);
    if (status == SESSION_OK)
        return session;
    respond_session(request, status);
    return NULL;
}
