/* session_client.h: a daemon with a model "any" in two versions, and requests to its sessions.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SESSION_CLIENT_H
#define SESSION_CLIENT_H

#include <jansson.h>

#include "tests/support/client.h"
#include "tests/support/daemon.h"
#include "tests/support/temp_folder.h"

#define SESSIONS "/v1/models/any/sessions"

extern struct temp_folder session_folder;
extern struct daemon session_server;
extern struct client session_client;

/* options: of the daemon, NULL-ended; NULL: none. Version 1 serves until version 2 is added. */
void session_server_start(const char *const *options);
void session_server_stop(void);

/* Adds version 2 beside version 1, both of which serve then. */
void session_server_add_version(void);

/* Asks, and expects the status. The answer's JSON is new. body: NULL for none. */
json_t *session_ask(const char *method, const char *path, const char *body, int status);

/* The same, of an error whose sentence has `words`. */
void session_refused(const char *method, const char *path, const char *body, int status,
                     const char *words);

/* The same, whatever the answer says. */
void session_expect(const char *method, const char *path, const char *body, int status);

/* The value of a series in /metrics. */
double session_metric(const char *series);

#endif
