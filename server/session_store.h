/* session_store.h: the seam between sessions.h and the stores that keep them, as a table of
 * functions. SPDX-License-Identifier: Apache-2.0 */
#ifndef SESSION_STORE_H
#define SESSION_STORE_H

#include "server/sessions.h"

/* Each does what sessions.h says of the function of its name. */
struct session_store {
    void (*destroy)(struct sessions *sessions);
    enum session_status (*begin)(struct sessions *sessions, const struct served_version *version,
                                 const char *id, const float *state, uint64_t steps,
                                 struct session_info *info);
    enum session_status (*find)(struct sessions *sessions, const char *model, const char *id,
                                struct session **session);
    struct session *(*retain)(struct session *session);
    void (*release)(struct session *session); /* never NULL */
    enum session_status (*version)(struct session *session, const struct served_version **version);
    void (*info)(struct session *session, struct session_info *info);
    enum session_status (*copy_state)(struct session *session, float **state,
                                      const struct served_version **version, uint64_t *steps);
    enum session_status (*write_state)(struct session *session,
                                       const struct served_version *version, const float *state,
                                       uint64_t steps);
    enum session_status (*move)(struct session *session, const struct served_version *version);
    enum session_status (*run)(struct session *session, const struct served_version *version,
                               struct session_piece *piece);
    enum session_status (*end)(struct sessions *sessions, struct session *session);
    enum session_status (*list)(struct sessions *sessions, const char *model, uint64_t after,
                                size_t most, struct session **list, size_t *n);
    void (*sweep)(struct sessions *sessions);

    /* Of a store that waits; else NULL. */
    void (*stop)(struct sessions *sessions);
    enum session_status (*defer)(struct sessions *sessions, const char *model, const char *id,
                                 struct session_task *task);
    enum session_status (*discard)(struct sessions *sessions, const char *model, const char *id);
};

/* What each store's structs begin with. */
struct sessions {
    const struct session_store *store;
};
struct session {
    const struct session_store *store; /* not the sessions: whoever holds one may outlive them */
};

/* 128 random bits in hex. False: the kernel has none. */
bool session_make_id(char id[SESSION_ID_BYTES]);

/* When a piece was computed on a model, before its state becomes the session's: a number among all
 * that it gave which is NaN or infinite fails the job: NON_FINITE. Whatever came after it would be
 * no number either. */
void session_piece_check(const struct session_piece *piece, const struct lstm_model *model);

/* Floats of a state of the version's. */
size_t session_state_size(const struct served_version *version);

/* Whether states of one version mean the same to the other: the same cells in the same order. One
 * that reads backwards takes no sessions. */
bool session_states_fit(const struct served_version *a, const struct served_version *b);

#endif
