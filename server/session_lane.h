/* session_lane.h: the threads that wait for a shared store of sessions, each with a connection of
 * its own. SPDX-License-Identifier: Apache-2.0
 *
 * All that concerns one session runs on one lane, in order of arrival: what a lane knows of its
 * sessions needs no lock. */
#ifndef SESSION_LANE_H
#define SESSION_LANE_H

#include "server/redis.h"
#include "server/sessions.h"

struct session_lanes;
struct session_lane;
struct shared_session;

struct session_lanes_options {
    struct redis_address address;
    int64_t timeout_ms;
    const char *script; /* borrowed */
    unsigned n;
    size_t max_queued; /* tasks that may wait in one lane */
};

/* Starts them. *lanes is new. NO_MEMORY; IO: no thread could be started. */
LSTM_MUST_CHECK enum lstm_status session_lanes_create(const struct session_lanes_options *options,
                                                      struct session_lanes **lanes,
                                                      struct lstm_error *error);
/* Runs what waits, and what that leads to, then ends the threads. */
void session_lanes_stop(struct session_lanes *lanes);
/* Stops, and frees. NULL: nothing. */
void session_lanes_destroy(struct session_lanes *lanes);

/* Puts a task into the lane of a session, id "": into the next one. QUEUED: it is full; AWAY: it
 * stops. */
LSTM_MUST_CHECK enum session_status session_lanes_defer(struct session_lanes *lanes,
                                                        const char *model, const char *id,
                                                        struct session_task *task);

/* Puts one behind the others, past the bound: for what goes on in a lane that it left. */
void session_lane_resume(struct session_lane *lane, struct session_task *task);

/* The lane whose thread this is. */
struct session_lane *session_lane_current(void);

/* Where the lane keeps the sessions that have a piece under way: the first of a list. */
struct shared_session **session_lane_active(struct session_lane *lane);

/* Runs the store's script over the lane's connection. A connection that breaks is made again, and
 * the script run again, with "1" instead of "0" as the argument number `resent`, so that it can
 * tell what it has done already. While the store is away, it is asked only every so often, with
 * growing distances. OK: *reply is new. AWAY: the script did not run, or refused. UNSURE: it may
 * have run. */
LSTM_MUST_CHECK enum session_status session_lane_ask(struct session_lane *lane, const char *key,
                                                     struct redis_argument *arguments, size_t n,
                                                     size_t resent, struct redis_reply **reply);

#endif
