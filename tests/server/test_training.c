/* test_training.c: the training thread: its groups, what it refuses, how it ends.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Tasks that are submitted before the thread starts are one group, so that nothing here depends on
 * timing. */
#include <check.h>
#include <string.h>

#include "tests/support/assert_tensor.h"
#include "tests/support/model_store.h"
#include "tests/support/training_fixture.h"

Suite *suite_training(void);

static bool is_gone(const struct train_task *task)
{
    (void)task;
    return true;
}

START_TEST(test_training_step_whose_client_is_gone_is_not_applied)
{
    static struct training_task tasks[2];
    const struct served_version *version;
    const struct lstm_model *shape = training_fixture_shape(&version);
    training_fixture_task(&tasks[0], TRAIN_STEP, 0, shape)->is_gone = is_gone;
    ck_assert_int_eq(training_submit(training, &tasks[0].task), TRAIN_QUEUED);
    training_fixture_submit(&tasks[1], TRAIN_STEP, 1, shape);
    training_fixture_run();
    training_fixture_wait(2);
    ck_assert_int_eq(tasks[0].task.fate, TRAIN_EXPIRED);
    ck_assert_int_eq(tasks[1].task.fate, TRAIN_DONE);
    ck_assert_uint_eq(tasks[1].task.result.step, 1);
    registry_release(version);
}
END_TEST

/* How far it comes is chance; what it says and what is on disk must agree. */
START_TEST(test_training_that_is_cut_has_saved_what_it_says_was_applied)
{
    static struct training_task tasks[MAX_QUEUED];
    const struct served_version *version;
    const struct lstm_model *shape = training_fixture_shape(&version);
    struct lstm_trainer *trainer = train_site_trainer(&site);
    for (unsigned k = 0; k < MAX_QUEUED; k++)
        training_fixture_submit(&tasks[k], TRAIN_STEP, k, shape);
    training_fixture_run();
    ck_assert(training_stop(training, true));
    for (unsigned k = 0; k < training_fixture_n_done(); k++) {
        const struct train_task *task = &tasks[k].task;
        if (task->status == LSTM_OK)
            ck_assert(train_on(trainer, k).loss == task->result.loss);
        else
            ck_assert_ptr_nonnull(strstr(task->error.text, "the server is stopping"));
    }
    if (lstm_trainer_n_steps(trainer) > 0) {
        struct lstm_trainer *kept = train_site_restore(&site, "1");
        assert_same_training(kept, trainer);
        lstm_trainer_destroy(kept);
    }
    lstm_trainer_destroy(trainer);
    registry_release(version);
}
END_TEST

START_TEST(test_training_tasks_that_wait_run_in_order_of_arrival)
{
    static const enum train_action actions[] = {TRAIN_STEP,     TRAIN_STEP, TRAIN_DESCRIBE,
                                                TRAIN_EVALUATE, TRAIN_STEP, TRAIN_DESCRIBE};
    static const uint64_t steps[] = {1, 2, 2, 2, 3, 3};
    enum { N = sizeof actions / sizeof *actions };
    static struct training_task tasks[N];
    const struct served_version *version;
    const struct lstm_model *shape = training_fixture_shape(&version);
    struct lstm_trainer *trainer = train_site_trainer(&site);
    for (unsigned i = 0; i < N; i++)
        training_fixture_submit(&tasks[i], actions[i], i, shape);
    training_fixture_run();
    training_fixture_wait(N);
    for (unsigned i = 0; i < N; i++) {
        const struct train_task *task = &tasks[i].task;
        ck_assert_int_eq(task->fate, TRAIN_DONE);
        ck_assert_int_eq(task->status, LSTM_OK);
        ck_assert_uint_eq(actions[i] == TRAIN_DESCRIBE ? task->report.step : task->result.step,
                          steps[i]);
        if (actions[i] == TRAIN_STEP)
            ck_assert(train_on(trainer, i).loss == task->result.loss);
    }
    struct lstm_trainer *kept = train_site_restore(&site, "1");
    assert_same_training(kept, trainer);
    lstm_trainer_destroy(kept);
    lstm_trainer_destroy(trainer);
    registry_release(version);
}
END_TEST

START_TEST(test_training_step_past_its_deadline_is_not_applied)
{
    static struct training_task tasks[2];
    const struct served_version *version;
    const struct lstm_model *shape = training_fixture_shape(&version);
    training_fixture_task(&tasks[0], TRAIN_STEP, 0, shape)->deadline_us = 1;
    ck_assert_int_eq(training_submit(training, &tasks[0].task), TRAIN_QUEUED);
    training_fixture_submit(&tasks[1], TRAIN_STEP, 1, shape);
    training_fixture_run();
    training_fixture_wait(2);
    ck_assert_int_eq(tasks[0].task.fate, TRAIN_EXPIRED);
    ck_assert_uint_eq(tasks[1].task.result.step, 1);
    registry_release(version);
}
END_TEST

START_TEST(test_training_task_of_any_kind_past_its_deadline_does_nothing)
{
    static const enum train_action late[] = {TRAIN_EVALUATE, TRAIN_DESCRIBE, TRAIN_CONFIGURE,
                                             TRAIN_PUBLISH, TRAIN_RESET};
    static struct training_task tasks[3];
    const struct served_version *version;
    const struct lstm_model *shape = training_fixture_shape(&version);
    training_fixture_submit(&tasks[0], TRAIN_STEP, 0, shape);
    training_fixture_task(&tasks[1], late[_i], 1, shape)->deadline_us = 1;
    ck_assert_int_eq(training_submit(training, &tasks[1].task), TRAIN_QUEUED);
    training_fixture_submit(&tasks[2], TRAIN_DESCRIBE, 0, NULL);
    training_fixture_run();
    training_fixture_wait(3);
    ck_assert_int_eq(tasks[1].task.fate, TRAIN_EXPIRED);
    ck_assert_uint_eq(tasks[2].task.report.base_version, 1);
    ck_assert_uint_eq(tasks[2].task.report.step, 1);
    registry_release(version);
}
END_TEST

START_TEST(test_training_step_for_another_architecture_is_not_applied)
{
    static struct training_task tasks[2];
    const struct served_version *version;
    const struct lstm_model *shape = training_fixture_shape(&version);
    training_fixture_submit(&tasks[0], TRAIN_STEP, 0, shape);
    training_fixture_submit(&tasks[1], TRAIN_DESCRIBE, 0, NULL);
    model_store_add(site.models, "m", "2", model_fixed, 2);
    assert_ok(model_watcher_scan(watcher, &error), &error);
    training_fixture_run();
    training_fixture_wait(2);
    ck_assert_int_eq(tasks[0].task.fate, TRAIN_CONFLICT);
    ck_assert_uint_eq(tasks[1].task.report.base_version, 2);
    ck_assert_uint_eq(tasks[1].task.report.step, 0);
    registry_release(version);
}
END_TEST

START_TEST(test_training_of_an_unloaded_model_is_not_found_and_with_a_wrong_loss_unsupported)
{
    /* A softmax loss needs a last dense layer that gives logits. */
    static const char model_tanh[] =
        "{\"format\":\"lstmd-model-1\",\"input\":{\"features\":2},\"layers\":[{\"type\":\"lstm\","
        "\"units\":3},{\"type\":\"dense\",\"units\":2,\"activation\":\"tanh\"}]}";
    static struct training_task tasks[2];
    const struct served_version *version;
    training_fixture_submit(&tasks[0], TRAIN_STEP, 0, training_fixture_shape(&version));
    registry_release(version);
    training_fixture_task(&tasks[1], TRAIN_DESCRIBE, 0, NULL)->model = "tanh";
    ck_assert_int_eq(training_submit(training, &tasks[1].task), TRAIN_QUEUED);
    model_store_remove(site.models, "m", "1");
    model_store_add(site.models, "tanh", "1", model_tanh, 1);
    assert_ok(model_watcher_scan(watcher, &error), &error);
    training_fixture_run();
    training_fixture_wait(2);
    ck_assert_int_eq(tasks[0].task.status, LSTM_NOT_FOUND);
    ck_assert_int_eq(tasks[1].task.status, LSTM_UNSUPPORTED);
}
END_TEST

START_TEST(test_training_stop_finishes_what_waits_and_refuses_the_rest)
{
    static struct training_task tasks[2];
    const struct served_version *version;
    const struct lstm_model *shape = training_fixture_shape(&version);
    training_fixture_submit(&tasks[0], TRAIN_STEP, 0, shape);
    training_fixture_run();
    ck_assert(training_stop(training, false));
    ck_assert_uint_eq(training_fixture_n_done(), 1);
    ck_assert_uint_eq(tasks[0].task.result.step, 1);
    ck_assert_int_eq(
        training_submit(training, training_fixture_task(&tasks[1], TRAIN_STEP, 0, shape)),
        TRAIN_STOPPING);
    registry_release(version);
}
END_TEST

START_TEST(test_training_losses_of_late_are_kept_oldest_first)
{
    enum { N = LEARNER_LOSSES + 20 };
    static struct training_task tasks[N + 1];
    const struct served_version *version;
    const struct lstm_model *shape = training_fixture_shape(&version);
    training_fixture_run();
    for (unsigned i = 0; i < N; i++) {
        training_fixture_submit(&tasks[i], TRAIN_STEP, i, shape);
        training_fixture_wait(i + 1);
    }
    training_fixture_submit(&tasks[N], TRAIN_DESCRIBE, 0, NULL);
    training_fixture_wait(N + 1);
    const struct training_report *report = &tasks[N].task.report;
    ck_assert_uint_eq(report->n_losses, LEARNER_LOSSES);
    for (unsigned i = 0; i < LEARNER_LOSSES; i++)
        ck_assert(report->losses[i] == tasks[N - LEARNER_LOSSES + i].task.result.loss);
    registry_release(version);
}
END_TEST

Suite *suite_training(void)
{
    Suite *suite = suite_create("training");
    TCase *tcase = tcase_create("training");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, training_fixture_start, training_fixture_stop);
    tcase_add_test(tcase, test_training_step_whose_client_is_gone_is_not_applied);
    tcase_add_test(tcase, test_training_that_is_cut_has_saved_what_it_says_was_applied);
    tcase_add_test(tcase, test_training_tasks_that_wait_run_in_order_of_arrival);
    tcase_add_test(tcase, test_training_step_past_its_deadline_is_not_applied);
    tcase_add_loop_test(tcase, test_training_task_of_any_kind_past_its_deadline_does_nothing, 0, 5);
    tcase_add_test(tcase, test_training_step_for_another_architecture_is_not_applied);
    tcase_add_test(
        tcase, test_training_of_an_unloaded_model_is_not_found_and_with_a_wrong_loss_unsupported);
    tcase_add_test(tcase, test_training_stop_finishes_what_waits_and_refuses_the_rest);
    tcase_add_test(tcase, test_training_losses_of_late_are_kept_oldest_first);
    suite_add_tcase(suite, tcase);
    return suite;
}
