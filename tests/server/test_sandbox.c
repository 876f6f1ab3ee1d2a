/* test_sandbox.c: what a sandboxed process can and cannot do. SPDX-License-Identifier: Apache-2.0
 */
#include "server/sandbox.h"

#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/log.h"
#include "tests/support/cases.h"

Suite *suite_sandbox(void);

/* What a case's process is to end with. */
enum { DONE = 3, REFUSED = 4, OTHERWISE = 5, NO_FILTER = 6 };

static int refused_if(bool failed)
{
    return failed && errno == EPERM ? REFUSED : failed ? OTHERWISE : DONE;
}

static int make_process(void)
{
    const pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    return refused_if(pid < 0);
}

static int run_program(void)
{
    char *const arguments[] = {NULL};
    execve("/bin/true", arguments, arguments);
    return OTHERWISE;
}

static int trace(void)
{
    ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    return OTHERWISE;
}

static int open_socket(int domain)
{
    const int fd = socket(domain, domain == AF_NETLINK ? SOCK_RAW : SOCK_STREAM, 0);
    return refused_if(fd < 0);
}

static int open_netlink(void)
{
    return open_socket(AF_NETLINK);
}

static int open_internet(void)
{
    return open_socket(AF_INET);
}

static int map(int protection)
{
    return refused_if(mmap(NULL, 4096, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
                      MAP_FAILED);
}

static int map_code(void)
{
    return map(PROT_READ | PROT_WRITE | PROT_EXEC);
}

static int make_code(void)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return refused_if(mprotect(page, 4096, PROT_READ | PROT_EXEC) != 0);
}

static int map_data(void)
{
    return map(PROT_READ | PROT_WRITE);
}

static int change_root(void)
{
    return refused_if(chroot("/") != 0);
}

static void *nothing(void *context)
{
    return context;
}

static int make_thread(void)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, nothing, NULL) != 0)
        return OTHERWISE;
    return pthread_join(thread, NULL) == 0 ? DONE : OTHERWISE;
}

static int gain_privileges(void)
{
    /* Only what was not given up can be asked for: prctl() itself is refused but for names. */
    return refused_if(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) != 0);
}

static const struct {
    const char *what;
    int (*act)(void);
    int end; /* exit status, or minus the signal */
} sandbox_cases[] = {
    {"a process", make_process, REFUSED},
    {"a program", run_program, -SIGSYS},
    {"tracing", trace, -SIGSYS},
    {"a netlink socket", open_netlink, REFUSED},
    {"an internet socket", open_internet, DONE},
    {"memory to write and execute", map_code, REFUSED},
    {"memory made executable", make_code, REFUSED},
    {"memory", map_data, DONE},
    {"another root", change_root, REFUSED},
    {"a thread", make_thread, DONE},
    {"privileges", gain_privileges, REFUSED},
};

/* In a process of its own: there is no way back. */
static int end_of(int (*act)(void))
{
    int status;
    const pid_t pid = fork();
    if (pid == 0) {
        struct lstm_error error;
        log_init(LOG_LEVEL_OFF, LOG_FORMAT_LOGFMT);
        if (sandbox_enter(&error) != LSTM_OK)
            _exit(OTHERWISE);
        _exit(prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == 0 ? NO_FILTER : act());
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

START_TEST(test_sandboxed_process_can_do_what_it_needs_and_nothing_else)
{
    const int end = end_of(sandbox_cases[_i].act);
    /* Without filters in the kernel, or below a sanitizer, there is nothing to see. */
    ck_assert_msg(end == sandbox_cases[_i].end || end == NO_FILTER, "%s: expected %d, found %d",
                  sandbox_cases[_i].what, sandbox_cases[_i].end, end);
}
END_TEST

Suite *suite_sandbox(void)
{
    Suite *suite = suite_create("sandbox");
    TCase *cases = tcase_create("cases");
    tcase_add_loop_test(cases, test_sandboxed_process_can_do_what_it_needs_and_nothing_else, 0,
                        N_CASES(sandbox_cases));
    suite_add_tcase(suite, cases);
    return suite;
}
