/* client.c: libcurl's easy interface. SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/client.h"

#include <check.h>
#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/http_head.h"
#include "tests/support/patience.h"

static void init_library(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

void client_init(struct client *client, const char *base)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, init_library);
    client->curl = curl_easy_init();
    ck_assert_ptr_nonnull(client->curl);
    snprintf(client->url, sizeof client->url, "%s", base);
}

void client_release(struct client *client)
{
    curl_easy_cleanup(client->curl);
    client->curl = NULL;
}

/* Appends to text, which stays NUL-terminated. Returns what libcurl expects of its callbacks. */
static size_t append(char **text, size_t *n, const char *data, size_t more)
{
    char *grown = realloc(*text, *n + more + 1);
    if (grown == NULL)
        return 0;
    memcpy(grown + *n, data, more);
    *text = grown;
    *n += more;
    grown[*n] = '\0';
    return more;
}

static size_t on_body(char *data, size_t size, size_t n, void *context)
{
    struct client_answer *answer = context;
    return append(&answer->body, &answer->body_bytes, data, size * n);
}

static size_t on_head(char *data, size_t size, size_t n, void *context)
{
    struct client_answer *answer = context;
    return append(&answer->head, &answer->head_bytes, data, size * n);
}

static struct curl_slist *make_fields(const struct client_request *request)
{
    char type[256];
    struct curl_slist *fields = curl_slist_append(NULL, "Expect:");
    if (request->content_type != NULL) {
        snprintf(type, sizeof type, "Content-Type:%s%s", request->content_type[0] ? " " : "",
                 request->content_type);
        fields = curl_slist_append(fields, type);
    }
    if (request->field != NULL)
        fields = curl_slist_append(fields, request->field);
    if (request->chunked)
        fields = curl_slist_append(fields, "Transfer-Encoding: chunked");
    return fields;
}

static void set_method(CURL *curl, const struct client_request *request)
{
    if (request->body != NULL) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_bytes);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body);
    }
    if (request->method != NULL && strcmp(request->method, "HEAD") == 0)
        curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    else if (request->method != NULL)
        curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
}

void client_try(struct client *client, const struct client_request *request,
                struct client_answer *answer)
{
    CURL *curl = client->curl;
    char url[512];
    long status = 0, n_connects = 0;
    *answer = (struct client_answer){.head = calloc(1, 1), .body = calloc(1, 1)};
    struct curl_slist *fields = make_fields(request);
    snprintf(url, sizeof url, "%s%s", client->url, request->path);
    curl_easy_reset(curl);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)PATIENCE_MS);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, fields);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_head);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, answer);
    set_method(curl, request);
    const CURLcode code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(curl, CURLINFO_NUM_CONNECTS, &n_connects);
    answer->status = code == CURLE_OK ? (int)status : 0;
    answer->failure = code == CURLE_OK ? "" : curl_easy_strerror(code);
    answer->began = answer->head_bytes > 0;
    answer->reconnected = n_connects > 0;
    curl_slist_free_all(fields);
}

void client_ask(struct client *client, const struct client_request *request,
                struct client_answer *answer)
{
    client_try(client, request, answer);
    ck_assert_msg(answer->status != 0, "%s%s: %s", client->url, request->path, answer->failure);
}

void client_get(struct client *client, const char *path, struct client_answer *answer)
{
    client_ask(client, &(struct client_request){.path = path}, answer);
}

void client_post(struct client *client, const char *path, const char *json,
                 struct client_answer *answer)
{
    const struct client_request request = {
        .path = path, .content_type = "application/json", .body = json, .body_bytes = strlen(json)};
    client_ask(client, &request, answer);
}

void client_answer_release(struct client_answer *answer)
{
    free(answer->head);
    free(answer->body);
    *answer = (struct client_answer){0};
}

const char *client_answer_field(const struct client_answer *answer, const char *name)
{
    return http_head_field(answer->head, name);
}
