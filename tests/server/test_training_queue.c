/* test_training_queue.c: how much may wait for the training thread. SPDX-License-Identifier:
 * Apache-2.0 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "server/api.h"
#include "server/app.h"
#include "server/metrics.h"
#include "server/request.h"
#include "tests/support/assert_tensor.h"
#include "tests/support/training_fixture.h"

Suite *suite_training_queue(void);

static double bytes_shown(void)
{
    static const char name[] = "\nlstmd_train_queue_bytes ";
    struct buf out;
    buf_init(&out, SIZE_MAX);
    metrics_write(&out);
    const char *const line = strstr(out.data, name);
    ck_assert_ptr_nonnull(line);
    const double value = strtod(line + sizeof name - 1, NULL);
    buf_release(&out);
    return value;
}

START_TEST(test_training_queue_that_is_full_refuses_steps_alone)
{
    static struct training_task tasks[MAX_QUEUED + 2];
    const struct served_version *version;
    const struct lstm_model *shape = training_fixture_shape(&version);
    for (unsigned i = 0; i < MAX_QUEUED; i++)
        training_fixture_submit(&tasks[i], i % 2 == 0 ? TRAIN_STEP : TRAIN_EVALUATE, i, shape);
    struct train_task *over = training_fixture_task(&tasks[MAX_QUEUED], TRAIN_STEP, 0, shape);
    ck_assert_int_eq(training_submit(training, over), TRAIN_FULL);
    training_fixture_submit(&tasks[MAX_QUEUED + 1], TRAIN_DESCRIBE, 0, NULL);
    training_fixture_run();
    training_fixture_wait(MAX_QUEUED + 1);
    ck_assert_uint_eq(tasks[MAX_QUEUED + 1].task.report.step, MAX_QUEUED / 2);
    ck_assert_int_eq(training_submit(training, over), TRAIN_QUEUED);
    training_fixture_wait(MAX_QUEUED + 2);
    registry_release(version);
}
END_TEST

START_TEST(test_training_queue_is_full_when_its_bytes_are)
{
    static struct training_task tasks[4];
    const struct served_version *version;
    const struct lstm_model *shape = training_fixture_shape(&version);
    for (unsigned i = 0; i < 4; i++)
        training_fixture_task(&tasks[i], TRAIN_STEP, i, shape)->bytes = MAX_BYTES / 2;
    ck_assert_int_eq(training_submit(training, &tasks[0].task), TRAIN_QUEUED);
    ck_assert_int_eq(training_submit(training, &tasks[1].task), TRAIN_QUEUED);
    ck_assert(bytes_shown() == MAX_BYTES);
    ck_assert_int_eq(training_submit(training, &tasks[2].task), TRAIN_FULL);
    tasks[2].task.bytes = SIZE_MAX;
    ck_assert_int_eq(training_submit(training, &tasks[2].task), TRAIN_FULL);
    training_fixture_run();
    training_fixture_wait(2);
    ck_assert(bytes_shown() == 0);
    ck_assert_int_eq(training_submit(training, &tasks[3].task), TRAIN_QUEUED);
    training_fixture_wait(3);
    registry_release(version);
}
END_TEST

START_TEST(test_training_queue_takes_a_task_that_is_larger_than_its_bound_when_it_is_alone)
{
    static struct training_task tasks[2];
    const struct served_version *version;
    const struct lstm_model *shape = training_fixture_shape(&version);
    training_fixture_task(&tasks[0], TRAIN_STEP, 0, shape)->bytes = 10 * (size_t)MAX_BYTES;
    training_fixture_task(&tasks[1], TRAIN_STEP, 1, shape)->bytes = 1;
    ck_assert_int_eq(training_submit(training, &tasks[0].task), TRAIN_QUEUED);
    ck_assert_int_eq(training_submit(training, &tasks[1].task), TRAIN_FULL);
    training_fixture_run();
    training_fixture_wait(1);
    ck_assert_uint_eq(tasks[0].task.result.step, 1);
    registry_release(version);
}
END_TEST

static const char *no_query(const struct request *request, const char *name)
{
    (void)request;
    (void)name;
    return NULL;
}

/* The thread does not run, so that the first request waits. */
START_TEST(test_training_queue_that_is_full_of_bytes_answers_503)
{
    static char body[MAX_BYTES];
    struct app app = {.registry = registry,
                      .max_work_bytes = SIZE_MAX,
                      .training = training,
                      .limits = {.max_instances = 1000, .max_steps = 1000}};
    atomic_init(&app.is_loaded, true);
    struct request requests[2];
    struct train_batch batch;
    train_batch_make(&batch, 0);
    memset(body, ' ', sizeof body);
    memcpy(body, batch.body, strlen(batch.body));
    for (size_t i = 0; i < 2; i++) {
        requests[i] = (struct request){.parts = {.model = "m"},
                                       .content_type = "application/json",
                                       .body = body,
                                       .body_bytes = sizeof body - 1,
                                       .query = no_query};
        body[sizeof body - 1] = '\0';
        buf_init(&requests[i].response.body, SIZE_MAX);
    }
    ck_assert_int_eq(handle_train_step(&app, &requests[0]), LATER);
    size_t n_steps = 0;
    for (size_t i = 0; i < TRAIN_EXAMPLES; i++)
        n_steps += batch.sequences[i].steps;
    ck_assert(
        bytes_shown() ==
        (double)(sizeof body - 1 + (n_steps * 2 + TRAIN_EXAMPLES * TRAIN_CLASSES) * sizeof(float)));
    ck_assert_int_eq(handle_train_step(&app, &requests[1]), HANDLED);
    ck_assert_int_eq(requests[1].response.status, 503);
    ck_assert_int_eq(requests[1].response.retry_after_s, 1);
    ck_assert(training_stop(training, true));
    for (size_t i = 0; i < 2; i++) {
        requests[i].discard(requests[i].work);
        buf_release(&requests[i].response.body);
    }
}
END_TEST

Suite *suite_training_queue(void)
{
    Suite *suite = suite_create("training_queue");
    TCase *tcase = tcase_create("training_queue");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, training_fixture_start, training_fixture_stop);
    tcase_add_test(tcase, test_training_queue_that_is_full_refuses_steps_alone);
    tcase_add_test(tcase, test_training_queue_is_full_when_its_bytes_are);
    tcase_add_test(tcase,
                   test_training_queue_takes_a_task_that_is_larger_than_its_bound_when_it_is_alone);
    tcase_add_test(tcase, test_training_queue_that_is_full_of_bytes_answers_503);
    suite_add_tcase(suite, tcase);
    return suite;
}
