/* http_client.c: the one file that knows libcurl, which it loads when it is needed.
 * SPDX-License-Identifier: Apache-2.0 */
#include "server/http_client.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "core/status.h"
#include "server/json.h"
#include "server/text_file.h"

enum { MAX_KEY_BYTES = 4096, MAX_HEADER_BYTES = MAX_KEY_BYTES + 64, MAX_URL_BYTES = 2048 };

/* What we call of libcurl. */
static struct {
    CURL *(*init)(void);
    void (*cleanup)(CURL *curl);
    void (*reset)(CURL *curl);
    CURLcode (*set)(CURL *curl, CURLoption option, ...);
    CURLcode (*get)(CURL *curl, CURLINFO info, ...);
    CURLcode (*perform)(CURL *curl);
    struct curl_slist *(*append)(struct curl_slist *list, const char *text);
    void (*free_list)(struct curl_slist *list);
    const char *(*text)(CURLcode code);
} library;

struct http_client {
    CURL *curl;
    const struct client_config *config;
    char key[MAX_HEADER_BYTES]; /* "X-API-Key: ..."; "": none */
    char failure[CURL_ERROR_SIZE];
};

/* Both names of Debian; the interface is the same. It stays loaded. */
static enum lstm_status load_library(struct lstm_error *error)
{
    static const struct {
        const char *name;
        void *function;
    } functions[] = {
        {"curl_easy_init", &library.init},      {"curl_easy_cleanup", &library.cleanup},
        {"curl_easy_reset", &library.reset},    {"curl_easy_setopt", &library.set},
        {"curl_easy_getinfo", &library.get},    {"curl_easy_perform", &library.perform},
        {"curl_slist_append", &library.append}, {"curl_slist_free_all", &library.free_list},
        {"curl_easy_strerror", &library.text},
    };
    void *handle = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL)
        handle = dlopen("libcurl-gnutls.so.4", RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL)
        return lstm_fail(error, LSTM_UNSUPPORTED,
                         "this command needs libcurl.so.4, which cannot be loaded; install it "
                         "(Debian: apt-get install libcurl4)");
    for (size_t k = 0; k < sizeof functions / sizeof *functions; k++) {
        void *const found = dlsym(handle, functions[k].name);
        if (found == NULL)
            return lstm_fail(error, LSTM_UNSUPPORTED, "libcurl.so.4 has no %s", functions[k].name);
        memcpy(functions[k].function, &found, sizeof found);
    }
    return LSTM_OK;
}

/* The key of the file, or of the environment, as a header field. */
static enum lstm_status read_key(struct http_client *client, struct lstm_error *error)
{
    const char *const path = client->config->api_key_file;
    const char *key = getenv("LSTMD_API_KEY");
    struct buf file;
    enum lstm_status status = LSTM_OK;
    buf_init(&file, MAX_KEY_BYTES);
    if (path != NULL) {
        bool is_public;
        status = text_file_read(path, MAX_KEY_BYTES, &file, &is_public, error);
        key = file.data;
    }
    const size_t n = status == LSTM_OK && key != NULL ? strcspn(key, " \t\r\n") : 0;
    if (status == LSTM_OK && path != NULL && n == 0)
        status = lstm_fail(error, LSTM_INVALID, "%s: expected an API key, found none", path);
    if (n > MAX_KEY_BYTES)
        status =
            lstm_fail(error, LSTM_INVALID, "LSTMD_API_KEY is longer than %d bytes", MAX_KEY_BYTES);
    else if (n > 0)
        snprintf(client->key, sizeof client->key, "X-API-Key: %.*s", (int)n, key);
    buf_release(&file);
    return status;
}

static enum lstm_status check_server(const char *server, struct lstm_error *error)
{
    if (strncmp(server, "http://", 7) == 0 || strncmp(server, "https://", 8) == 0)
        return LSTM_OK;
    return lstm_fail(error, LSTM_INVALID,
                     "--server: expected a URL like http://127.0.0.1:8501, found '%.100s'", server);
}

enum lstm_status http_client_create(const struct client_config *config, struct http_client **client,
                                    struct lstm_error *error)
{
    struct http_client *const made = calloc(1, sizeof *made);
    *client = NULL;
    if (made == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory");
    made->config = config;
    enum lstm_status status = check_server(config->server, error);
    if (status == LSTM_OK)
        status = read_key(made, error);
    if (status == LSTM_OK)
        status = load_library(error);
    if (status == LSTM_OK) {
        made->curl = library.init();
        if (made->curl == NULL)
            status = lstm_fail(error, LSTM_NO_MEMORY, "out of memory for libcurl");
    }
    if (status == LSTM_OK)
        *client = made;
    else
        http_client_destroy(made);
    return status;
}

static size_t receive(char *data, size_t size, size_t n, void *context)
{
    struct buf *const answer = context;
    buf_append(answer, data, size * n);
    return answer->failed ? 0 : size * n;
}

static void set_request(struct http_client *client, const struct http_client_request *request,
                        const char *url, const struct curl_slist *fields, struct buf *answer)
{
    CURL *const curl = client->curl;
    library.reset(curl); /* keeps the connection */
    library.set(curl, CURLOPT_URL, url);
    library.set(curl, CURLOPT_NOSIGNAL, 1L);
    library.set(curl, CURLOPT_TIMEOUT, (long)client->config->timeout_seconds);
    library.set(curl, CURLOPT_ERRORBUFFER, client->failure);
    library.set(curl, CURLOPT_WRITEFUNCTION, receive);
    library.set(curl, CURLOPT_WRITEDATA, answer);
    library.set(curl, CURLOPT_HTTPHEADER, fields);
    if (client->config->ca_file != NULL)
        library.set(curl, CURLOPT_CAINFO, client->config->ca_file);
    if (request->content_type == NULL)
        return;
    library.set(curl, CURLOPT_POST, 1L);
    library.set(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_bytes);
    library.set(curl, CURLOPT_POSTFIELDS, request->body);
}

static enum lstm_status fail_transport(struct http_client *client, CURLcode code,
                                       struct lstm_error *error)
{
    const char *const server = client->config->server;
    const char *const why = client->failure[0] != '\0' ? client->failure : library.text(code);
    if (code == CURLE_OPERATION_TIMEDOUT)
        return lstm_fail(error, LSTM_IO, "%.100s: no answer within %lld s (--timeout-seconds)",
                         server, (long long)client->config->timeout_seconds);
    if (code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST)
        return lstm_fail(error, LSTM_IO,
                         "nobody answers at %.60s (%.90s); start `lstmd serve`, or name another "
                         "--server",
                         server, why);
    if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE)
        return lstm_fail(error, LSTM_IO,
                         "%.60s: its certificate is not trusted (%.90s); name the one to trust "
                         "with --ca-file",
                         server, why);
    return lstm_fail(error, LSTM_IO, "%.60s: %.150s", server, why);
}

/* The server's own sentence, if it is one of ours. */
static enum lstm_status fail_answer(const struct http_client *client, long code,
                                    const struct buf *answer, struct lstm_error *error)
{
    struct json_t *root = NULL;
    const char *sentence = NULL;
    if (json_file_parse(answer->data == NULL ? "" : answer->data, answer->n, &root, NULL) ==
        LSTM_OK)
        sentence = json_read_text(json_member(root, "error"));
    lstm_fail(error, LSTM_INVALID, "%.60s answers %ld: %.170s", client->config->server, code,
              sentence != NULL ? sentence : "no sentence; is it an lstmd?");
    json_file_release(root);
    return LSTM_INVALID;
}

enum lstm_status http_client_ask(struct http_client *client,
                                 const struct http_client_request *request, struct buf *answer,
                                 struct lstm_error *error)
{
    char url[MAX_URL_BYTES], type[128] = "Content-Type:";
    const size_t n = strlen(client->config->server);
    const bool has_slash = n > 0 && client->config->server[n - 1] == '/';
    if (snprintf(url, sizeof url, "%s%s", client->config->server, request->path + has_slash) >=
        (int)sizeof url)
        return lstm_fail(error, LSTM_INVALID, "the URL is longer than %d bytes", MAX_URL_BYTES);
    if (request->content_type != NULL)
        snprintf(type, sizeof type, "Content-Type: %.100s", request->content_type);
    /* Expect: would cost a round trip before a long body. */
    struct curl_slist *fields = library.append(library.append(NULL, type), "Expect:");
    if (client->key[0] != '\0')
        fields = library.append(fields, client->key);
    set_request(client, request, url, fields, answer);
    client->failure[0] = '\0';
    long status = 0;
    const CURLcode code = library.perform(client->curl);
    library.get(client->curl, CURLINFO_RESPONSE_CODE, &status);
    library.free_list(fields);
    if (answer->failed)
        return lstm_fail(error, LSTM_INVALID, "%.60s: the answer is longer than %zu bytes",
                         client->config->server, answer->limit);
    if (code != CURLE_OK)
        return fail_transport(client, code, error);
    return status == 200 ? LSTM_OK : fail_answer(client, status, answer, error);
}

void http_client_destroy(struct http_client *client)
{
    if (client == NULL)
        return;
    if (client->curl != NULL)
        library.cleanup(client->curl);
    free(client);
}
