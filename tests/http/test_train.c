/* test_train.c: models that learn in the daemon. SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/answer_text.h"
#include "tests/support/model_store.h"
#include "tests/support/refusals.h"
#include "tests/support/train_daemon.h"

Suite *suite_train(void);

enum { N_STEPS = 12, N_CLIENTS = 4, STEPS_EACH = 8 };

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

START_TEST(test_train_steps_give_the_bits_of_a_trainer)
{
    struct lstm_trainer *trainer = train_site_trainer(&d->site);
    for (unsigned k = 0; k < N_STEPS; k++) {
        const struct lstm_training_result want = train_on(trainer, k);
        char loss[32];
        train_step(k, 200);
        snprintf(loss, sizeof loss, "%.9g", want.loss);
        assert_answer_number("step", (double)want.step);
        assert_answer_number("loss", strtod(loss, NULL));
        assert_answer_number("examples", TRAIN_EXAMPLES);
        ck_assert_double_eq_tol(answer_number("accuracy"), (double)want.n_correct / TRAIN_EXAMPLES,
                                1e-8);
        ck_assert_double_eq_tol(answer_number("gradient_norm"), want.gradient_norm, 1e-6);
        assert_checkpoint_holds(trainer);
    }
    lstm_trainer_destroy(trainer);
}
END_TEST

START_TEST(test_train_step_is_seen_by_the_next_predict_and_not_by_the_published_version)
{
    struct lstm_trainer *trainer = train_site_trainer(&d->site);
    struct lstm_trainer *published = train_site_trainer(&d->site);
    for (unsigned k = 0; k < N_STEPS; k++) {
        assert_predicts_as(M ":predict", trainer);
        train_step(k, 200);
        train_on(trainer, k);
        assert_predicts_as(M ":predict", trainer);
        assert_predicts_as(M "/versions/1:predict", published);
    }
    lstm_trainer_destroy(trainer);
    lstm_trainer_destroy(published);
}
END_TEST

/* ---- Several clients ------------------------------------------------------------------------ */

struct caller {
    pthread_t thread;
    struct client client;
    unsigned first;             /* of its batches */
    unsigned steps[STEPS_EACH]; /* that they became; 0: not answered */
};

static void *call_on(void *argument)
{
    struct caller *caller = argument;
    for (unsigned i = 0; i < STEPS_EACH; i++) {
        struct train_batch batch;
        struct client_answer got;
        train_batch_make(&batch, caller->first + i);
        const struct client_request request = {
            .path = M ":train-step", .body = batch.body, .body_bytes = strlen(batch.body)};
        client_try(&caller->client, &request, &got);
        if (got.status == 200)
            caller->steps[i] = (unsigned)strtoul(got.body + strlen("{\"step\":"), NULL, 10);
        client_answer_release(&got);
    }
    return NULL;
}

START_TEST(test_train_steps_of_several_clients_apply_one_after_the_other)
{
    static struct caller callers[N_CLIENTS];
    unsigned order[N_CLIENTS * STEPS_EACH + 1];
    memset(order, 0xFF, sizeof order);
    for (unsigned c = 0; c < N_CLIENTS; c++) {
        callers[c] = (struct caller){.first = c * STEPS_EACH};
        client_init(&callers[c].client, d->server.url);
        ck_assert_int_eq(pthread_create(&callers[c].thread, NULL, call_on, &callers[c]), 0);
    }
    for (unsigned c = 0; c < N_CLIENTS; c++) {
        pthread_join(callers[c].thread, NULL);
        client_release(&callers[c].client);
        for (unsigned i = 0; i < STEPS_EACH; i++) {
            const unsigned step = callers[c].steps[i];
            ck_assert_uint_ge(step, 1);
            ck_assert_uint_le(step, N_CLIENTS * STEPS_EACH);
            ck_assert_uint_eq(order[step], UINT32_MAX);
            order[step] = callers[c].first + i;
        }
    }
    struct lstm_trainer *trainer = train_site_trainer(&d->site);
    for (unsigned step = 1; step <= N_CLIENTS * STEPS_EACH; step++)
        train_on(trainer, order[step]);
    assert_checkpoint_holds(trainer);
    assert_predicts_as(M ":predict", trainer);
    lstm_trainer_destroy(trainer);
}
END_TEST

/* ---- Publish, reset, evaluate, settings ----------------------------------------------------- */

START_TEST(test_train_publish_makes_the_next_version_and_learning_begins_anew_from_it)
{
    struct lstm_trainer *trainer = train_site_trainer(&d->site);
    char path[300];
    size_t n;
    train_post(M ":publish", "");
    assert_refused("nothing", &d->answer, 409, "nothing was learned since version 1");
    for (unsigned k = 0; k < 3; k++) {
        train_step(k, 200);
        train_on(trainer, k);
    }
    train_post(M ":publish", "");
    assert_answer_status(200);
    ck_assert_str_eq(d->answer.body, "{\"version\":\"2\"}");
    assert_predicts_as(M "/versions/2:predict", trainer);
    assert_predicts_as(M ":predict", trainer);
    train_get(M "/training");
    ck_assert_ptr_nonnull(strstr(d->answer.body, "\"base_version\":\"2\",\"step\":0,"));
    snprintf(path, sizeof path, "%s/m/2/provenance.json", d->site.models);
    char *provenance = temp_file_read(path, &n);
    ck_assert_ptr_nonnull(strstr(provenance, "\"base_version\": \"1\", \"steps\": 3,"));
    free(provenance);
    assert_checkpoint_holds(trainer);
    train_step(3, 200);
    assert_answer_number("step", 1);
    lstm_trainer_destroy(trainer);
}
END_TEST

START_TEST(test_train_newer_version_takes_over_and_the_older_checkpoint_counts_again_without_it)
{
    struct lstm_trainer *trainer = train_site_trainer(&d->site);
    train_step(0, 200);
    train_on(trainer, 0);
    model_store_add(d->site.models, "m", "7", model_any, 7);
    train_post(M ":load", "");
    train_get(M "/training");
    ck_assert_ptr_nonnull(strstr(d->answer.body, "\"base_version\":\"7\",\"step\":0,"));
    train_step(1, 200);
    assert_answer_number("step", 1);
    model_store_remove(d->site.models, "m", "7");
    train_post(M ":load", "");
    assert_predicts_as(M ":predict", trainer);
    train_step(1, 200);
    assert_answer_number("step", 2);
    train_on(trainer, 1);
    assert_predicts_as(M ":predict", trainer);
    lstm_trainer_destroy(trainer);
}
END_TEST

START_TEST(test_train_unload_and_load_keep_what_was_learned)
{
    struct lstm_trainer *trainer = train_site_trainer(&d->site);
    train_step(0, 200);
    train_on(trainer, 0);
    train_post(M ":unload", "");
    train_step(1, 404);
    train_post(M ":load", "");
    assert_predicts_as(M ":predict", trainer);
    train_step(1, 200);
    train_on(trainer, 1);
    assert_predicts_as(M ":predict", trainer);
    assert_checkpoint_holds(trainer);
    lstm_trainer_destroy(trainer);
}
END_TEST

START_TEST(test_train_reset_goes_back_to_the_published_weights_for_good)
{
    struct lstm_trainer *trainer = train_site_trainer(&d->site);
    train_step(0, 200);
    train_step(1, 200);
    train_post(M ":reset", "");
    assert_answer_status(200);
    assert_answer_number("step", 0);
    assert_predicts_as(M ":predict", trainer);
    train_daemon_stop();
    train_daemon_start_sync("always");
    assert_predicts_as(M ":predict", trainer);
    train_step(2, 200);
    train_on(trainer, 2);
    assert_checkpoint_holds(trainer);
    lstm_trainer_destroy(trainer);
}
END_TEST

START_TEST(test_train_evaluate_tells_what_a_step_would_and_applies_nothing)
{
    struct lstm_trainer *trainer = train_site_trainer(&d->site);
    struct train_batch batch;
    train_batch_make(&batch, 0);
    train_post(M ":evaluate", batch.body);
    assert_answer_status(200);
    const double loss = answer_number("loss");
    assert_answer_number("step", 0);
    assert_predicts_as(M ":predict", trainer);
    train_step(0, 200);
    assert_answer_number("loss", loss);
    lstm_trainer_destroy(trainer);
}
END_TEST

START_TEST(test_train_settings_are_changed_kept_and_shown)
{
    struct lstm_trainer *trainer = train_site_trainer(&d->site);
    train_put(M "/training", "{\"learning_rate\":0.05,\"clip_norm\":0.25}");
    assert_answer_status(200);
    train_daemon_stop();
    train_daemon_start_sync("always");
    lstm_trainer_settings(trainer)->learning_rate = 0.05;
    lstm_trainer_settings(trainer)->clip_norm = 0.25;
    for (unsigned k = 0; k < 3; k++) {
        train_step(k, 200);
        train_on(trainer, k);
    }
    train_get(M "/training");
    assert_answer_number("learning_rate", 0.05);
    assert_answer_number("clip_norm", 0.25);
    assert_answer_number("step", 3);
    assert_answer_number("unpublished_steps", 3);
    float losses[3];
    ck_assert_uint_eq(answer_numbers(d->answer.body, "losses", losses, 3), 3);
    assert_checkpoint_holds(trainer);
    lstm_trainer_destroy(trainer);
}
END_TEST

START_TEST(test_train_step_takes_its_own_learning_rate_and_weights)
{
    struct lstm_trainer *trainer = train_site_trainer(&d->site);
    struct lstm_training *settings = lstm_trainer_settings(trainer);
    struct train_batch batch;
    struct lstm_training_result result;
    struct lstm_error error;
    const float weights[] = {1, 0, 2.5f};
    char body[1200];
    train_batch_make(&batch, 0);
    batch.body[strlen(batch.body) - 1] = '\0';
    snprintf(body, sizeof body, "%s,\"learning_rate\":0.02,\"sample_weight\":[1,0,2.5]}",
             batch.body);
    train_post(M ":train-step", body);
    assert_answer_status(200);
    const double usual = settings->learning_rate;
    settings->learning_rate = 0.02;
    batch.examples.weights = weights;
    ck_assert_int_eq(lstm_trainer_step(trainer, &batch.examples, &result, &error), LSTM_OK);
    settings->learning_rate = usual;
    train_step(1, 200);
    train_on(trainer, 1);
    assert_checkpoint_holds(trainer);
    lstm_trainer_destroy(trainer);
}
END_TEST

START_TEST(test_train_off_answers_403_and_predicts)
{
    static const char *const options[] = {"--training", "off", NULL};
    train_site_create(&d->site);
    struct lstm_trainer *trainer = train_site_trainer(&d->site);
    train_daemon_start(options);
    train_step(0, 403);
    assert_refused("a step", &d->answer, 403, "training is off");
    train_get(M "/training");
    assert_refused("training", &d->answer, 403, "training is off");
    assert_predicts_as(M ":predict", trainer);
    lstm_trainer_destroy(trainer);
    stop();
}
END_TEST

START_TEST(test_train_without_a_state_folder_learns_in_memory_and_says_so)
{
    train_site_create(&d->site);
    struct lstm_trainer *trainer = train_site_trainer(&d->site);
    train_daemon_start(NULL);
    train_step(0, 200);
    train_on(trainer, 0);
    assert_predicts_as(M ":predict", trainer);
    train_get(M "/training");
    ck_assert_ptr_nonnull(strstr(d->answer.body, "\"durable\":false"));
    ck_assert_int_ne(access(d->site.state, F_OK), 0);
    lstm_trainer_destroy(trainer);
    stop();
}
END_TEST

START_TEST(test_train_raw_bytes_have_their_labels_in_the_query)
{
    static const float pixels[] = {0, 1, 2, 3, 4, 5};
    const struct client_request request = {.path = "/v1/models/d:train-step?labels=1",
                                           .content_type = "application/octet-stream",
                                           .body = pixels,
                                           .body_bytes = sizeof pixels};
    model_store_add(d->site.models, "d", "1",
                    "{\"format\":\"lstmd-model-1\",\"input\":{\"steps\":3,\"features\":2},"
                    "\"layers\":[{\"type\":\"gru\",\"units\":4},{\"type\":\"dense\",\"units\":2,"
                    "\"activation\":\"softmax\"}]}",
                    3);
    train_post(M ":load", "");
    client_answer_release(&d->answer);
    client_ask(&d->client, &request, &d->answer);
    assert_answer_status(200);
    assert_answer_number("examples", 1);
    assert_answer_number("step", 1);
}
END_TEST

Suite *suite_train(void)
{
    Suite *suite = suite_create("train");
    TCase *tcase = tcase_create("train"), *own = tcase_create("own_start");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, start, stop);
    tcase_add_test(tcase, test_train_steps_give_the_bits_of_a_trainer);
    tcase_add_test(tcase,
                   test_train_step_is_seen_by_the_next_predict_and_not_by_the_published_version);
    tcase_add_test(tcase, test_train_steps_of_several_clients_apply_one_after_the_other);
    tcase_add_test(tcase,
                   test_train_publish_makes_the_next_version_and_learning_begins_anew_from_it);
    tcase_add_test(
        tcase,
        test_train_newer_version_takes_over_and_the_older_checkpoint_counts_again_without_it);
    tcase_add_test(tcase, test_train_unload_and_load_keep_what_was_learned);
    tcase_add_test(tcase, test_train_reset_goes_back_to_the_published_weights_for_good);
    tcase_add_test(tcase, test_train_evaluate_tells_what_a_step_would_and_applies_nothing);
    tcase_add_test(tcase, test_train_settings_are_changed_kept_and_shown);
    tcase_add_test(tcase, test_train_step_takes_its_own_learning_rate_and_weights);
    tcase_add_test(tcase, test_train_raw_bytes_have_their_labels_in_the_query);
    suite_add_tcase(suite, tcase);
    tcase_set_timeout(own, 60);
    tcase_add_test(own, test_train_off_answers_403_and_predicts);
    tcase_add_test(own, test_train_without_a_state_folder_learns_in_memory_and_says_so);
    suite_add_tcase(suite, own);
    return suite;
}
