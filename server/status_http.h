/* status_http.h: which HTTP status says what a status of the core means.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef STATUS_HTTP_H
#define STATUS_HTTP_H

#include "server/request.h"

/* The code; 500 of what is no status. */
int status_http(enum lstm_status status);

/* Answers with a core error's sentence. */
enum handled respond_status(struct request *request, enum lstm_status status,
                            const struct lstm_error *error);

/* Answer 503 with Retry-After: models are still loading; the server takes nothing new. */
enum handled respond_starting(struct request *request);
enum handled respond_stopping(struct request *request);

#endif
