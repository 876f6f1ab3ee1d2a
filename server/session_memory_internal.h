/* session_memory_internal.h: what sessions in memory are inside, shared by session_memory.c,
 * session_memory_table.c and session_memory_run.c. SPDX-License-Identifier: Apache-2.0
 *
 * A hash table of chains; each session is also in two lists, by age for paging and by use for
 * expiry. How sessions that ended by themselves did so is remembered in a second table, where a
 * later end takes the place of an earlier one. */
#ifndef SESSION_MEMORY_INTERNAL_H
#define SESSION_MEMORY_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "server/metrics.h"
#include "server/session_memory.h"
#include "server/session_store.h"

/* A place in a list whose ends are in the store. */
struct session_link {
    struct memory_session *before, *after;
};

struct memory_session {
    struct session base;
    struct memory_sessions *store;
    atomic_size_t references; /* the store's, while it is in the table; finders'; its pieces' */
    uint64_t number;
    int64_t begun_us;
    struct memory_session *next_in_bucket;

    /* Guarded by store->lock. */
    const struct served_version *version; /* a reference */
    int64_t used_us;
    uint64_t steps;
    struct session_link by_age, by_use;
    struct session_piece *first_waiting, *last_waiting;
    unsigned n_waiting;
    bool is_busy, has_ended;

    /* Written under the lock and only while no piece is under way; then the worker reads it. */
    float *state;
    char id[]; /* with its NUL; the state lies behind it */
};

enum { REMEMBERED_ENDS = 4096 }; /* a power of 2 */

/* The hash of a session that ended by itself, and how. */
struct session_end {
    uint64_t hash;
    enum session_status how; /* EXPIRED or EVICTED; OK: empty */
};

struct memory_sessions {
    struct sessions base;
    struct sessions_options options;
    struct metric_series *live, *created, *expired, *evicted;
    pthread_mutex_t lock;
    uint64_t seed; /* of the hashes, so that nobody can choose ids that share a chain */

    /* Guarded by lock. */
    struct memory_session **buckets;
    size_t n_buckets; /* a power of 2 */
    size_t n;
    uint64_t last_number;
    struct session_link by_age, by_use; /* .after: first, .before: last */
    struct session_end ends[REMEMBERED_ENDS];
};

/* False: no memory. */
bool session_memory_init(struct memory_sessions *sessions);
void session_memory_release(struct memory_sessions *sessions);

/* ---- With the lock held --------------------------------------------------------------------- */

/* NULL: there is none. */
struct memory_session *session_memory_find(struct memory_sessions *sessions, const char *model,
                                           const char *id);

/* Takes in a session that it does not have, and forgets how one of that id ended; gives it up:
 * whoever holds it may go on. */
void session_memory_add(struct memory_sessions *sessions, struct memory_session *session);
void session_memory_remove(struct memory_sessions *sessions, struct memory_session *session);

/* How a session ended by itself: EXPIRED or EVICTED; UNKNOWN: it did not, or long ago. */
void session_memory_remember(struct memory_sessions *sessions, const struct memory_session *session,
                             enum session_status how);
enum session_status session_memory_recall(const struct memory_sessions *sessions, const char *model,
                                          const char *id);

/* Puts it at the end of the order of use. */
void session_memory_touch(struct memory_session *session);

/* ---- session_memory_run.c: what session_store.h says ---------------------------------------- */

enum session_status session_memory_version(struct session *session,
                                           const struct served_version **version);
enum session_status session_memory_copy_state(struct session *session, float **state,
                                              const struct served_version **version,
                                              uint64_t *steps);
enum session_status session_memory_write_state(struct session *session,
                                               const struct served_version *version,
                                               const float *state, uint64_t steps);
enum session_status session_memory_move(struct session *session,
                                        const struct served_version *version);
enum session_status session_memory_piece(struct session *session,
                                         const struct served_version *version,
                                         struct session_piece *piece);

#endif
