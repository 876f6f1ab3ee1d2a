/* test_trainer_copy.c: a trainer that goes on as another would. SPDX-License-Identifier: Apache-2.0
 */
#include <check.h>

#include "tests/support/toy_task.h"

Suite *suite_trainer_copy(void);

enum { STEPS = 3 };

static struct toy_task task;

static void copy_and_compare(struct lstm_trainer *to, const struct lstm_trainer *from)
{
    struct lstm_model *model = snapshot_trainer(from);
    lstm_trainer_copy(to, from);
    ck_assert_uint_eq(lstm_trainer_n_steps(to), lstm_trainer_n_steps(from));
    assert_trainer_holds(to, model);
    lstm_model_destroy(model);
}

/* Of networks with and without dropout, whose masks depend on the step. */
START_TEST(test_trainer_copy_goes_on_with_the_same_bits)
{
    toy_task_init(&task, &toy_networks[_i], NULL);
    struct lstm_trainer *copy = toy_task_trainer(&task);
    for (int i = 0; i < STEPS; i++)
        toy_task_step(&task, task.trainer);
    lstm_trainer_settings(task.trainer)->learning_rate = 0.125;
    copy_and_compare(copy, task.trainer);
    for (int i = 0; i < STEPS; i++) {
        toy_task_step(&task, task.trainer);
        toy_task_step(&task, copy);
    }
    struct lstm_model *want = snapshot_trainer(task.trainer);
    assert_trainer_holds(copy, want);
    lstm_model_destroy(want);
    lstm_trainer_destroy(copy);
    toy_task_release(&task);
}
END_TEST

START_TEST(test_trainer_copy_takes_a_step_back)
{
    toy_task_init(&task, &toy_networks[_i], NULL);
    struct lstm_trainer *kept = toy_task_trainer(&task);
    struct lstm_model *before = snapshot_trainer(task.trainer);
    toy_task_step(&task, task.trainer);
    copy_and_compare(task.trainer, kept);
    assert_trainer_holds(task.trainer, before);
    lstm_model_destroy(before);
    lstm_trainer_destroy(kept);
    toy_task_release(&task);
}
END_TEST

Suite *suite_trainer_copy(void)
{
    Suite *suite = suite_create("trainer_copy");
    TCase *tcase = tcase_create("trainer_copy");
    tcase_add_loop_test(tcase, test_trainer_copy_goes_on_with_the_same_bits, 0, N_TOY_NETWORKS);
    tcase_add_loop_test(tcase, test_trainer_copy_takes_a_step_back, 0, N_TOY_NETWORKS);
    suite_add_tcase(suite, tcase);
    return suite;
}
