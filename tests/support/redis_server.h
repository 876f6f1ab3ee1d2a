/* redis_server.h: a real redis-server as a child process. SPDX-License-Identifier: Apache-2.0
 *
 * It dies with the test that started it, and keeps nothing but in memory unless it is asked to. */
#ifndef REDIS_SERVER_H
#define REDIS_SERVER_H

#include <stdbool.h>
#include <sys/types.h>

#include "tests/support/reserved_port.h"
#include "tests/support/temp_folder.h"

struct redis_server {
    pid_t pid;
    struct reserved_port port;
    char url[64]; /* "redis://127.0.0.1:PORT" */
    struct temp_folder folder;
};

/* Whether the program is installed; if not, says on stderr what is not tested. */
bool redis_server_is_there(void);

/* Starts one on a free port and waits until it answers. */
void redis_server_start(struct redis_server *server);
/* Ends it, its data on disk (SIGTERM saves them); starts it again on the same port with them. */
void redis_server_pause(struct redis_server *server);
void redis_server_resume(struct redis_server *server);
void redis_server_stop(struct redis_server *server);

/* SIGSTOP, and waits until it stands still; SIGCONT. */
void redis_server_suspend(const struct redis_server *server);
void redis_server_continue(const struct redis_server *server);

/* Sends one command of up to 8 words and expects an answer that is no error. Returns its number, or
 * 0 if it is none. */
long redis_server_ask(const struct redis_server *server, const char *const *words);

#endif
