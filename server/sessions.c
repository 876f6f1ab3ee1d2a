/* sessions.c: sessions begun, found, listed and ended. SPDX-License-Identifier: Apache-2.0 */
#include "server/sessions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "core/status.h"
#include "server/request.h"
#include "server/session_store.h"

/* LOOK: sessions that a list passes while it holds the lock. */
enum { RANDOM_BYTES = 16, LOOK = 1024 };

enum lstm_status sessions_create(const struct sessions_options *options, struct sessions **sessions,
                                 struct lstm_error *error)
{
    *sessions = NULL;
    struct sessions *made = calloc(1, sizeof *made);
    if (made == NULL || !session_table_init(made)) {
        free(made);
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for the sessions");
    }
    made->options = *options;
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
    session_table_release(sessions);
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

/* The session whose last use was the longest ago of those that are not in use; NULL if there is
 * none. The lock is held. */
static struct session *find_oldest_idle(const struct sessions *sessions)
{
    struct session *oldest = sessions->by_use.after;
    while (oldest != NULL && oldest->is_busy)
        oldest = oldest->by_use.after;
    return oldest;
}

static bool is_expired(const struct sessions *sessions, const struct session *session)
{
    return sessions->options.ttl_us > 0 &&
           monotonic_us() - session->used_us > sessions->options.ttl_us;
}

/* Ends a session by itself, remembering that. The lock is held; the reference is the caller's. */
static void end_by_itself(struct sessions *sessions, struct session *session,
                          enum session_status how)
{
    session_table_remember(sessions, session, how);
    metric_add(how == SESSION_EXPIRED ? sessions->expired : sessions->evicted, 1);
    session_table_remove(sessions, session);
}

/* Makes room for one more. *ended gets what had to go, for the caller to release once the lock is
 * free. The lock is held. */
static enum session_status make_room(struct sessions *sessions, struct session **ended)
{
    *ended = NULL;
    if (sessions->n < sessions->options.max_sessions)
        return SESSION_OK;
    struct session *oldest = find_oldest_idle(sessions);
    if (oldest == NULL || !(is_expired(sessions, oldest) || sessions->options.evicts_oldest))
        return SESSION_FULL;
    end_by_itself(sessions, oldest,
                  is_expired(sessions, oldest) ? SESSION_EXPIRED : SESSION_EVICTED);
    *ended = oldest;
    return SESSION_OK;
}

static void fill_info(const struct session *session, struct session_info *info)
{
    const int64_t now = monotonic_us();
    *info = (struct session_info){.number = session->number,
                                  .version = session->version->number,
                                  .steps = session->steps,
                                  .age_us = now - session->begun_us,
                                  .idle_us = now - session->used_us,
                                  .is_busy = session->is_busy};
    snprintf(info->id, sizeof info->id, "%s", session->id);
    snprintf(info->model, sizeof info->model, "%s", session->version->model);
}

/* Gives a made session to the table, or releases it. */
static enum session_status add(struct sessions *sessions, struct session *session,
                               struct session_info *info)
{
    struct session *ended = NULL;
    pthread_mutex_lock(&sessions->lock);
    enum session_status status = SESSION_EXISTS;
    if (session_table_find(sessions, session->version->model, session->id) == NULL)
        status = make_room(sessions, &ended);
    if (status == SESSION_OK) {
        session_table_add(sessions, session);
        metric_add(sessions->created, 1);
        fill_info(session, info);
    }
    pthread_mutex_unlock(&sessions->lock);
    session_release(ended);
    if (status != SESSION_OK)
        session_release(session);
    return status;
}

enum session_status sessions_begin(struct sessions *sessions, const struct served_version *version,
                                   const char *id, const float *state, uint64_t steps,
                                   struct session_info *info)
{
    char made_id[SESSION_ID_BYTES];
    if (id == NULL && !make_id(made_id))
        return SESSION_NO_MEMORY;
    struct session *session = session_create(sessions, version, id != NULL ? id : made_id);
    if (session == NULL)
        return SESSION_NO_MEMORY;
    session->steps = steps;
    if (state != NULL)
        memcpy(session->state, state,
               lstm_model_info(batch_queue_model(version->queue))->state_size * sizeof *state);
    return add(sessions, session, info);
}

enum session_status sessions_restore(struct sessions *sessions,
                                     const struct served_version *version,
                                     const struct session_info *info, const float *state)
{
    struct session_info restored;
    struct session *session = session_create(sessions, version, info->id);
    if (session == NULL)
        return SESSION_NO_MEMORY;
    session->begun_us -= info->age_us;
    session->steps = info->steps;
    memcpy(session->state, state,
           lstm_model_info(batch_queue_model(version->queue))->state_size * sizeof *state);
    return add(sessions, session, &restored);
}

enum session_status sessions_find(struct sessions *sessions, const char *model, const char *id,
                                  struct session **session)
{
    enum session_status status = SESSION_OK;
    pthread_mutex_lock(&sessions->lock);
    *session = session_table_find(sessions, model, id);
    if (*session != NULL)
        session_retain(*session);
    else
        status = session_table_recall(sessions, model, id);
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
        session_table_remove(sessions, session);
    pthread_mutex_unlock(&sessions->lock);
    if (had_ended)
        return SESSION_UNKNOWN;
    session_release(session);
    return SESSION_OK;
}

/* What is asked of a list, and what there is of it. */
struct page {
    const char *model; /* NULL: all */
    uint64_t after;    /* sessions up to this number are passed over */
    size_t most, n;
    struct session **list; /* [most] */
};

/* Looks at some sessions behind `last`, which it releases, and takes those that are wanted. Returns
 * the last one that it looked at, held; NULL: there are no more. */
static struct session *look(struct sessions *sessions, struct session *last, struct page *page)
{
    struct session *seen = NULL;
    pthread_mutex_lock(&sessions->lock);
    const bool is_linked = last != NULL && !last->has_ended;
    struct session *each = is_linked ? last->by_age.after : sessions->by_age.after;
    for (size_t i = 0; i < LOOK && each != NULL && page->n < page->most; i++) {
        if (each->number > page->after &&
            (page->model == NULL || strcmp(each->version->model, page->model) == 0)) {
            page->list[page->n++] = session_retain(each);
            page->after = each->number;
        }
        seen = each;
        each = each->by_age.after;
    }
    if (seen != NULL)
        session_retain(seen);
    pthread_mutex_unlock(&sessions->lock);
    session_release(last);
    return seen;
}

size_t sessions_list(struct sessions *sessions, const char *model, uint64_t after, size_t most,
                     struct session **list)
{
    struct page page = {.model = model, .after = after, .most = most, .list = list};
    struct session *last = NULL;
    do
        last = look(sessions, last, &page);
    while (last != NULL);
    return page.n;
}

size_t sessions_walk(struct sessions *sessions, struct session *last, size_t most,
                     struct session **list)
{
    struct page page = {.after = last != NULL ? last->number : 0, .most = most, .list = list};
    last = last != NULL ? session_retain(last) : NULL;
    do
        last = look(sessions, last, &page);
    while (last != NULL);
    return page.n;
}

/* The session idle longest if it is to end now, taken out; NULL if none is. */
static struct session *take_expired(struct sessions *sessions)
{
    pthread_mutex_lock(&sessions->lock);
    struct session *oldest = find_oldest_idle(sessions);
    struct session *expired = oldest != NULL && is_expired(sessions, oldest) ? oldest : NULL;
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
