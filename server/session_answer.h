/* session_answer.h: what the session handlers share. SPDX-License-Identifier: Apache-2.0 */
#ifndef SESSION_ANSWER_H
#define SESSION_ANSWER_H

#include "server/app.h"
#include "server/request.h"

/* Answers with the code and the sentence of a status that is not OK. */
enum handled respond_session(struct request *request, enum session_status status);

/* Answers with what a session is; returns HANDLED. */
enum handled respond_session_info(struct request *request, int code,
                                  const struct session_info *info);

/* Serves a request once the models, and the sessions of before a restart, are there: calls `handle`
 * on this thread, or, if the store waits for another machine, on a thread of the store's. */
enum handled session_handle(struct app *app, struct request *request,
                            enum handled (*handle)(struct app *app, struct request *request));

/* The session that the path names, to be released; NULL: the request is answered. */
struct session *find_session(struct app *app, struct request *request);

/* The session's state, new (free()), and the version it belongs to, new; NULL, and *version is
 * nothing: the request is answered. */
float *copy_session_state(struct request *request, struct session *session,
                          const struct served_version **version, uint64_t *steps);

#endif
