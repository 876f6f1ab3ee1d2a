/* test_listener.c: the listening socket. SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "server/listener.h"

Suite *suite_listener(void);

static struct lstm_error error;

START_TEST(test_listener_takes_a_free_port_and_tells_it)
{
    uint16_t port = 0;
    int fd;
    ck_assert_int_eq(listener_open("127.0.0.1", &port, &fd, &error), LSTM_OK);
    ck_assert_uint_gt(port, 0);
    ck_assert(listener_is_loopback(fd));
    close(fd);
}
END_TEST

START_TEST(test_listener_on_all_addresses_is_not_loopback)
{
    uint16_t port = 0;
    int fd;
    ck_assert_int_eq(listener_open("0.0.0.0", &port, &fd, &error), LSTM_OK);
    ck_assert(!listener_is_loopback(fd));
    close(fd);
}
END_TEST

START_TEST(test_listener_port_that_is_taken_is_an_error_that_names_it)
{
    uint16_t port = 0;
    int fd, second;
    char expected[64];
    ck_assert_int_eq(listener_open("127.0.0.1", &port, &fd, &error), LSTM_OK);
    snprintf(expected, sizeof expected, "cannot listen on 127.0.0.1, port %u: ", (unsigned)port);
    ck_assert_int_eq(listener_open("127.0.0.1", &port, &second, &error), LSTM_IO);
    ck_assert_int_eq(second, -1);
    ck_assert_int_eq(strncmp(error.text, expected, strlen(expected)), 0);
    close(fd);
}
END_TEST

START_TEST(test_listener_host_that_is_no_address_is_an_error_that_names_it)
{
    uint16_t port = 0;
    int fd;
    ck_assert_int_eq(listener_open("300.1.1.1.", &port, &fd, &error), LSTM_IO);
    ck_assert_int_eq(fd, -1);
    ck_assert_ptr_nonnull(strstr(error.text, "300.1.1.1."));
}
END_TEST

Suite *suite_listener(void)
{
    Suite *suite = suite_create("listener");
    TCase *tcase = tcase_create("listener");
    tcase_add_test(tcase, test_listener_takes_a_free_port_and_tells_it);
    tcase_add_test(tcase, test_listener_on_all_addresses_is_not_loopback);
    tcase_add_test(tcase, test_listener_port_that_is_taken_is_an_error_that_names_it);
    tcase_add_test(tcase, test_listener_host_that_is_no_address_is_an_error_that_names_it);
    suite_add_tcase(suite, tcase);
    return suite;
}
