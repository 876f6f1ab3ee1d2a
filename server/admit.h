/* admit.h: what is decided about a request when its header was read: route, origin, key, deadline,
 * length. SPDX-License-Identifier: Apache-2.0 */
#ifndef ADMIT_H
#define ADMIT_H

#include "server/cors.h"
#include "server/request.h"
#include "server/router.h"

/* All borrowed; keys and the contents of files may change meanwhile. */
struct admission {
    const struct route *routes;
    struct keys *keys;          /* NULL: nobody needs one */
    const struct cors *cors;    /* NULL: no other site's pages are answered */
    bool is_local;              /* only this machine reaches the server: Host must be a name of it,
                                   unless there are keys */
    size_t max_body_bytes;      /* a longer body answers 413 */
    int64_t request_timeout_us; /* of requests that do not say theirs; 0: none */
};

/* Fills route, parts, key and deadline_us of a request whose method, path, headers and received_us
 * are there; length: of its body, 0 if unknown. False: the answer is in the response. */
bool admit(const struct admission *rules, struct request *request, size_t length);

#endif
