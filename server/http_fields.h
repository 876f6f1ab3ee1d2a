/* http_fields.h: the texts of header fields. SPDX-License-Identifier: Apache-2.0 */
#ifndef HTTP_FIELDS_H
#define HTTP_FIELDS_H

#include "server/request.h"

enum { SERVER_TIMING_BYTES = 192 };

/* Fills request->id from the client's X-Request-Id: its printable ASCII characters other than
 * quotes, at most 64. If there is none (or `given` is NULL) it is 16 hexadecimal digits, drawn from
 * a generator of the calling thread. */
void http_fields_id(char id[65], const char *given);

/* The media type of a Content-Type field, in lower case and without parameters, cut to fit; "" if
 * `field` is NULL. */
void http_fields_media_type(char *out, size_t out_bytes, const char *field);

/* The value of a Content-Length field; 0 if `field` is NULL; SIZE_MAX if it is beyond a size_t. */
size_t http_fields_length(const char *field);

/* The header fields of an answer, without Content-Length and Date. */
struct http_fields {
    struct {
        const char *name, *value;
    } field[17];
    size_t n;
    char timing[SERVER_TIMING_BYTES], seconds[16]; /* what some of the values point to */
};

/* Content-Type, X-Request-Id, Server-Timing and, where the response has them, Allow, Retry-After,
 * WWW-Authenticate, Connection, what CORS asks for and its own fields. *out borrows from the
 * request, and cannot be copied. */
void http_fields_answer(const struct request *request, int64_t total_us, struct http_fields *out);

/* Server-Timing: "queue;dur=0.012, compute;dur=0.201, total;dur=0.340", in milliseconds, without
 * the parts that took no time. */
void http_fields_timing(const struct request *request, int64_t total_us,
                        char out[SERVER_TIMING_BYTES]);

#endif
