/* test_training.c: the training thread: its queue, its groups, what it refuses.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Tasks that are submitted before the thread starts are one group, so that nothing here depends on
 * timing. */
#include <check.h>
#include <pthread.h>
#include <string.h>

#include "server/log.h"
#include "server/training.h"
#include "tests/support/assert_tensor.h"
#include "tests/support/batcher_fixture.h"
#include "tests/support/model_store.h"
#include "tests/support/registry_fixture.h"
#include "tests/support/toy_task.h"
#include "tests/support/train_fixture.h"

Suite *suite_training(void);

enum { MAX_QUEUED = 6 };

static struct train_site site;
static struct model_watcher *watcher;
static struct training *training;
static struct lstm_error error;

/* How many tasks are done. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned n;
} done = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void on_done(struct train_task *task)
{
    (void)task;
    pthread_mutex_lock(&done.lock);
    done.n++;
    pthread_cond_signal(&done.changed);
    pthread_mutex_unlock(&done.lock);
}

static void wait_until_done(unsigned n)
{
    pthread_mutex_lock(&done.lock);
    while (done.n < n)
        pthread_cond_wait(&done.changed, &done.lock);
    pthread_mutex_unlock(&done.lock);
}

static void create_training(void)
{
    const struct training_options options = {
        .state_dir = site.state, .models = site.models, .max_queued = MAX_QUEUED};
    assert_ok(registry_create(site.models, batcher, &registry, &error), &error);
    assert_ok(model_watcher_create(registry, 0, &watcher, &error), &error);
    assert_ok(training_create(&options, registry, watcher, &training, &error), &error);
    assert_ok(registry_scan(registry, &error), &error);
    assert_ok(model_watcher_start(watcher, &error), &error);
    done.n = 0;
}

static void destroy_training(void)
{
    ck_assert(training_stop(training, false));
    model_watcher_destroy(watcher);
    training_destroy(training);
    registry_destroy(registry);
}

static void start(void)
{
    log_init(LOG_LEVEL_OFF, LOG_FORMAT_LOGFMT);
    train_site_create(&site);
    batcher_fixture_start(
        (struct batcher_options){.n_workers = 1, .max_batch = 8, .max_queued = 100});
    create_training();
}

static void stop(void)
{
    destroy_training();
    batcher_fixture_stop();
    train_site_remove(&site);
}

static void run(void)
{
    assert_ok(training_start(training, &error), &error);
}

/* The shape that examples are read for. */
static const struct lstm_model *shape_of(const struct served_version **version)
{
    assert_ok(registry_find_published(registry, "m", version, &error), &error);
    return batch_queue_model((*version)->queue);
}

/* A task with batch k. */
struct task {
    struct train_batch batch;
    struct train_task task;
};

static struct train_task *make_task(struct task *task, enum train_action action, unsigned k,
                                    const struct lstm_model *shape)
{
    train_batch_make(&task->batch, k);
    task->task = (struct train_task){.action = action,
                                     .model = "m",
                                     .shape = shape,
                                     .examples = task->batch.examples,
                                     .clip_norm = -1,
                                     .done = on_done};
    return &task->task;
}

static void submit(struct task *task, enum train_action action, unsigned k,
                   const struct lstm_model *shape)
{
    ck_assert_int_eq(training_submit(training, make_task(task, action, k, shape)), TRAIN_QUEUED);
}

static bool is_gone(const struct train_task *task)
{
    (void)task;
    return true;
}

START_TEST(test_training_step_whose_client_is_gone_is_not_applied)
{
    static struct task tasks[2];
    const struct served_version *version;
    const struct lstm_model *shape = shape_of(&version);
    make_task(&tasks[0], TRAIN_STEP, 0, shape)->is_gone = is_gone;
    ck_assert_int_eq(training_submit(training, &tasks[0].task), TRAIN_QUEUED);
    submit(&tasks[1], TRAIN_STEP, 1, shape);
    run();
    wait_until_done(2);
    ck_assert_int_eq(tasks[0].task.fate, TRAIN_EXPIRED);
    ck_assert_int_eq(tasks[1].task.fate, TRAIN_DONE);
    ck_assert_uint_eq(tasks[1].task.result.step, 1);
    registry_release(version);
}
END_TEST

/* How far it comes is chance; what it says and what is on disk must agree. */
START_TEST(test_training_that_is_cut_has_saved_what_it_says_was_applied)
{
    static struct task tasks[MAX_QUEUED];
    const struct served_version *version;
    const struct lstm_model *shape = shape_of(&version);
    struct lstm_trainer *trainer = train_site_trainer(&site);
    for (unsigned k = 0; k < MAX_QUEUED; k++)
        submit(&tasks[k], TRAIN_STEP, k, shape);
    run();
    ck_assert(training_stop(training, true));
    for (unsigned k = 0; k < done.n; k++) {
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
    static struct task tasks[N];
    const struct served_version *version;
    const struct lstm_model *shape = shape_of(&version);
    struct lstm_trainer *trainer = train_site_trainer(&site);
    for (unsigned i = 0; i < N; i++)
        submit(&tasks[i], actions[i], i, shape);
    run();
    wait_until_done(N);
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

START_TEST(test_training_queue_that_is_full_refuses_steps_alone)
{
    static struct task tasks[MAX_QUEUED + 2];
    const struct served_version *version;
    const struct lstm_model *shape = shape_of(&version);
    for (unsigned i = 0; i < MAX_QUEUED; i++)
        submit(&tasks[i], i % 2 == 0 ? TRAIN_STEP : TRAIN_EVALUATE, i, shape);
    struct train_task *over = make_task(&tasks[MAX_QUEUED], TRAIN_STEP, 0, shape);
    ck_assert_int_eq(training_submit(training, over), TRAIN_FULL);
    submit(&tasks[MAX_QUEUED + 1], TRAIN_DESCRIBE, 0, NULL);
    run();
    wait_until_done(MAX_QUEUED + 1);
    ck_assert_uint_eq(tasks[MAX_QUEUED + 1].task.report.step, MAX_QUEUED / 2);
    ck_assert_int_eq(training_submit(training, over), TRAIN_QUEUED);
    wait_until_done(MAX_QUEUED + 2);
    registry_release(version);
}
END_TEST

START_TEST(test_training_step_past_its_deadline_is_not_applied)
{
    static struct task tasks[2];
    const struct served_version *version;
    const struct lstm_model *shape = shape_of(&version);
    make_task(&tasks[0], TRAIN_STEP, 0, shape)->deadline_us = 1;
    ck_assert_int_eq(training_submit(training, &tasks[0].task), TRAIN_QUEUED);
    submit(&tasks[1], TRAIN_STEP, 1, shape);
    run();
    wait_until_done(2);
    ck_assert_int_eq(tasks[0].task.fate, TRAIN_EXPIRED);
    ck_assert_uint_eq(tasks[1].task.result.step, 1);
    registry_release(version);
}
END_TEST

START_TEST(test_training_step_for_another_architecture_is_not_applied)
{
    static struct task tasks[2];
    const struct served_version *version;
    const struct lstm_model *shape = shape_of(&version);
    submit(&tasks[0], TRAIN_STEP, 0, shape);
    submit(&tasks[1], TRAIN_DESCRIBE, 0, NULL);
    model_store_add(site.models, "m", "2", model_fixed, 2);
    assert_ok(model_watcher_scan(watcher, &error), &error);
    run();
    wait_until_done(2);
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
    static struct task tasks[2];
    const struct served_version *version;
    submit(&tasks[0], TRAIN_STEP, 0, shape_of(&version));
    registry_release(version);
    make_task(&tasks[1], TRAIN_DESCRIBE, 0, NULL)->model = "tanh";
    ck_assert_int_eq(training_submit(training, &tasks[1].task), TRAIN_QUEUED);
    model_store_remove(site.models, "m", "1");
    model_store_add(site.models, "tanh", "1", model_tanh, 1);
    assert_ok(model_watcher_scan(watcher, &error), &error);
    run();
    wait_until_done(2);
    ck_assert_int_eq(tasks[0].task.status, LSTM_NOT_FOUND);
    ck_assert_int_eq(tasks[1].task.status, LSTM_UNSUPPORTED);
}
END_TEST

START_TEST(test_training_stop_finishes_what_waits_and_refuses_the_rest)
{
    static struct task tasks[2];
    const struct served_version *version;
    const struct lstm_model *shape = shape_of(&version);
    submit(&tasks[0], TRAIN_STEP, 0, shape);
    run();
    ck_assert(training_stop(training, false));
    ck_assert_uint_eq(done.n, 1);
    ck_assert_uint_eq(tasks[0].task.result.step, 1);
    ck_assert_int_eq(training_submit(training, make_task(&tasks[1], TRAIN_STEP, 0, shape)),
                     TRAIN_STOPPING);
    registry_release(version);
}
END_TEST

START_TEST(test_training_losses_of_late_are_kept_oldest_first)
{
    enum { N = LEARNER_LOSSES + 20 };
    static struct task tasks[N + 1];
    const struct served_version *version;
    const struct lstm_model *shape = shape_of(&version);
    run();
    for (unsigned i = 0; i < N; i++) {
        submit(&tasks[i], TRAIN_STEP, i, shape);
        wait_until_done(i + 1);
    }
    submit(&tasks[N], TRAIN_DESCRIBE, 0, NULL);
    wait_until_done(N + 1);
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
    tcase_add_checked_fixture(tcase, start, stop);
    tcase_add_test(tcase, test_training_step_whose_client_is_gone_is_not_applied);
    tcase_add_test(tcase, test_training_that_is_cut_has_saved_what_it_says_was_applied);
    tcase_add_test(tcase, test_training_tasks_that_wait_run_in_order_of_arrival);
    tcase_add_test(tcase, test_training_queue_that_is_full_refuses_steps_alone);
    tcase_add_test(tcase, test_training_step_past_its_deadline_is_not_applied);
    tcase_add_test(tcase, test_training_step_for_another_architecture_is_not_applied);
    tcase_add_test(
        tcase, test_training_of_an_unloaded_model_is_not_found_and_with_a_wrong_loss_unsupported);
    tcase_add_test(tcase, test_training_stop_finishes_what_waits_and_refuses_the_rest);
    tcase_add_test(tcase, test_training_losses_of_late_are_kept_oldest_first);
    suite_add_tcase(suite, tcase);
    return suite;
}
