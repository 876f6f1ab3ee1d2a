/* session_shared.h: sessions in a Redis server that several lstmd share. SPDX-License-Identifier:
 * Apache-2.0
 *
 * The record in the store is the truth. A piece reads it, runs in a batch, and is written back if
 * nobody wrote meanwhile; else it runs again from the state that is there now. So pieces of one
 * session come one after the other, whichever servers they were sent to, and each counts once.
 * Pieces sent to one server keep their order.
 *
 * Unlike in memory, a session may end while a piece of it is under way, which then is refused; and
 * it runs on weights as they were published, not on what one server has learned. */
#ifndef SESSION_SHARED_H
#define SESSION_SHARED_H

#include "server/redis.h"
#include "server/sessions.h"

struct session_shared_options {
    struct redis_address address;
    int64_t timeout_ms;
    unsigned n_connections; /* threads, too */
    size_t max_queued;      /* requests that may wait for one of them */
};

/* *sessions is new; the store need not be there yet. The registry is borrowed. NO_MEMORY; IO: no
 * thread could be started. */
LSTM_MUST_CHECK enum lstm_status session_shared_create(const struct sessions_options *options,
                                                       const struct session_shared_options *shared,
                                                       struct registry *registry,
                                                       struct sessions **sessions,
                                                       struct lstm_error *error);

#endif
