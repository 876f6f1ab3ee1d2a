/* daemon.h: a real `lstmd serve` as a child process. SPDX-License-Identifier: Apache-2.0
 *
 * The binary is the one beside the running test program, so it is of the same flavour. A daemon
 * dies with the test that started it, and whatever takes longer than PATIENCE_MS fails the test. */
#ifndef DAEMON_H
#define DAEMON_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "tests/support/patience.h"

struct daemon {
    pid_t pid;
    int out, log; /* its stdout, a pipe; its stderr, a file */
    uint16_t port;
    char ready_line[128]; /* without the line feed */
    char url[64];         /* "http://127.0.0.1:PORT" */
};

/* Starts `lstmd serve --port 0 --models MODELS --log-level warn OPTIONS` and waits until it says
 * that it is ready. options: NULL-ended; NULL: none. */
void daemon_start(struct daemon *server, const char *models, const char *const *options);

/* Sends it a signal; a daemon that ends is to be waited for. */
void daemon_signal(const struct daemon *server, int number);

/* Waits until it has ended and releases `server`. Returns its exit status; a daemon that was killed
 * by a signal, or wrote more on stdout than its ready line, fails the test with its log. */
int daemon_wait(struct daemon *server);

/* SIGKILL, at once; waits for the end and releases `server`. */
void daemon_kill(struct daemon *server);

/* SIGSTOP, and waits until all of its threads stand still; SIGCONT lets them go on. */
void daemon_suspend(const struct daemon *server);

/* SIGTERM and daemon_wait(). */
int daemon_stop(struct daemon *server);

/* What it wrote to stderr so far, cut at its beginning if it is long; valid until the next call. */
const char *daemon_log(const struct daemon *server);

/* How many file descriptors it holds, and a constant. */
size_t daemon_descriptors(const struct daemon *server);

/* Its resident memory. */
size_t daemon_resident_bytes(const struct daemon *server);

/* The path of `lstmd` beside the test program. */
void daemon_find_binary(char path[PATH_MAX]);

/* What became of a run of `lstmd` that ends by itself. */
struct daemon_run {
    int exit_status;
    char out[64 * 1024], log[2048]; /* what it wrote on stdout and on stderr */
};
void daemon_run(const char *const *arguments, struct daemon_run *run);

#endif
