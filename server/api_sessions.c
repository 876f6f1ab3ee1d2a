/* api_sessions.c: sessions begun, forked, listed, described, moved and ended.
 * SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/status.h"
#include "server/api.h"
#include "server/session_answer.h"
#include "server/session_body.h"
#include "server/session_text.h"
#include "server/status_http.h"

enum { DEFAULT_PAGE = 100, MAX_PAGE = 1000 };

/* ---- Beginning and ending ------------------------------------------------------------------- */

/* A session's sequence has no last step yet, where a cell that reads backwards begins, and of which
 * a pooling layer must know. */
static enum lstm_status check_pieces(const struct lstm_model *model, struct lstm_error *error)
{
    if (!lstm_model_info(model)->needs_whole)
        return LSTM_OK;
    if (lstm_model_info(model)->pools_steps)
        return lstm_fail(error, LSTM_INVALID,
                         "a session takes a sequence in pieces, but this model makes one row of "
                         "all its steps (pooling) and so needs it whole: send whole sequences to "
                         ":predict or :state");
    return lstm_fail(error, LSTM_INVALID,
                     "a session takes a sequence in pieces, but this model reads it backwards "
                     "(bidirectional or go_backwards) and so needs it whole: send whole sequences "
                     "to :predict or :state");
}

/* Begins a session on a version from a body of "id" and "initial_state". */
static void begin_on(struct app *app, struct request *request, const struct served_version *version)
{
    static const char *const keys[] = {"id", "initial_state", NULL};
    struct json_body body = {0};
    struct lstm_error error;
    struct session_info info;
    const char *id = NULL;
    float *state = NULL;
    const struct lstm_model *model = batch_queue_model(version->queue);
    enum lstm_status status = check_pieces(model, &error);
    if (status == LSTM_OK)
        status = session_body_read(request, keys, &body, &error);
    if (status == LSTM_OK)
        status = session_body_id(&body, &id, &error);
    if (status == LSTM_OK)
        status = session_body_state(model, &body, "initial_state", &state, &error);
    if (status != LSTM_OK) {
        respond_status(request, status, &error);
    } else {
        sessions_sweep(app->sessions);
        const enum session_status begun =
            sessions_begin(app->sessions, version, id, state, 0, &info);
        snprintf(request->parts.session, sizeof request->parts.session, "%s", id ? id : "");
        if (begun == SESSION_OK)
            respond_session_info(request, 201, &info);
        else
            respond_session(request, begun);
    }
    free(state);
    json_body_release(&body);
}

static enum handled begin(struct app *app, struct request *request)
{
    const struct served_version *version;
    if (!app_find_version(app, request, &version))
        return HANDLED;
    begin_on(app, request, version);
    registry_release(version);
    return HANDLED;
}

static void fork_state(struct app *app, struct request *request, struct session *session)
{
    static const char *const keys[] = {"id", NULL};
    struct json_body body = {0};
    struct lstm_error error;
    struct session_info info;
    const struct served_version *version;
    const char *id = NULL;
    uint64_t steps;
    enum lstm_status status = session_body_read(request, keys, &body, &error);
    if (status == LSTM_OK)
        status = session_body_id(&body, &id, &error);
    float *state =
        status == LSTM_OK ? copy_session_state(request, session, &version, &steps) : NULL;
    if (status != LSTM_OK) {
        respond_status(request, status, &error);
    } else if (state != NULL) {
        const enum session_status begun =
            sessions_begin(app->sessions, version, id, state, steps, &info);
        snprintf(request->parts.session, sizeof request->parts.session, "%s", id ? id : "");
        if (begun == SESSION_OK)
            respond_session_info(request, 201, &info);
        else
            respond_session(request, begun);
        registry_release(version);
    }
    free(state);
    json_body_release(&body);
}

static enum handled fork_session(struct app *app, struct request *request)
{
    struct session *session = find_session(app, request);
    if (session == NULL)
        return HANDLED;
    fork_state(app, request, session);
    session_release(session);
    return HANDLED;
}

/* One that is damaged can only be ended, not told. */
static enum handled end(struct app *app, struct request *request)
{
    const struct path_parts *parts = &request->parts;
    struct session_info info = {0};
    struct session *session;
    enum session_status status =
        sessions_find(app->sessions, parts->model, parts->session, &session);
    if (status == SESSION_OK) {
        session_info(session, &info);
        status = sessions_end(app->sessions, session);
        session_release(session);
    } else if (status == SESSION_DAMAGED) {
        snprintf(info.id, sizeof info.id, "%.64s", parts->session);
        snprintf(info.model, sizeof info.model, "%s", parts->model);
        status = sessions_discard(app->sessions, parts->model, parts->session);
    }
    return status == SESSION_OK ? respond_session_info(request, 200, &info)
                                : respond_session(request, status);
}

/* ---- Describing and moving ------------------------------------------------------------------ */

static enum handled describe(struct app *app, struct request *request)
{
    struct session_info info;
    struct session *session = find_session(app, request);
    if (session == NULL)
        return HANDLED;
    session_info(session, &info);
    respond_session_info(request, 200, &info);
    session_release(session);
    return HANDLED;
}

static void move_session(struct app *app, struct request *request, struct session *session)
{
    static const char *const keys[] = {"version", NULL};
    struct json_body body = {0};
    struct lstm_error error;
    struct session_info info;
    const struct served_version *version = NULL;
    enum lstm_status status = session_body_read(request, keys, &body, &error);
    const char *text = status == LSTM_OK ? json_read_text(json_member(body.root, "version")) : "";
    struct path_parts parts = {.version = ""};
    if (status == LSTM_OK && (text == NULL || text[0] == '\0' || strlen(text) > 18 ||
                              strspn(text, "0123456789") != strlen(text)))
        status = lstm_fail(&error, LSTM_INVALID,
                           "version: expected a string of digits, as \"2\", naming a version");
    if (status == LSTM_OK) {
        snprintf(parts.model, sizeof parts.model, "%s", request->parts.model);
        snprintf(parts.version, sizeof parts.version, "%s", text);
        status = registry_find(app->registry, &parts, &version, &error);
    }
    if (status != LSTM_OK) {
        respond_status(request, status, &error);
    } else {
        const enum session_status moved = session_move(session, version);
        session_info(session, &info);
        if (moved == SESSION_OK)
            respond_session_info(request, 200, &info);
        else
            respond_session(request, moved);
        registry_release(version);
    }
    json_body_release(&body);
}

static enum handled move(struct app *app, struct request *request)
{
    struct session *session = find_session(app, request);
    if (session == NULL)
        return HANDLED;
    move_session(app, request, session);
    session_release(session);
    return HANDLED;
}

/* A query's whole number from least to most; `absent` if it is not given. */
static bool read_query(const struct request *request, const char *name, uint64_t absent,
                       uint64_t least, uint64_t most, uint64_t *number)
{
    const char *text = request->query(request, name);
    *number = absent;
    if (text == NULL)
        return true;
    if (text[0] == '\0' || strlen(text) > 18 || strspn(text, "0123456789") != strlen(text))
        return false;
    *number = strtoull(text, NULL, 10);
    return *number >= least && *number <= most;
}

static void write_page(struct buf *out, struct session **list, size_t n, bool has_more)
{
    struct session_info info = {0};
    buf_text(out, "{\"sessions\":[");
    for (size_t i = 0; i < n; i++) {
        session_info(list[i], &info);
        buf_text(out, i > 0 ? "," : "");
        session_text_info(&info, out);
    }
    if (has_more)
        buf_printf(out, "],\"next\":%" PRIu64 "}", info.number);
    else
        buf_text(out, "],\"next\":null}");
}

static enum handled list_page(struct app *app, struct request *request)
{
    struct session *list[MAX_PAGE + 1];
    uint64_t limit, after;
    size_t n;
    const struct served_version *version;
    if (!app_find_version(app, request, &version))
        return HANDLED;
    registry_release(version);
    if (!read_query(request, "limit", DEFAULT_PAGE, 1, MAX_PAGE, &limit) ||
        !read_query(request, "after", 0, 0, UINT64_MAX, &after))
        return respond_error(request, 400,
                             "expected limit from 1 to %d, and after as the last answer's \"next\"",
                             MAX_PAGE);
    sessions_sweep(app->sessions);
    const enum session_status listed =
        sessions_list(app->sessions, request->parts.model, after, (size_t)limit + 1, list, &n);
    if (listed != SESSION_OK)
        return respond_retry(request,
                             "the store of sessions does not answer; try again in %d second",
                             RETRY_AFTER_S);
    request->response.status = 200;
    write_page(&request->response.body, list, n > limit ? (size_t)limit : n, n > limit);
    for (size_t i = 0; i < n; i++)
        session_release(list[i]);
    return HANDLED;
}

/* ---- The routes ----------------------------------------------------------------------------- */

enum handled handle_session_begin(struct app *app, struct request *request)
{
    return session_handle(app, request, begin);
}

enum handled handle_session_fork(struct app *app, struct request *request)
{
    return session_handle(app, request, fork_session);
}

enum handled handle_session_end(struct app *app, struct request *request)
{
    return session_handle(app, request, end);
}

enum handled handle_session_info(struct app *app, struct request *request)
{
    return session_handle(app, request, describe);
}

enum handled handle_session_move(struct app *app, struct request *request)
{
    return session_handle(app, request, move);
}

enum handled handle_session_list(struct app *app, struct request *request)
{
    return session_handle(app, request, list_page);
}
