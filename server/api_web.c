/* api_web.c: the demo page. SPDX-License-Identifier: Apache-2.0
 *
 * The page is the same for everybody and holds no secret, so that it needs no key; what it asks the
 * API for does. It may load and call nothing but this server. */
#include <string.h>

#include "server/api.h"
#include "server/web.h"

static const char policy[] = "default-src 'self'; base-uri 'none'; form-action 'none'; "
                             "frame-ancestors 'none'; object-src 'none'";

static void add_field(struct response *response, const char *name, const char *value)
{
    response->fields[response->n_fields].name = name;
    response->fields[response->n_fields].value = value;
    response->n_fields++;
}

/* Whether the client has the file already: If-None-Match is "*" or lists its tag, weak or not. */
static bool is_known(const struct request *request, const struct web_file *file)
{
    const char *known = request->header(request, "If-None-Match");
    return known != NULL && (strcmp(known, "*") == 0 || strstr(known, file->etag) != NULL);
}

static enum handled answer(struct request *request, const struct web_file *file)
{
    struct response *response = &request->response;
    response->status = is_known(request, file) ? 304 : 200;
    response->content_type = web_content_type(file->name);
    response->static_body = (const char *)file->data;
    response->static_bytes = response->status == 304 ? 0 : file->size;
    add_field(response, "ETag", file->etag);
    add_field(response, "Cache-Control", "no-cache"); /* to be asked for again after an upgrade */
    add_field(response, "Content-Security-Policy", policy);
    add_field(response, "X-Content-Type-Options", "nosniff");
    return HANDLED;
}

enum handled handle_web_page(struct app *app, struct request *request)
{
    (void)app;
    return answer(request, web_find("index.html"));
}

enum handled handle_web_file(struct app *app, struct request *request)
{
    (void)app;
    const struct web_file *file = web_find(request->parts.file);
    if (file == NULL)
        return respond_error(request, 404, "the demo page has no file '%s'", request->parts.file);
    return answer(request, file);
}
