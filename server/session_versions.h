/* session_versions.h: the versions that sessions of a shared store run on. SPDX-License-Identifier:
 * Apache-2.0
 *
 * A session stays on its version when that is replaced, also on a server that has never run it: so
 * versions are kept for as long as sessions use them, and loaded from the repository where they are
 * missing. Only published versions: what one server has learned, the others do not have.
 * Thread-safe. */
#ifndef SESSION_VERSIONS_H
#define SESSION_VERSIONS_H

#include "server/registry.h"

struct session_versions;

/* *versions is new. The registry is borrowed. NULL: no memory. */
struct session_versions *session_versions_create(struct registry *registry);
void session_versions_destroy(struct session_versions *versions);

/* A published version, held by the caller until registry_release(), and a number that tells its
 * weights from others. NULL: this server neither has nor can load it; the log tells why. */
const struct served_version *session_versions_find(struct session_versions *versions,
                                                   const char *model, uint64_t number,
                                                   uint64_t *weights);

/* Lets go of those that nobody asked for in the last so many microseconds. */
void session_versions_trim(struct session_versions *versions, int64_t idle_us);

#endif
