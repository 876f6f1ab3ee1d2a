/* replicas.c: started, asked and stopped. SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/replicas.h"

#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/clock.h"
#include "tests/support/answer_text.h"
#include "tests/support/model_store.h"

enum { MOST_OPTIONS = 24, TEXT_BYTES = 65536, POLL_MS = 10 };

struct redis_server redis_server;
struct temp_folder replicas_folder;
struct replica replicas[N_REPLICAS];

void replicas_open(void)
{
    redis_server_start(&redis_server);
    temp_folder_create(&replicas_folder);
    model_store_add(replicas_folder.path, "any", "1", model_any, 1);
}

void replica_start(size_t i, const char *url, const char *const *options)
{
    const char *all[MOST_OPTIONS] = {"--session-store", url,         "--session-store-timeout-ms",
                                     "60000",           "--workers", "1",
                                     "--io-threads",    "1"};
    for (size_t n = 8; options != NULL && *options != NULL; n++, options++) {
        ck_assert_uint_lt(n + 1, MOST_OPTIONS);
        all[n] = *options;
    }
    daemon_start(&replicas[i].server, replicas_folder.path, all);
    client_init(&replicas[i].client, replicas[i].server.url);
    replicas[i].is_up = true;
}

void replicas_start(const char *const *options)
{
    replicas_open();
    for (size_t i = 0; i < N_REPLICAS; i++)
        replica_start(i, redis_server.url, options);
}

void replicas_stop(void)
{
    for (size_t i = 0; i < N_REPLICAS; i++) {
        if (!replicas[i].is_up)
            continue;
        client_release(&replicas[i].client);
        ck_assert_int_eq(daemon_stop(&replicas[i].server), 0);
        replicas[i].is_up = false;
    }
    redis_server_stop(&redis_server);
    temp_folder_remove(&replicas_folder);
}

int replica_try(struct client *client, const char *method, const char *path, const char *body,
                char *text, size_t room)
{
    const struct client_request request = {.method = method,
                                           .path = path,
                                           .body = body,
                                           .body_bytes = body != NULL ? strlen(body) : 0};
    struct client_answer answer;
    client_try(client, &request, &answer);
    const int status = answer.status > 0 ? answer.status : -1;
    snprintf(text, room, "%s", answer.status > 0 ? answer.body : answer.failure);
    if (status == 503 && client_answer_field(&answer, "Retry-After") == NULL)
        snprintf(text, room, "no Retry-After");
    client_answer_release(&answer);
    return status;
}

const char *replica_ask(size_t i, const char *method, const char *path, const char *body,
                        int status)
{
    static char text[TEXT_BYTES];
    const int found = replica_try(&replicas[i].client, method, path, body, text, sizeof text);
    ck_assert_msg(found == status, "%s %s: %d %.1000s; the log:\n%s", method, path, found, text,
                  daemon_log(&replicas[i].server));
    return text;
}

void replica_await(size_t i, const char *method, const char *path, const char *body, int status,
                   const char *words)
{
    static char text[TEXT_BYTES];
    const int64_t until_us = monotonic_us() + PATIENCE_US;
    for (;;) {
        const int found = replica_try(&replicas[i].client, method, path, body, text, sizeof text);
        if (found == status && strstr(text, words) != NULL)
            return;
        ck_assert_msg(monotonic_us() < until_us, "%s %s: %d %.1000s", method, path, found, text);
        poll(NULL, 0, POLL_MS);
    }
}

long replica_steps(size_t i, const char *id)
{
    char path[128];
    snprintf(path, sizeof path, SESSIONS "/%s", id);
    json_t *root = json_loads(replica_ask(i, "GET", path, NULL, 200), 0, NULL);
    const json_int_t steps = json_integer_value(json_object_get(root, "steps"));
    json_decref(root);
    return (long)steps;
}

double replica_metric(size_t i, const char *series)
{
    return answer_metric(replica_ask(i, "GET", "/metrics", NULL, 200), series);
}
