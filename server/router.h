/* router.h: matches method and path to a row of the route table (routes.c).
 * SPDX-License-Identifier: Apache-2.0
 *
 * A path pattern is literal text with the parts {model}, {version} (digits), {label}, {session},
 * {file}; a part runs to the next '/' or ':'. "/v1/models/{model}/versions/{version}:predict".
 * Matching a path decodes its parts; a bad escape, or a decoded NUL, control character or '/', is
 * no match. */
#ifndef ROUTER_H
#define ROUTER_H

#include "server/keys.h"
#include "server/request.h"

struct route {
    const char *method;
    const char *path;
    const char *name;    /* label of metrics and of the access line: "predict" */
    const char *summary; /* one sentence for the documentation */
    enum handled (*handle)(struct app *app, struct request *request);
    enum scope scope; /* that a key needs, where the server has keys */
};

/* The table, ended by a row without a method. */
extern const struct route routes[];

/* The route for method and path, and the parts of the path. NULL: no route; then *allow is the list
 * of methods that the path has ("GET, POST") or "" if there is no such path. HEAD matches GET. */
const struct route *router_match(const struct route *table, const char *method, const char *path,
                                 struct path_parts *parts, char *allow, size_t allow_bytes);

#endif
