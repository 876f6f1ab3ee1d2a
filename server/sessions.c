/* sessions.c: the table of sessions: begun, found, listed, ended. SPDX-License-Identifier:
 * Apache-2.0
 *
 * A hash table of chains; each session is also in two lists, by age for paging and by use for
 * expiry, so that nothing here looks at more sessions than it gives or ends. */
#include "server/sessions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "core/status.h"
#include "server/request.h"
#include "server/session_store.h"

enum { FIRST_BUCKETS = 64, RANDOM_BYTES = 16 };

/* ---- Lists ---------------------------------------------------------------------------------- */

/* Which of a session's two links, and which of the store's two ends. */
static struct session_link *link_of(struct session *session, bool by_use)
{
    return by_use ? &session->by_use : &session->by_age;
}

static struct session_link *ends_of(struct sessions *sessions, bool by_use)
{
    return by_use ? &sessions->by_use : &sessions->by_age;
}

static void append(struct sessions *sessions, struct session *session, bool by_use)
{
    struct session_link *link = link_of(session, by_use), *ends = ends_of(sessions, by_use);
    *link = (struct session_link){.before = ends->before};
    if (ends->before != NULL)
        link_of(ends->before, by_use)->after = session;
    else
        ends->after = session;
    ends->before = session;
}

static void unlink_from(struct sessions *sessions, struct session *session, bool by_use)
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

void session_touch(struct session *session)
{
    session->used_us = monotonic_us();
    unlink_from(session->store, session, true);
    append(session->store, session, true);
}

/* ---- The table ------------------------------------------------------------------------------ */

/* FNV-1a over model and id. */
static uint64_t hash(const char *model, const char *id)
{
    uint64_t h = 14695981039346656037u;
    for (const char *c = model; *c != '\0'; c++)
        h = (h ^ (unsigned char)*c) * 1099511628211u;
    h = (h ^ 0xff) * 1099511628211u;
    for (const char *c = id; *c != '\0'; c++)
        h = (h ^ (unsigned char)*c) * 1099511628211u;
    return h;
}

static struct session **bucket_of(struct sessions *sessions, const char *model, const char *id)
{
    return &sessions->buckets[hash(model, id) & (sessions->n_buckets - 1)];
}

/* The pointer that points to the session, or to NULL at the end of its chain. */
static struct session **find_place(struct sessions *sessions, const char *model, const char *id)
{
    struct session **place = bucket_of(sessions, model, id);
    while (*place != NULL &&
           (strcmp((*place)->id, id) != 0 || strcmp((*place)->version->model, model) != 0))
        place = &(*place)->next_in_bucket;
    return place;
}

/* Doubles the table once chains get long. Without memory it stays as it is. */
static void grow(struct sessions *sessions)
{
    if (sessions->n < sessions->n_buckets)
        return;
    const size_t n = sessions->n_buckets * 2;
    struct session **buckets = calloc(n, sizeof(struct session *));
    if (buckets == NULL)
        return;
    free(sessions->buckets);
    sessions->buckets = buckets;
    sessions->n_buckets = n;
    for (struct session *each = sessions->by_age.after; each != NULL; each = each->by_age.after) {
        struct session **bucket = bucket_of(sessions, each->version->model, each->id);
        each->next_in_bucket = *bucket;
        *bucket = each;
    }
}

/* Takes a session out of the table; whoever holds it may go on. The lock is held. */
static void take_out(struct sessions *sessions, struct session *session)
{
    struct session **place = find_place(sessions, session->version->model, session->id);
    *place = session->next_in_bucket;
    unlink_from(sessions, session, false);
    unlink_from(sessions, session, true);
    session->has_ended = true;
    sessions->n--;
    metric_set(sessions->live, (double)sessions->n);
}

/* Ends a session by itself, remembering that. The lock is held; the reference is the caller's. */
static void end_by_itself(struct sessions *sessions, struct session *session,
                          enum session_status how)
{
    sessions->ends[sessions->n_ends++ % REMEMBERED_ENDS] =
        (struct session_end){hash(session->version->model, session->id), how};
    metric_add(how == SESSION_EXPIRED ? sessions->expired : sessions->evicted, 1);
    take_out(sessions, session);
}

static enum session_status how_it_ended(const struct sessions *sessions, const char *model,
                                        const char *id)
{
    const uint64_t wanted = hash(model, id);
    for (size_t i = 0; i < REMEMBERED_ENDS; i++)
        if (sessions->ends[i].how != SESSION_OK && sessions->ends[i].hash == wanted)
            return sessions->ends[i].how;
    return SESSION_UNKNOWN;
}

/* ---- Life ----------------------------------------------------------------------------------- */

enum lstm_status sessions_create(const struct sessions_options *options, struct sessions **sessions,
                                 struct lstm_error *error)
{
    *sessions = NULL;
    struct sessions *made = calloc(1, sizeof *made);
    struct session **buckets = calloc(FIRST_BUCKETS, sizeof(struct session *));
    if (made == NULL || buckets == NULL) {
        free(made);
        free(buckets);
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for the sessions");
    }
    made->options = *options;
    made->buckets = buckets;
    made->n_buckets = FIRST_BUCKETS;
    made->live = metric_series(METRIC_SESSIONS_LIVE, NULL, NULL, NULL);
    made->created = metric_series(METRIC_SESSIONS_CREATED, NULL, NULL, NULL);
    made->expired = metric_series(METRIC_SESSIONS_EXPIRED, NULL, NULL, NULL);
    made->evicted = metric_series(METRIC_SESSIONS_EVICTED, NULL, NULL, NULL);
    pthread_mutex_init(&made->lock, NULL);
    *sessions = made;
    return LSTM_OK;
}

struct session *session_retain(struct session *session)
{
    atomic_fetch_add_explicit(&session->references, 1, memory_order_relaxed);
    return session;
}

void session_release(struct session *session)
{
    if (session == NULL ||
        atomic_fetch_sub_explicit(&session->references, 1, memory_order_acq_rel) != 1)
        return;
    registry_release(session->version);
    free(session);
}

void sessions_destroy(struct sessions *sessions)
{
    if (sessions == NULL)
        return;
    for (struct session *each = sessions->by_age.after, *next; each != NULL; each = next) {
        next = each->by_age.after;
        session_release(each);
    }
    pthread_mutex_destroy(&sessions->lock);
    free(sessions->buckets);
    free(sessions);
}

static bool make_id(char id[SESSION_ID_BYTES])
{
    unsigned char random[RANDOM_BYTES];
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return false;
    for (size_t i = 0; i < sizeof random; i++)
        snprintf(id + 2 * i, 3, "%02x", random[i]);
    return true;
}

/* One block: the session, its id, and aligned behind it its state. */
static struct session *session_create(struct sessions *sessions,
                                      const struct served_version *version, const char *id)
{
    const size_t state_size = lstm_model_info(batch_queue_model(version->queue))->state_size;
    const size_t id_bytes = strlen(id) + 1;
    const size_t at = (offsetof(struct session, id) + id_bytes + 3) / sizeof(float) * sizeof(float);
    char *block = calloc(1, at + state_size * sizeof(float));
    if (block == NULL)
        return NULL;
    struct session *session = (struct session *)(void *)block;
    session->store = sessions;
    atomic_init(&session->references, 1);
    session->version = registry_retain(version);
    session->begun_us = monotonic_us();
    session->state = (float *)(void *)(block + at);
    memcpy(session->id, id, id_bytes);
    return session;
}

/* Makes room for one more. *ended gets what had to go, for the caller to release once the lock is
 * free. The lock is held. */
static enum session_status make_room(struct sessions *sessions, struct session **ended)
{
    struct session *oldest = sessions->by_use.after;
    *ended = NULL;
    if (sessions->n < sessions->options.max_sessions)
        return SESSION_OK;
    const bool is_expired = oldest != NULL && sessions->options.ttl_us > 0 &&
                            monotonic_us() - oldest->used_us > sessions->options.ttl_us;
    if (oldest == NULL || oldest->is_busy || !(is_expired || sessions->options.evicts_oldest))
        return SESSION_FULL;
    end_by_itself(sessions, oldest, is_expired ? SESSION_EXPIRED : SESSION_EVICTED);
    *ended = oldest;
    return SESSION_OK;
}

static void fill_info(const struct session *session, struct session_info *info)
{
    const int64_t now = monotonic_us();
    *info = (struct session_info){.number = session->number,
                                  .model = session->version->model,
                                  .version = session->version->number,
                                  .steps = session->steps,
                                  .age_us = now - session->begun_us,
                                  .idle_us = now - session->used_us,
                                  .is_busy = session->is_busy};
    snprintf(info->id, sizeof info->id, "%s", session->id);
}

/* The lock is held. */
static void insert(struct sessions *sessions, struct session *session, struct session **place)
{
    *place = session;
    session->number = ++sessions->last_number;
    session->used_us = monotonic_us();
    append(sessions, session, false);
    append(sessions, session, true);
    sessions->n++;
    metric_set(sessions->live, (double)sessions->n);
    metric_add(sessions->created, 1);
    grow(sessions);
}

enum session_status sessions_begin(struct sessions *sessions, const struct served_version *version,
                                   const char *id, const float *state, uint64_t steps,
                                   struct session_info *info)
{
    char made_id[SESSION_ID_BYTES];
    struct session *ended = NULL;
    if (id == NULL && !make_id(made_id))
        return SESSION_NO_MEMORY;
    struct session *session = session_create(sessions, version, id != NULL ? id : made_id);
    if (session == NULL)
        return SESSION_NO_MEMORY;
    session->steps = steps;
    if (state != NULL)
        memcpy(session->state, state,
               lstm_model_info(batch_queue_model(version->queue))->state_size * sizeof *state);
    pthread_mutex_lock(&sessions->lock);
    enum session_status status = SESSION_EXISTS;
    if (*find_place(sessions, version->model, session->id) == NULL)
        status = make_room(sessions, &ended);
    if (status == SESSION_OK) {
        insert(sessions, session, find_place(sessions, version->model, session->id));
        fill_info(session, info);
    }
    pthread_mutex_unlock(&sessions->lock);
    session_release(ended);
    if (status != SESSION_OK)
        session_release(session);
    return status;
}

enum session_status sessions_find(struct sessions *sessions, const char *model, const char *id,
                                  struct session **session)
{
    enum session_status status = SESSION_OK;
    pthread_mutex_lock(&sessions->lock);
    *session = *find_place(sessions, model, id);
    if (*session != NULL)
        session_retain(*session);
    else
        status = how_it_ended(sessions, model, id);
    pthread_mutex_unlock(&sessions->lock);
    return status;
}

void session_info(struct session *session, struct session_info *info)
{
    pthread_mutex_lock(&session->store->lock);
    fill_info(session, info);
    pthread_mutex_unlock(&session->store->lock);
}

enum session_status sessions_end(struct sessions *sessions, struct session *session)
{
    pthread_mutex_lock(&sessions->lock);
    const bool had_ended = session->has_ended;
    if (!had_ended)
        take_out(sessions, session);
    pthread_mutex_unlock(&sessions->lock);
    if (had_ended)
        return SESSION_UNKNOWN;
    session_release(session);
    return SESSION_OK;
}

size_t sessions_list(struct sessions *sessions, const char *model, uint64_t after, size_t most,
                     struct session **list)
{
    size_t n = 0;
    pthread_mutex_lock(&sessions->lock);
    for (struct session *each = sessions->by_age.after; each != NULL && n < most;
         each = each->by_age.after)
        if (each->number > after && (model == NULL || strcmp(each->version->model, model) == 0))
            list[n++] = session_retain(each);
    pthread_mutex_unlock(&sessions->lock);
    return n;
}

/* The first session by use if it is to end now, taken out; NULL if none is. A busy one is in use.
 */
static struct session *take_expired(struct sessions *sessions)
{
    struct session *expired = NULL;
    pthread_mutex_lock(&sessions->lock);
    struct session *oldest = sessions->by_use.after;
    if (oldest != NULL && oldest->is_busy)
        session_touch(oldest);
    else if (oldest != NULL && monotonic_us() - oldest->used_us > sessions->options.ttl_us)
        expired = oldest;
    if (expired != NULL)
        end_by_itself(sessions, expired, SESSION_EXPIRED);
    pthread_mutex_unlock(&sessions->lock);
    return expired;
}

void sessions_sweep(struct sessions *sessions)
{
    if (sessions->options.ttl_us == 0)
        return;
    for (struct session *expired; (expired = take_expired(sessions)) != NULL;)
        session_release(expired);
}

size_t sessions_count(struct sessions *sessions)
{
    pthread_mutex_lock(&sessions->lock);
    const size_t n = sessions->n;
    pthread_mutex_unlock(&sessions->lock);
    return n;
}
