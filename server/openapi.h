/* openapi.h: the API described as an OpenAPI 3.0 document, from the route table.
 * SPDX-License-Identifier: Apache-2.0
 *
 * What requests and answers hold is in openapi_schemas.c, by the names of routes. JSON is written
 * there with ' for ", which none of its texts has. */
#ifndef OPENAPI_H
#define OPENAPI_H

#include "server/buf.h"
#include "server/router.h"

/* A route's bodies. */
struct openapi_body {
    const char *route;       /* its name; one row for all routes of the name */
    const char *request;     /* schema of the JSON that it takes; NULL: no body */
    const char *answer;      /* schema of the JSON that it answers; NULL: a body of answer_type */
    const char *answer_type; /* media type; NULL: application/json */
    int status;              /* of the answer; 0: 200 */
    bool takes_octets;       /* whole instances as raw bytes, too, and a deadline */
};
extern const struct openapi_body openapi_bodies[]; /* ended by a row without a route */

struct openapi_schema {
    const char *name, *schema; /* JSON, as said above */
};
extern const struct openapi_schema openapi_schemas[]; /* ended by a row without a name */

/* NULL: there is none. */
const struct openapi_body *openapi_find_body(const char *route);

/* Appends the document for the route table. */
void openapi_write(const struct route *table, struct buf *out);

#endif
