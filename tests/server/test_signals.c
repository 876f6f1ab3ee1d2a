/* test_signals.c: signals arrive as numbers. SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <signal.h>

#include "server/signals.h"

Suite *suite_signals(void);

static const int changed[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};

START_TEST(test_signals_are_given_in_order_and_a_timeout_gives_none)
{
    struct sigaction before[4];
    struct lstm_error error;
    for (size_t k = 0; k < 4; k++)
        ck_assert_int_eq(sigaction(changed[k], NULL, &before[k]), 0);
    ck_assert_int_eq(signals_init(&error), LSTM_OK);
    ck_assert_int_eq(signals_wait(0), 0);
    ck_assert_int_eq(raise(SIGTERM), 0);
    ck_assert_int_eq(raise(SIGPIPE), 0);
    ck_assert_int_eq(raise(SIGHUP), 0);
    ck_assert_int_eq(signals_wait(-1), SIGTERM);
    ck_assert_int_eq(signals_wait(1000), SIGHUP);
    ck_assert_int_eq(signals_wait(1), 0);
    for (size_t k = 0; k < 4; k++)
        ck_assert_int_eq(sigaction(changed[k], &before[k], NULL), 0);
}
END_TEST

Suite *suite_signals(void)
{
    Suite *suite = suite_create("signals");
    TCase *tcase = tcase_create("signals");
    tcase_add_test(tcase, test_signals_are_given_in_order_and_a_timeout_gives_none);
    suite_add_tcase(suite, tcase);
    return suite;
}
