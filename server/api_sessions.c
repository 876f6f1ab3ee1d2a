/* api_sessions.c: sessions begun, listed, described, moved and ended; their states read and
 * written. SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/status.h"
#include "server/api.h"
#include "server/json.h"
#include "server/predict_state.h"
#include "server/session_answer.h"
#include "server/session_text.h"
#include "server/status_http.h"

enum { DEFAULT_PAGE = 100, MAX_PAGE = 1000, RETRY_S = 1 };

/* ---- Bodies --------------------------------------------------------------------------------- */

/* Reads a body that may be absent, with no key but those `known`. */
static enum lstm_status read_body(const struct request *request, const char *const *known,
                                  struct json_body *body, struct lstm_error *error)
{
    static const char nothing[] = "{}";
    char unknown[JSON_KEY_BYTES];
    const bool is_empty = request->body_bytes == 0;
    enum lstm_status status = json_body_parse(is_empty ? nothing : request->body,
                                              is_empty ? 2 : request->body_bytes, body, error);
    if (status == LSTM_OK && json_kind(body->root) != JSON_KIND_OBJECT)
        status = lstm_fail(error, LSTM_INVALID, "the body: expected an object, found %s",
                           json_kind_name(body->root));
    if (status == LSTM_OK && json_has_unknown_key(body->root, known, unknown))
        status = lstm_fail(error, LSTM_INVALID, "the body: unknown key '%s'", unknown);
    if (status != LSTM_OK)
        json_body_release(body);
    return status;
}

/* The body's "id", checked; NULL if there is none. */
static enum lstm_status read_id(const struct json_body *body, const char **id,
                                struct lstm_error *error)
{
    const struct json_t *value = json_member(body->root, "id");
    *id = json_read_text(value);
    if (value == NULL)
        return LSTM_OK;
    if (*id == NULL)
        return lstm_fail(error, LSTM_INVALID, "id: expected a string, found %s",
                         json_kind_name(value));
    const size_t n = strlen(*id);
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)(*id)[i]) && strchr("._~-", (*id)[i]) == NULL)
            return lstm_fail(error, LSTM_INVALID,
                             "id: expected letters, digits and . _ ~ - only, found '%.64s'", *id);
    if (strcmp(*id, ".") == 0 || strcmp(*id, "..") == 0)
        return lstm_fail(error, LSTM_INVALID, "id: '%s' means a folder in a path", *id);
    if (n == 0 || n >= SESSION_ID_BYTES)
        return lstm_fail(error, LSTM_INVALID, "id: expected 1 to %d characters, found %zu",
                         SESSION_ID_BYTES - 1, n);
    return LSTM_OK;
}

/* A state of the model under `key`; *state is new, NULL if the body has none. */
static enum lstm_status read_state(const struct lstm_model *model, const struct json_body *body,
                                   const char *key, float **state, struct lstm_error *error)
{
    const struct json_t *value = json_member(body->root, key);
    const struct predict_state_shape shape = {.is_batched = false, .n = 1};
    *state = NULL;
    if (value == NULL)
        return LSTM_OK;
    *state = calloc(lstm_model_info(model)->state_size + 1, sizeof **state);
    if (*state == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for a state");
    return predict_state_decode(model, body, value, &shape, key, *state, error);
}

static enum handled respond_info(struct request *request, int code, const struct session_info *info)
{
    request->response.status = code;
    session_text_info(info, &request->response.body);
    return HANDLED;
}

/* ---- Beginning and ending ------------------------------------------------------------------- */

/* A session's sequence has no last step yet, where a cell that reads backwards begins. */
static enum lstm_status check_direction(const struct lstm_model *model, struct lstm_error *error)
{
    if (!lstm_model_info(model)->reads_backwards)
        return LSTM_OK;
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
    enum lstm_status status = check_direction(model, &error);
    if (status == LSTM_OK)
        status = read_body(request, keys, &body, &error);
    if (status == LSTM_OK)
        status = read_id(&body, &id, &error);
    if (status == LSTM_OK)
        status = read_state(model, &body, "initial_state", &state, &error);
    if (status != LSTM_OK) {
        respond_status(request, status, &error);
    } else {
        sessions_sweep(app->sessions);
        const enum session_status begun =
            sessions_begin(app->sessions, version, id, state, 0, &info);
        snprintf(request->parts.session, sizeof request->parts.session, "%s", id ? id : "");
        if (begun == SESSION_OK)
            respond_info(request, 201, &info);
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

/* The state of `session`, and the version it belongs to; both new. NULL: answered. */
static float *copy_state(struct request *request, struct session *session,
                         const struct served_version **version, uint64_t *steps)
{
    float *state;
    const enum session_status status = session_copy_state(session, &state, version, steps);
    if (status == SESSION_OK)
        return state;
    respond_session(request, status);
    return NULL;
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
    enum lstm_status status = read_body(request, keys, &body, &error);
    if (status == LSTM_OK)
        status = read_id(&body, &id, &error);
    float *state = status == LSTM_OK ? copy_state(request, session, &version, &steps) : NULL;
    if (status != LSTM_OK) {
        respond_status(request, status, &error);
    } else if (state != NULL) {
        const enum session_status begun =
            sessions_begin(app->sessions, version, id, state, steps, &info);
        snprintf(request->parts.session, sizeof request->parts.session, "%s", id ? id : "");
        if (begun == SESSION_OK)
            respond_info(request, 201, &info);
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
    return status == SESSION_OK ? respond_info(request, 200, &info)
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
    respond_info(request, 200, &info);
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
    enum lstm_status status = read_body(request, keys, &body, &error);
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
            respond_info(request, 200, &info);
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
    if (listed != SESSION_OK) {
        request->response.retry_after_s = RETRY_S;
        return respond_error(
            request, 503, "the store of sessions does not answer; try again in %d second", RETRY_S);
    }
    request->response.status = 200;
    write_page(&request->response.body, list, n > limit ? (size_t)limit : n, n > limit);
    for (size_t i = 0; i < n; i++)
        session_release(list[i]);
    return HANDLED;
}

/* ---- States --------------------------------------------------------------------------------- */

static enum handled read_session_state(struct app *app, struct request *request)
{
    const struct served_version *version;
    struct lstm_error error;
    uint64_t steps;
    struct session *session = find_session(app, request);
    if (session == NULL)
        return HANDLED;
    float *state = copy_state(request, session, &version, &steps);
    session_release(session);
    if (state == NULL)
        return HANDLED;
    struct buf *out = &request->response.body;
    buf_text(out, "{\"state\":");
    const enum lstm_status status =
        session_text_state(batch_queue_model(version->queue), state, out, &error);
    buf_printf(out, ",\"steps\":%" PRIu64 ",\"version\":\"%" PRIu64 "\"}", steps, version->number);
    if (status == LSTM_OK)
        request->response.status = 200;
    else
        respond_status(request, status, &error);
    registry_release(version);
    free(state);
    return HANDLED;
}

static void write_state(struct request *request, struct session *session,
                        const struct served_version *version)
{
    static const char *const keys[] = {"state", "steps", "version", NULL};
    struct json_body body = {0};
    struct lstm_error error;
    struct session_info info;
    float *state = NULL;
    int64_t steps = 0;
    enum lstm_status status = read_body(request, keys, &body, &error);
    if (status == LSTM_OK)
        status = read_state(batch_queue_model(version->queue), &body, "state", &state, &error);
    if (status == LSTM_OK && state == NULL)
        status = lstm_fail(&error, LSTM_INVALID, "state: missing");
    const struct json_t *given = status == LSTM_OK ? json_member(body.root, "steps") : NULL;
    if (given != NULL && (!json_read_integer(given, &steps) || steps < 0))
        status = lstm_fail(&error, LSTM_INVALID, "steps: expected a whole number from 0, found %s",
                           json_kind_name(given));
    if (status != LSTM_OK) {
        respond_status(request, status, &error);
    } else {
        const enum session_status written =
            session_write_state(session, version, state, (uint64_t)steps);
        session_info(session, &info);
        if (written == SESSION_OK)
            respond_info(request, 200, &info);
        else
            respond_session(request, written);
    }
    free(state);
    json_body_release(&body);
}

static enum handled write_session_state(struct app *app, struct request *request)
{
    struct session *session = find_session(app, request);
    if (session == NULL)
        return HANDLED;
    const struct served_version *version;
    const enum session_status status = session_version(session, &version);
    if (status == SESSION_OK)
        write_state(request, session, version);
    else
        respond_session(request, status);
    registry_release(version);
    session_release(session);
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

enum handled handle_session_state_read(struct app *app, struct request *request)
{
    return session_handle(app, request, read_session_state);
}

enum handled handle_session_state_write(struct app *app, struct request *request)
{
    return session_handle(app, request, write_session_state);
}
