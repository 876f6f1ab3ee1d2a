/* session_memory.h: sessions in this server's memory. SPDX-License-Identifier: Apache-2.0
 *
 * A session takes its state's bytes, about 160 bytes and its id. One lock, never held while
 * computing or calling back. */
#ifndef SESSION_MEMORY_H
#define SESSION_MEMORY_H

#include "server/sessions.h"

/* *sessions is new. NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status session_memory_create(const struct sessions_options *options,
                                                       struct sessions **sessions,
                                                       struct lstm_error *error);

/* ---- Of sessions in memory only -------------------------------------------------------------- */

/* Begins a session as it was when it was written down: of info, id, steps and age count. It is used
 * now. */
LSTM_MUST_CHECK enum session_status session_memory_restore(struct sessions *sessions,
                                                           const struct served_version *version,
                                                           const struct session_info *info,
                                                           const float *state);

/* Up to `most` sessions of all models, oldest first, each held: those behind `last`, which the
 * caller holds; NULL: the first. Unlike sessions_list() it does not look at those before. */
size_t session_memory_walk(struct sessions *sessions, struct session *last, size_t most,
                           struct session **list);

size_t session_memory_count(struct sessions *sessions);

#endif
