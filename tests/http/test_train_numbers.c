/* test_train_numbers.c: no weight that is no number is served, published or learned.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/model_store.h"
#include "tests/support/refusals.h"
#include "tests/support/train_daemon.h"

Suite *suite_train_numbers(void);

static struct train_daemon *const d = &learner_daemon;

static void start(void)
{
    train_site_create(&d->site);
    train_daemon_start_sync("always");
}

static void stop(void)
{
    train_daemon_stop();
    train_site_remove(&d->site);
}

START_TEST(test_train_version_whose_weights_are_no_numbers_does_not_take_over)
{
    struct lstm_trainer *published = train_site_trainer(&d->site);
    model_store_add(d->site.models, "m", "2", model_any, 2);
    model_store_spoil(d->site.models, "m", "2");
    train_post(M ":load", "");
    assert_answer_status(200);
    assert_predicts_as(M ":predict", published);
    train_get(M "/versions/2");
    ck_assert_ptr_nonnull(strstr(d->answer.body, "\"END\""));
    ck_assert_ptr_nonnull(strstr(d->answer.body, "is nan; expected finite numbers"));
    lstm_trainer_destroy(published);
}
END_TEST

START_TEST(test_train_step_that_would_spoil_the_weights_is_400_and_not_applied)
{
    struct lstm_trainer *trainer = train_site_trainer(&d->site);
    struct train_batch batch;
    char body[1200];
    train_step(0, 200);
    train_on(trainer, 0);
    train_batch_make(&batch, 1);
    batch.body[strlen(batch.body) - 1] = '\0';
    snprintf(body, sizeof body, "%s,\"learning_rate\":3e38}", batch.body);
    train_post(M ":train-step", body);
    assert_refused("a rate", &d->answer, 400, "a weight would become larger");
    assert_predicts_as(M ":predict", trainer);
    train_step(1, 200);
    train_on(trainer, 1);
    assert_predicts_as(M ":predict", trainer);
    assert_checkpoint_holds(trainer);
    lstm_trainer_destroy(trainer);
}
END_TEST

/* What was learned is finite, but not as what the version is stored as. */
START_TEST(test_train_publish_of_what_the_dtype_does_not_hold_is_a_conflict_and_keeps_all)
{
    static const char halves[] =
        "{\"format\":\"lstmd-model-1\",\"dtype\":\"F16\",\"input\":{\"features\":2},\"layers\":["
        "{\"type\":\"lstm\",\"units\":5},{\"type\":\"dense\",\"units\":3}],\"training\":"
        "{\"loss\":\"mean_squared_error\",\"optimizer\":\"sgd\",\"learning_rate\":0.5}}";
    static const char far[] = "{\"instances\":[[[1,2],[3,4]]],\"labels\":[[1e6,1e6,1e6]]}";
    model_store_add(d->site.models, "m", "2", halves, 2);
    train_post(M ":load", "");
    train_post(M ":train-step", far);
    assert_answer_status(200);
    train_post(M ":publish", "");
    assert_refused("publish", &d->answer, 409, "is no finite number as F16");
    ck_assert_ptr_nonnull(strstr(d->answer.body, "what was learned is kept"));
    ck_assert_uint_eq(train_site_count(&d->site), 2);
    train_get(M "/training");
    assert_answer_number("step", 1);
    assert_answer_number("unpublished_steps", 1);
    train_post(M ":predict", "{\"instances\":[[[1,2]]]}");
    assert_answer_status(200);
}
END_TEST

Suite *suite_train_numbers(void)
{
    Suite *suite = suite_create("train_numbers");
    TCase *tcase = tcase_create("train_numbers");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, start, stop);
    tcase_add_test(tcase, test_train_version_whose_weights_are_no_numbers_does_not_take_over);
    tcase_add_test(tcase, test_train_step_that_would_spoil_the_weights_is_400_and_not_applied);
    tcase_add_test(tcase,
                   test_train_publish_of_what_the_dtype_does_not_hold_is_a_conflict_and_keeps_all);
    suite_add_tcase(suite, tcase);
    return suite;
}
