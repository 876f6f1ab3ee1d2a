/* session_memory_table.c: where sessions are found: by id, by age and by use.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "server/clock.h"
#include "server/hash.h"
#include "server/session_memory_internal.h"

enum { FIRST_BUCKETS = 64 };

/* ---- Lists ---------------------------------------------------------------------------------- */

/* Which of a session's two links, and which of the store's two ends. */
static struct session_link *link_of(struct memory_session *session, bool by_use)
{
    return by_use ? &session->by_use : &session->by_age;
}

static struct session_link *ends_of(struct memory_sessions *sessions, bool by_use)
{
    return by_use ? &sessions->by_use : &sessions->by_age;
}

static void append(struct memory_sessions *sessions, struct memory_session *session, bool by_use)
{
    struct session_link *link = link_of(session, by_use), *ends = ends_of(sessions, by_use);
    *link = (struct session_link){.before = ends->before};
    if (ends->before != NULL)
        link_of(ends->before, by_use)->after = session;
    else
        ends->after = session;
    ends->before = session;
}

static void unlink_from(struct memory_sessions *sessions, struct memory_session *session,
                        bool by_use)
{
    struct session_link *link = link_of(session, by_use), *ends = ends_of(sessions, by_use);
    if (link->before != NULL)
        link_of(link->before, by_use)->after = link->after;
    else
        ends->after = link->after;
    if (link->after != NULL)
        link_of(link->after, by_use)->before = link->before;
    else
        ends->before = link->before;
}

void session_memory_touch(struct memory_session *session)
{
    session->used_us = monotonic_us();
    unlink_from(session->store, session, true);
    append(session->store, session, true);
}

/* ---- The table ------------------------------------------------------------------------------ */

bool session_memory_init(struct memory_sessions *sessions)
{
    if (getrandom(&sessions->seed, sizeof sessions->seed, 0) != (ssize_t)sizeof sessions->seed)
        sessions->seed = (uint64_t)monotonic_us();
    sessions->n_buckets = FIRST_BUCKETS;
    sessions->buckets = calloc(FIRST_BUCKETS, sizeof(struct memory_session *));
    return sessions->buckets != NULL;
}

void session_memory_release(struct memory_sessions *sessions)
{
    free(sessions->buckets);
}

static uint64_t hash(const struct memory_sessions *sessions, const char *model, const char *id)
{
    const uint64_t h = hash_text(hash_text(HASH_START ^ sessions->seed, model), id);
    return h ^ h >> 32;
}

static struct memory_session **bucket_of(struct memory_sessions *sessions, const char *model,
                                         const char *id)
{
    return &sessions->buckets[hash(sessions, model, id) & (sessions->n_buckets - 1)];
}

/* The pointer that points to the session, or to NULL at the end of its chain. */
static struct memory_session **find_place(struct memory_sessions *sessions, const char *model,
                                          const char *id)
{
    struct memory_session **place = bucket_of(sessions, model, id);
    while (*place != NULL &&
           (strcmp((*place)->id, id) != 0 || strcmp((*place)->version->model, model) != 0))
        place = &(*place)->next_in_bucket;
    return place;
}

struct memory_session *session_memory_find(struct memory_sessions *sessions, const char *model,
                                           const char *id)
{
    return *find_place(sessions, model, id);
}

/* Doubles the table once chains get long. Without memory it stays as it is. */
static void grow(struct memory_sessions *sessions)
{
    if (sessions->n < sessions->n_buckets)
        return;
    const size_t n = sessions->n_buckets * 2;
    struct memory_session **buckets = calloc(n, sizeof(struct memory_session *));
    if (buckets == NULL)
        return;
    free(sessions->buckets);
    sessions->buckets = buckets;
    sessions->n_buckets = n;
    for (struct memory_session *each = sessions->by_age.after; each != NULL;
         each = each->by_age.after) {
        struct memory_session **bucket = bucket_of(sessions, each->version->model, each->id);
        each->next_in_bucket = *bucket;
        *bucket = each;
    }
}

static struct session_end *end_of(struct memory_sessions *sessions,
                                  const struct memory_session *session, uint64_t *hashed)
{
    *hashed = hash(sessions, session->version->model, session->id);
    return &sessions->ends[*hashed & (REMEMBERED_ENDS - 1)];
}

void session_memory_add(struct memory_sessions *sessions, struct memory_session *session)
{
    uint64_t hashed;
    struct session_end *end = end_of(sessions, session, &hashed);
    if (end->hash == hashed)
        end->how = SESSION_OK;
    *find_place(sessions, session->version->model, session->id) = session;
    session->number = ++sessions->last_number;
    session->used_us = monotonic_us();
    append(sessions, session, false);
    append(sessions, session, true);
    sessions->n++;
    metric_set(sessions->live, (double)sessions->n);
    grow(sessions);
}

void session_memory_remove(struct memory_sessions *sessions, struct memory_session *session)
{
    struct memory_session **place = find_place(sessions, session->version->model, session->id);
    *place = session->next_in_bucket;
    unlink_from(sessions, session, false);
    unlink_from(sessions, session, true);
    session->has_ended = true;
    sessions->n--;
    metric_set(sessions->live, (double)sessions->n);
}

void session_memory_remember(struct memory_sessions *sessions, const struct memory_session *session,
                             enum session_status how)
{
    uint64_t hashed;
    struct session_end *end = end_of(sessions, session, &hashed);
    *end = (struct session_end){hashed, how};
}

enum session_status session_memory_recall(const struct memory_sessions *sessions, const char *model,
                                          const char *id)
{
    const uint64_t hashed = hash(sessions, model, id);
    const struct session_end *end = &sessions->ends[hashed & (REMEMBERED_ENDS - 1)];
    return end->how != SESSION_OK && end->hash == hashed ? end->how : SESSION_UNKNOWN;
}
