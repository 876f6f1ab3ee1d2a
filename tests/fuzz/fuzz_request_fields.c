/* fuzz_request_fields.c: no method, path, header field or query value makes admission, or what
 * reads a query, misbehave; what is answered can stand in a header.
 * SPDX-License-Identifier: Apache-2.0
 *
 * The input is lines: method, path, then fields in the order of the table. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/admit.h"
#include "server/http_fields.h"
#include "server/log.h"
#include "server/site.h"
#include "server/state_codec.h"
#include "server/train_body.h"
#include "tests/fuzz/memory_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const names[] = {
    "method",       "path",           "X-API-Key",       "Authorization",
    "Origin",       "Content-Length", "X-Request-Id",    "Access-Control-Request-Method",
    "Content-Type", "layers",         "trace",           "X-Request-Timeout-Ms",
    "labels",       "sample_weight",  "learning_rate",   "state_is_tuple",
    "Host",         "Sec-Fetch-Site", "Content-Encoding"};
enum { N_NAMES = sizeof names / sizeof *names };

/* Of this input: NULL where a line is empty or missing. */
static const char *values[N_NAMES];

static void require(bool truth)
{
    if (!truth)
        abort();
}

static const char *value_of(const struct request *request, const char *name)
{
    (void)request;
    for (size_t k = 0; k < N_NAMES; k++)
        if (strcmp(names[k], name) == 0)
            return values[k];
    return NULL;
}

/* Keys, origins and a model that live as long as the process. */
static struct admission rules;
static struct lstm_model *model;

/* The key is "secret", with the scope predict. */
static void start(void)
{
    static const char keys_text[] =
        "predict sha256:2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b user\n";
    static const char json[] =
        "{\"format\":\"lstmd-model-1\",\"input\":{\"features\":1},\"layers\":[{\"type\":\"lstm\","
        "\"units\":2,\"return_sequences\":true},{\"type\":\"gru\",\"units\":2},{\"type\":\"dense\","
        "\"units\":3,\"activation\":\"softmax\"}]}";
    struct memory_file file;
    struct cors *cors;
    log_init(LOG_LEVEL_OFF, LOG_FORMAT_LOGFMT);
    memory_file_open(&file, keys_text, sizeof keys_text - 1);
    require(keys_open(file.path, &rules.keys, NULL) == LSTM_OK);
    memory_file_close(&file);
    require(cors_create("https://a.example,http://b.example:81", &cors, NULL) == LSTM_OK);
    rules.cors = cors;
    rules.routes = routes;
    rules.max_body_bytes = 1000;
    rules.request_timeout_us = 1000;
    require(lstm_model_create(json, sizeof json - 1, 1, &model, NULL) == LSTM_OK);
}

/* Cuts text into values. */
static void take_lines(char *text)
{
    memset(values, 0, sizeof values);
    for (size_t k = 0; k < N_NAMES && text != NULL; k++) {
        char *const line = strsep(&text, "\n");
        values[k] = *line != '\0' ? line : NULL;
    }
}

static void check_answer(const struct request *request)
{
    struct http_fields fields;
    http_fields_answer(request, 12345, &fields);
    require(fields.n >= 2 && fields.n <= sizeof fields.field / sizeof *fields.field);
    for (size_t k = 0; k < fields.n; k++)
        require(strpbrk(fields.field[k].value, "\r\n") == NULL);
}

static void check_fields(struct request *request)
{
    char type[32];
    http_fields_id(request->id, values[6]);
    require(request->id[0] != '\0' && strpbrk(request->id, " \r\n\"'\\") == NULL);
    http_fields_media_type(type, sizeof type, values[8]);
    require(strpbrk(type, "; \t") == NULL);
    check_answer(request);
    /* As handlers leave it. */
    request->decode_us = request->queue_us = request->compute_us = request->encode_us = 1234567;
    request->response.retry_after_s = 1;
    request->response.closes = true;
    request->response.n_fields = 1;
    request->response.fields[0].name = "X-Model-Version";
    request->response.fields[0].value = "1";
    check_answer(request);
}

/* Where nobody needs a key, what is not an allowed page's only reads. */
static void check_open(const struct request *asked, size_t length)
{
    struct admission open = rules;
    open.keys = NULL;
    open.is_local = true;
    struct request request = *asked;
    buf_init(&request.response.body, 1 << 20);
    if (admit(&open, &request, length))
        require(site_is_ours(open.cors, value_of(&request, "Host")) &&
                site_foreign_field(&request) == NULL);
    else
        require(request.response.status >= 400 || request.response.preflight);
    check_answer(&request);
    buf_release(&request.response.body);
}

/* Two instances of 3 steps. */
static void check_query(const struct request *request)
{
    const float input[3] = {0};
    const struct lstm_sequence sequences[2] = {{.input = input, .steps = 3},
                                               {.input = input, .steps = 3}};
    struct state_options options;
    struct train_body body;
    struct lstm_error error = {.text = ""};
    if (state_options_read_query(model, request, &options, &error) == LSTM_OK) {
        for (size_t k = 0; options.layers != NULL && k < options.n_layers; k++)
            require(options.layers[k] < lstm_model_info(model)->n_recurrent);
        require(state_options_outputs(&options).state_trace == options.trace);
    } else {
        require(options.layers == NULL && error.text[0] != '\0');
    }
    state_options_release(&options);
    error.text[0] = '\0';
    if (train_body_read_query(model, request, sequences, 2, &body, &error) != LSTM_OK)
        require(body.targets == NULL && error.text[0] != '\0');
    train_body_release(&body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (model == NULL)
        start();
    char *const text = malloc(size + 1);
    require(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    take_lines(text);
    struct request request = {.method = values[0] != NULL ? values[0] : "GET",
                              .path = values[1] != NULL ? values[1] : "/",
                              .content_type = "",
                              .query = value_of,
                              .header = value_of,
                              .received_us = 1};
    const size_t length = http_fields_length(values[5]);
    check_open(&request, length);
    buf_init(&request.response.body, 1 << 20);
    if (admit(&rules, &request, length))
        require(request.route != NULL && length <= rules.max_body_bytes &&
                request.deadline_us > 1 && request.deadline_us <= 1 + INT64_C(3600000000) &&
                (request.route->scope == SCOPE_NONE || strcmp(request.key, "user") == 0));
    else
        require(request.response.status >= 400 || request.response.preflight);
    check_fields(&request);
    check_query(&request);
    buf_release(&request.response.body);
    free(text);
    return 0;
}
