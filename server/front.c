/* front.c: options to keys, certificate and socket. SPDX-License-Identifier: Apache-2.0 */
#include "server/front.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/status.h"
#include "server/listener.h"
#include "server/log.h"
#include "server/privileges.h"
#include "server/sandbox.h"
#include "server/thread_policy.h"
#include "server/tls.h"

static enum lstm_status open_keys(struct front *front, struct lstm_error *error)
{
    const char *path = front->config->api_keys;
    return path != NULL ? keys_open(path, &front->keys, error) : LSTM_OK;
}

static enum lstm_status open_origins(struct front *front, struct lstm_error *error)
{
    const char *origins = front->config->cors_origins;
    return origins != NULL ? cors_create(origins, &front->cors, error) : LSTM_OK;
}

static enum lstm_status open_certificate(struct front *front, struct lstm_error *error)
{
    const char *certificate = front->config->tls_cert, *key = front->config->tls_key;
    front->is_tls = certificate != NULL && key != NULL;
    if (front->is_tls)
        return tls_load(certificate, key, error);
    if (certificate != NULL || key != NULL)
        return lstm_fail(error, LSTM_INVALID,
                         "--tls-cert and --tls-key belong together; --tls-%s is missing",
                         certificate == NULL ? "cert" : "key");
    return LSTM_OK;
}

static enum lstm_status open_socket(struct front *front, struct lstm_error *error)
{
    front->port = (uint16_t)front->config->port;
    return listener_open(front->config->host, &front->port, &front->fd, error);
}

static enum lstm_status drop_root(struct front *front, struct lstm_error *error)
{
    const char *user = front->config->user;
    return user != NULL ? privileges_drop(user, error) : LSTM_OK;
}

static enum lstm_status enter_sandbox(struct front *front, struct lstm_error *error)
{
    return front->config->sandbox == 1 ? sandbox_enter(error) : LSTM_OK;
}

static void warn_if_open(const struct front *front)
{
    if (front->keys != NULL || listener_is_loopback(front->fd))
        return;
    log_warn("open_to_all", L_STR("host", front->config->host),
             L_STR("message", "everybody who reaches this address may use the server; see "
                              "--api-keys"));
}

enum lstm_status front_open(const struct serve_config *config, struct front *front,
                            struct lstm_error *error)
{
    /* What root may have to do comes first. */
    static enum lstm_status (*const steps[])(struct front *, struct lstm_error *) = {
        open_keys, open_origins, open_certificate, open_socket, drop_root, enter_sandbox};
    enum lstm_status status = LSTM_OK;
    *front = (struct front){.config = config, .fd = -1};
    for (size_t k = 0; k < sizeof steps / sizeof *steps && status == LSTM_OK; k++)
        status = steps[k](front, error);
    if (status == LSTM_OK)
        warn_if_open(front);
    return status;
}

enum lstm_status front_serve(struct front *front, unsigned n_threads, struct app *app,
                             struct http **http, struct lstm_error *error)
{
    const struct serve_config *config = front->config;
    const struct http_options options = {
        .rules = {.routes = routes,
                  .keys = front->keys,
                  .cors = front->cors,
                  .is_local = listener_is_loopback(front->fd),
                  .max_body_bytes = (size_t)config->max_body_bytes,
                  .request_timeout_us = config->request_timeout_ms * 1000},
        .fd = front->fd,
        .is_tls = front->is_tls,
        .n_threads = n_threads,
        /* On one core it would only keep the client from sending. */
        .busy_poll_us = thread_policy_n_cores() > 1 ? (unsigned)config->busy_poll_us : 0,
        .max_connections = (unsigned)config->max_connections,
        .max_connections_per_address = (unsigned)config->max_connections_per_address,
        .header_timeout_s = (unsigned)config->header_timeout_s,
        .body_timeout_s = (unsigned)config->body_timeout_s,
        .idle_timeout_s = (unsigned)config->idle_timeout_s};
    front->fd = -1;
    return http_start(&options, app, http, error);
}

void front_url(const struct front *front, char *url, size_t url_bytes)
{
    const char *host = front->config->host;
    const bool is_v6 = strchr(host, ':') != NULL;
    snprintf(url, url_bytes, "http%s://%s%s%s:%u", front->is_tls ? "s" : "", is_v6 ? "[" : "", host,
             is_v6 ? "]" : "", (unsigned)front->port);
}

enum lstm_status front_reload_keys(struct front *front, struct lstm_error *error)
{
    return front->keys != NULL ? keys_reload(front->keys, error) : LSTM_OK;
}

enum lstm_status front_reload_certificate(struct front *front, struct lstm_error *error)
{
    return front->is_tls ? tls_load(front->config->tls_cert, front->config->tls_key, error)
                         : LSTM_OK;
}

void front_close(struct front *front)
{
    if (front->fd >= 0)
        close(front->fd);
    front->fd = -1;
    keys_close(front->keys);
    front->keys = NULL;
    cors_destroy(front->cors);
    front->cors = NULL;
    if (front->is_tls)
        tls_release();
    front->is_tls = false;
}
