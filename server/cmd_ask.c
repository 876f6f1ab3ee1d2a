/* cmd_ask.c: `lstmd predict FILE` and `lstmd state FILE`: ask a running server.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/status.h"
#include "server/ask_input.h"
#include "server/ask_view.h"
#include "server/commands.h"
#include "server/http_client.h"

enum { MAX_ANSWER_BYTES = 1 << 30, MAX_VIEW_BYTES = 16 << 20, PATH_BYTES = 1024, INDENT = 2 };

/* "/v1/models/NAME<end>", escaped. */
static enum lstm_status make_path(const char *model, const char *end, char path[PATH_BYTES],
                                  struct lstm_error *error)
{
    static const char kept[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/";
    size_t n = (size_t)snprintf(path, PATH_BYTES, "/v1/models/");
    for (; *model != '\0' && n + 4 + strlen(end) < PATH_BYTES; model++) {
        if (strchr(kept, *model) != NULL)
            n += (size_t)snprintf(path + n, PATH_BYTES - n, "%c", *model);
        else
            n += (size_t)snprintf(path + n, PATH_BYTES - n, "%%%02X", (unsigned char)*model);
    }
    if (*model != '\0')
        return lstm_fail(error, LSTM_INVALID, "--model is too long");
    snprintf(path + n, PATH_BYTES - n, "%s", end);
    return LSTM_OK;
}

/* The names of the model's outputs, in *body; NULL: it has none, or does not tell. */
static const struct json_t *ask_labels(struct http_client *client, const char *model,
                                       struct json_t **body)
{
    char path[PATH_BYTES];
    struct buf answer;
    const struct json_t *labels = NULL;
    buf_init(&answer, MAX_VIEW_BYTES);
    *body = NULL;
    if (make_path(model, "/metadata", path, NULL) == LSTM_OK &&
        http_client_ask(client, &(struct http_client_request){.path = path}, &answer, NULL) ==
            LSTM_OK &&
        json_file_parse(answer.data, answer.n, body, NULL) == LSTM_OK)
        labels = json_member(json_member(*body, "metadata"), "labels");
    buf_release(&answer);
    return json_kind(labels) == JSON_KIND_LIST ? labels : NULL;
}

static void append_digit(const struct terminal *terminal, const struct ask_input *input,
                         struct buf *out)
{
    float digit[LSTM_DIGIT_SIDE * LSTM_DIGIT_SIDE];
    if (ask_input_digit(input, digit))
        terminal_draw(terminal, out, digit, LSTM_DIGIT_SIDE, LSTM_DIGIT_SIDE, PALETTE_INK, INDENT);
}

/* A request of the kind, ":predict" or ":state". */
struct question {
    const struct client_config *config;
    const char *kind;
    struct ask_input input;
    struct http_client *client;
    struct buf answer;
};

/* Prints the answer for a person. */
static enum lstm_status show(struct question *question, const struct terminal *terminal,
                             struct lstm_error *error)
{
    const bool is_state = strcmp(question->kind, ":state") == 0;
    struct json_body body;
    struct json_t *metadata = NULL;
    struct buf out;
    enum lstm_status status =
        json_body_parse(question->answer.data, question->answer.n, &body, error);
    if (status != LSTM_OK)
        return status;
    buf_init(&out, MAX_VIEW_BYTES);
    append_digit(terminal, &question->input, &out);
    if (is_state) {
        ask_view_state(terminal, &body, &out);
    } else {
        const struct json_t *const labels =
            ask_labels(question->client, question->config->model, &metadata);
        ask_view_predict(terminal, &body, labels, &out);
    }
    if (out.failed)
        status = lstm_fail(error, LSTM_NO_MEMORY, "the answer is too long to draw; see --json");
    else
        fwrite(out.data, 1, out.n, stdout);
    buf_release(&out);
    json_file_release(metadata);
    json_body_release(&body);
    return status;
}

static enum lstm_status ask(struct question *question, const char *file, struct lstm_error *error)
{
    const struct terminal terminal = terminal_of(STDOUT_FILENO);
    char path[PATH_BYTES];
    enum lstm_status status = make_path(question->config->model, question->kind, path, error);
    if (status == LSTM_OK)
        status = ask_input_read(file, &question->input, error);
    if (status == LSTM_OK)
        status = http_client_create(question->config, &question->client, error);
    if (status != LSTM_OK)
        return status;
    const struct http_client_request request = {.path = path,
                                                .content_type = question->input.content_type,
                                                .body = question->input.file.data,
                                                .body_bytes = question->input.file.n};
    status = http_client_ask(question->client, &request, &question->answer, error);
    if (status != LSTM_OK)
        return status;
    if (!question->config->json && terminal.is_terminal)
        return show(question, &terminal, error);
    fwrite(question->answer.data, 1, question->answer.n, stdout);
    putchar('\n');
    return LSTM_OK;
}

static int run(const struct client_config *config, const char *kind, const char *file)
{
    struct question question = {.config = config, .kind = kind};
    struct lstm_error error;
    buf_init(&question.answer, MAX_ANSWER_BYTES);
    enum lstm_status status = ask(&question, file, &error);
    if (status == LSTM_OK && fflush(stdout) != 0)
        status = lstm_fail(&error, LSTM_IO, "cannot write the answer");
    http_client_destroy(question.client);
    ask_input_release(&question.input);
    buf_release(&question.answer);
    if (status == LSTM_OK)
        return EXIT_SUCCESS;
    fprintf(stderr, "lstmd: %s\n", error.text);
    return EXIT_FAILURE;
}

int cmd_predict(const void *config, size_t n_arguments, char *const *arguments)
{
    (void)n_arguments;
    return run(config, ":predict", arguments[0]);
}

int cmd_state(const void *config, size_t n_arguments, char *const *arguments)
{
    (void)n_arguments;
    return run(config, ":state", arguments[0]);
}
