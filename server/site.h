/* site.h: whether a page of another site is behind a request. SPDX-License-Identifier: Apache-2.0
 *
 * A browser lets any page send certain requests to any server that it reaches, and keeps only the
 * answers from the page: a POST of plain text may train a model. And a page whose own name has come
 * to mean this machine (DNS rebinding) may read the answers, too. Where a key is needed none of
 * this works, as no browser adds it by itself. */
#ifndef SITE_H
#define SITE_H

#include "server/cors.h"
#include "server/request.h"

/* The header field by which a browser says that a page of another site asks for more than reading;
 * NULL: there is none, or response.allow_origin says that the page may. */
const char *site_foreign_field(const struct request *request);

/* Whether a Host field (NULL: there was none) is what a client of this machine calls it: an address
 * or a name that no public name server knows; or that of one of the origins (NULL: none). */
bool site_is_ours(const struct cors *origins, const char *host);

#endif
