/* test_notify.c: what a service manager is told. SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "server/clock.h"
#include "server/notify.h"
#include "tests/support/daemon.h"
#include "tests/support/temp_folder.h"

Suite *suite_notify(void);

static struct temp_folder folder;
static struct lstm_error error;
static int manager = -1;

/* Listens as a service manager does, on a path, or on an abstract name that begins with '@'. */
static void listen_at(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const size_t n = strlen(name);
    ck_assert_uint_lt(n, sizeof address.sun_path);
    memcpy(address.sun_path, name, n);
    if (name[0] == '@')
        address.sun_path[0] = '\0';
    manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(manager, 0);
    const socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
    ck_assert_int_eq(bind(manager, (const struct sockaddr *)&address, length), 0);
    ck_assert_int_eq(setenv("NOTIFY_SOCKET", name, 1), 0);
}

/* The next datagram; valid until the next call. */
static const char *receive(void)
{
    static char text[256];
    struct pollfd waiting = {.fd = manager, .events = POLLIN};
    ck_assert_msg(poll(&waiting, 1, PATIENCE_MS) == 1, "nothing was told");
    const ssize_t n = recv(manager, text, sizeof text - 1, 0);
    ck_assert_int_ge(n, 0);
    text[n] = '\0';
    return text;
}

static void setup(void)
{
    temp_folder_create(&folder);
}

static void teardown(void)
{
    unsetenv("NOTIFY_SOCKET");
    if (manager >= 0)
        close(manager);
    manager = -1;
    temp_folder_remove(&folder);
}

static void name_socket(bool is_abstract, char name[256])
{
    if (is_abstract)
        snprintf(name, 256, "@lstmd-test-%ld", (long)getpid());
    else
        temp_folder_path(&folder, "manager", name);
}

START_TEST(test_notify_notices_reach_a_path_and_an_abstract_name)
{
    char name[256];
    unsigned long long usec;
    name_socket(_i == 1, name);
    listen_at(name);
    ck_assert_int_eq(notify_send(NOTICE_READY, &error), LSTM_OK);
    ck_assert_str_eq(receive(), "READY=1");
    const int64_t before_us = monotonic_us();
    ck_assert_int_eq(notify_send(NOTICE_RELOADING, &error), LSTM_OK);
    ck_assert_int_eq(sscanf(receive(), "RELOADING=1\nMONOTONIC_USEC=%llu", &usec), 1);
    ck_assert_uint_ge(usec, (unsigned long long)before_us);
    ck_assert_uint_le(usec, (unsigned long long)monotonic_us());
    ck_assert_int_eq(notify_send(NOTICE_STOPPING, &error), LSTM_OK);
    ck_assert_str_eq(receive(), "STOPPING=1");
}
END_TEST

START_TEST(test_notify_without_a_manager_nothing_happens)
{
    unsetenv("NOTIFY_SOCKET");
    ck_assert_int_eq(notify_send(NOTICE_READY, &error), LSTM_OK);
    setenv("NOTIFY_SOCKET", "", 1);
    ck_assert_int_eq(notify_send(NOTICE_READY, &error), LSTM_OK);
}
END_TEST

static const struct {
    const char *name, *sentence;
} bad_names[] = {
    {"relative", "NOTIFY_SOCKET: no name of a socket: \"relative\""},
    {"/", "NOTIFY_SOCKET: no name of a socket: \"/\""},
    {"/no/such/socket", "cannot notify /no/such/socket: No such file or directory"},
    {"/0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890"
     "12345678901234567890",
     "NOTIFY_SOCKET: no name of a socket: "
     "\"/01234567890123456789012345678901234567890123456789012345678\""},
};

START_TEST(test_notify_manager_that_is_not_there_is_an_error_that_names_it)
{
    setenv("NOTIFY_SOCKET", bad_names[_i].name, 1);
    ck_assert_int_eq(notify_send(NOTICE_READY, &error), LSTM_IO);
    ck_assert_str_eq(error.text, bad_names[_i].sentence);
}
END_TEST

START_TEST(test_notify_daemon_tells_when_it_is_ready_reloads_and_stops)
{
    struct daemon server;
    char name[256];
    name_socket(_i == 1, name);
    listen_at(name);
    daemon_start(&server, "models", NULL);
    ck_assert_str_eq(receive(), "READY=1");
    daemon_signal(&server, SIGHUP);
    ck_assert_int_eq(strncmp(receive(), "RELOADING=1\nMONOTONIC_USEC=", 27), 0);
    ck_assert_str_eq(receive(), "READY=1");
    daemon_signal(&server, SIGTERM);
    ck_assert_str_eq(receive(), "STOPPING=1");
    ck_assert_int_eq(daemon_wait(&server), 0);
}
END_TEST

START_TEST(test_notify_daemon_serves_also_if_its_manager_is_gone)
{
    struct daemon server;
    setenv("NOTIFY_SOCKET", "/no/such/socket", 1);
    daemon_start(&server, "models", NULL);
    ck_assert_int_eq(daemon_stop(&server), 0);
}
END_TEST

Suite *suite_notify(void)
{
    Suite *suite = suite_create("notify");
    TCase *tcase = tcase_create("notify");
    tcase_set_timeout(tcase, 90);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, test_notify_notices_reach_a_path_and_an_abstract_name, 0, 2);
    tcase_add_test(tcase, test_notify_without_a_manager_nothing_happens);
    tcase_add_loop_test(tcase, test_notify_manager_that_is_not_there_is_an_error_that_names_it, 0,
                        sizeof bad_names / sizeof *bad_names);
    tcase_add_loop_test(tcase, test_notify_daemon_tells_when_it_is_ready_reloads_and_stops, 0, 2);
    tcase_add_test(tcase, test_notify_daemon_serves_also_if_its_manager_is_gone);
    suite_add_tcase(suite, tcase);
    return suite;
}
