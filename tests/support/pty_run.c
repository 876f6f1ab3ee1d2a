/* pty_run.c: forkpty, and reading with a deadline. SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/pty_run.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/clock.h"
#include "tests/support/daemon.h"

enum { MAX_ARGUMENTS = 16 };

static void run_child(char **argv, const char *input, pid_t parent)
{
    const int fd = input == NULL ? -1 : open(input, O_RDONLY | O_CLOEXEC);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent &&
        (input == NULL || dup2(fd, STDIN_FILENO) >= 0))
        execv(argv[0], argv);
    _exit(127);
}

void pty_start(struct pty_run *run, const char *const *arguments, const char *input,
               unsigned short columns, unsigned short lines)
{
    char path[PATH_MAX];
    char *argv[MAX_ARGUMENTS + 2] = {path};
    const struct winsize size = {.ws_col = columns, .ws_row = lines};
    const pid_t parent = getpid();
    daemon_find_binary(path);
    for (size_t i = 0; arguments[i] != NULL; i++) {
        ck_assert_uint_lt(i, MAX_ARGUMENTS);
        argv[i + 1] = (char *)(uintptr_t)arguments[i];
    }
    run->n = run->seen = 0;
    run->out[0] = '\0';
    run->pid = forkpty(&run->fd, NULL, NULL, &size);
    ck_assert_int_ge(run->pid, 0);
    if (run->pid == 0)
        run_child(argv, input, parent);
}

/* Reads what comes until then. 0: it has ended (a terminal's other end then fails with EIO). */
static size_t read_more(struct pty_run *run, int64_t until_us)
{
    const int64_t left_us = until_us - monotonic_us();
    struct pollfd waiting = {.fd = run->fd, .events = POLLIN};
    if (poll(&waiting, 1, left_us > 0 ? (int)(left_us / 1000) : 0) == 0) {
        kill(run->pid, SIGKILL);
        ck_abort_msg("lstmd wrote nothing more within %d ms; it wrote:\n%s", PATIENCE_MS,
                     run->out + run->seen);
    }
    ck_assert_uint_lt(run->n + 1, sizeof run->out);
    const ssize_t n = read(run->fd, run->out + run->n, sizeof run->out - 1 - run->n);
    ck_assert(n >= 0 || errno == EIO);
    run->n += n > 0 ? (size_t)n : 0;
    run->out[run->n] = '\0';
    return n > 0 ? (size_t)n : 0;
}

void pty_expect(struct pty_run *run, const char *text)
{
    const int64_t until_us = monotonic_us() + PATIENCE_US;
    const char *found;
    while ((found = strstr(run->out + run->seen, text)) == NULL)
        ck_assert_msg(read_more(run, until_us) > 0, "lstmd ended without writing '%s':\n%s", text,
                      run->out);
    run->seen = (size_t)(found - run->out) + strlen(text);
}

void pty_resize(struct pty_run *run, unsigned short columns, unsigned short lines)
{
    const struct winsize size = {.ws_col = columns, .ws_row = lines};
    ck_assert_int_eq(ioctl(run->fd, TIOCSWINSZ, &size), 0);
}

void pty_type(struct pty_run *run, const char *keys)
{
    ck_assert_int_eq(write(run->fd, keys, strlen(keys)), (ssize_t)strlen(keys));
}

void pty_expect_stopped(struct pty_run *run)
{
    int status;
    ck_assert_int_eq(waitpid(run->pid, &status, WUNTRACED), run->pid);
    ck_assert_msg(WIFSTOPPED(status), "lstmd ended instead:\n%s", run->out);
}

int pty_wait(struct pty_run *run)
{
    const int64_t until_us = monotonic_us() + PATIENCE_US;
    int status;
    while (read_more(run, until_us) > 0)
        continue;
    ck_assert_int_eq(waitpid(run->pid, &status, 0), run->pid);
    close(run->fd);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
