/* lstmd_client.c: requests through libcurl, JSON through jansson.
 * SPDX-License-Identifier: Apache-2.0
 *
 * All of the client is in this one file, so that a program takes it over by copying two. Below are,
 * in order and each using those before it: values as bodies and queries; one try; tries; the calls
 * of a client; those of a session. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* open_memstream, clock_gettime */
#endif
#include "lstmd_client.h"

#include <curl/curl.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum {
    FIRST_WAIT_MS = 100,
    LONGEST_WAIT_MS = 2000,
    LONGEST_TIMEOUT_MS = 3600000, /* that the server takes */
    DEFAULT_TIMEOUT_SECONDS = 30,
    DEFAULT_RETRIES = 4
};
#define DEFAULT_URL "http://127.0.0.1:8501"
#define JSON_TYPE   "application/json"

/* Nine digits give back every float32. */
#define JSON_FLAGS (JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(9))

struct lstmd_client {
    CURL *curl;
    char *url, *api_key, *ca_file; /* the last two: NULL if there is none */
    double timeout_ms;
    int retries;
    struct lstmd_error error; /* of the last call */
    char failure[CURL_ERROR_SIZE];
};

struct lstmd_session {
    struct lstmd_client *client;
    char *path, *id;
};

/* One call: what is sent, and what became of its last try. */
struct call {
    struct lstmd_client *client;
    const char *method;
    char *path;          /* with the query */
    const char *type;    /* of the body */
    const void *content; /* n bytes; NULL: no body */
    size_t n;
    bool is_safe; /* it changes nothing, so that it may be sent twice */
    bool is_text; /* the answer is no JSON */
    char *text;   /* the answer, text_bytes long; owned */
    size_t text_bytes;
    unsigned n_sent;   /* how often libcurl sent it in the last try */
    bool is_untrusted; /* the server's certificate is not trusted */
};

__attribute__((format(printf, 3, 4))) static enum lstmd_status
fail(struct lstmd_error *error, enum lstmd_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    *error = (struct lstmd_error){.status = status, .retry_after_seconds = -1};
    vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    return status;
}

static double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* ---- Values as bodies and queries --------------------------------------------------------- */

size_t lstmd_read_floats(const json_t *array, float *values, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *const value = json_array_get(array, i);
        const size_t room = count < n ? n - count : 0;
        if (json_is_array(value)) {
            count += lstmd_read_floats(value, room > 0 ? values + count : values, room);
        } else {
            if (room > 0)
                values[count] = (float)json_number_value(value);
            count++;
        }
    }
    return count;
}

json_t *lstmd_make_floats(const float *values, size_t n)
{
    json_t *const array = json_array();
    for (size_t i = 0; i < n; i++) {
        if (json_array_append_new(array, json_real((double)values[i])) != 0) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

static json_t *state_keys(const struct lstmd_state_options *options)
{
    static const struct lstmd_state_options none;
    const struct lstmd_state_options *const asked = options == NULL ? &none : options;
    json_t *const layers = asked->layers == NULL ? NULL : json_array();
    for (size_t i = 0; layers != NULL && i < asked->n_layers; i++)
        json_array_append_new(layers, json_integer((json_int_t)asked->layers[i]));
    return json_pack("{s:o*, s:o*, s:o*, s:o*, s:o*}", "trace", asked->trace ? json_true() : NULL,
                     "gates", asked->gates ? json_true() : NULL, "predictions",
                     asked->predictions ? json_true() : NULL, "state_is_tuple",
                     asked->state_is_array ? json_false() : NULL, "layers", layers);
}

static json_t *example_keys(const struct lstmd_examples *examples)
{
    const double rate = examples->learning_rate;
    return json_pack("{s:O*, s:O*, s:o*}", "labels", examples->labels, "sample_weight",
                     examples->sample_weight, "learning_rate", rate > 0 ? json_real(rate) : NULL);
}

/* Writes "?key=value&key=value": JSON without the outermost brackets. */
static void write_query(FILE *path, CURL *curl, json_t *keys, const char *separator)
{
    const char *key;
    json_t *value;
    json_object_foreach(keys, key, value)
    {
        char *const text = json_dumps(value, JSON_FLAGS);
        const int bracket = json_is_array(value) ? 1 : 0;
        char *const escaped =
            text == NULL ? NULL
                         : curl_easy_escape(curl, text + bracket, (int)strlen(text) - 2 * bracket);
        /* Where memory lacks, the server gets an empty value, which it refuses. */
        fprintf(path, "%s%s=%s", separator, key, escaped == NULL ? "" : escaped);
        separator = "&";
        curl_free(escaped);
        free(text);
    }
}

/* "/v1/models/mnist/versions/1", each part of the model escaped; new. */
static char *model_path(CURL *curl, const char *model)
{
    char *path = NULL;
    size_t size;
    FILE *const out = open_memstream(&path, &size);
    if (out == NULL)
        return NULL;
    fputs("/v1/models", out);
    for (const char *part = model; *part != '\0'; part += *part == '/') {
        const size_t n = strcspn(part, "/");
        char *const escaped = curl_easy_escape(curl, part, (int)n);
        fprintf(out, "/%s", escaped == NULL || n == 0 ? "" : escaped);
        curl_free(escaped);
        part += n;
    }
    fclose(out);
    return path;
}

/* The whole body: an array of instances, or an object, and these keys; new. */
static char *json_text(json_t *json, json_t *keys)
{
    json_t *const body = json_is_object(json) ? json_copy(json) : json_object();
    if (!json_is_object(json))
        json_object_set(body, "instances", json);
    json_object_update(body, keys);
    char *const text = json_dumps(body, JSON_FLAGS);
    json_decref(body);
    return text;
}

/* ---- One try ------------------------------------------------------------------------------ */

static size_t receive(char *data, size_t size, size_t n, void *stream)
{
    return fwrite(data, size, n, stream);
}

/* Keeps what the answer's header says that we need. */
static size_t receive_field(char *data, size_t size, size_t n, void *user)
{
    static const char id[] = "X-Request-Id:", retry[] = "Retry-After:";
    struct lstmd_error *const error = user;
    char line[160];
    snprintf(line, sizeof line, "%.*s", (int)(n < 150 ? n : 150), data);
    line[strcspn(line, "\r\n")] = '\0';
    if (strncasecmp(line, id, sizeof id - 1) == 0) {
        const char *const value = line + sizeof id - 1;
        snprintf(error->request_id, sizeof error->request_id, "%.*s",
                 (int)sizeof error->request_id - 1, value + strspn(value, " "));
    } else if (strncasecmp(line, retry, sizeof retry - 1) == 0) {
        const char *const value = line + sizeof retry - 1;
        char *end;
        const long seconds = strtol(value, &end, 10);
        if (end != value && *end == '\0' && seconds >= 0 && seconds < 86400)
            error->retry_after_seconds = (int)seconds;
    }
    return size * n;
}

/* libcurl sends a request once more by itself when a kept-alive connection turns out to be dead.
 * The server may have read it before, so that is only for what changes nothing. */
static int before_sending(void *user, char *local, char *remote, int local_port, int remote_port)
{
    struct call *const call = user;
    (void)local, (void)remote, (void)local_port, (void)remote_port;
    return ++call->n_sent > 1 && !call->is_safe ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

static struct curl_slist *make_fields(const struct call *call, double left_ms)
{
    char field[96];
    struct curl_slist *fields = curl_slist_append(NULL, "Expect:");
    if (call->content != NULL) {
        snprintf(field, sizeof field, "Content-Type: %s", call->type);
        fields = curl_slist_append(fields, field);
    }
    snprintf(field, sizeof field, "X-Request-Timeout-Ms: %.0f",
             fmax(1, fmin(left_ms, LONGEST_TIMEOUT_MS)));
    return curl_slist_append(fields, field);
}

static void set_options(struct call *call, const char *url, struct curl_slist *fields, FILE *stream,
                        double left_ms)
{
    struct lstmd_client *const client = call->client;
    CURL *const curl = client->curl;
    curl_easy_reset(curl); /* connections stay */
    client->failure[0] = '\0';
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, client->failure);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)fmax(1, left_ms));
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, fields);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, stream);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, receive_field);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, &call->client->error);
    curl_easy_setopt(curl, CURLOPT_PREREQFUNCTION, before_sending);
    curl_easy_setopt(curl, CURLOPT_PREREQDATA, call);
    if (client->ca_file != NULL)
        curl_easy_setopt(curl, CURLOPT_CAINFO, client->ca_file);
    if (client->api_key != NULL) {
        curl_easy_setopt(curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BEARER);
        curl_easy_setopt(curl, CURLOPT_XOAUTH2_BEARER, client->api_key);
    }
    if (call->content != NULL || strcmp(call->method, "POST") == 0) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, call->content == NULL ? "" : call->content);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->n);
    }
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, call->method);
}

static enum lstmd_status connection_failed(struct call *call, CURLcode code)
{
    const char *const why =
        call->client->failure[0] != '\0' ? call->client->failure : curl_easy_strerror(code);
    call->is_untrusted = code == CURLE_PEER_FAILED_VERIFICATION;
    if (code == CURLE_OPERATION_TIMEDOUT)
        return fail(&call->client->error, LSTMD_TIMED_OUT, "no answer in time: %s", why);
    if (code == CURLE_OUT_OF_MEMORY || code == CURLE_WRITE_ERROR)
        return fail(&call->client->error, LSTMD_NO_MEMORY, "out of memory for the answer");
    return fail(&call->client->error, LSTMD_CONNECTION_FAILED, "%s", why);
}

static enum lstmd_status read_refusal(struct call *call, long code)
{
    struct lstmd_error *const error = &call->client->error;
    json_t *const answer = json_loadb(call->text, call->text_bytes, 0, NULL);
    const char *const sentence = json_string_value(json_object_get(answer, "error"));
    error->status = (enum lstmd_status)code;
    if (sentence != NULL) {
        snprintf(error->text, sizeof error->text, "%s", sentence);
    } else {
        /* A proxy's, which may not know whether the request was applied. */
        error->retry_after_seconds = -1;
        snprintf(error->text, sizeof error->text, "the server answers %ld", code);
    }
    json_decref(answer);
    return error->status;
}

static enum lstmd_status try_once(struct call *call, double left_ms)
{
    char *url = NULL;
    long code = 0;
    free(call->text);
    call->text = NULL;
    call->n_sent = 0;
    call->client->error = (struct lstmd_error){.retry_after_seconds = -1};
    FILE *const stream = open_memstream(&call->text, &call->text_bytes);
    struct curl_slist *const fields = make_fields(call, left_ms);
    CURLcode result = CURLE_OUT_OF_MEMORY;
    if (stream != NULL && asprintf(&url, "%s%s", call->client->url, call->path) > 0) {
        set_options(call, url, fields, stream, left_ms);
        result = curl_easy_perform(call->client->curl);
        curl_easy_getinfo(call->client->curl, CURLINFO_RESPONSE_CODE, &code);
        free(url);
    }
    if ((stream == NULL || fclose(stream) != 0) && result == CURLE_OK)
        result = CURLE_OUT_OF_MEMORY;
    curl_slist_free_all(fields);
    if (result != CURLE_OK)
        return connection_failed(call, result);
    return code >= 200 && code < 300 ? LSTMD_OK : read_refusal(call, code);
}

/* ---- Tries -------------------------------------------------------------------------------- */

static bool may_repeat(const struct call *call, enum lstmd_status status)
{
    if (status == LSTMD_UNAVAILABLE)
        return call->is_safe || call->client->error.retry_after_seconds >= 0;
    return status == LSTMD_CONNECTION_FAILED && !call->is_untrusted &&
           (call->is_safe || call->n_sent == 0);
}

static void wait_ms(double ms)
{
    struct timespec left = {(time_t)(ms / 1e3), (long)(fmod(ms, 1e3) * 1e6)};
    while (nanosleep(&left, &left) != 0)
        continue;
}

static enum lstmd_status try_until_answered(struct call *call, int retries)
{
    const double deadline_ms = now_ms() + call->client->timeout_ms;
    for (double wait = FIRST_WAIT_MS;; wait = fmin(2 * wait, LONGEST_WAIT_MS), retries--) {
        const enum lstmd_status status = try_once(call, deadline_ms - now_ms());
        /* Clients that were refused together come back one by one. */
        const double share = 0.5 + fmod(now_ms() * 1e3, 500) / 1e3;
        const double pause = fmax(wait * share, 1e3 * call->client->error.retry_after_seconds);
        if (status == LSTMD_OK || retries <= 0 || now_ms() + pause >= deadline_ms ||
            !may_repeat(call, status))
            return status;
        wait_ms(pause);
    }
}

/* The answer as JSON; new, NULL: there is none. */
static json_t *read_answer(struct call *call)
{
    json_error_t where = {0};
    json_t *const answer = call->is_text ? json_stringn(call->text, call->text_bytes)
                                         : json_loadb(call->text, call->text_bytes, 0, &where);
    if (answer == NULL)
        fail(&call->client->error, LSTMD_CONNECTION_FAILED, "expected %s from the server: %s",
             call->is_text ? "UTF-8" : "JSON", where.text);
    return answer;
}

/* Runs the call and releases what it owns. */
static json_t *run(struct call *call)
{
    json_t *answer = NULL;
    if (call->path == NULL)
        fail(&call->client->error, LSTMD_NO_MEMORY, "out of memory for the request");
    else if (try_until_answered(call, call->client->retries) == LSTMD_OK)
        answer = read_answer(call);
    free(call->text);
    free(call->path);
    return answer;
}

/* What a request does to the server. */
enum effect { CHANGES, SAFE };

/* base: a path, to be freed; verb: what comes behind it; body: NULL for none, and taken. */
static json_t *ask(struct lstmd_client *client, enum effect effect, const char *method, char *base,
                   const char *verb, json_t *body)
{
    char *const text = body == NULL ? NULL : json_dumps(body, JSON_FLAGS);
    struct call call = {.client = client,
                        .method = method,
                        .type = JSON_TYPE,
                        .content = text,
                        .n = text == NULL ? 0 : strlen(text),
                        .is_safe = effect == SAFE};
    if (base != NULL && (body == NULL || text != NULL) &&
        asprintf(&call.path, "%s%s", base, verb) < 0)
        call.path = NULL;
    json_t *const answer = run(&call);
    free(text);
    json_decref(body);
    free(base);
    return answer;
}

/* The same with a body, which is taken. NULL: it could not be made, which must not be sent as none:
 * a session would begin with another id and state. */
static json_t *ask_with(struct lstmd_client *client, enum effect effect, const char *method,
                        char *base, const char *verb, json_t *body)
{
    if (body != NULL)
        return ask(client, effect, method, base, verb, body);
    fail(&client->error, LSTMD_INVALID_ARGUMENT,
         "the request has no body: a text is not UTF-8, a value is missing, or memory lacks");
    free(base);
    return NULL;
}

static bool is_missing(const struct lstmd_input *input)
{
    return input->form == LSTMD_JSON ? input->json == NULL : input->data == NULL;
}

/* Posts input, and beside it these keys, which are taken; NULL: they could not be made. */
static json_t *post_input(struct lstmd_client *client, enum effect effect, char *base,
                          const char *verb, const struct lstmd_input *input, json_t *keys)
{
    static const char *const types[] = {[LSTMD_JSON] = JSON_TYPE,
                                        [LSTMD_FLOATS] = "application/octet-stream",
                                        [LSTMD_BYTES] = "application/octet-stream",
                                        [LSTMD_PNG] = "image/png"};
    const bool is_bytes = input->form == LSTMD_BYTES;
    if (keys == NULL || is_missing(input)) {
        json_decref(keys);
        return ask_with(client, effect, "POST", base, verb, NULL);
    }
    char *const text = input->form == LSTMD_JSON ? json_text(input->json, keys) : NULL;
    struct call call = {.client = client,
                        .method = "POST",
                        .type = types[input->form],
                        .content = text != NULL ? text : input->data,
                        .n = text != NULL ? strlen(text) : input->n,
                        .is_safe = effect == SAFE};
    size_t size;
    if (input->form == LSTMD_FLOATS)
        call.n *= sizeof(float);
    FILE *const path =
        base != NULL && call.content != NULL ? open_memstream(&call.path, &size) : NULL;
    if (path != NULL) {
        fprintf(path, "%s%s%s", base, verb, is_bytes ? "?dtype=uint8" : "");
        if (text == NULL)
            write_query(path, client->curl, keys, is_bytes ? "&" : "?");
        fclose(path);
    }
    json_t *const answer = run(&call);
    free(text);
    json_decref(keys);
    free(base);
    return answer;
}

/* What is in an answer of predict, which is taken. */
static json_t *take_predictions(struct lstmd_client *client, json_t *answer)
{
    json_t *const outputs = json_object_get(answer, "outputs");
    json_t *const found = outputs != NULL ? outputs : json_object_get(answer, "predictions");
    if (answer != NULL && found == NULL)
        fail(&client->error, LSTMD_CONNECTION_FAILED, "expected predictions from the server");
    json_incref(found);
    json_decref(answer);
    return found;
}

/* ---- Calls of a client -------------------------------------------------------------------- */

/* A copy, or NULL for NULL; *ok becomes false if memory lacks. */
static char *copy(const char *text, bool *ok)
{
    char *const made = text == NULL ? NULL : strdup(text);
    *ok = *ok && (text == NULL || made != NULL);
    return made;
}

struct lstmd_client *lstmd_client_create(const struct lstmd_config *config,
                                         struct lstmd_error *error)
{
    static const struct lstmd_config defaults;
    struct lstmd_error unwanted;
    if (config == NULL)
        config = &defaults;
    if (error == NULL)
        error = &unwanted;
    const char *const url = config->url == NULL ? DEFAULT_URL : config->url;
    const double seconds = config->timeout_seconds;
    if ((strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0) ||
        !(seconds >= 0 && seconds < 1e6)) {
        fail(error, LSTMD_INVALID_ARGUMENT,
             "expected a url like %s and timeout_seconds from 0 to a million, found '%.100s', %g",
             DEFAULT_URL, url, seconds);
        return NULL;
    }
    struct lstmd_client *const client = calloc(1, sizeof *client);
    bool ok = client != NULL;
    if (ok) {
        client->curl = curl_easy_init();
        client->url = copy(url, &ok);
        client->api_key = copy(config->api_key, &ok);
        client->ca_file = copy(config->ca_file, &ok);
        client->timeout_ms = 1e3 * (seconds > 0 ? seconds : DEFAULT_TIMEOUT_SECONDS);
        client->retries = config->retries == 0 ? DEFAULT_RETRIES : config->retries;
    }
    if (!ok || client->curl == NULL) {
        lstmd_client_destroy(client);
        fail(error, LSTMD_NO_MEMORY, "out of memory");
        return NULL;
    }
    for (char *end = client->url + strlen(url) - 1; *end == '/'; end--)
        *end = '\0';
    return client;
}

void lstmd_client_destroy(struct lstmd_client *client)
{
    if (client == NULL)
        return;
    curl_easy_cleanup(client->curl);
    free(client->url);
    free(client->api_key);
    free(client->ca_file);
    free(client);
}

const struct lstmd_error *lstmd_client_error(const struct lstmd_client *client)
{
    return &client->error;
}

json_t *lstmd_client_predict(struct lstmd_client *client, const char *model,
                             const struct lstmd_input *input)
{
    return take_predictions(client, post_input(client, SAFE, model_path(client->curl, model),
                                               ":predict", input, json_object()));
}

json_t *lstmd_client_state(struct lstmd_client *client, const char *model,
                           const struct lstmd_input *input,
                           const struct lstmd_state_options *options)
{
    return post_input(client, SAFE, model_path(client->curl, model), ":state", input,
                      state_keys(options));
}

json_t *lstmd_client_train_step(struct lstmd_client *client, const char *model,
                                const struct lstmd_examples *examples)
{
    return post_input(client, CHANGES, model_path(client->curl, model), ":train-step",
                      &examples->input, example_keys(examples));
}

json_t *lstmd_client_evaluate(struct lstmd_client *client, const char *model,
                              const struct lstmd_examples *examples)
{
    return post_input(client, SAFE, model_path(client->curl, model), ":evaluate", &examples->input,
                      example_keys(examples));
}

/* Calls that say which model, and nothing else. */
#define MODEL_CALL(name, effect, method, verb)                                                     \
    json_t *lstmd_client_##name(struct lstmd_client *client, const char *model)                    \
    {                                                                                              \
        return ask(client, effect, method, model_path(client->curl, model), verb, NULL);           \
    }
MODEL_CALL(publish, CHANGES, "POST", ":publish")
MODEL_CALL(reset, CHANGES, "POST", ":reset")
MODEL_CALL(load, CHANGES, "POST", ":load")
MODEL_CALL(unload, CHANGES, "POST", ":unload")
MODEL_CALL(training, SAFE, "GET", "/training")
MODEL_CALL(metadata, SAFE, "GET", "/metadata")
MODEL_CALL(model, SAFE, "GET", "")

json_t *lstmd_client_models(struct lstmd_client *client)
{
    return lstmd_client_model(client, "");
}

json_t *lstmd_client_set_training(struct lstmd_client *client, const char *model,
                                  double learning_rate, double clip_norm)
{
    json_t *const body = json_object();
    if (learning_rate >= 0)
        json_object_set_new(body, "learning_rate", json_real(learning_rate));
    if (clip_norm >= 0)
        json_object_set_new(body, "clip_norm", json_real(clip_norm));
    return ask_with(client, CHANGES, "PUT", model_path(client->curl, model), "/training", body);
}

static bool answers(struct lstmd_client *client, char *path)
{
    struct call call = {.client = client, .method = "GET", .path = path};
    const bool is_well = path != NULL && try_until_answered(&call, 0) == LSTMD_OK;
    free(call.text);
    free(path);
    return is_well;
}

void lstmd_client_health(struct lstmd_client *client, bool *live, bool *ready)
{
    *live = answers(client, strdup("/v2/health/live"));
    *ready = answers(client, strdup("/v2/health/ready"));
}

json_t *lstmd_client_metrics(struct lstmd_client *client)
{
    struct call call = {.client = client,
                        .method = "GET",
                        .path = strdup("/metrics"),
                        .is_safe = true,
                        .is_text = true};
    return run(&call);
}

json_t *lstmd_client_sessions(struct lstmd_client *client, const char *model, unsigned limit,
                              unsigned long long after)
{
    char verb[80];
    snprintf(verb, sizeof verb, "/sessions?limit=%u&after=%llu", limit, after);
    return ask(client, SAFE, "GET", model_path(client->curl, model), verb, NULL);
}

/* ---- Sessions ----------------------------------------------------------------------------- */

/* The session that an answer, which is taken, tells of; new. */
static struct lstmd_session *make_session(struct lstmd_client *client, json_t *told)
{
    const char *model = "", *id = "";
    if (told == NULL)
        return NULL;
    struct lstmd_session *made = calloc(1, sizeof *made);
    char *base = NULL;
    if (json_unpack(told, "{s:s, s:s}", "model", &model, "id", &id) == 0)
        base = model_path(client->curl, model);
    if (made != NULL)
        *made = (struct lstmd_session){.client = client, .id = strdup(id)};
    if (base == NULL || made == NULL || made->id == NULL ||
        asprintf(&made->path, "%s/sessions/%s", base, id) < 0) {
        fail(&client->error, LSTMD_CONNECTION_FAILED,
             "expected a session from the server, or memory lacks");
        if (made != NULL)
            made->path = NULL;
        lstmd_session_destroy(made);
        made = NULL;
    }
    free(base);
    json_decref(told);
    return made;
}

struct lstmd_session *lstmd_client_session(struct lstmd_client *client, const char *model,
                                           const char *id, json_t *initial_state)
{
    json_t *const body = json_pack("{s:s*, s:O*}", "id", id, "initial_state", initial_state);
    return make_session(client, ask_with(client, CHANGES, "POST", model_path(client->curl, model),
                                         "/sessions", body));
}

struct lstmd_session *lstmd_client_open_session(struct lstmd_client *client, const char *model,
                                                const char *id)
{
    char *const escaped = curl_easy_escape(client->curl, id, 0), *verb = NULL;
    if (escaped == NULL || asprintf(&verb, "/sessions/%s", escaped) < 0)
        verb = NULL;
    json_t *const told =
        ask(client, SAFE, "GET", verb == NULL ? NULL : model_path(client->curl, model), verb, NULL);
    curl_free(escaped);
    free(verb);
    return make_session(client, told);
}

void lstmd_session_destroy(struct lstmd_session *session)
{
    if (session == NULL)
        return;
    free(session->path);
    free(session->id);
    free(session);
}

const char *lstmd_session_id(const struct lstmd_session *session)
{
    return session->id;
}

static json_t *ask_session(struct lstmd_session *session, enum effect effect, const char *method,
                           const char *verb)
{
    return ask(session->client, effect, method, strdup(session->path), verb, NULL);
}

static json_t *change_session(struct lstmd_session *session, const char *method, const char *verb,
                              json_t *body)
{
    return ask_with(session->client, CHANGES, method, strdup(session->path), verb, body);
}

json_t *lstmd_session_predict(struct lstmd_session *session, const struct lstmd_input *piece)
{
    return take_predictions(session->client,
                            post_input(session->client, CHANGES, strdup(session->path), ":predict",
                                       piece, json_object()));
}

json_t *lstmd_session_state(struct lstmd_session *session, const struct lstmd_input *piece,
                            const struct lstmd_state_options *options)
{
    return post_input(session->client, CHANGES, strdup(session->path), ":state", piece,
                      state_keys(options));
}

json_t *lstmd_session_get_state(struct lstmd_session *session)
{
    return ask_session(session, SAFE, "GET", "/state");
}

json_t *lstmd_session_set_state(struct lstmd_session *session, json_t *state)
{
    return change_session(session, "PUT", "/state", json_incref(state));
}

struct lstmd_session *lstmd_session_fork(struct lstmd_session *session, const char *id)
{
    return make_session(session->client,
                        change_session(session, "POST", ":fork", json_pack("{s:s*}", "id", id)));
}

json_t *lstmd_session_move(struct lstmd_session *session, const char *version)
{
    return change_session(session, "PUT", "", json_pack("{s:s}", "version", version));
}

json_t *lstmd_session_info(struct lstmd_session *session)
{
    return ask_session(session, SAFE, "GET", "");
}

json_t *lstmd_session_delete(struct lstmd_session *session)
{
    return ask_session(session, CHANGES, "DELETE", "");
}
