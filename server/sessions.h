/* sessions.h: states that live between requests. SPDX-License-Identifier: Apache-2.0
 *
 * A session is one sequence that arrives in pieces: its state (c and h of every recurrent layer)
 * is kept here. Pieces of one session run one after the other, in order of arrival; while one runs
 * the others wait in the session. A session keeps the version that it began with. It ends when it
 * is deleted, when it was idle for the time to live, or, if the store may evict, when a new one
 * needs its place; work under way still gets its answer then. What a reader sees is the state after
 * the last piece that was answered.
 *
 * A session takes its state's bytes, about 150 bytes and its id. Thread-safe; one lock, never held
 * while computing or calling back. */
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
    uint64_t number; /* counts the sessions from the start of the server */
    uint64_t version;
    uint64_t steps; /* time steps run since its state was set */
    int64_t age_us, idle_us;
    bool is_busy; /* a piece is under way */
};

/* A piece on its way through its session. `job` is filled by the caller but for its states; the
 * caller owns it from begin to done. */
struct session_piece {
    struct batch_job *job;          /* the caller's, of one sequence; the store sets its done() */
    struct lstm_sequence *sequence; /* the caller's; its states are set when its turn comes */
    float *state;                   /* [state_size], the caller's: the state after this piece */
    struct session_piece *next;     /* the store's */
    struct session *session;
    void (*done)(struct session_piece *piece); /* on a worker's thread, state committed */
    void *context;
};

/* *sessions is new. NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status sessions_create(const struct sessions_options *options,
                                                 struct sessions **sessions,
                                                 struct lstm_error *error);
/* Ends all. No piece may be under way. */
void sessions_destroy(struct sessions *sessions);

enum session_status {
    SESSION_OK,
    SESSION_UNKNOWN, /* no such id */
    SESSION_EXPIRED, /* it ended by its time to live, not long ago */
    SESSION_EVICTED, /* it ended because a new one needed its place */
    SESSION_EXISTS,  /* the id lives already */
    SESSION_FULL,    /* as many as there may be */
    SESSION_QUEUED,  /* too much waits for its version */
    SESSION_BUSY,    /* a piece is under way, or too many wait */
    SESSION_MISFIT,  /* the other version's states have another shape, or it moved */
    SESSION_NO_MEMORY
};

/* Begins a session on a version (a reference is taken). id: the caller's, or NULL for 128 random
 * bits in hex. state [state_size]: NULL for zeros. *info is filled. */
LSTM_MUST_CHECK enum session_status sessions_begin(struct sessions *sessions,
                                                   const struct served_version *version,
                                                   const char *id, const float *state,
                                                   uint64_t steps, struct session_info *info);

/* Begins a session as it was when it was written down: of info, id, steps and age count. It is used
 * now. */
LSTM_MUST_CHECK enum session_status sessions_restore(struct sessions *sessions,
                                                     const struct served_version *version,
                                                     const struct session_info *info,
                                                     const float *state);

/* The session of this model and id, held until session_release() also if it ends meanwhile.
 * UNKNOWN, EXPIRED, EVICTED. */
LSTM_MUST_CHECK enum session_status sessions_find(struct sessions *sessions, const char *model,
                                                  const char *id, struct session **session);
struct session *session_retain(struct session *session);
void session_release(struct session *session);

/* The version that it runs on, held by the caller until registry_release(). */
const struct served_version *session_version(struct session *session);

void session_info(struct session *session, struct session_info *info);

/* Its state [state_size] in new memory, with the version and the steps that belong to it; the
 * version is held by the caller until registry_release(). NULL: no memory, no version. */
float *session_copy_state(struct session *session, const struct served_version **version,
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
 * job.status not OK. */
LSTM_MUST_CHECK enum session_status session_run(struct session *session,
                                                const struct served_version *version,
                                                struct session_piece *piece);

/* Ends a session. UNKNOWN: it had ended. */
LSTM_MUST_CHECK enum session_status sessions_end(struct sessions *sessions,
                                                 struct session *session);

/* Up to `most` sessions of a model (NULL: of all) that began after the one of this number (0: from
 * the first), oldest first, each held until session_release(). Returns how many. */
size_t sessions_list(struct sessions *sessions, const char *model, uint64_t after, size_t most,
                     struct session **list);

/* Up to `most` sessions of all models, oldest first, each held: those behind `last`, which the
 * caller holds; NULL: the first. Unlike sessions_list() it does not look at those before. */
size_t sessions_walk(struct sessions *sessions, struct session *last, size_t most,
                     struct session **list);

/* Ends what has been idle for the time to live; to be called now and then. */
void sessions_sweep(struct sessions *sessions);

size_t sessions_count(struct sessions *sessions);

#endif
