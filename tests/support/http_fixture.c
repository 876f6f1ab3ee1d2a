/* http_fixture.c: handlers of every kind, and what the tests of http.c share.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/http_fixture.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/listener.h"
#include "server/log.h"
#include "server/metrics.h"

struct app app;
struct http *http;
uint16_t http_port;
struct raw_client client;
struct raw_answer answer;

static enum handled echo(struct app *unused, struct request *request)
{
    (void)unused;
    const char *dtype = request->query(request, "dtype");
    request->response.status = 200;
    buf_printf(&request->response.body, "%s|%s|%s|%s|", request->method, request->parts.model,
               request->content_type, dtype ? dtype : "none");
    buf_append(&request->response.body, request->body, request->body_bytes);
    return HANDLED;
}

static enum handled busy(struct app *unused, struct request *request)
{
    (void)unused;
    request->has_model = strcmp(request->parts.model, "unknown") != 0;
    request->response.retry_after_s = 2;
    request->queue_us = 1250;
    request->compute_us = 30;
    return respond_error(request, 503, "the queue of \"%s\" is full", request->parts.model);
}

static enum handled fixed(struct app *unused, struct request *request)
{
    (void)unused;
    request->response.status = 200;
    request->response.content_type = "text/html";
    request->response.static_body = "<p>";
    request->response.static_bytes = 3;
    return HANDLED;
}

static enum handled silent(struct app *unused, struct request *request)
{
    (void)unused;
    (void)request;
    return HANDLED;
}

static void finish(struct app *owner, struct request *request)
{
    request->response.status = 200;
    buf_text(&request->response.body, request->work == owner ? "finished" : "lost");
    pthread_mutex_lock(&owner->lock);
    owner->n_finished++;
    pthread_mutex_unlock(&owner->lock);
}

static void discard(void *work)
{
    struct app *owner = work;
    pthread_mutex_lock(&owner->lock);
    owner->n_discarded++;
    pthread_cond_broadcast(&owner->changed);
    pthread_mutex_unlock(&owner->lock);
}

static enum handled put_off(struct app *owner, struct request *request)
{
    request->work = owner;
    request->finish = finish;
    request->discard = discard;
    pthread_mutex_lock(&owner->lock);
    owner->waiting = request;
    pthread_cond_broadcast(&owner->changed);
    pthread_mutex_unlock(&owner->lock);
    return LATER;
}

static enum handled resume_first(struct app *owner, struct request *request)
{
    request->work = owner;
    request->finish = finish;
    request->discard = discard;
    request_resume(request);
    return LATER;
}

const struct route http_table[] = {
    {"GET", "/echo/{model}", "echo", "", echo, SCOPE_READ},
    {"POST", "/echo/{model}", "echo", "", echo, SCOPE_PREDICT},
    {"POST", "/busy/{model}", "busy", "", busy, SCOPE_ADMIN},
    {"GET", "/fixed", "fixed", "", fixed, SCOPE_NONE},
    {"GET", "/silent", "silent", "", silent, SCOPE_NONE},
    {"POST", "/later", "later", "", put_off, SCOPE_TRAIN},
    {"POST", "/resume_first", "later", "", resume_first, SCOPE_TRAIN},
    {0},
};

struct http_options fixture_options(void)
{
    return (struct http_options){.rules = {.routes = http_table, .max_body_bytes = MAX_BODY},
                                 .n_threads = 2,
                                 .max_connections = 100,
                                 .header_timeout_s = 3600,
                                 .body_timeout_s = 3600,
                                 .idle_timeout_s = 3600};
}

void fixture_start_with(struct http_options options)
{
    struct lstm_error error;
    log_init(LOG_LEVEL_OFF, LOG_FORMAT_LOGFMT);
    metrics_reset();
    app = (struct app){.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    http_port = 0;
    ck_assert_int_eq(listener_open("127.0.0.1", &http_port, &options.fd, &error), LSTM_OK);
    ck_assert_uint_gt(http_port, 0);
    ck_assert_int_eq(http_start(&options, &app, &http, &error), LSTM_OK);
    raw_client_connect(&client, http_port);
}

void fixture_start(void)
{
    fixture_start_with(fixture_options());
}

void fixture_stop(void)
{
    raw_client_close(&client);
    http_stop(http);
    metrics_reset();
}

struct request *take_waiting(void)
{
    pthread_mutex_lock(&app.lock);
    while (app.waiting == NULL)
        pthread_cond_wait(&app.changed, &app.lock);
    struct request *request = app.waiting;
    app.waiting = NULL;
    pthread_mutex_unlock(&app.lock);
    return request;
}

void wait_until_discarded(unsigned n)
{
    pthread_mutex_lock(&app.lock);
    while (app.n_discarded < n)
        pthread_cond_wait(&app.changed, &app.lock);
    pthread_mutex_unlock(&app.lock);
}

void post_bytes(const char *path, size_t n)
{
    char head[256], *body = malloc(n + 1);
    ck_assert_ptr_nonnull(body);
    memset(body, 'x', n);
    snprintf(head, sizeof head, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n", path,
             n);
    raw_client_send_text(&client, head);
    raw_client_send(&client, body, n);
    free(body);
}

void assert_answer(int status, const char *body)
{
    ck_assert_str_eq(answer.body, body);
    ck_assert_int_eq(answer.status, status);
}

void assert_alive(void)
{
    raw_client_ask(&client, "GET /echo/m HTTP/1.1\r\nHost: x\r\n\r\n", &answer);
    assert_answer(200, "GET|m||none|");
}
