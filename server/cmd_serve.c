/* cmd_serve.c: `lstmd serve`: starts the parts in order, waits for a signal, drains, and stops them
 * in the reverse order. SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/status.h"
#include "server/app.h"
#include "server/clock.h"
#include "server/commands.h"
#include "server/front.h"
#include "server/heap.h"
#include "server/log.h"
#include "server/notify.h"
#include "server/process_metrics.h"
#include "server/reload.h"
#include "server/serve_config.h"
#include "server/session_file.h"
#include "server/session_memory.h"
#include "server/session_shared.h"
#include "server/signals.h"
#include "server/thread_policy.h"

/* How often a draining server looks whether it is done, and idle sessions are ended. */
enum { DRAIN_POLL_MS = 2, SWEEP_MS = 1000 };

struct server {
    const struct serve_config *config;
    struct app app;
    struct front front;
    struct http *http;
    struct reload reload;
    int64_t saved_us; /* the sessions, last */
};

static enum lstm_status start_batcher(struct server *server, struct lstm_error *error)
{
    const struct serve_config *config = server->config;
    const struct batcher_options options = {
        .n_workers = config->workers > 0 ? (unsigned)config->workers : thread_policy_n_cores(),
        .max_batch = (size_t)config->max_batch,
        .max_queued = (size_t)config->max_queue,
        .delay_us = config->batch_delay_us,
        .parallel_iterations = (size_t)config->parallel_iterations};
    return batcher_create(&options, &server->app.batcher, error);
}

static enum lstm_status share_sessions(struct server *server,
                                       const struct sessions_options *options,
                                       struct lstm_error *error)
{
    const struct serve_config *config = server->config;
    struct session_shared_options shared = {.timeout_ms = config->session_store_timeout_ms,
                                            .n_connections =
                                                (unsigned)config->session_store_connections,
                                            .max_queued = (size_t)config->max_queue};
    if (config->session_file != NULL)
        return lstm_fail(error, LSTM_INVALID,
                         "--session-file keeps sessions in memory over a restart; those of "
                         "--session-store redis:// outlive the server in Redis, which has files of "
                         "its own: leave it out");
    const enum lstm_status status =
        redis_address_read(config->session_store, &shared.address, error);
    return status == LSTM_OK ? session_shared_create(options, &shared, server->app.registry,
                                                     &server->app.sessions, error)
                             : lstm_fail_in(error, status, "--session-store");
}

static enum lstm_status start_sessions(struct server *server, struct lstm_error *error)
{
    const struct serve_config *config = server->config;
    const struct sessions_options options = {.max_sessions = (size_t)config->max_sessions,
                                             .ttl_us = config->session_ttl_s * 1000000,
                                             .evicts_oldest = config->session_full == 1};
    if (strcmp(config->session_store, "memory") == 0)
        return session_memory_create(&options, &server->app.sessions, error);
    return share_sessions(server, &options, error);
}

static enum lstm_status start_training(struct server *server, struct lstm_error *error)
{
    const struct serve_config *config = server->config;
    const struct training_options options = {.state_dir = config->state_dir,
                                             .models = config->models,
                                             .sync = (enum train_sync)config->train_sync,
                                             .max_queued = (size_t)config->max_queue,
                                             .max_bytes = (size_t)config->max_training_bytes,
                                             .parallel_iterations =
                                                 (size_t)config->parallel_iterations,
                                             .batcher = server->app.batcher};
    if (config->training == 0 && config->state_dir != NULL)
        return lstm_fail(error, LSTM_INVALID,
                         "--state-dir keeps what models learn, but --training is off");
    if (config->training == 0)
        return LSTM_OK;
    const enum lstm_status status = training_create(
        &options, server->app.registry, server->app.watcher, &server->app.training, error);
    return status == LSTM_OK ? training_start(server->app.training, error) : status;
}

static unsigned n_io_threads(const struct serve_config *config)
{
    return config->io_threads > 0 ? (unsigned)config->io_threads : thread_policy_n_cores();
}

static enum lstm_status restore_sessions(struct server *server, struct lstm_error *error)
{
    const char *path = server->config->session_file;
    server->saved_us = monotonic_us();
    return path == NULL
               ? LSTM_OK
               : session_file_restore(path, server->app.sessions, server->app.registry, error);
}

/* False: that failed, and the log tells why. */
static bool save_sessions(struct server *server)
{
    struct lstm_error error;
    if (server->config->session_file == NULL)
        return true;
    const enum lstm_status status =
        session_file_write(server->config->session_file, server->app.sessions, &error);
    if (status != LSTM_OK)
        log_error("sessions_not_saved", L_STR("error", error.text));
    server->saved_us = monotonic_us();
    return status == LSTM_OK;
}

static bool is_save_due(const struct server *server)
{
    const int64_t seconds = server->config->session_file_seconds;
    return seconds > 0 && monotonic_us() - server->saved_us >= seconds * 1000000;
}

/* The models of --model. */
static enum lstm_status add_sources(struct server *server, struct lstm_error *error)
{
    const struct option_list *sources = &server->config->sources;
    for (size_t i = 0; i < sources->n; i++) {
        char name[160];
        const char *const text = sources->texts[i], *const sign = strchr(text, '=');
        if (sign == NULL || sign[1] == '\0')
            return lstm_fail(error, LSTM_INVALID, "--model: expected NAME=PATH, found \"%.60s\"",
                             text);
        snprintf(name, sizeof name, "%.*s", (int)(sign - text), text);
        const enum lstm_status status =
            registry_add_source(server->app.registry, name, sign + 1, error);
        if (status != LSTM_OK)
            return lstm_fail_in(error, status, "--model");
    }
    return LSTM_OK;
}

static enum lstm_status load_models(struct server *server, struct lstm_error *error)
{
    const char *const folder = server->config->models;
    enum lstm_status status = registry_scan(server->app.registry, error);
    if (status == LSTM_OK && registry_n_available(server->app.registry) == 0)
        status = lstm_fail(error, LSTM_NOT_FOUND,
                           "no model in %s can be served, and none of --model; expected "
                           "%s/<name>/<version>/model.json, or a file that `lstmd inspect` "
                           "recognises (the log tells what failed)",
                           folder, folder);
    if (status == LSTM_OK)
        status = restore_sessions(server, error);
    if (status == LSTM_OK)
        status = model_watcher_start(server->app.watcher, error);
    /* A :publish may wait for its scan, and training is stopped before the watcher. */
    if (status != LSTM_OK)
        model_watcher_stop(server->app.watcher);
    atomic_store(&server->app.is_loaded, status == LSTM_OK);
    return status;
}

/* The server listens before its models are loaded: it is alive, if not ready yet. */
static enum lstm_status start(struct server *server, struct lstm_error *error)
{
    process_metrics_start();
    enum lstm_status status = signals_init(error);
    if (status == LSTM_OK)
        status = front_open(server->config, &server->front, error);
    if (status == LSTM_OK)
        status = start_batcher(server, error);
    if (status == LSTM_OK)
        status = registry_create(server->config->models, server->app.batcher, &server->app.registry,
                                 error);
    if (status == LSTM_OK)
        status = add_sources(server, error);
    if (status == LSTM_OK)
        status = model_watcher_create(server->app.registry, server->config->model_poll_seconds,
                                      &server->app.watcher, error);
    if (status == LSTM_OK)
        status = start_sessions(server, error);
    if (status == LSTM_OK)
        status = start_training(server, error);
    if (status == LSTM_OK)
        status = front_serve(&server->front, n_io_threads(server->config), &server->app,
                             &server->http, error);
    return status == LSTM_OK ? load_models(server, error) : status;
}

/* Until SIGTERM or SIGINT. */
static void serve(struct server *server)
{
    int number;
    reload_init(&server->reload, &server->front, server->app.watcher);
    while ((number = signals_wait(SWEEP_MS)) == SIGHUP || number == 0) {
        if (number == SIGHUP)
            reload_run(&server->reload);
        sessions_sweep(server->app.sessions);
        if (is_save_due(server))
            save_sessions(server);
    }
    log_info("stopping", L_STR("signal", number == SIGTERM ? "TERM" : "INT"));
}

static void wait_until_drained(const struct server *server, int64_t until_us)
{
    while (!http_is_drained(server->http) && monotonic_us() < until_us)
        signals_wait(DRAIN_POLL_MS);
}

/* Requests in flight finish; no new connections are taken. Those that are open are closed before
 * what answers their requests is stopped. False: --drain-seconds were too few. */
static bool drain(struct server *server)
{
    const int64_t until_us = monotonic_us() + server->config->drain_seconds * 1000000;
    atomic_store(&server->app.is_draining, true);
    notify_try(NOTICE_STOPPING);
    http_quiesce(server->http);
    wait_until_drained(server, until_us);
    if (http_in_flight(server->http) == 0)
        http_hang_up(server->http);
    wait_until_drained(server, until_us);
    const unsigned n = http_in_flight(server->http);
    if (n == 0)
        log_info("drained", L_INT("in_flight", n));
    else
        log_warn("drain_cut", L_INT("in_flight", n));
    return n == 0;
}

/* False: what was learned could not be saved, and the log tells why. */
static bool stop_training(struct server *server, bool is_cut)
{
    return server->app.training == NULL || training_stop(server->app.training, is_cut);
}

/* Training, watcher, batcher and sessions finish first, so that no request is suspended when the
 * connections close. As stop_training(). */
static bool stop(struct server *server)
{
    const bool is_saved = stop_training(server, false);
    if (server->app.watcher != NULL)
        model_watcher_stop(server->app.watcher);
    if (server->app.batcher != NULL)
        batcher_stop(server->app.batcher);
    sessions_stop(server->app.sessions);
    http_stop(server->http);
    front_close(&server->front);
    return is_saved;
}

static void release(struct server *server)
{
    sessions_destroy(server->app.sessions);
    model_watcher_destroy(server->app.watcher);
    training_destroy(server->app.training);
    registry_destroy(server->app.registry);
    batcher_destroy(server->app.batcher);
}

static void announce(const struct server *server)
{
    const size_t n = registry_n_available(server->app.registry);
    char url[320];
    front_url(&server->front, url, sizeof url);
    printf("lstmd: serving %zu model%s on %s\n", n, n == 1 ? "" : "s", url);
    fflush(stdout);
    notify_try(NOTICE_READY);
}

int cmd_serve(const void *config, size_t n_arguments, char *const *arguments)
{
    (void)n_arguments;
    (void)arguments;
    struct server server = {.config = config, .front = {.fd = -1}};
    struct lstm_error error;
    atomic_init(&server.app.is_loaded, false);
    atomic_init(&server.app.is_draining, false);
    server.app.limits =
        (struct predict_limits){.max_instances = (size_t)server.config->max_instances,
                                .max_steps = (size_t)server.config->max_steps};
    server.app.max_work_bytes = (size_t)server.config->max_work_bytes;
    log_init((enum log_level)server.config->log_level, (enum log_format)server.config->log_format);
    heap_configure(n_io_threads(server.config));
    enum lstm_status status = start(&server, &error);
    if (status == LSTM_OK) {
        announce(&server);
        serve(&server);
        /* Batches that still run cannot be stopped, only left behind. */
        if (!drain(&server)) {
            stop_training(&server, true);
            save_sessions(&server);
            _exit(EXIT_FAILURE);
        }
    } else {
        fprintf(stderr, "lstmd: %s\n", error.text);
    }
    bool is_saved = stop(&server);
    /* Now that no request can change them any more. */
    is_saved = (status != LSTM_OK || save_sessions(&server)) && is_saved;
    release(&server);
    return status == LSTM_OK && is_saved ? EXIT_SUCCESS : EXIT_FAILURE;
}
