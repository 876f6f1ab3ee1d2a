/* sessions.h: states that live between requests. SPDX-License-Identifier: Apache-2.0
 *
 * A session is one sequence that arrives in pieces: its state (c and h of every recurrent layer)
 * is kept here. Where is the store's affair: in memory (session_memory.h), or in a Redis server
 * that several lstmd share (session_shared.h). Pieces of one session run one after the other, in
 * order of arrival; while one runs the others wait in the session. A session keeps the version that
 * it began with. It ends when it is deleted, when it was idle for the time to live, or, if the
 * store may evict, when a new one needs its place; work under way still gets its answer then. What
 * a reader sees is the state after the last piece that was answered.
 *
 * Thread-safe. A store that waits for another machine (sessions_wait()) is to be used on its own
 * threads only: whoever serves a request gives it to sessions_defer(). */
#ifndef SESSIONS_H
#define SESSIONS_H

#include "server/registry.h"
#include "server/repository.h"

enum { SESSION_ID_BYTES = 65, SESSION_MAX_WAITING = 64 };

struct sessions;
struct session;

struct sessions_options {
    size_t max_sessions;
    int64_t ttl_us;     /* idle time after which a session ends; 0: never */
    bool evicts_oldest; /* when full, end the one that was idle longest; else refuse */
};

/* What can be said of a session without its state. */
struct session_info {
    char id[SESSION_ID_BYTES];
    char model[MODEL_NAME_BYTES];
    uint64_t number; /* counts the sessions from the start of the store */
    uint64_t version;
    uint64_t steps; /* time steps run since its state was set */
    int64_t age_us, idle_us;
    bool is_busy; /* a piece is under way, in this server */
};

enum session_status {
    SESSION_OK,
    SESSION_UNKNOWN, /* no such id */
    SESSION_EXPIRED, /* it ended by its time to live, not long ago */
    SESSION_EVICTED, /* it ended because a new one needed its place */
    SESSION_EXISTS,  /* the id lives already */
    SESSION_FULL,    /* as many as there may be */
    SESSION_CROWDED, /* too much waits for its version */
    SESSION_BUSY,    /* a piece is under way, or too many wait */
    SESSION_MISFIT,  /* the other version's states have another shape, or it moved */
    SESSION_NO_MEMORY,

    /* Of a store that several servers share. */
    SESSION_NO_ROOM,   /* the store has no memory for it; nothing has changed */
    SESSION_AWAY,      /* the store does not answer; nothing has changed */
    SESSION_UNSURE,    /* the store went away while it was told: it may have changed, or not */
    SESSION_ELSEWHERE, /* this server does not have the session's version */
    SESSION_DAMAGED,   /* what the store holds is no session of that version */
    SESSION_CONTENDED  /* other servers changed it again and again */
};

/* A piece on its way through its session. `job` is filled by the caller but for its states; the
 * caller owns it from begin to done. */
struct session_piece {
    struct batch_job *job;          /* the caller's, of one sequence; the store sets its done() */
    struct lstm_sequence *sequence; /* the caller's; its states are set when its turn comes */
    float *state;                   /* [state_size], the caller's: the state after this piece */
    struct session_piece *next;     /* the store's */
    struct session *session;
    /* On another thread, state committed, unless `outcome` says why not. */
    void (*done)(struct session_piece *piece);
    enum session_status outcome;
    void *context;
};

/* What is to be done on a thread of the store's. Its owner leaves it alone from defer to run. */
struct session_task {
    void (*run)(struct session_task *task);
    struct session_task *next; /* the store's */
};

/* Finishes what was deferred; later tasks are refused. Pieces may come back from the batcher until
 * this returns, and nothing may be used after it but info, release and destroy. */
void sessions_stop(struct sessions *sessions);
/* Ends all in memory. No piece may be under way. NULL: nothing. */
void sessions_destroy(struct sessions *sessions);

/* Whether the functions below may wait for another machine. */
bool sessions_wait(const struct sessions *sessions);

/* Of a store that waits: runs a task on the thread that all tasks of this model and id run on, in
 * order; id "": on any. QUEUED: too many wait; AWAY: the store stops. */
LSTM_MUST_CHECK enum session_status sessions_defer(struct sessions *sessions, const char *model,
                                                   const char *id, struct session_task *task);

/* Begins a session on a version (a reference is taken). id: the caller's, or NULL for 128 random
 * bits in hex. state [state_size]: NULL for zeros. *info is filled. */
LSTM_MUST_CHECK enum session_status sessions_begin(struct sessions *sessions,
                                                   const struct served_version *version,
                                                   const char *id, const float *state,
                                                   uint64_t steps, struct session_info *info);

/* The session of this model and id, held until session_release() also if it ends meanwhile.
 * UNKNOWN, EXPIRED, EVICTED, DAMAGED, NO_MEMORY. Every function below gives AWAY and UNSURE, too,
 * where a store that waits keeps them, and CONTENDED if it changes a session. */
LSTM_MUST_CHECK enum session_status sessions_find(struct sessions *sessions, const char *model,
                                                  const char *id, struct session **session);
struct session *session_retain(struct session *session);
void session_release(struct session *session);

/* The version that it runs on, held by the caller until registry_release(). ELSEWHERE, DAMAGED:
 * NULL.
 */
LSTM_MUST_CHECK enum session_status session_version(struct session *session,
                                                    const struct served_version **version);

/* What it is now; of --session-store redis://, when it was found or last changed. */
void session_info(struct session *session, struct session_info *info);

/* Its state [state_size] in new memory, with the version and the steps that belong to it; the
 * version is held by the caller until registry_release(). NO_MEMORY, ELSEWHERE, DAMAGED: there is
 * neither.
 */
LSTM_MUST_CHECK enum session_status session_copy_state(struct session *session, float **state,
                                                       const struct served_version **version,
                                                       uint64_t *steps);

/* Sets the state [state_size] of its version, and the steps. BUSY: a piece is under way; MISFIT:
 * `version` is not the session's any more; UNKNOWN: it ended. */
LSTM_MUST_CHECK enum session_status session_write_state(struct session *session,
                                                        const struct served_version *version,
                                                        const float *state, uint64_t steps);

/* Goes on with another version whose states have the same shape. BUSY, MISFIT. */
LSTM_MUST_CHECK enum session_status session_move(struct session *session,
                                                 const struct served_version *version);

/* Runs the next piece in its turn. `version` is what the caller decoded for. BUSY: too many wait;
 * MISFIT: the session moved; QUEUED: the version's queue is full; UNKNOWN: it ended. Only with OK
 * will done() be called, and without the state having changed if job.fate is not COMPUTED or
 * job.status not OK: NON_FINITE, if a number that the piece gave would be none. */
LSTM_MUST_CHECK enum session_status session_run(struct session *session,
                                                const struct served_version *version,
                                                struct session_piece *piece);

/* Ends a session. UNKNOWN: it had ended. */
LSTM_MUST_CHECK enum session_status sessions_end(struct sessions *sessions,
                                                 struct session *session);

/* Ends one that cannot be found because it is DAMAGED. */
LSTM_MUST_CHECK enum session_status sessions_discard(struct sessions *sessions, const char *model,
                                                     const char *id);

/* Up to `most` sessions of a model (NULL: of all, in memory only) that began after the one of this
 * number (0: from the first), oldest first, each held until session_release(); *n: how many. Each
 * that lives from the first page to the last is on one of them, once. AWAY. */
LSTM_MUST_CHECK enum session_status sessions_list(struct sessions *sessions, const char *model,
                                                  uint64_t after, size_t most,
                                                  struct session **list, size_t *n);

/* Ends what has been idle for the time to live; to be called now and then. */
void sessions_sweep(struct sessions *sessions);

#endif
