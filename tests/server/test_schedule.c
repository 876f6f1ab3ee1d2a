/* test_schedule.c: learning-rate schedules. SPDX-License-Identifier: Apache-2.0 */
#include <check.h>

#include "server/schedule.h"

Suite *suite_schedule(void);

START_TEST(test_schedule_constant_never_changes)
{
    for (uint64_t step = 0; step < 100; step += 33)
        ck_assert_double_eq(schedule_rate(SCHEDULE_CONSTANT, 0.01, step, 100), 0.01);
}
END_TEST

/* The formula of PyTorch's OneCycleLR(max_lr=1.0, total_steps=11). */
static const double one_cycle[] = {0.040000000000000036,
                                   0.4223411137347358,
                                   0.9602614247226174,
                                   0.9797465678213015,
                                   0.8844757247686303,
                                   0.7260870492975283,
                                   0.5305827080875998,
                                   0.3300580289872949,
                                   0.15743251279950787,
                                   0.0410455432062909,
                                   0.000004};

START_TEST(test_schedule_one_cycle_follows_the_published_policy)
{
    double rate = schedule_rate(SCHEDULE_ONE_CYCLE, 1.0, (uint64_t)_i, 11);
    ck_assert_double_eq_tol(rate, one_cycle[_i], 1e-12);
}
END_TEST

START_TEST(test_schedule_one_cycle_of_one_step_is_the_peak)
{
    ck_assert_double_eq(schedule_rate(SCHEDULE_ONE_CYCLE, 1.0, 0, 1), 1.0);
}
END_TEST

START_TEST(test_schedule_one_cycle_past_the_end_stays_at_the_end)
{
    ck_assert_double_eq_tol(schedule_rate(SCHEDULE_ONE_CYCLE, 1.0, 500, 11), 4e-6, 1e-12);
}
END_TEST

START_TEST(test_schedule_names_are_in_order)
{
    ck_assert_str_eq(schedule_names[SCHEDULE_CONSTANT], "constant");
    ck_assert_str_eq(schedule_names[SCHEDULE_ONE_CYCLE], "one-cycle");
    ck_assert_ptr_null(schedule_names[N_SCHEDULES]);
}
END_TEST

Suite *suite_schedule(void)
{
    Suite *suite = suite_create("schedule");
    TCase *tcase = tcase_create("schedule");
    tcase_add_test(tcase, test_schedule_constant_never_changes);
    tcase_add_loop_test(tcase, test_schedule_one_cycle_follows_the_published_policy, 0,
                        sizeof one_cycle / sizeof *one_cycle);
    tcase_add_test(tcase, test_schedule_one_cycle_of_one_step_is_the_peak);
    tcase_add_test(tcase, test_schedule_one_cycle_past_the_end_stays_at_the_end);
    tcase_add_test(tcase, test_schedule_names_are_in_order);
    suite_add_tcase(suite, tcase);
    return suite;
}
