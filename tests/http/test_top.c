/* test_top.c: `lstmd top` watches a real daemon, and leaves the terminal as it was.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/support/client.h"
#include "tests/support/daemon.h"
#include "tests/support/pty_run.h"
#include "tests/support/reserved_port.h"

Suite *suite_top(void);

#define ENTER "\033[?1049h\033[?25l\033[?7l"
#define LEAVE "\033[?7h\033[?25h\033[?1049l"

static struct daemon server;
static struct daemon_run run;
static struct pty_run pty;

/* One thread tells the figures and has finished with every request of before. */
static void start(void)
{
    static const char *const options[] = {"--io-threads", "1", NULL};
    daemon_start(&server, "models", options);
}

static void stop(void)
{
    unsetenv("OPENBLAS_NUM_THREADS");
    ck_assert_int_eq(daemon_stop(&server), 0);
}

static void start_top(const char *interval)
{
    const char *const arguments[] = {"top", "--server", server.url, "--interval", interval, NULL};
    pty_start(&pty, arguments, NULL, 80, 24);
    pty_expect(&pty, ENTER);
}

/* It ended, and the last that it wrote gives the screen back. */
static void assert_left(int expected_status)
{
    ck_assert_int_eq(pty_wait(&pty), expected_status);
    ck_assert_uint_ge(pty.n, strlen(LEAVE));
    ck_assert_str_eq(pty.out + pty.n - strlen(LEAVE), LEAVE);
}

START_TEST(test_top_once_prints_plain_figures)
{
    struct client client;
    struct client_answer answer;
    client_init(&client, server.url);
    client_get(&client, "/v1/models/mnist", &answer);
    client_answer_release(&answer);
    client_release(&client);
    const char *const arguments[] = {"top",        "--once", "--server", server.url,
                                     "--interval", "0.1",    NULL};
    daemon_run(arguments, &run);
    ck_assert_str_eq(run.log, "");
    ck_assert_int_eq(run.exit_status, 0);
    ck_assert_ptr_eq(strstr(run.out, "lstmd top  http://127.0.0.1:"), run.out);
    ck_assert_ptr_nonnull(strstr(run.out, "\nrequests  0.0 /s   in flight 0   p50 -   p99 -\n"));
    ck_assert_ptr_nonnull(strstr(run.out, "\nmnist                     200          0.0\n"));
    ck_assert_ptr_nonnull(
        strstr(run.out, "\nmnist                           1        0            0       0.0\n"));
    ck_assert_ptr_null(strstr(run.out, "memory 0.0"));
    ck_assert_ptr_null(strchr(run.out, '\033'));
}
END_TEST

START_TEST(test_top_into_a_pipe_prints_once)
{
    const char *const arguments[] = {"top", "--server", server.url, "--interval", "0.1", NULL};
    daemon_run(arguments, &run);
    ck_assert_int_eq(run.exit_status, 0);
    ck_assert_ptr_nonnull(strstr(run.out, "\nBATCH SIZE      BATCHES/s\n"));
}
END_TEST

START_TEST(test_top_ctrl_c_gives_the_screen_back)
{
    start_top("0.1");
    pty_expect(&pty, "BATCH SIZE");
    pty_expect(&pty, "BATCH SIZE"); /* drawn again */
    pty_type(&pty, "\x03");
    assert_left(0);
}
END_TEST

START_TEST(test_top_sigterm_gives_the_screen_back)
{
    start_top("3600");
    pty_expect(&pty, "looking ...");
    ck_assert_int_eq(kill(pty.pid, SIGTERM), 0);
    assert_left(128 + SIGTERM);
}
END_TEST

START_TEST(test_top_resized_is_drawn_at_once)
{
    start_top("3600");
    pty_expect(&pty, "looking ...");
    pty_expect(&pty, "\033[J");
    pty_resize(&pty, 40, 2);
    pty_expect(&pty, "\033[Hlstmd top");
    pty_expect(&pty, "\033[J");
    ck_assert_ptr_nonnull(strstr(pty.out, "looking"));
    ck_assert_ptr_null(strstr(strstr(pty.out, "looking") + 1, "looking")); /* one line fits */
    pty_type(&pty, "\x03");
    assert_left(0);
}
END_TEST

/* A thread of the process other than its first; that itself if it has no other. */
static pid_t find_other_thread(pid_t process)
{
    char path[64];
    pid_t found = process;
    snprintf(path, sizeof path, "/proc/%d/task", (int)process);
    DIR *const threads = opendir(path);
    ck_assert_ptr_nonnull(threads);
    for (const struct dirent *entry; (entry = readdir(threads)) != NULL;) {
        const pid_t thread = (pid_t)strtol(entry->d_name, NULL, 10);
        found = thread > 0 && thread != process ? thread : found;
    }
    closedir(threads);
    return found;
}

/* OpenBLAS has threads of its own, to which the kernel may give any signal. */
START_TEST(test_top_signal_that_another_thread_gets_leaves_the_screen)
{
    setenv("OPENBLAS_NUM_THREADS", "2", 1);
    start_top("3600");
    pty_expect(&pty, "looking ...");
    ck_assert_int_eq(syscall(SYS_tgkill, pty.pid, find_other_thread(pty.pid), SIGINT), 0);
    assert_left(0);
}
END_TEST

START_TEST(test_top_stopped_gives_the_screen_to_the_shell)
{
    start_top("3600");
    pty_expect(&pty, "looking ...");
    ck_assert_int_eq(kill(pty.pid, SIGTSTP), 0);
    pty_expect(&pty, LEAVE);
    pty_expect_stopped(&pty);
    ck_assert_int_eq(kill(pty.pid, SIGCONT), 0);
    pty_expect(&pty, ENTER);
    pty_expect(&pty, "lstmd top");
    pty_type(&pty, "\x03");
    assert_left(0);
}
END_TEST

START_TEST(test_top_server_that_goes_away_is_waited_for)
{
    struct daemon other;
    struct reserved_port port;
    reserved_port_take(&port);
    const char *const options[] = {"--port", port.text, NULL};
    daemon_start(&other, "models", options);
    const char *const arguments[] = {"top", "--server", other.url, "--interval", "0.1", NULL};
    pty_start(&pty, arguments, NULL, 300, 24);
    pty_expect(&pty, "BATCH SIZE");
    ck_assert_int_eq(daemon_stop(&other), 0);
    pty_expect(&pty, "nobody answers at http://127.0.0.1:");
    pty_expect(&pty, "trying again");
    daemon_start(&other, "models", options);
    pty_expect(&pty, "BATCH SIZE");
    pty_type(&pty, "\x03");
    assert_left(0);
    ck_assert_int_eq(daemon_stop(&other), 0);
    reserved_port_release(&port);
}
END_TEST

START_TEST(test_top_once_without_a_server_fails)
{
    const char *const arguments[] = {"top", "--once", "--server", "http://127.0.0.1:1", NULL};
    daemon_run(arguments, &run);
    ck_assert_int_eq(run.exit_status, 1);
    ck_assert_ptr_eq(strstr(run.log, "lstmd: nobody answers at http://127.0.0.1:1 ("), run.log);
}
END_TEST

Suite *suite_top(void)
{
    Suite *suite = suite_create("top");
    TCase *tcase = tcase_create("top");
    tcase_set_timeout(tcase, 60);
    tcase_add_unchecked_fixture(tcase, start, stop);
    tcase_add_test(tcase, test_top_once_prints_plain_figures);
    tcase_add_test(tcase, test_top_into_a_pipe_prints_once);
    tcase_add_test(tcase, test_top_ctrl_c_gives_the_screen_back);
    tcase_add_test(tcase, test_top_sigterm_gives_the_screen_back);
    tcase_add_test(tcase, test_top_resized_is_drawn_at_once);
    tcase_add_test(tcase, test_top_signal_that_another_thread_gets_leaves_the_screen);
    tcase_add_test(tcase, test_top_stopped_gives_the_screen_to_the_shell);
    tcase_add_test(tcase, test_top_server_that_goes_away_is_waited_for);
    tcase_add_test(tcase, test_top_once_without_a_server_fails);
    suite_add_tcase(suite, tcase);
    return suite;
}
