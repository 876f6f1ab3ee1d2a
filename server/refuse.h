/* refuse.h: the errors that the HTTP front itself answers. SPDX-License-Identifier: Apache-2.0 */
#ifndef REFUSE_H
#define REFUSE_H

#include "server/request.h"

/* No route matched: 405 if response.allow says what the path has, else 404. */
void refuse_route(struct request *request);

/* 401: `reason` is a sentence's beginning. */
void refuse_key(struct request *request, const char *reason);

/* 403: the key lacks this scope. */
void refuse_scope(struct request *request, const char *scope);

/* 403: a page of another site may be behind it. `field` says so; a Host that is no name of this
 * machine does. */
void refuse_site(struct request *request, const char *field);
void refuse_host(struct request *request, const char *host);

/* 400: the header does not say clearly where the body ends. The connection ends, since a proxy may
 * see another request's beginning where the server sees this one's body. */
void refuse_framing(struct request *request);

/* 415: the body is compressed. */
void refuse_encoding(struct request *request, const char *encoding);

/* 413. */
void refuse_length(struct request *request, size_t limit);

/* 500, without allocating. */
void refuse_memory(struct response *response);

#endif
