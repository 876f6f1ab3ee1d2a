/* request.c: error answers. SPDX-License-Identifier: Apache-2.0 */
#include "server/request.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "server/json_text.h"

enum { MAX_SENTENCE = 1024 };

static void LSTM_PRINTF(3, 0)
    respond(struct request *request, int status, const char *format, va_list arguments)
{
    char sentence[MAX_SENTENCE];
    vsnprintf(sentence, sizeof sentence, format, arguments);
    struct response *response = &request->response;
    response->status = status;
    response->content_type = NULL;
    response->static_body = NULL;
    buf_release(&response->body);
    buf_text(&response->body, "{\"error\":");
    json_append_string(&response->body, sentence, strlen(sentence));
    buf_text(&response->body, "}");
}

enum handled respond_error(struct request *request, int status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    respond(request, status, format, arguments);
    va_end(arguments);
    return HANDLED;
}

enum handled respond_retry(struct request *request, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    request->response.retry_after_s = RETRY_AFTER_S;
    respond(request, 503, format, arguments);
    va_end(arguments);
    return HANDLED;
}
