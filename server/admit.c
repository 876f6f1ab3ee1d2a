/* admit.c: asks in turn whether there is such a route, whether the client may use it, and whether
 * the header makes sense. SPDX-License-Identifier: Apache-2.0 */
#include "server/admit.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "server/refuse.h"
#include "server/site.h"

enum { MAX_TIMEOUT_MS = 3600000 };

/* Sets what a browser must be told. True: it only asks what it may send. */
static bool meet_origin(const struct cors *cors, struct request *request)
{
    struct response *response = &request->response;
    response->varies = cors_varies(cors);
    response->allow_origin = cors_allow(cors, request->header(request, "Origin"));
    return response->allow_origin != NULL && strcmp(request->method, "OPTIONS") == 0 &&
           request->header(request, "Access-Control-Request-Method") != NULL;
}

/* The key of "Authorization: Bearer <key>" or "X-API-Key: <key>"; NULL: there is none. */
static const char *find_key(const struct request *request)
{
    static const char scheme[] = "Bearer ";
    const char *field = request->header(request, "Authorization");
    if (field == NULL || strncasecmp(field, scheme, sizeof scheme - 1) != 0)
        return request->header(request, "X-API-Key");
    field += sizeof scheme - 1;
    return field + strspn(field, " ");
}

static bool admit_key(const struct admission *rules, struct request *request)
{
    const enum scope scope = request->route->scope;
    const char *key = find_key(request);
    if (key == NULL) {
        refuse_key(request, "this server needs an API key");
        return false;
    }
    switch (keys_check(rules->keys, key, strcspn(key, " \t"), scope, request->key)) {
    case KEY_ACCEPTED:
        return true;
    case KEY_INSUFFICIENT:
        refuse_scope(request, scope_name(scope));
        return false;
    case KEY_UNKNOWN:
        break;
    }
    refuse_key(request, "the API key is not known here");
    return false;
}

/* Who needs no key is whoever reaches the server, and so is a browser with any page in it. */
static bool admit_site(const struct admission *rules, struct request *request)
{
    const char *host = request->header(request, "Host");
    if (rules->is_local && !site_is_ours(rules->cors, host)) {
        refuse_host(request, host);
        return false;
    }
    const char *field = site_foreign_field(request);
    if (field == NULL)
        return true;
    refuse_site(request, field);
    return false;
}

/* A whole number of milliseconds, 1 to MAX_TIMEOUT_MS; 0: it is none. */
static int64_t read_timeout_ms(const char *field)
{
    int64_t ms = 0;
    for (; isdigit((unsigned char)*field) && ms <= MAX_TIMEOUT_MS; field++)
        ms = ms * 10 + (*field - '0');
    return *field == '\0' && ms <= MAX_TIMEOUT_MS ? ms : 0;
}

static bool set_deadline(const struct admission *rules, struct request *request)
{
    int64_t timeout_us = rules->request_timeout_us;
    const char *field = request->header(request, "X-Request-Timeout-Ms");
    if (field != NULL)
        timeout_us = read_timeout_ms(field) * 1000;
    if (field != NULL && timeout_us == 0) {
        respond_error(request, 400,
                      "X-Request-Timeout-Ms '%.40s': expected a whole number from 1 to %d", field,
                      MAX_TIMEOUT_MS);
        return false;
    }
    request->deadline_us = timeout_us > 0 ? request->received_us + timeout_us : 0;
    return true;
}

/* Nothing is unpacked: a small body would become a large one. */
static bool admit_encoding(struct request *request)
{
    const char *encoding = request->header(request, "Content-Encoding");
    if (encoding == NULL || encoding[0] == '\0' || strcasecmp(encoding, "identity") == 0)
        return true;
    refuse_encoding(request, encoding);
    return false;
}

bool admit(const struct admission *rules, struct request *request, size_t length)
{
    struct response *response = &request->response;
    request->route = router_match(rules->routes, request->method, request->path, &request->parts,
                                  response->allow, sizeof response->allow);
    bool is_preflight = rules->cors != NULL && meet_origin(rules->cors, request);
    if (request->route == NULL && is_preflight && response->allow[0] != '\0') {
        response->preflight = true;
        response->status = 204;
        return false;
    }
    if (request->route == NULL) {
        refuse_route(request);
        return false;
    }
    if (rules->keys != NULL && request->route->scope != SCOPE_NONE && !admit_key(rules, request))
        return false;
    if (rules->keys == NULL && !admit_site(rules, request))
        return false;
    if (!set_deadline(rules, request) || !admit_encoding(request))
        return false;
    if (length > rules->max_body_bytes) {
        refuse_length(request, rules->max_body_bytes);
        return false;
    }
    return true;
}
