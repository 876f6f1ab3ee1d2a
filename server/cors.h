/* cors.h: which web pages may call the server from a browser. SPDX-License-Identifier: Apache-2.0
 *
 * Nothing is allowed unless a list of origins says so: a browser then keeps other sites' scripts
 * from the answers, and site.h their requests from doing anything. Cookies are never involved, so
 * that "*" exposes nothing that needs a key. */
#ifndef CORS_H
#define CORS_H

#include <stdbool.h>

#include "core/lstm.h"

struct cors;

/* text: "https://a.example,https://b.example:8443", or "*" for every origin. *cors is new.
 * INVALID: the entry that is no origin. */
LSTM_MUST_CHECK enum lstm_status cors_create(const char *text, struct cors **cors,
                                             struct lstm_error *error);

/* What Access-Control-Allow-Origin answers to this Origin (NULL: none was sent); NULL: nothing.
 * Lives as long as `cors`. */
const char *cors_allow(const struct cors *cors, const char *origin);

/* Whether an origin of the list has this Host, "a.example" or "a.example:8443". */
bool cors_has_host(const struct cors *cors, const char *host);

/* Whether answers differ by Origin, so that caches must know. */
bool cors_varies(const struct cors *cors);

void cors_destroy(struct cors *cors);

#endif
