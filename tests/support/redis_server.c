/* redis_server.c: fork and exec, and the protocol's plain form. SPDX-License-Identifier: Apache-2.0
 */
#include "tests/support/redis_server.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/clock.h"
#include "tests/support/patience.h"

static const char program[] = "/usr/bin/redis-server";

enum { POLL_MS = 10 };

bool redis_server_is_there(void)
{
    if (access(program, X_OK) == 0)
        return true;
    fprintf(stderr, "SKIPPED: sessions in Redis, since %s is not installed (make deps-test)\n",
            program);
    return false;
}

static int try_connect(const struct redis_server *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(server->port.number),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    close(fd);
    return -1;
}

/* The first line of what it answers to a line; false: it is not there, or still reads its data. */
static bool talk(const struct redis_server *server, const char *sent, size_t n, char *line,
                 size_t room)
{
    const int fd = try_connect(server);
    if (fd < 0)
        return false;
    ck_assert_int_eq(send(fd, sent, n, MSG_NOSIGNAL), (ssize_t)n);
    struct pollfd waiting = {.fd = fd, .events = POLLIN};
    ck_assert_int_eq(poll(&waiting, 1, PATIENCE_MS), 1);
    const ssize_t got = recv(fd, line, room - 1, 0);
    line[got > 0 ? got : 0] = '\0';
    close(fd);
    return got > 0;
}

void redis_server_resume(struct redis_server *server)
{
    char line[64];
    const pid_t parent = getpid();
    server->pid = fork();
    ck_assert_int_ge(server->pid, 0);
    if (server->pid == 0) {
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent &&
            freopen("/dev/null", "w", stdout) != NULL)
            execl(program, program, "--port", server->port.text, "--bind", "127.0.0.1", "--dir",
                  server->folder.path, "--save", "3600 1", (char *)NULL);
        _exit(127);
    }
    const int64_t until_us = monotonic_us() + PATIENCE_US;
    while (!talk(server, "PING\r\n", 6, line, sizeof line) || strncmp(line, "+PONG", 5) != 0) {
        ck_assert_msg(monotonic_us() < until_us, "redis-server does not answer on port %s",
                      server->port.text);
        poll(NULL, 0, POLL_MS);
    }
}

void redis_server_start(struct redis_server *server)
{
    reserved_port_take(&server->port);
    temp_folder_create(&server->folder);
    snprintf(server->url, sizeof server->url, "redis://127.0.0.1:%s", server->port.text);
    redis_server_resume(server);
}

static void send_signal(const struct redis_server *server, int number)
{
    ck_assert_int_eq(kill(server->pid, number), 0);
}

void redis_server_suspend(const struct redis_server *server)
{
    int status;
    send_signal(server, SIGSTOP);
    ck_assert_int_eq(waitpid(server->pid, &status, WUNTRACED), server->pid);
    ck_assert(WIFSTOPPED(status));
}

void redis_server_continue(const struct redis_server *server)
{
    send_signal(server, SIGCONT);
}

void redis_server_pause(struct redis_server *server)
{
    int status;
    send_signal(server, SIGTERM);
    ck_assert_int_eq(waitpid(server->pid, &status, 0), server->pid);
}

void redis_server_stop(struct redis_server *server)
{
    int status;
    send_signal(server, SIGKILL);
    ck_assert_int_eq(waitpid(server->pid, &status, 0), server->pid);
    reserved_port_release(&server->port);
    temp_folder_remove(&server->folder);
}

long redis_server_ask(const struct redis_server *server, const char *const *words)
{
    char sent[2048], line[512];
    size_t n_words = 0, n;
    while (words[n_words] != NULL)
        n_words++;
    n = (size_t)snprintf(sent, sizeof sent, "*%zu\r\n", n_words);
    for (size_t i = 0; i < n_words; i++) {
        n += (size_t)snprintf(sent + n, sizeof sent - n, "$%zu\r\n%s\r\n", strlen(words[i]),
                              words[i]);
        ck_assert_uint_lt(n, sizeof sent);
    }
    ck_assert(talk(server, sent, n, line, sizeof line));
    ck_assert_msg(line[0] != '-', "%s: %s", words[0], line);
    return line[0] == ':' ? strtol(line + 1, NULL, 10) : 0;
}
