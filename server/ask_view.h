/* ask_view.h: the answers of predict and state for a person at a terminal.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef ASK_VIEW_H
#define ASK_VIEW_H

#include "server/json.h"
#include "server/terminal.h"

/* Appends bars of each instance's outputs. labels: their names, a list of strings; NULL: numbers.
 */
void ask_view_predict(const struct terminal *terminal, const struct json_body *answer,
                      const struct json_t *labels, struct buf *out);

/* Appends each instance's outputs, a line for two steps, and each layer's final state. */
void ask_view_state(const struct terminal *terminal, const struct json_body *answer,
                    struct buf *out);

#endif
