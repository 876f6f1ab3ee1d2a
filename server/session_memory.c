/* session_memory.c: sessions in memory begun, found, listed and ended.
 * SPDX-License-Identifier: Apache-2.0 */
#include "server/session_memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/status.h"
#include "server/clock.h"
#include "server/session_memory_internal.h"

/* LOOK: sessions that a list passes while it holds the lock. */
enum { LOOK = 1024 };

static struct session *retain(struct session *base)
{
    struct memory_session *session = (struct memory_session *)base;
    atomic_fetch_add_explicit(&session->references, 1, memory_order_relaxed);
    return base;
}

static void release(struct session *base)
{
    struct memory_session *session = (struct memory_session *)base;
    if (session == NULL ||
        atomic_fetch_sub_explicit(&session->references, 1, memory_order_acq_rel) != 1)
        return;
    registry_release(session->version);
    free(session);
}

static void destroy(struct sessions *base)
{
    struct memory_sessions *sessions = (struct memory_sessions *)base;
    for (struct memory_session *each = sessions->by_age.after, *next; each != NULL; each = next) {
        next = each->by_age.after;
        release(&each->base);
    }
    pthread_mutex_destroy(&sessions->lock);
    session_memory_release(sessions);
    free(sessions);
}

/* One block: the session, its id, and aligned behind it its state. */
static struct memory_session *session_create(struct memory_sessions *sessions,
                                             const struct served_version *version, const char *id)
{
    const size_t state_size = session_state_size(version);
    const size_t id_bytes = strlen(id) + 1;
    const size_t at =
        (offsetof(struct memory_session, id) + id_bytes + 3) / sizeof(float) * sizeof(float);
    char *block = calloc(1, at + state_size * sizeof(float));
    if (block == NULL)
        return NULL;
    struct memory_session *session = (struct memory_session *)(void *)block;
    session->base.store = sessions->base.store;
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
static struct memory_session *find_oldest_idle(const struct memory_sessions *sessions)
{
    struct memory_session *oldest = sessions->by_use.after;
    while (oldest != NULL && oldest->is_busy)
        oldest = oldest->by_use.after;
    return oldest;
}

static bool is_expired(const struct memory_sessions *sessions, const struct memory_session *session)
{
    return sessions->options.ttl_us > 0 &&
           monotonic_us() - session->used_us > sessions->options.ttl_us;
}

/* Ends a session by itself, remembering that. The lock is held; the reference is the caller's. */
static void end_by_itself(struct memory_sessions *sessions, struct memory_session *session,
                          enum session_status how)
{
    session_memory_remember(sessions, session, how);
    metric_add(how == SESSION_EXPIRED ? sessions->expired : sessions->evicted, 1);
    session_memory_remove(sessions, session);
}

/* Makes room for one more. *ended gets what had to go, for the caller to release once the lock is
 * free. The lock is held. */
static enum session_status make_room(struct memory_sessions *sessions,
                                     struct memory_session **ended)
{
    *ended = NULL;
    if (sessions->n < sessions->options.max_sessions)
        return SESSION_OK;
    struct memory_session *oldest = find_oldest_idle(sessions);
    if (oldest == NULL || !(is_expired(sessions, oldest) || sessions->options.evicts_oldest))
        return SESSION_FULL;
    end_by_itself(sessions, oldest,
                  is_expired(sessions, oldest) ? SESSION_EXPIRED : SESSION_EVICTED);
    *ended = oldest;
    return SESSION_OK;
}

static void fill_info(const struct memory_session *session, struct session_info *info)
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
static enum session_status add(struct memory_sessions *sessions, struct memory_session *session,
                               struct session_info *info)
{
    struct memory_session *ended = NULL;
    pthread_mutex_lock(&sessions->lock);
    enum session_status status = SESSION_EXISTS;
    if (session_memory_find(sessions, session->version->model, session->id) == NULL)
        status = make_room(sessions, &ended);
    if (status == SESSION_OK) {
        session_memory_add(sessions, session);
        metric_add(sessions->created, 1);
        fill_info(session, info);
    }
    pthread_mutex_unlock(&sessions->lock);
    if (ended != NULL)
        release(&ended->base);
    if (status != SESSION_OK)
        release(&session->base);
    return status;
}

static enum session_status begin(struct sessions *base, const struct served_version *version,
                                 const char *id, const float *state, uint64_t steps,
                                 struct session_info *info)
{
    struct memory_sessions *sessions = (struct memory_sessions *)base;
    char made_id[SESSION_ID_BYTES];
    if (id == NULL && !session_make_id(made_id))
        return SESSION_NO_MEMORY;
    struct memory_session *session = session_create(sessions, version, id != NULL ? id : made_id);
    if (session == NULL)
        return SESSION_NO_MEMORY;
    session->steps = steps;
    if (state != NULL)
        memcpy(session->state, state, session_state_size(version) * sizeof *state);
    return add(sessions, session, info);
}

enum session_status session_memory_restore(struct sessions *base,
                                           const struct served_version *version,
                                           const struct session_info *info, const float *state)
{
    struct memory_sessions *sessions = (struct memory_sessions *)base;
    struct session_info restored;
    struct memory_session *session = session_create(sessions, version, info->id);
    if (session == NULL)
        return SESSION_NO_MEMORY;
    session->begun_us -= info->age_us;
    session->steps = info->steps;
    memcpy(session->state, state, session_state_size(version) * sizeof *state);
    return add(sessions, session, &restored);
}

static enum session_status find(struct sessions *base, const char *model, const char *id,
                                struct session **session)
{
    struct memory_sessions *sessions = (struct memory_sessions *)base;
    enum session_status status = SESSION_OK;
    pthread_mutex_lock(&sessions->lock);
    struct memory_session *found = session_memory_find(sessions, model, id);
    *session = found != NULL ? retain(&found->base) : NULL;
    if (found == NULL)
        status = session_memory_recall(sessions, model, id);
    pthread_mutex_unlock(&sessions->lock);
    return status;
}

static void info(struct session *base, struct session_info *filled)
{
    struct memory_session *session = (struct memory_session *)base;
    pthread_mutex_lock(&session->store->lock);
    fill_info(session, filled);
    pthread_mutex_unlock(&session->store->lock);
}

static enum session_status end(struct sessions *base, struct session *ending)
{
    struct memory_sessions *sessions = (struct memory_sessions *)base;
    struct memory_session *session = (struct memory_session *)ending;
    pthread_mutex_lock(&sessions->lock);
    const bool had_ended = session->has_ended;
    if (!had_ended)
        session_memory_remove(sessions, session);
    pthread_mutex_unlock(&sessions->lock);
    if (had_ended)
        return SESSION_UNKNOWN;
    release(ending);
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
static struct memory_session *look(struct memory_sessions *sessions, struct memory_session *last,
                                   struct page *page)
{
    struct memory_session *seen = NULL;
    pthread_mutex_lock(&sessions->lock);
    const bool is_linked = last != NULL && !last->has_ended;
    struct memory_session *each = is_linked ? last->by_age.after : sessions->by_age.after;
    for (size_t i = 0; i < LOOK && each != NULL && page->n < page->most; i++) {
        if (each->number > page->after &&
            (page->model == NULL || strcmp(each->version->model, page->model) == 0)) {
            page->list[page->n++] = retain(&each->base);
            page->after = each->number;
        }
        seen = each;
        each = each->by_age.after;
    }
    if (seen != NULL)
        retain(&seen->base);
    pthread_mutex_unlock(&sessions->lock);
    if (last != NULL)
        release(&last->base);
    return seen;
}

static enum session_status list(struct sessions *sessions, const char *model, uint64_t after,
                                size_t most, struct session **listed, size_t *n)
{
    struct page page = {.model = model, .after = after, .most = most, .list = listed};
    struct memory_session *last = NULL;
    do
        last = look((struct memory_sessions *)sessions, last, &page);
    while (last != NULL);
    *n = page.n;
    return SESSION_OK;
}

size_t session_memory_walk(struct sessions *sessions, struct session *last, size_t most,
                           struct session **list)
{
    struct memory_session *at = (struct memory_session *)last;
    struct page page = {.after = at != NULL ? at->number : 0, .most = most, .list = list};
    if (at != NULL)
        retain(last);
    do
        at = look((struct memory_sessions *)sessions, at, &page);
    while (at != NULL);
    return page.n;
}

/* The session idle longest if it is to end now, taken out; NULL if none is. */
static struct memory_session *take_expired(struct memory_sessions *sessions)
{
    pthread_mutex_lock(&sessions->lock);
    struct memory_session *oldest = find_oldest_idle(sessions);
    struct memory_session *expired = oldest != NULL && is_expired(sessions, oldest) ? oldest : NULL;
    if (expired != NULL)
        end_by_itself(sessions, expired, SESSION_EXPIRED);
    pthread_mutex_unlock(&sessions->lock);
    return expired;
}

static void sweep(struct sessions *base)
{
    struct memory_sessions *sessions = (struct memory_sessions *)base;
    if (sessions->options.ttl_us == 0)
        return;
    for (struct memory_session *expired; (expired = take_expired(sessions)) != NULL;)
        release(&expired->base);
}

size_t session_memory_count(struct sessions *base)
{
    struct memory_sessions *sessions = (struct memory_sessions *)base;
    pthread_mutex_lock(&sessions->lock);
    const size_t n = sessions->n;
    pthread_mutex_unlock(&sessions->lock);
    return n;
}

static const struct session_store store = {.destroy = destroy,
                                           .begin = begin,
                                           .find = find,
                                           .retain = retain,
                                           .release = release,
                                           .version = session_memory_version,
                                           .info = info,
                                           .copy_state = session_memory_copy_state,
                                           .write_state = session_memory_write_state,
                                           .move = session_memory_move,
                                           .run = session_memory_piece,
                                           .end = end,
                                           .list = list,
                                           .sweep = sweep};

enum lstm_status session_memory_create(const struct sessions_options *options,
                                       struct sessions **sessions, struct lstm_error *error)
{
    *sessions = NULL;
    struct memory_sessions *made = calloc(1, sizeof *made);
    if (made == NULL || !session_memory_init(made)) {
        free(made);
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for the sessions");
    }
    made->base.store = &store;
    made->options = *options;
    made->live = metric_series(METRIC_SESSIONS_LIVE, NULL, NULL, NULL);
    made->created = metric_series(METRIC_SESSIONS_CREATED, NULL, NULL, NULL);
    made->expired = metric_series(METRIC_SESSIONS_EXPIRED, NULL, NULL, NULL);
    made->evicted = metric_series(METRIC_SESSIONS_EVICTED, NULL, NULL, NULL);
    pthread_mutex_init(&made->lock, NULL);
    *sessions = &made->base;
    return LSTM_OK;
}
