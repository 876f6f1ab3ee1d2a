/* session_body.h: what the bodies of the session routes hold. SPDX-License-Identifier: Apache-2.0
 */
#ifndef SESSION_BODY_H
#define SESSION_BODY_H

#include "server/json.h"
#include "server/request.h"

/* Reads a body that may be absent, with no key but those `known` (NULL-ended). On failure *body is
 * empty (release is allowed). INVALID: malformed, or the key. NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status session_body_read(const struct request *request,
                                                   const char *const *known, struct json_body *body,
                                                   struct lstm_error *error);

/* *id: the body's "id", borrowed from it; NULL: it has none. INVALID: it cannot be one. */
LSTM_MUST_CHECK enum lstm_status session_body_id(const struct json_body *body, const char **id,
                                                 struct lstm_error *error);

/* *state: that of the model under `key`, [state_size]; new (free(), also after an error), NULL if
 * the body has none. INVALID, SHAPE: the path, what was expected, what was found. NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status session_body_state(const struct lstm_model *model,
                                                    const struct json_body *body, const char *key,
                                                    float **state, struct lstm_error *error);

#endif
