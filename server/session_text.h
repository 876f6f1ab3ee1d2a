/* session_text.h: sessions and states as JSON. SPDX-License-Identifier: Apache-2.0 */
#ifndef SESSION_TEXT_H
#define SESSION_TEXT_H

#include "server/buf.h"
#include "server/sessions.h"

/* Appends {"id": ..., "number": ..., "model": ..., "version": ..., "steps": ..., "age_seconds":
 * ..., "idle_seconds": ..., "busy": ...}. */
void session_text_info(const struct session_info *info, struct buf *out);

/* Appends a state [state_size] as requests give it: {"c": [...], "h": [...]}, {"h": [...]} for a
 * GRU, a list of those for a stack. NON_FINITE: a value is NaN or infinite. */
LSTM_MUST_CHECK enum lstm_status session_text_state(const struct lstm_model *model,
                                                    const float *state, struct buf *out,
                                                    struct lstm_error *error);

#endif
