/* session_client.c: the daemon, and one client of it. SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/session_client.h"

#include <check.h>
#include <string.h>

#include "tests/support/daemon_metrics.h"
#include "tests/support/model_store.h"

struct temp_folder session_folder;
struct daemon session_server;
struct client session_client;

void session_server_start(const char *const *options)
{
    static const char policies[] = "{\"models\":{\"any\":{\"version_policy\":{\"all\":{}}}}}";
    char path[256];
    temp_folder_create(&session_folder);
    temp_file_write(temp_folder_path(&session_folder, "models.json", path), policies,
                    sizeof policies - 1);
    model_store_add(session_folder.path, "any", "1", model_any, 1);
    model_store_add(session_folder.path, "back", "1", model_backwards, 1);
    model_store_add(session_folder.path, "pooled", "1", model_pooled, 1);
    daemon_start(&session_server, session_folder.path, options);
    client_init(&session_client, session_server.url);
}

void session_server_stop(void)
{
    client_release(&session_client);
    ck_assert_int_eq(daemon_stop(&session_server), 0);
    temp_folder_remove(&session_folder);
}

void session_server_add_version(void)
{
    model_store_add(session_folder.path, "any", "2", model_any, 2);
    session_expect("POST", "/v1/models/any:load", "", 200);
}

json_t *session_ask(const char *method, const char *path, const char *body, int status)
{
    const struct client_request request = {.method = method,
                                           .path = path,
                                           .body = body,
                                           .body_bytes = body != NULL ? strlen(body) : 0};
    struct client_answer answer;
    client_ask(&session_client, &request, &answer);
    ck_assert_msg(answer.status == status, "%s %s: %d %s", method, path, answer.status,
                  answer.body);
    json_t *root = json_loads(answer.body, 0, NULL);
    ck_assert_msg(root != NULL, "%s %s: %s", method, path, answer.body);
    const char *retry_after = client_answer_field(&answer, "Retry-After");
    ck_assert((status == 503) == (retry_after != NULL));
    client_answer_release(&answer);
    return root;
}

void session_refused(const char *method, const char *path, const char *body, int status,
                     const char *words)
{
    json_t *root = session_ask(method, path, body, status);
    const char *error = json_string_value(json_object_get(root, "error"));
    ck_assert_ptr_nonnull(error);
    ck_assert_msg(strstr(error, words) != NULL, "%s %s: %s", method, path, error);
    json_decref(root);
}

void session_expect(const char *method, const char *path, const char *body, int status)
{
    json_decref(session_ask(method, path, body, status));
}

double session_metric(const char *series)
{
    return daemon_metric(&session_client, series);
}
