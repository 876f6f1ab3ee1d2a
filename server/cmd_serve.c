/* cmd_serve.c: `lstmd serve`: starts the parts in order, waits for a signal, drains, and stops them
 * in the reverse order. SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/status.h"
#include "server/app.h"
#include "server/commands.h"
#include "server/http.h"
#include "server/json_text.h"
#include "server/log.h"
#include "server/router.h"
#include "server/serve_config.h"
#include "server/signals.h"

/* How often a draining server looks whether it is done. */
enum { DRAIN_POLL_MS = 10 };

struct server {
    const struct serve_config *config;
    struct app app;
    struct http *http;
};

static unsigned n_cores(void)
{
    const long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (unsigned)n : 1;
}

static enum lstm_status start_models(struct server *server, struct lstm_error *error)
{
    const struct serve_config *config = server->config;
    const struct batcher_options options = {
        .n_workers = config->workers > 0 ? (unsigned)config->workers : n_cores(),
        .max_batch = (size_t)config->max_batch,
        .max_queued = (size_t)config->max_queue,
        .delay_us = config->batch_delay_us,
        .parallel_iterations = (size_t)config->parallel_iterations};
    enum lstm_status status = batcher_create(&options, &server->app.batcher, error);
    if (status == LSTM_OK)
        status = registry_create(config->models, server->app.batcher, &server->app.registry, error);
    return status == LSTM_OK ? registry_scan(server->app.registry, error) : status;
}

static enum lstm_status start_http(struct server *server, struct lstm_error *error)
{
    const struct serve_config *config = server->config;
    const struct http_options options = {
        .routes = routes,
        .host = config->host,
        .port = (uint16_t)config->port,
        .n_threads = config->io_threads > 0 ? (unsigned)config->io_threads : n_cores(),
        .max_connections = (unsigned)config->max_connections,
        .idle_timeout_s = (unsigned)config->idle_timeout_s,
        .max_body_bytes = (size_t)config->max_body_bytes};
    return http_start(&options, &server->app, &server->http, error);
}

static enum lstm_status start(struct server *server, struct lstm_error *error)
{
    enum lstm_status status = signals_init(error);
    if (status == LSTM_OK)
        status = start_models(server, error);
    if (status == LSTM_OK && registry_n_available(server->app.registry) == 0)
        status = lstm_fail(error, LSTM_NOT_FOUND,
                           "no model in %s can be served; expected %s/<name>/<version>/model.json "
                           "(the log tells what failed)",
                           server->config->models, server->config->models);
    return status == LSTM_OK ? start_http(server, error) : status;
}

/* Requests in flight finish; new ones are refused, and connections that stay idle are cut. */
static void drain(struct server *server)
{
    const int64_t until = monotonic_us() + server->config->drain_seconds * 1000000;
    atomic_store(&server->app.is_draining, true);
    http_quiesce(server->http);
    while (http_in_flight(server->http) > 0 && monotonic_us() < until)
        if (signals_wait(DRAIN_POLL_MS) == SIGTERM)
            _exit(128 + SIGTERM);
    log_info("drained", L_INT("in_flight", http_in_flight(server->http)));
}

/* The batcher finishes first, so that no request is suspended when the connections close. */
static void stop(struct server *server)
{
    if (server->app.batcher != NULL)
        batcher_stop(server->app.batcher);
    http_stop(server->http);
    registry_destroy(server->app.registry);
    batcher_destroy(server->app.batcher);
}

static void announce(const struct server *server)
{
    const struct serve_config *config = server->config;
    const size_t n = registry_n_available(server->app.registry);
    const bool is_v6 = strchr(config->host, ':') != NULL;
    printf("lstmd: serving %zu model%s on http://%s%s%s:%u\n", n, n == 1 ? "" : "s",
           is_v6 ? "[" : "", config->host, is_v6 ? "]" : "", (unsigned)http_port(server->http));
    fflush(stdout);
}

int cmd_serve(const void *config, size_t n_arguments, char *const *arguments)
{
    (void)n_arguments;
    (void)arguments;
    struct server server = {.config = config};
    struct lstm_error error;
    atomic_init(&server.app.is_draining, false);
    server.app.limits = (struct predict_limits){(size_t)server.config->max_instances,
                                                (size_t)server.config->max_steps};
    log_init((enum log_level)server.config->log_level, (enum log_format)server.config->log_format);
    enum lstm_status status = start(&server, &error);
    if (status == LSTM_OK) {
        announce(&server);
        int signal_number;
        do
            signal_number = signals_wait(-1);
        while (signal_number != SIGTERM && signal_number != SIGINT);
        log_info("stopping", L_STR("signal", signal_number == SIGTERM ? "TERM" : "INT"));
        drain(&server);
    } else {
        fprintf(stderr, "lstmd: %s\n", error.text);
    }
    stop(&server);
    return status == LSTM_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
