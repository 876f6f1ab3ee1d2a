/* refuse.c: words 404, 405, 413 and 500. SPDX-License-Identifier: Apache-2.0 */
#include "server/refuse.h"

/* Of what the client sent. */
enum { MAX_METHOD = 16, MAX_PATH = 200 };

void refuse_route(struct request *request)
{
    const char *allow = request->response.allow;
    if (allow[0] != '\0')
        respond_error(request, 405, "%.*s is not possible on %.*s; allowed: %s", MAX_METHOD,
                      request->method, MAX_PATH, request->path, allow);
    else
        respond_error(request, 404, "no such route: %.*s %.*s", MAX_METHOD, request->method,
                      MAX_PATH, request->path);
}

void refuse_length(struct request *request, size_t limit)
{
    respond_error(request, 413, "the body is longer than the limit of %zu bytes", limit);
}

void refuse_memory(struct response *response)
{
    static const char body[] = "{\"error\":\"out of memory\"}";
    response->status = 500;
    response->content_type = NULL;
    response->static_body = body;
    response->static_bytes = sizeof body - 1;
}
