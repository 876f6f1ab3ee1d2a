/* reaper.c: a list of connections, and a thread that walks it. SPDX-License-Identifier: Apache-2.0
 */
#include "server/reaper.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/status.h"
#include "server/clock.h"
#include "server/metrics.h"

/* No clock shows it. */
static const int64_t WATCH_CUT = INT64_MIN;

struct reaper {
    pthread_t thread;
    pthread_mutex_t lock; /* what follows, and that the sockets of the list stay open */
    pthread_cond_t changed;
    struct watch *first; /* NULL: the thread sleeps */
    bool is_stopping;
    int64_t interval_us;
    struct metric_series *n_cut;
};

static const char late_answer[] =
    "HTTP/1.1 408 Request Timeout\r\n"
    "Content-Type: application/json\r\n"
    "Connection: close\r\n"
    "Content-Length: 73\r\n"
    "\r\n"
    "{\"error\":\"the request took too long to arrive; the connection is closed\"}";

/* Nobody waits for the 408 to be taken: if the socket is full, it is lost. */
static void cut(struct reaper *reaper, struct watch *watch)
{
    if (atomic_load(&watch->may_answer))
        (void)send(watch->fd, late_answer, sizeof late_answer - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    shutdown(watch->fd, SHUT_RDWR);
    metric_add(reaper->n_cut, 1);
}

static void cut_late(struct reaper *reaper)
{
    const int64_t now_us = monotonic_us();
    for (struct watch *watch = reaper->first; watch != NULL; watch = watch->next) {
        int64_t until_us = atomic_load(&watch->until_us);
        if (until_us > 0 && until_us < now_us &&
            atomic_compare_exchange_strong(&watch->until_us, &until_us, WATCH_CUT))
            cut(reaper, watch);
    }
}

static void *run(void *context)
{
    struct reaper *reaper = context;
    pthread_mutex_lock(&reaper->lock);
    while (!reaper->is_stopping) {
        cut_late(reaper);
        clock_wait(&reaper->changed, &reaper->lock,
                   reaper->first == NULL ? CLOCK_NEVER : monotonic_us() + reaper->interval_us);
    }
    pthread_mutex_unlock(&reaper->lock);
    return NULL;
}

enum lstm_status reaper_create(unsigned interval_ms, struct reaper **out, struct lstm_error *error)
{
    *out = NULL;
    struct reaper *reaper = calloc(1, sizeof *reaper);
    if (reaper == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "no memory for the list of connections");
    reaper->interval_us = interval_ms * INT64_C(1000);
    reaper->n_cut = metric_series(METRIC_SLOW_CLIENTS, NULL, NULL, NULL);
    pthread_mutex_init(&reaper->lock, NULL);
    clock_condition_init(&reaper->changed);
    int failure = pthread_create(&reaper->thread, NULL, run, reaper);
    if (failure != 0) {
        pthread_cond_destroy(&reaper->changed);
        pthread_mutex_destroy(&reaper->lock);
        free(reaper);
        return lstm_fail(error, LSTM_IO, "cannot start the thread that watches connections: %s",
                         strerror(failure));
    }
    *out = reaper;
    return LSTM_OK;
}

void reaper_add(struct reaper *reaper, struct watch *watch, int fd)
{
    atomic_init(&watch->until_us, 0);
    atomic_init(&watch->may_answer, false);
    watch->fd = fd;
    watch->previous = NULL;
    pthread_mutex_lock(&reaper->lock);
    watch->next = reaper->first;
    if (watch->next != NULL)
        watch->next->previous = watch;
    else
        pthread_cond_signal(&reaper->changed);
    reaper->first = watch;
    pthread_mutex_unlock(&reaper->lock);
}

void reaper_remove(struct reaper *reaper, struct watch *watch)
{
    pthread_mutex_lock(&reaper->lock);
    if (watch->next != NULL)
        watch->next->previous = watch->previous;
    if (watch->previous != NULL)
        watch->previous->next = watch->next;
    else
        reaper->first = watch->next;
    pthread_mutex_unlock(&reaper->lock);
}

bool watch_until(struct watch *watch, int64_t until_us, bool may_answer)
{
    int64_t before = atomic_load_explicit(&watch->until_us, memory_order_relaxed);
    /* Before the deadline: whoever cuts for the new one must not see the old permission. */
    atomic_store_explicit(&watch->may_answer, may_answer, memory_order_relaxed);
    return before != WATCH_CUT &&
           atomic_compare_exchange_strong(&watch->until_us, &before, until_us);
}

void reaper_end_input(struct reaper *reaper)
{
    pthread_mutex_lock(&reaper->lock);
    for (struct watch *watch = reaper->first; watch != NULL; watch = watch->next)
        shutdown(watch->fd, SHUT_RD);
    pthread_mutex_unlock(&reaper->lock);
}

void reaper_destroy(struct reaper *reaper)
{
    if (reaper == NULL)
        return;
    pthread_mutex_lock(&reaper->lock);
    reaper->is_stopping = true;
    pthread_cond_signal(&reaper->changed);
    pthread_mutex_unlock(&reaper->lock);
    pthread_join(reaper->thread, NULL);
    pthread_cond_destroy(&reaper->changed);
    pthread_mutex_destroy(&reaper->lock);
    free(reaper);
}
