/* test_train_versions.c: what was learned, when versions come and go before it is on disk.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/cases.h"
#include "tests/support/model_store.h"
#include "tests/support/refusals.h"
#include "tests/support/train_daemon.h"

Suite *suite_train_versions(void);

enum { N_STEPS = 3 };

static struct train_daemon *const d = &learner_daemon;
static struct lstm_trainer *expected; /* what the daemon should have learned on version 1 */

static void start(void)
{
    train_site_create(&d->site);
    expected = train_site_trainer(&d->site);
}

static void stop(void)
{
    lstm_trainer_destroy(expected);
    train_site_remove(&d->site);
}

static void learn(void)
{
    for (unsigned k = 0; k < N_STEPS; k++) {
        train_step(k, 200);
        train_on(expected, k);
    }
}

static void load(void)
{
    train_post(M ":load", "");
    assert_answer_status(200);
}

static const char *const syncs[] = {"always", "interval", "never"};

START_TEST(test_train_head_of_a_version_that_is_loaded_again_is_what_was_learned)
{
    train_daemon_start_sync(syncs[_i]);
    learn();
    train_post(M ":unload", "");
    assert_answer_status(200);
    load();
    assert_predicts_as(M ":predict", expected);
    train_get(M "/training");
    assert_answer_number("step", N_STEPS);
    learn();
    assert_predicts_as(M ":predict", expected);
    train_daemon_stop();
    assert_checkpoint_holds(expected);
}
END_TEST

START_TEST(test_train_reset_of_a_newer_version_keeps_what_was_learned_on_the_one_before)
{
    train_daemon_start_sync(syncs[_i]);
    learn();
    model_store_add(d->site.models, "m", "2", model_any, 2);
    load();
    train_post(M ":reset", "");
    assert_answer_status(200);
    model_store_remove(d->site.models, "m", "2");
    load();
    train_get(M "/training");
    assert_answer_number("step", N_STEPS);
    assert_predicts_as(M ":predict", expected);
    train_daemon_stop();
    assert_checkpoint_holds(expected);
}
END_TEST

/* A file is where the folder of the checkpoints belongs. */
static void make_unsaveable(char path[300])
{
    snprintf(path, 300, "%s/m", d->site.state);
    temp_file_write(path, "", 0);
}

START_TEST(test_train_steps_that_cannot_be_saved_outlive_their_version)
{
    char file[300];
    train_daemon_start_sync("never");
    make_unsaveable(file);
    learn();
    model_store_add(d->site.models, "m", "2", model_any, 2);
    load();
    train_step(0, 200);
    ck_assert_int_eq(unlink(file), 0);
    train_daemon_stop();
    assert_checkpoint_holds(expected);
}
END_TEST

START_TEST(test_train_steps_that_cannot_be_saved_are_not_begun_anew_over)
{
    char file[300];
    train_daemon_start_sync("never");
    make_unsaveable(file);
    learn();
    train_post(M ":unload", "");
    load();
    train_get(M "/training");
    assert_refused("training", &d->answer, 500, "cannot be saved");
    assert_predicts_as(M ":predict", expected);
    ck_assert_int_eq(unlink(file), 0);
    train_get(M "/training");
    assert_answer_number("step", N_STEPS);
    train_daemon_stop();
    assert_checkpoint_holds(expected);
}
END_TEST

START_TEST(test_train_stop_tells_that_steps_of_an_older_version_are_not_saved)
{
    char file[300];
    train_daemon_start_sync("never");
    make_unsaveable(file);
    learn();
    model_store_add(d->site.models, "m", "2", model_any, 2);
    load();
    train_get(M "/training");
    assert_answer_number("step", 0);
    client_answer_release(&d->answer);
    client_release(&d->client);
    ck_assert_int_eq(daemon_stop(&d->server), 1);
}
END_TEST

/* ---- Publishing, and training state that came with a version ----------------------------------
 */

START_TEST(test_train_publish_beside_a_version_of_sixteen_digits_serves)
{
    train_daemon_start_sync("always");
    model_store_add(d->site.models, "m", "1764500000000000", model_any, 2);
    load();
    train_step(0, 200);
    train_post(M ":publish", "");
    assert_answer_status(200);
    ck_assert_str_eq(d->answer.body, "{\"version\":\"1764500000000001\"}");
    train_get(M "/training");
    ck_assert_ptr_nonnull(strstr(d->answer.body, "\"base_version\":\"1764500000000001\""));
    train_daemon_stop();
}
END_TEST

START_TEST(test_train_publish_beside_the_largest_number_is_a_conflict)
{
    train_daemon_start_sync("always");
    model_store_add(d->site.models, "m", "999999999999999999", model_any, 2);
    load();
    train_step(0, 200);
    train_post(M ":publish", "");
    assert_refused("publish", &d->answer, 409, "none may have a larger number");
    ck_assert_uint_eq(train_site_count(&d->site), 2);
    train_get(M "/training");
    assert_answer_number("unpublished_steps", 1);
    train_daemon_stop();
}
END_TEST

/* A version of the repository that has five steps of training beside it, as model `m`. */
static void add_trained(const char *version)
{
    char path[300];
    struct lstm_error error;
    model_store_add(d->site.models, "m", version, model_any, 1);
    struct lstm_trainer *trainer = train_site_trainer(&d->site);
    for (unsigned k = 0; k < 5; k++)
        train_on(trainer, k);
    snprintf(path, sizeof path, "%s/m/%s/training.safetensors", d->site.models, version);
    ck_assert_int_eq(lstm_trainer_save(trainer, path, NULL, &error), LSTM_OK);
    lstm_trainer_destroy(trainer);
}

START_TEST(test_train_model_from_a_file_is_not_the_repository_s_of_that_name)
{
    char source[300];
    const char *const options[] = {"--model", source, NULL};
    model_store_add(d->site.root.path, "source", "1", model_any, 3);
    snprintf(source, sizeof source, "m=%s/source/1", d->site.root.path);
    add_trained("1");
    train_daemon_start(options);
    train_get(M "/training");
    assert_answer_number("step", 0);
    train_step(0, 200);
    train_post(M ":publish", "");
    assert_refused("publish", &d->answer, 409, "comes from --model");
    ck_assert_uint_eq(train_site_count(&d->site), 1);
    train_daemon_stop();
}
END_TEST

START_TEST(test_train_state_is_found_beside_a_version_whatever_zeros_its_name_has)
{
    add_trained("002");
    train_daemon_start(NULL);
    train_get(M "/training");
    assert_answer_number("step", 5);
    train_daemon_stop();
}
END_TEST

START_TEST(test_train_state_that_is_damaged_is_the_server_s_error)
{
    char path[300];
    snprintf(path, sizeof path, "%s/m/1/training.safetensors", d->site.models);
    temp_file_write(path, "garbage", 7);
    train_daemon_start(NULL);
    train_get(M "/training");
    assert_refused("training", &d->answer, 500, "remove this file to train");
    train_daemon_stop();
}
END_TEST

Suite *suite_train_versions(void)
{
    Suite *suite = suite_create("train_versions");
    TCase *tcase = tcase_create("train_versions");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, start, stop);
    tcase_add_loop_test(tcase,
                        test_train_head_of_a_version_that_is_loaded_again_is_what_was_learned, 0,
                        N_CASES(syncs));
    tcase_add_loop_test(
        tcase, test_train_reset_of_a_newer_version_keeps_what_was_learned_on_the_one_before, 0,
        N_CASES(syncs));
    tcase_add_test(tcase, test_train_steps_that_cannot_be_saved_outlive_their_version);
    tcase_add_test(tcase, test_train_steps_that_cannot_be_saved_are_not_begun_anew_over);
    tcase_add_test(tcase, test_train_stop_tells_that_steps_of_an_older_version_are_not_saved);
    tcase_add_test(tcase, test_train_publish_beside_a_version_of_sixteen_digits_serves);
    tcase_add_test(tcase, test_train_publish_beside_the_largest_number_is_a_conflict);
    tcase_add_test(tcase, test_train_model_from_a_file_is_not_the_repository_s_of_that_name);
    tcase_add_test(tcase, test_train_state_is_found_beside_a_version_whatever_zeros_its_name_has);
    tcase_add_test(tcase, test_train_state_that_is_damaged_is_the_server_s_error);
    suite_add_tcase(suite, tcase);
    return suite;
}
