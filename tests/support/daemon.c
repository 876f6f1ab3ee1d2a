/* daemon.c: fork and exec, a pipe for stdout, and deadlines. SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/daemon.h"

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/clock.h"

enum { MAX_ARGUMENTS = 32 };

void daemon_find_binary(char path[PATH_MAX])
{
    static const char name[] = "lstmd";
    const ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - sizeof name);
    ck_assert_int_gt(n, 0);
    path[n] = '\0';
    char *last = strrchr(path, '/');
    ck_assert_ptr_nonnull(last);
    memcpy(last + 1, name, sizeof name);
    ck_assert_msg(access(path, X_OK) == 0, "%s is missing: build it, too", path);
}

static void spawn(struct daemon *server, const char *const *arguments)
{
    char path[PATH_MAX];
    char *argv[MAX_ARGUMENTS + 2] = {path};
    int ends[2];
    daemon_find_binary(path);
    for (size_t i = 0; arguments[i] != NULL; i++) {
        ck_assert_uint_lt(i, MAX_ARGUMENTS);
        argv[i + 1] = (char *)(uintptr_t)arguments[i];
    }
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    server->out = ends[0];
    server->log = memfd_create("stderr of lstmd", MFD_CLOEXEC);
    ck_assert_int_ge(server->log, 0);
    const pid_t parent = getpid();
    server->pid = fork();
    ck_assert_int_ge(server->pid, 0);
    if (server->pid == 0) {
        /* The test may end before this line. */
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent &&
            dup2(ends[1], STDOUT_FILENO) >= 0 && dup2(server->log, STDERR_FILENO) >= 0)
            execv(path, argv);
        _exit(127);
    }
    close(ends[1]);
}

/* Reads on from stdout; 0: the daemon has ended. A daemon that is silent is killed. */
static size_t read_out(const struct daemon *server, char *out, size_t room, int64_t until_us)
{
    const int64_t left_us = until_us - monotonic_us();
    struct pollfd waiting = {.fd = server->out, .events = POLLIN};
    if (poll(&waiting, 1, left_us > 0 ? (int)(left_us / 1000) : 0) == 0) {
        kill(server->pid, SIGKILL);
        ck_abort_msg("lstmd did nothing within %d ms; its log:\n%s", PATIENCE_MS,
                     daemon_log(server));
    }
    const ssize_t n = read(server->out, out, room);
    ck_assert_int_ge(n, 0);
    return (size_t)n;
}

/* Reads to the end of its first line, or all that it writes if there is none. */
static void read_ready_line(struct daemon *server)
{
    const int64_t until_us = monotonic_us() + PATIENCE_US;
    size_t n = 0, more = 1;
    char *end = NULL;
    while (end == NULL && more > 0) {
        const size_t room = sizeof server->ready_line - 1 - n;
        ck_assert_uint_gt(room, 0);
        more = read_out(server, server->ready_line + n, room, until_us);
        n += more;
        server->ready_line[n] = '\0';
        end = strchr(server->ready_line, '\n');
    }
    ck_assert_msg(end != NULL, "lstmd ended before it was ready; its log:\n%s", daemon_log(server));
    ck_assert_msg(end[1] == '\0', "more than the ready line: %s", server->ready_line);
    *end = '\0';
}

void daemon_start(struct daemon *server, const char *models, const char *const *options)
{
    const char *arguments[MAX_ARGUMENTS] = {"serve", "--port",      "0",   "--models",
                                            models,  "--log-level", "warn"};
    *server = (struct daemon){0};
    for (size_t i = 0, n = 7; options != NULL && options[i] != NULL; i++) {
        ck_assert_uint_lt(n + 1, MAX_ARGUMENTS);
        arguments[n++] = options[i];
    }
    spawn(server, arguments);
    read_ready_line(server);
    const char *colon = strrchr(server->ready_line, ':');
    ck_assert_msg(colon != NULL, "no port in '%s'", server->ready_line);
    const unsigned long port = strtoul(colon + 1, NULL, 10);
    ck_assert_msg(port > 0 && port <= UINT16_MAX, "no port in '%s'", server->ready_line);
    server->port = (uint16_t)port;
    snprintf(server->url, sizeof server->url, "http://127.0.0.1:%lu", port);
}

void daemon_signal(const struct daemon *server, int number)
{
    ck_assert_int_eq(kill(server->pid, number), 0);
}

/* Reads what is left of stdout into `out`, then waits. The end of stdout is the end of the daemon,
 * and can be waited for with a deadline. Returns as waitpid() does. */
static int wait_for_end(const struct daemon *server, char *out, size_t room)
{
    const int64_t until_us = monotonic_us() + PATIENCE_US;
    size_t n = 0, more;
    while ((more = read_out(server, out + n, room - 1 - n, until_us)) > 0) {
        n += more;
        ck_assert_uint_lt(n, room - 1);
    }
    out[n] = '\0';
    int status;
    ck_assert_int_eq(waitpid(server->pid, &status, 0), server->pid);
    ck_assert_msg(WIFEXITED(status), "lstmd was ended by signal %d; its log:\n%s", WTERMSIG(status),
                  daemon_log(server));
    return WEXITSTATUS(status);
}

int daemon_wait(struct daemon *server)
{
    char rest[256];
    const int exit_status = wait_for_end(server, rest, sizeof rest);
    ck_assert_str_eq(rest, "");
    if (exit_status != EXIT_SUCCESS)
        fprintf(stderr, "lstmd ended with status %d; its log:\n%s\n", exit_status,
                daemon_log(server));
    close(server->out);
    close(server->log);
    return exit_status;
}

void daemon_kill(struct daemon *server)
{
    int status;
    daemon_signal(server, SIGKILL);
    ck_assert_int_eq(waitpid(server->pid, &status, 0), server->pid);
    ck_assert_msg(WIFSIGNALED(status), "lstmd had ended before it was killed; its log:\n%s",
                  daemon_log(server));
    close(server->out);
    close(server->log);
}

/* The signal is on its way when kill() returns, and stops one thread after the other. */
void daemon_suspend(const struct daemon *server)
{
    int status;
    daemon_signal(server, SIGSTOP);
    ck_assert_int_eq(waitpid(server->pid, &status, WUNTRACED), server->pid);
    ck_assert_msg(WIFSTOPPED(status), "lstmd ended instead; its log:\n%s", daemon_log(server));
}

int daemon_stop(struct daemon *server)
{
    daemon_signal(server, SIGTERM);
    return daemon_wait(server);
}

const char *daemon_log(const struct daemon *server)
{
    static char text[8192];
    const off_t end = lseek(server->log, 0, SEEK_END);
    const off_t begin = end > (off_t)sizeof text - 1 ? end - (off_t)sizeof text + 1 : 0;
    const ssize_t n = pread(server->log, text, (size_t)(end - begin), begin);
    text[n > 0 ? n : 0] = '\0';
    return text;
}

size_t daemon_descriptors(const struct daemon *server)
{
    char path[64];
    size_t n = 0;
    snprintf(path, sizeof path, "/proc/%d/fd", (int)server->pid);
    DIR *directory = opendir(path);
    ck_assert_ptr_nonnull(directory);
    while (readdir(directory) != NULL)
        n++;
    closedir(directory);
    return n;
}

size_t daemon_resident_bytes(const struct daemon *server)
{
    char path[64], line[256];
    unsigned long kilobytes = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)server->pid);
    FILE *file = fopen(path, "re");
    ck_assert_ptr_nonnull(file);
    while (fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, "VmRSS:", 6) == 0)
            kilobytes = strtoul(line + 6, NULL, 10);
    fclose(file);
    ck_assert_uint_gt(kilobytes, 0);
    return kilobytes * 1024;
}

void daemon_run(const char *const *arguments, struct daemon_run *run)
{
    struct daemon server = {0};
    spawn(&server, arguments);
    run->exit_status = wait_for_end(&server, run->out, sizeof run->out);
    snprintf(run->log, sizeof run->log, "%s", daemon_log(&server));
    close(server.out);
    close(server.log);
}
