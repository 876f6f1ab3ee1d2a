/* refuse.c: words 400, 401, 403, 404, 405, 413, 415 and 500. SPDX-License-Identifier:
 * Apache-2.0 */
#include "server/refuse.h"

/* Of what the client sent. */
enum { MAX_METHOD = 16, MAX_PATH = 200, MAX_ORIGIN = 100 };

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

void refuse_key(struct request *request, const char *reason)
{
    respond_error(request, 401, "%s; send Authorization: Bearer <key> or X-API-Key: <key>", reason);
}

void refuse_scope(struct request *request, const char *scope)
{
    respond_error(request, 403, "%.*s %.*s needs an API key with the scope %s", MAX_METHOD,
                  request->method, MAX_PATH, request->path, scope);
}

void refuse_site(struct request *request, const char *field)
{
    respond_error(request, 403,
                  "%s '%.*s': pages of other sites may only read; --cors-origins lists those that "
                  "may do more, and a proxy in front should pass on the Host that it was asked",
                  field, MAX_ORIGIN, request->header(request, field));
}

void refuse_host(struct request *request, const char *host)
{
    respond_error(request, 403,
                  "Host '%.*s' is no name of this machine; ask by address or as localhost; where a "
                  "proxy serves under that name, put its origin into --cors-origins",
                  MAX_ORIGIN, host);
}

void refuse_framing(struct request *request)
{
    request->response.closes = true;
    respond_error(request, 400,
                  "the header does not say where the body ends; send one Content-Length or one "
                  "Transfer-Encoding: chunked, and no spaces in field names");
}

void refuse_encoding(struct request *request, const char *encoding)
{
    struct response *response = &request->response;
    response->fields[response->n_fields].name = "Accept-Encoding";
    response->fields[response->n_fields++].value = "identity";
    respond_error(request, 415, "Content-Encoding '%.40s': expected none; send the body as it is",
                  encoding);
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
