/* test_bad_train.c: training that is refused, and says why. SPDX-License-Identifier: Apache-2.0 */
#include <check.h>

#include "server/buf.h"
#include "tests/support/cases.h"
#include "tests/support/refusals.h"
#include "tests/support/train_daemon.h"

Suite *suite_bad_train(void);

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

static const struct {
    const char *path, *body;
    int status;
    const char *words;
} refused[] = {
    {M ":train-step", "{\"instances\":[[[1,2]]]}", 400,
     "labels: expected a class number or a row of probabilities per instance, found nothing"},
    {M ":train-step", "{\"instances\":[[[1,2]]],\"labels\":[3]}", 400,
     "labels[0]: expected a class number from 0 to 2, found 3"},
    {M ":train-step", "{\"instances\":[[[1,2]]],\"labels\":[0,1]}", 400,
     "labels: expected one per instance (1), found 2"},
    {M ":train-step", "{\"instances\":[],\"labels\":[]}", 400, "instances: expected at least one"},
    {M ":train-step", "{\"instances\":[[[3e38,2]]],\"labels\":[[0.5,0.6,0]]}", 400,
     "labels[0]: expected probabilities that sum to 1, found a sum of 1.1"},
    {M ":train-step", "{\"instances\":[[[1,2]]],\"labels\":[0],\"learning_rate\":0}", 400,
     "learning_rate: expected a number above 0, found 0"},
    {M ":evaluate", "{\"instances\":[[[1,2]]],\"labels\":[0],\"sample_weight\":[-1]}", 400,
     "sample_weight[0]: expected 0 or more, found -1"},
    {M ":train-step", "{\"instances\":[[[1,2]]],\"labels\":[0],\"learning_rate\":3e38}", 400,
     "a weight would become larger than 1e+18: the learning rate, 3e+38"},
    {M ":train-step", "{\"instances\":[[[1,2]]],\"labels\":[0],\"learning_rate\":1e17}", 200, ""},
    {"/v1/models/none:train-step", "{\"instances\":[[[1,2]]],\"labels\":[0]}", 404,
     "there is no model 'none'"},
    {M "/versions/1:train-step", "{\"instances\":[[[1,2]]],\"labels\":[0]}", 404, ""},
};

START_TEST(test_train_bad_body_is_refused_with_a_sentence)
{
    train_post(refused[_i].path, refused[_i].body);
    if (refused[_i].status != 200)
        assert_refused(refused[_i].path, &d->answer, refused[_i].status, refused[_i].words);
    else
        assert_answer_status(200);
}
END_TEST

/* What was refused leaves the weights as they were. */
START_TEST(test_train_step_that_overflows_is_not_applied)
{
    static const char usual[] = "{\"instances\":[[[1,2],[3,4]]],\"labels\":[1]}";
    train_post(M ":evaluate", usual);
    const double loss = answer_number("loss");
    train_post(M ":train-step", "{\"instances\":[[[1,2]]],\"labels\":[0],\"learning_rate\":3e38}");
    assert_refused("overflow", &d->answer, 400, "(the step was not applied)");
    train_get(M "/training");
    assert_answer_number("step", 0);
    train_post(M ":train-step", usual);
    assert_answer_number("step", 1);
    ck_assert_double_eq_tol(answer_number("loss"), loss, 1e-5);
}
END_TEST

/* 40,000 steps of some 30 floats each, of which the limit allows a megabyte; predict needs less. */
START_TEST(test_train_step_that_would_take_too_much_memory_is_refused)
{
    static const char *const paths[] = {M ":train-step", M ":evaluate"};
    enum { STEPS = 40000 };
    struct buf body;
    train_daemon_stop();
    train_daemon_start((const char *const[]){"--max-work-bytes", "1048576", NULL});
    buf_init(&body, 1 << 20);
    buf_text(&body, "{\"instances\":[[[1,2]");
    for (size_t t = 1; t < STEPS; t++)
        buf_text(&body, ",[1,2]");
    buf_text(&body, "]],\"labels\":[0]}");
    for (size_t k = 0; k < N_CASES(paths); k++) {
        train_post(paths[k], body.data);
        assert_refused(paths[k], &d->answer, 400,
                       "more than the server's --max-work-bytes (1048576)");
    }
    train_post(M ":predict", body.data);
    assert_answer_status(200);
    train_post(M ":train-step", "{\"instances\":[[[1,2]]],\"labels\":[0]}");
    assert_answer_status(200);
    buf_release(&body);
}
END_TEST

static const char *const changes[][2] = {
    {"{\"learning_rate\":-1}", "learning_rate: expected a number above 0, found -1"},
    {"{\"clip_norm\":\"1\"}", "clip_norm: expected a number, found a string"},
    {"{\"beta1\":0.5}", "beta1: unknown key; expected learning_rate, clip_norm"},
    {"[1]", "the body: expected an object"}};

START_TEST(test_train_bad_settings_are_refused)
{
    train_put(M "/training", changes[_i][0]);
    assert_refused(changes[_i][0], &d->answer, 400, changes[_i][1]);
}
END_TEST

Suite *suite_bad_train(void)
{
    Suite *suite = suite_create("bad_train");
    TCase *tcase = tcase_create("bad_train");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, start, stop);
    tcase_add_loop_test(tcase, test_train_bad_body_is_refused_with_a_sentence, 0, N_CASES(refused));
    tcase_add_test(tcase, test_train_step_that_overflows_is_not_applied);
    tcase_add_test(tcase, test_train_step_that_would_take_too_much_memory_is_refused);
    tcase_add_loop_test(tcase, test_train_bad_settings_are_refused, 0, N_CASES(changes));
    suite_add_tcase(suite, tcase);
    return suite;
}
