/* request.c: error answers. SPDX-License-Identifier: Apache-2.0 */
#include "server/request.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "server/json_text.h"

enum { MAX_SENTENCE = 1024 };

enum handled respond_error(struct request *request, int status, const char *format, ...)
{
    char sentence[MAX_SENTENCE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);

    struct response *response = &request->response;
    response->status = status;
    response->content_type = NULL;
    response->static_body = NULL;
    buf_release(&response->body);
    buf_text(&response->body, "{\"error\":");
    json_append_string(&response->body, sentence, strlen(sentence));
    buf_text(&response->body, "}");
    return HANDLED;
}
