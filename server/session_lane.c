/* session_lane.c: queues of tasks, the threads that run them, and a store that goes away.
 * SPDX-License-Identifier: Apache-2.0 */
#include "server/session_lane.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/status.h"
#include "server/clock.h"
#include "server/hash.h"
#include "server/log.h"
#include "server/metrics.h"

/* How long a store that is away is left alone: at first, and at most. */
enum { FIRST_REST_US = 50000, LONGEST_REST_US = 1000000, TELL_FULL_US = 60000000 };

struct session_lane {
    struct session_lanes *lanes;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t work; /* signalled: a task came, or the lane stops */

    /* Guarded by lock. */
    struct session_task *first, *last;
    size_t n_queued;
    bool is_stopping;

    /* The thread's own. */
    struct redis *redis;
    struct shared_session *active;
    int64_t rests_until_us, rest_us; /* 0: the store answered last time */
};

struct session_lanes {
    struct session_lanes_options options;
    struct session_lane *all;
    unsigned n_started;
    atomic_uint next;
    atomic_bool is_away; /* as the log has it */
    atomic_int_fast64_t told_full_us;
    struct metric_series *up, *seconds;
};

static _Thread_local struct session_lane *current_lane;

struct session_lane *session_lane_current(void)
{
    return current_lane;
}

struct shared_session **session_lane_active(struct session_lane *lane)
{
    return &lane->active;
}

/* ---- Tasks ---------------------------------------------------------------------------------- */

/* The lock is held. */
static void append(struct session_lane *lane, struct session_task *task)
{
    task->next = NULL;
    if (lane->last != NULL)
        lane->last->next = task;
    else
        lane->first = task;
    lane->last = task;
    lane->n_queued++;
    pthread_cond_signal(&lane->work);
}

enum session_status session_lanes_defer(struct session_lanes *lanes, const char *model,
                                        const char *id, struct session_task *task)
{
    const uint64_t number = id[0] != '\0' ? hash_text(hash_text(HASH_START, model), id)
                                          : atomic_fetch_add(&lanes->next, 1);
    struct session_lane *lane = &lanes->all[number % lanes->options.n];
    enum session_status status = SESSION_OK;
    pthread_mutex_lock(&lane->lock);
    if (lane->is_stopping)
        status = SESSION_AWAY;
    else if (lane->n_queued >= lanes->options.max_queued)
        status = SESSION_CROWDED;
    else
        append(lane, task);
    pthread_mutex_unlock(&lane->lock);
    return status;
}

void session_lane_resume(struct session_lane *lane, struct session_task *task)
{
    pthread_mutex_lock(&lane->lock);
    append(lane, task);
    pthread_mutex_unlock(&lane->lock);
}

/* Waits for a task; NULL: the lane stops, and nothing is left. */
static struct session_task *take(struct session_lane *lane)
{
    pthread_mutex_lock(&lane->lock);
    while (lane->first == NULL && !lane->is_stopping)
        pthread_cond_wait(&lane->work, &lane->lock);
    struct session_task *task = lane->first;
    if (task != NULL) {
        lane->first = task->next;
        lane->last = task->next != NULL ? lane->last : NULL;
        lane->n_queued--;
    }
    pthread_mutex_unlock(&lane->lock);
    return task;
}

static void *run(void *argument)
{
    struct session_lane *lane = argument;
    current_lane = lane;
    for (struct session_task *task; (task = take(lane)) != NULL;)
        task->run(task);
    return NULL;
}

/* ---- The store ------------------------------------------------------------------------------ */

/* Says once, for all lanes, that the store went, and that it is back. */
static void tell(struct session_lanes *lanes, bool is_away, const char *why)
{
    if (atomic_exchange(&lanes->is_away, is_away) == is_away)
        return;
    metric_set(lanes->up, is_away ? 0 : 1);
    if (is_away)
        log_warn("session_store_away", L_STR("error", why));
    else
        log_info("session_store_back", L_STR("host", lanes->options.address.host));
}

/* Once a minute: between writes that find no room, what is read finds the store as it should be. */
static void tell_full(struct session_lanes *lanes, const char *why)
{
    const int64_t now = monotonic_us();
    int_fast64_t last = atomic_load(&lanes->told_full_us);
    if ((last == 0 || now - last >= TELL_FULL_US) &&
        atomic_compare_exchange_strong(&lanes->told_full_us, &last, now))
        log_warn("session_store_full", L_STR("error", why));
}

/* The store does not answer: it is left alone for a while, so that what waits is refused at once.
 */
static void rest(struct session_lane *lane)
{
    lane->rest_us = lane->rest_us == 0 ? FIRST_REST_US : lane->rest_us * 2;
    lane->rest_us = lane->rest_us < LONGEST_REST_US ? lane->rest_us : LONGEST_REST_US;
    lane->rests_until_us = monotonic_us() + lane->rest_us;
}

enum session_status session_lane_ask(struct session_lane *lane, const char *key,
                                     struct redis_argument *arguments, size_t n, size_t resent,
                                     struct redis_reply **reply)
{
    struct lstm_error error = {.text = ""};
    const int64_t begin = monotonic_us();
    *reply = NULL;
    if (begin < lane->rests_until_us)
        return SESSION_AWAY;
    arguments[resent] = (struct redis_argument){"0", 1};
    enum redis_outcome outcome = redis_run(lane->redis, key, arguments, n, reply, &error);
    const bool was_lost = outcome == REDIS_LOST;
    if (was_lost) {
        arguments[resent] = (struct redis_argument){"1", 1};
        outcome = redis_run(lane->redis, key, arguments, n, reply, &error);
    }
    metric_observe(lane->lanes->seconds, seconds_since(begin));
    tell(lane->lanes, outcome != REDIS_ANSWERED && outcome != REDIS_FULL, error.text);
    if (outcome == REDIS_FULL)
        tell_full(lane->lanes, error.text);
    if (outcome == REDIS_AWAY || outcome == REDIS_LOST)
        rest(lane);
    else
        lane->rests_until_us = lane->rest_us = 0;
    if (outcome == REDIS_ANSWERED)
        return SESSION_OK;
    if (was_lost)
        return SESSION_UNSURE;
    return outcome == REDIS_FULL ? SESSION_NO_ROOM : SESSION_AWAY;
}

/* ---- Life ----------------------------------------------------------------------------------- */

static enum lstm_status start(struct session_lanes *lanes, struct lstm_error *error)
{
    const struct session_lanes_options *options = &lanes->options;
    struct session_lane *lane = &lanes->all[lanes->n_started];
    lane->lanes = lanes;
    lane->redis = redis_create(&options->address, options->timeout_ms, options->script);
    if (lane->redis == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for a connection to Redis");
    pthread_mutex_init(&lane->lock, NULL);
    pthread_cond_init(&lane->work, NULL);
    const int failed = pthread_create(&lane->thread, NULL, run, lane);
    if (failed != 0) {
        pthread_cond_destroy(&lane->work);
        pthread_mutex_destroy(&lane->lock);
        redis_destroy(lane->redis);
        return lstm_fail(error, LSTM_IO, "cannot start session lane %u: %s", lanes->n_started,
                         strerror(failed));
    }
    lanes->n_started++;
    return LSTM_OK;
}

enum lstm_status session_lanes_create(const struct session_lanes_options *options,
                                      struct session_lanes **lanes, struct lstm_error *error)
{
    *lanes = NULL;
    struct session_lanes *made = calloc(1, sizeof *made);
    struct session_lane *all = calloc(options->n, sizeof *all);
    if (made == NULL || all == NULL) {
        free(made);
        free(all);
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for %u session lanes", options->n);
    }
    made->options = *options;
    made->all = all;
    made->up = metric_series(METRIC_STORE_UP, NULL, NULL, NULL);
    made->seconds = metric_series(METRIC_STORE_SECONDS, NULL, NULL, NULL);
    metric_set(made->up, 1);
    atomic_init(&made->next, 0);
    atomic_init(&made->is_away, false);
    atomic_init(&made->told_full_us, 0);
    enum lstm_status status = LSTM_OK;
    while (status == LSTM_OK && made->n_started < options->n)
        status = start(made, error);
    if (status == LSTM_OK)
        *lanes = made;
    else
        session_lanes_destroy(made);
    return status;
}

/* Waits for all threads before it takes anything away: a batch that a lane began may still come
 * back to it. */
void session_lanes_stop(struct session_lanes *lanes)
{
    for (unsigned i = 0; i < lanes->n_started; i++) {
        struct session_lane *lane = &lanes->all[i];
        pthread_mutex_lock(&lane->lock);
        const bool was_stopping = lane->is_stopping;
        lane->is_stopping = true;
        pthread_cond_signal(&lane->work);
        pthread_mutex_unlock(&lane->lock);
        if (!was_stopping)
            pthread_join(lane->thread, NULL);
    }
}

void session_lanes_destroy(struct session_lanes *lanes)
{
    if (lanes == NULL)
        return;
    session_lanes_stop(lanes);
    for (unsigned i = 0; i < lanes->n_started; i++) {
        struct session_lane *lane = &lanes->all[i];
        redis_destroy(lane->redis);
        pthread_cond_destroy(&lane->work);
        pthread_mutex_destroy(&lane->lock);
    }
    free(lanes->all);
    free(lanes);
}
