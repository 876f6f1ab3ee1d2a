/* pty_run.h: `lstmd` in a pseudo-terminal of its own, as a person would run it.
 * SPDX-License-Identifier: Apache-2.0
 *
 * What takes longer than PATIENCE_MS fails the test. */
#ifndef PTY_RUN_H
#define PTY_RUN_H

#include <stddef.h>
#include <sys/types.h>

struct pty_run {
    pid_t pid;
    int fd; /* the terminal's other end */
    size_t n, seen;
    char out[512 * 1024]; /* n bytes that it wrote, NUL-terminated; of them `seen` were expected */
};

/* Starts it on a terminal of this size; arguments: NULL-ended. input: a file to be its standard
 * input; NULL: the terminal. */
void pty_start(struct pty_run *run, const char *const *arguments, const char *input,
               unsigned short columns, unsigned short lines);

/* Waits until it has written this text, behind what was expected before. */
void pty_expect(struct pty_run *run, const char *text);

void pty_resize(struct pty_run *run, unsigned short columns, unsigned short lines);
void pty_type(struct pty_run *run, const char *keys);

/* Waits until a signal has stopped it. */
void pty_expect_stopped(struct pty_run *run);

/* Reads to its end and releases `run`, but for its output. Returns the exit status; 128 + n if
 * signal n ended it. */
int pty_wait(struct pty_run *run);

#endif
