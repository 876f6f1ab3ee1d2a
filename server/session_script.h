/* session_script.h: what a Redis server does with the sessions that it keeps.
 * SPDX-License-Identifier: Apache-2.0
 *
 * One Lua script, so that each operation happens whole or not at all. Keys, all in one hash slot:
 *
 *     {lstmd}:session:<model>/<id>   hash: the record; it expires by itself
 *     {lstmd}:ended:<model>/<id>     "expired" or "evicted", for an hour
 *     {lstmd}:use                    sorted set: <model>/<id> by last use, us
 *     {lstmd}:age:<model>            sorted set: <model>/<id> by number
 *     {lstmd}:number                 the last number that was given
 *
 * A record's `generation` counts its writes, and w0 to w15 hold the tokens of the last 16 writes,
 * each at its generation modulo 16: a writer whose answer was lost finds by its token whether it
 * had come through. Writes name the generation and the token that they build on, so that none is
 * built on what another has replaced, nor on a session that ended and began again. */
#ifndef SESSION_SCRIPT_H
#define SESSION_SCRIPT_H

/* Arguments of every operation, and where those of its own begin. */
enum {
    SCRIPT_OPERATION,
    SCRIPT_MODEL,
    SCRIPT_ID,
    SCRIPT_RESENT, /* "1": it may have been done already */
    SCRIPT_TTL_MS, /* 0: for ever */
    SCRIPT_OWN
};

/* What every answer begins with, and where the operation's own begins. Statuses: ok, unknown,
 * expired, evicted, exists, full, conflict, unsure, damaged. */
enum {
    SCRIPT_STATUS,
    SCRIPT_LIVE,    /* sessions in the store */
    SCRIPT_EXPIRED, /* that this call found expired */
    SCRIPT_EVICTED, /* that it evicted */
    SCRIPT_NOW_MS,  /* the store's clock */
    SCRIPT_RESULT
};

/* begin: max_sessions, evicts ("1"), token, format, version, weights, steps, state -> record
 * load -> record
 * commit: generation, token, new token, version, weights, steps, state -> with conflict: record
 * end -> record
 * list: after, most -> of each session: id, number, version, steps, begun, used
 * sweep */
extern const char session_script[];

#endif
