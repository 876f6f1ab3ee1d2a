/* session_shared.c: shared sessions begun, found, listed and ended.
 * SPDX-License-Identifier: Apache-2.0 */
#include "server/session_shared.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/status.h"
#include "server/log.h"
#include "server/session_question.h"

/* How long a version is kept after its last session's last use here, at least. */
enum { KEEP_US = 60000000 };

/* What was asked changed nothing: that its answer is lost does not matter. */
static enum session_status of_reading(enum session_status status)
{
    return status == SESSION_UNSURE ? SESSION_AWAY : status;
}

/* ---- Sessions as they were read -------------------------------------------------------------- */

static struct shared_session *create(struct shared_sessions *store, const char *model,
                                     const char *id)
{
    struct shared_session *session = calloc(1, sizeof *session);
    if (session == NULL)
        return NULL;
    session->base.store = store->base.store;
    session->store = store;
    atomic_init(&session->references, 1);
    snprintf(session->model, sizeof session->model, "%s", model);
    snprintf(session->id, sizeof session->id, "%s", id);
    return session;
}

static struct session *retain(struct session *base)
{
    struct shared_session *session = (struct shared_session *)base;
    atomic_fetch_add_explicit(&session->references, 1, memory_order_relaxed);
    return base;
}

static void release(struct session *base)
{
    struct shared_session *session = (struct shared_session *)base;
    if (atomic_fetch_sub_explicit(&session->references, 1, memory_order_acq_rel) != 1)
        return;
    registry_release(session->version);
    session_record_release(&session->record);
    free(session);
}

enum session_status session_shared_take_record(struct shared_session *session,
                                               const struct redis_reply *reply)
{
    const char *field = "";
    session_record_release(&session->record);
    if (!redis_reply_integer(reply, SCRIPT_NOW_MS, &session->now_ms))
        return SESSION_DAMAGED;
    const enum session_status status =
        session_record_read(reply, SCRIPT_RESULT, &session->record, &field);
    if (status == SESSION_DAMAGED)
        log_warn("session_record_damaged", L_STR("model", session->model),
                 L_STR("session", session->id), L_STR("field", field));
    return status;
}

static void info(struct session *base, struct session_info *filled)
{
    const struct shared_session *session = (const struct shared_session *)base;
    const struct session_record *record = &session->record;
    struct session_lane *lane = session_lane_current();
    const int64_t age_ms = session->now_ms - record->begun_ms;
    const int64_t idle_ms = session->now_ms - record->used_ms;
    *filled = (struct session_info){.number = record->number,
                                    .version = record->version,
                                    .steps = record->steps,
                                    .age_us = age_ms > 0 ? age_ms * 1000 : 0,
                                    .idle_us = idle_ms > 0 ? idle_ms * 1000 : 0};
    snprintf(filled->id, sizeof filled->id, "%s", session->id);
    snprintf(filled->model, sizeof filled->model, "%s", session->model);
    filled->is_busy =
        lane != NULL && session_shared_find_active(lane, session->model, session->id) != NULL;
}

enum session_status session_shared_resolve(struct shared_session *session)
{
    uint64_t weights;
    if (session->version != NULL)
        return SESSION_OK;
    const struct served_version *version = session_versions_find(
        session->store->versions, session->model, session->record.version, &weights);
    if (version == NULL)
        return SESSION_ELSEWHERE;
    const bool is_ours = weights == session->record.weights;
    if (is_ours && session->record.n_floats == session_state_size(version)) {
        session->version = version;
        return SESSION_OK;
    }
    registry_release(version);
    log_warn("session_record_refused", L_STR("model", session->model),
             L_STR("session", session->id),
             L_STR("why", is_ours ? "its state has another size than the version's"
                                  : "its version has other weights here"));
    return is_ours ? SESSION_DAMAGED : SESSION_ELSEWHERE;
}

static enum session_status find_version(struct session *session,
                                        const struct served_version **version)
{
    struct shared_session *shared = (struct shared_session *)session;
    const enum session_status status = session_shared_resolve(shared);
    *version = status == SESSION_OK ? registry_retain(shared->version) : NULL;
    return status;
}

/* ---- Begun and found ------------------------------------------------------------------------- */

static enum session_status ask_begin(struct shared_session *session,
                                     const struct session_change *change, size_t n_floats)
{
    const struct sessions_options *options = &session->store->options;
    struct session_question question;
    struct redis_reply *reply;
    session_question_init(&question, session->store, "begin", session->model, session->id);
    session_question_add_number(&question, options->max_sessions);
    session_question_add_text(&question, options->evicts_oldest ? "1" : "0");
    session_question_add_text(&question, change->token);
    session_question_add_text(&question, session_record_format);
    session_question_add_number(&question, change->version->number);
    session_question_add_number(&question, change->weights);
    session_question_add_number(&question, change->steps);
    session_question_add_state(&question, change->state, n_floats);
    enum session_status status = session_question_ask(&question, session->store, &reply);
    if (status == SESSION_OK) {
        metric_add(session->store->created, 1);
        status = session_shared_take_record(session, reply);
    }
    redis_reply_release(reply);
    return status;
}

/* What one server has learned, the others do not have: a session begins on what was published. */
static enum session_status begin(struct sessions *base, const struct served_version *version,
                                 const char *id, const float *state, uint64_t steps,
                                 struct session_info *filled)
{
    struct shared_sessions *store = (struct shared_sessions *)base;
    char made_id[SESSION_ID_BYTES], token[SESSION_TOKEN_BYTES];
    struct session_change change = {.steps = steps, .token = token};
    enum session_status status = SESSION_NO_MEMORY;
    if (!session_record_make_token(token) || (id == NULL && !session_make_id(made_id)))
        return SESSION_NO_MEMORY;
    change.version =
        session_versions_find(store->versions, version->model, version->number, &change.weights);
    if (change.version == NULL)
        return SESSION_ELSEWHERE;
    const size_t n_floats = session_state_size(change.version);
    float *zeros = calloc(n_floats + 1, sizeof *zeros);
    struct shared_session *session = create(store, version->model, id != NULL ? id : made_id);
    if (session != NULL && zeros != NULL) {
        change.state = state != NULL ? state : zeros;
        status = ask_begin(session, &change, n_floats);
    }
    if (status == SESSION_OK)
        info(&session->base, filled);
    if (session != NULL)
        release(&session->base);
    free(zeros);
    registry_release(change.version);
    return status;
}

static enum session_status find(struct sessions *base, const char *model, const char *id,
                                struct session **found)
{
    struct shared_sessions *store = (struct shared_sessions *)base;
    struct session_question question;
    struct redis_reply *reply;
    *found = NULL;
    if (strlen(id) >= SESSION_ID_BYTES || !repository_is_model_name(model))
        return SESSION_UNKNOWN;
    struct shared_session *session = create(store, model, id);
    if (session == NULL)
        return SESSION_NO_MEMORY;
    session_question_init(&question, store, "load", model, id);
    enum session_status status = of_reading(session_question_ask(&question, store, &reply));
    if (status == SESSION_OK)
        status = session_shared_take_record(session, reply);
    redis_reply_release(reply);
    if (status == SESSION_OK)
        *found = &session->base;
    else
        release(&session->base);
    return status;
}

static enum session_status copy_state(struct session *base, float **state,
                                      const struct served_version **version, uint64_t *steps)
{
    struct shared_session *session = (struct shared_session *)base;
    const size_t n = session->record.n_floats;
    *state = NULL;
    *version = NULL;
    const enum session_status status = session_shared_resolve(session);
    if (status != SESSION_OK)
        return status;
    *state = malloc((n + 1) * sizeof **state);
    if (*state == NULL)
        return SESSION_NO_MEMORY;
    memcpy(*state, session->record.state, n * sizeof **state);
    *version = registry_retain(session->version);
    *steps = session->record.steps;
    return SESSION_OK;
}

/* ---- Ended and listed ------------------------------------------------------------------------ */

static enum session_status discard(struct sessions *base, const char *model, const char *id)
{
    struct shared_sessions *store = (struct shared_sessions *)base;
    struct session_question question;
    struct redis_reply *reply;
    session_question_init(&question, store, "end", model, id);
    const enum session_status status = session_question_ask(&question, store, &reply);
    redis_reply_release(reply);
    return status;
}

static enum session_status end(struct sessions *sessions, struct session *base)
{
    const struct shared_session *session = (const struct shared_session *)base;
    return discard(sessions, session->model, session->id);
}

/* Those that are damaged are left out. */
static size_t read_list(struct shared_sessions *store, const char *model,
                        const struct redis_reply *reply, size_t most, struct session **listed)
{
    size_t n = 0;
    const char *id;
    for (size_t k = SCRIPT_RESULT; n < most && k < redis_reply_n(reply);
         k += SESSION_RECORD_LISTED) {
        struct session_record record;
        struct shared_session *session = NULL;
        if (session_record_read_listed(reply, k, &id, &record))
            session = create(store, model, id);
        if (session == NULL)
            continue;
        session->record = record;
        if (!redis_reply_integer(reply, SCRIPT_NOW_MS, &session->now_ms))
            session->now_ms = 0;
        listed[n++] = &session->base;
    }
    return n;
}

static enum session_status list(struct sessions *base, const char *model, uint64_t after,
                                size_t most, struct session **listed, size_t *n)
{
    struct shared_sessions *store = (struct shared_sessions *)base;
    struct session_question question;
    struct redis_reply *reply;
    *n = 0;
    session_question_init(&question, store, "list", model, "");
    session_question_add_number(&question, after);
    session_question_add_number(&question, most);
    const enum session_status status = of_reading(session_question_ask(&question, store, &reply));
    if (status == SESSION_OK)
        *n = read_list(store, model, reply, most, listed);
    redis_reply_release(reply);
    return status == SESSION_OK ? SESSION_OK : SESSION_AWAY;
}

/* ---- Now and then ---------------------------------------------------------------------------- */

/* What this finds does not matter: the metrics follow it. */
static void run_sweep(struct session_task *task)
{
    struct shared_sessions *store =
        (struct shared_sessions *)(void *)((char *)task - offsetof(struct shared_sessions, sweep));
    const int64_t ttl_us = store->options.ttl_us;
    struct session_question question;
    struct redis_reply *reply;
    session_question_init(&question, store, "sweep", "", "");
    const enum session_status status = session_question_ask(&question, store, &reply);
    (void)status;
    redis_reply_release(reply);
    session_versions_trim(store->versions, ttl_us > KEEP_US ? ttl_us : KEEP_US);
    atomic_store(&store->is_sweeping, false);
}

static void sweep(struct sessions *base)
{
    struct shared_sessions *store = (struct shared_sessions *)base;
    if (atomic_exchange(&store->is_sweeping, true))
        return;
    store->sweep.run = run_sweep;
    if (session_lanes_defer(store->lanes, "", "", &store->sweep) != SESSION_OK)
        atomic_store(&store->is_sweeping, false);
}

/* ---- Life ------------------------------------------------------------------------------------ */

static enum session_status defer(struct sessions *base, const char *model, const char *id,
                                 struct session_task *task)
{
    return session_lanes_defer(((struct shared_sessions *)base)->lanes, model, id, task);
}

static void stop(struct sessions *base)
{
    session_lanes_stop(((struct shared_sessions *)base)->lanes);
}

static void destroy(struct sessions *base)
{
    struct shared_sessions *store = (struct shared_sessions *)base;
    session_lanes_destroy(store->lanes);
    session_versions_destroy(store->versions);
    free(store);
}

static const struct session_store table = {.destroy = destroy,
                                           .stop = stop,
                                           .defer = defer,
                                           .begin = begin,
                                           .find = find,
                                           .retain = retain,
                                           .release = release,
                                           .version = find_version,
                                           .info = info,
                                           .copy_state = copy_state,
                                           .write_state = session_shared_write_state,
                                           .move = session_shared_move,
                                           .run = session_shared_run,
                                           .end = end,
                                           .discard = discard,
                                           .list = list,
                                           .sweep = sweep};

enum lstm_status session_shared_create(const struct sessions_options *options,
                                       const struct session_shared_options *shared,
                                       struct registry *registry, struct sessions **sessions,
                                       struct lstm_error *error)
{
    const struct session_lanes_options lanes = {.address = shared->address,
                                                .timeout_ms = shared->timeout_ms,
                                                .script = session_script,
                                                .n = shared->n_connections,
                                                .max_queued = shared->max_queued};
    *sessions = NULL;
    struct shared_sessions *made = calloc(1, sizeof *made);
    if (made == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for the sessions");
    made->base.store = &table;
    made->options = *options;
    made->live = metric_series(METRIC_SESSIONS_LIVE, NULL, NULL, NULL);
    made->created = metric_series(METRIC_SESSIONS_CREATED, NULL, NULL, NULL);
    made->expired = metric_series(METRIC_SESSIONS_EXPIRED, NULL, NULL, NULL);
    made->evicted = metric_series(METRIC_SESSIONS_EVICTED, NULL, NULL, NULL);
    made->conflicts = metric_series(METRIC_STORE_CONFLICTS, NULL, NULL, NULL);
    atomic_init(&made->is_sweeping, false);
    made->versions = session_versions_create(registry);
    enum lstm_status status =
        made->versions != NULL
            ? session_lanes_create(&lanes, &made->lanes, error)
            : lstm_fail(error, LSTM_NO_MEMORY, "out of memory for the sessions' versions");
    if (status == LSTM_OK)
        *sessions = &made->base;
    else
        destroy(&made->base);
    return status;
}
