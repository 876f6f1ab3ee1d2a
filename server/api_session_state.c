/* api_session_state.c: a session's state read and written. SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdlib.h>

#include "core/status.h"
#include "server/api.h"
#include "server/session_answer.h"
#include "server/session_body.h"
#include "server/session_text.h"
#include "server/status_http.h"

static enum handled read_session_state(struct app *app, struct request *request)
{
    const struct served_version *version;
    struct lstm_error error;
    uint64_t steps;
    struct session *session = find_session(app, request);
    if (session == NULL)
        return HANDLED;
    float *state = copy_session_state(request, session, &version, &steps);
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
    enum lstm_status status = session_body_read(request, keys, &body, &error);
    if (status == LSTM_OK)
        status =
            session_body_state(batch_queue_model(version->queue), &body, "state", &state, &error);
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
            respond_session_info(request, 200, &info);
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

enum handled handle_session_state_read(struct app *app, struct request *request)
{
    return session_handle(app, request, read_session_state);
}

enum handled handle_session_state_write(struct app *app, struct request *request)
{
    return session_handle(app, request, write_session_state);
}
