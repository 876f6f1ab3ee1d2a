/* http_fixture.h: an HTTP front with routes of its own, and a client connected to it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef HTTP_FIXTURE_H
#define HTTP_FIXTURE_H

#include <pthread.h>

#include "server/http.h"
#include "server/router.h"
#include "tests/support/raw_client.h"

enum { MAX_BODY = 100000 };

/* What the handlers work on: one request that was put off, and what became of it. */
struct app {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct request *waiting;
    unsigned n_finished, n_discarded;
};

extern struct app app;
extern struct http *http;
extern uint16_t http_port; /* that it listens on */
extern struct raw_client client;
extern struct raw_answer answer; /* what the assertions look at */
extern const struct route http_table[];

/* What the server of fixture_start() has, but for the routes: a test may start another. */
struct http_options fixture_options(void);

/* A server with these options on a free port of 127.0.0.1, and a client connected to it. */
void fixture_start_with(struct http_options options);

/* A checked fixture. */
void fixture_start(void);
void fixture_stop(void);

/* The request that the route /later holds, as soon as there is one. */
struct request *take_waiting(void);
void wait_until_discarded(unsigned n);

/* Sends a POST of n bytes 'x' with a Content-Length. */
void post_bytes(const char *path, size_t n);

void assert_answer(int status, const char *body);
/* That the connection is still good for a request. */
void assert_alive(void);

#endif
