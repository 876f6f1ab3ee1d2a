/* fake_server.c: fork, exec and two pipes. SPDX-License-Identifier: Apache-2.0 */
#include "tests/clients/fake_server.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

void fake_server_start(struct fake_server *server)
{
    int in[2], out[2];
    ck_assert_int_eq(pipe2(in, O_CLOEXEC), 0);
    ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
    server->pid = fork();
    ck_assert_int_ge(server->pid, 0);
    if (server->pid == 0) {
        if (dup2(in[0], STDIN_FILENO) >= 0 && dup2(out[1], STDOUT_FILENO) >= 0)
            execlp("python3", "python3", "tests/clients/fake_server.py", (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    server->in = in[1];
    FILE *const line = fdopen(out[0], "r");
    ck_assert_ptr_nonnull(line);
    ck_assert_msg(fgets(server->url, sizeof server->url, line) != NULL,
                  "fake_server.py did not start");
    fclose(line);
    server->url[strcspn(server->url, "\n")] = '\0';
}

void fake_server_stop(struct fake_server *server)
{
    close(server->in);
    ck_assert_int_eq(waitpid(server->pid, NULL, 0), server->pid);
}
