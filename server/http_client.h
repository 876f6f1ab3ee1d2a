/* http_client.h: requests to a running server, for the commands that ask one.
 * SPDX-License-Identifier: Apache-2.0
 *
 * http_client.c is the one file that knows libcurl. The library is loaded when the first client is
 * made, not linked: it brings twenty libraries, which would cost `lstmd serve`, which needs none of
 * them, 3 ms at its start and 3 MB. As everywhere with libcurl, http_proxy and no_proxy hold. */
#ifndef HTTP_CLIENT_H
#define HTTP_CLIENT_H

#include "server/buf.h"
#include "server/client_config.h"

struct http_client;

struct http_client_request {
    const char *path;         /* "/metrics", with its query, escaped */
    const char *content_type; /* NULL: a GET without a body */
    const void *body;
    size_t body_bytes;
};

/* *client is new: one connection, kept alive; for one thread. INVALID: no URL, or no usable key;
 * IO: the key cannot be read; UNSUPPORTED: libcurl is not installed; NO_MEMORY. */
LSTM_MUST_CHECK enum lstm_status http_client_create(const struct client_config *config,
                                                    struct http_client **client,
                                                    struct lstm_error *error);

/* Fills `answer` (initialised, empty) with the body of a 200. IO: nobody answers, or not in time;
 * INVALID: the server answers something else, with its sentence. */
LSTM_MUST_CHECK enum lstm_status http_client_ask(struct http_client *client,
                                                 const struct http_client_request *request,
                                                 struct buf *answer, struct lstm_error *error);

void http_client_destroy(struct http_client *client);

#endif
