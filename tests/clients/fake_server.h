/* fake_server.h: fake_server.py in a process of its own. SPDX-License-Identifier: Apache-2.0 */
#ifndef FAKE_SERVER_H
#define FAKE_SERVER_H

#include <sys/types.h>

struct fake_server {
    pid_t pid;
    int in; /* its stdin, whose end is its end */
    char url[64];
};

/* Starts it and waits for its URL; a failure fails the test. */
void fake_server_start(struct fake_server *server);
void fake_server_stop(struct fake_server *server);

#endif
