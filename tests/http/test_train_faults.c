/* test_train_faults.c: every call to the file system that training makes fails once, or from then
 * on. SPDX-License-Identifier: Apache-2.0
 *
 * For each kind of failure and each operation, the n-th call fails, n from 1 until none is left to
 * fail. What was answered with success is there, in memory and after kill -9; what was not is not;
 * predictions go on. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/cases.h"
#include "tests/support/fault_plan.h"
#include "tests/support/train_daemon.h"

Suite *suite_train_faults(void);

enum { MOST_CALLS = 40 };

static struct train_daemon *const d = &learner_daemon;
static struct lstm_trainer *expected; /* what the daemon should have learned */
static const char *base;              /* on which version */

static void start_daemon(void)
{
    static const char *const options[] = {"--state-dir", learner_daemon.site.state,
                                          "--model-poll-seconds", "0", NULL};
    train_daemon_start(options);
}

static void begin(void)
{
    char path[256];
    train_site_create(&d->site);
    fault_plan_begin(temp_folder_path(&d->site.root, "plan", path), d->site.root.path);
    expected = train_site_trainer(&d->site);
    base = "1";
    start_daemon();
}

static void end(void)
{
    train_daemon_stop();
    fault_plan_end();
    lstm_trainer_destroy(expected);
    train_site_remove(&d->site);
}

/* ---- Operations ----------------------------------------------------------------------------- */

static void step_once(void)
{
    train_step(0, 200);
    train_on(expected, 0);
}

static void ask_for_step(void)
{
    struct train_batch batch;
    train_batch_make(&batch, 1);
    train_post(M ":train-step", batch.body);
}

static void apply_step(void)
{
    train_on(expected, 1);
}

static void ask_for_settings(void)
{
    train_put(M "/training", "{\"learning_rate\":0.125}");
}

static void apply_settings(void)
{
    lstm_trainer_settings(expected)->learning_rate = 0.125;
}

static void ask_to_publish(void)
{
    train_post(M ":publish", "");
}

static void apply_publish(void)
{
    lstm_trainer_destroy(expected);
    expected = train_site_trainer_of(&d->site, "2");
    base = "2";
}

static void ask_to_reset(void)
{
    train_post(M ":reset", "");
}

static void apply_reset(void)
{
    lstm_trainer_destroy(expected);
    expected = train_site_trainer(&d->site);
}

static const struct operation {
    const char *name;
    void (*prepare)(void); /* NULL: nothing was learned before */
    void (*ask)(void);
    void (*apply)(void); /* to what is expected */
} operations[] = {{"the first step", NULL, ask_for_step, apply_step},
                  {"a step", step_once, ask_for_step, apply_step},
                  {"settings", step_once, ask_for_settings, apply_settings},
                  {"publish", step_once, ask_to_publish, apply_publish},
                  {"reset", step_once, ask_to_reset, apply_reset}};

/* ---- What must hold ------------------------------------------------------------------------- */

static void assert_learned(const char *where)
{
    train_get(M "/training");
    assert_answer_status(200);
    ck_assert_msg(answer_number("step") == (double)lstm_trainer_n_steps(expected) &&
                      answer_number("learning_rate") ==
                          lstm_trainer_settings(expected)->learning_rate,
                  "%s: %s", where, d->answer.body);
    assert_predicts_as(M ":predict", expected);
}

static bool is_full(int reason)
{
    return reason == ENOSPC || reason == EDQUOT;
}

/* Runs the operation while its n-th call fails; false: there is no n-th call. */
static bool run_with_fault(const struct operation *operation, const struct fault *fault, unsigned n)
{
    char where[128];
    snprintf(where, sizeof where, "%s, %s, call %u", operation->name, fault->name, n);
    if (operation->prepare != NULL)
        operation->prepare();
    fault_plan_arm(fault, n);
    operation->ask();
    const int status = d->answer.status;
    const bool has_hit = fault_plan_has_hit();
    ck_assert_msg(status == 200 || (has_hit && !fault_is_harmless(fault) &&
                                    status == (is_full(fault->reason) ? 507 : 500)),
                  "%s: %d %s", where, status, d->answer.body);
    if (status == 200)
        operation->apply();
    assert_learned(where);
    fault_plan_disarm();
    ck_assert_msg(train_site_count(&d->site) == (strcmp(base, "2") == 0 ? 2 : 1), "%s: left-overs",
                  where);
    return has_hit;
}

/* A step without a fault, and a crash. */
static void assert_goes_on(void)
{
    train_step(2, 200);
    train_on(expected, 2);
    assert_learned("the next step");
    train_daemon_kill();
    struct lstm_trainer *kept = train_site_restore(&d->site, base);
    assert_same_training(kept, expected);
    lstm_trainer_destroy(kept);
    start_daemon();
    assert_learned("after a crash");
}

START_TEST(test_train_survives_any_failing_call)
{
    const struct fault *fault = &write_faults[_i];
    for (size_t k = 0; k < N_CASES(operations); k++) {
        bool has_hit = true;
        for (unsigned n = 1; has_hit; n++) {
            ck_assert_uint_lt(n, MOST_CALLS);
            begin();
            has_hit = run_with_fault(&operations[k], fault, n);
            assert_goes_on();
            end();
        }
    }
}
END_TEST

/* The disk fails for good, and then the power: there is no way to take back what a failed fsync may
 * have brought to disk. So the step that was refused may be there, whole; nothing else is lost. */
START_TEST(test_train_crash_while_the_disk_fails_keeps_every_answered_step)
{
    const struct fault *fault = &write_faults[_i];
    bool has_hit = true;
    for (unsigned n = 1; has_hit; n++) {
        begin();
        has_hit = run_with_fault(&operations[1], fault, n);
        fault_plan_arm(fault, 1);
        train_daemon_kill();
        fault_plan_disarm();
        start_daemon();
        train_get(M "/training");
        if (answer_number("step") == (double)lstm_trainer_n_steps(expected) + 1)
            apply_step();
        assert_learned("after the crash");
        assert_goes_on();
        end();
    }
}
END_TEST

/* ---- Reading -------------------------------------------------------------------------------- */

static const struct fault read_faults[] = {
    {"open: permission denied", FAULT_OPEN, EACCES, true, false},
    {"open: no more files", FAULT_OPEN, EMFILE, true, false},
    {"read: I/O errors", FAULT_READ, EIO, true, false},
};

START_TEST(test_train_checkpoint_that_cannot_be_read_is_not_begun_anew)
{
    begin();
    step_once();
    train_daemon_stop();
    start_daemon();
    fault_plan_arm(&read_faults[_i], 1);
    ask_for_step();
    assert_answer_status(500);
    ck_assert(fault_plan_disarm());
    assert_predicts_as(M ":predict", expected);
    ask_for_step();
    assert_answer_status(200);
    apply_step();
    assert_goes_on();
    end();
}
END_TEST

Suite *suite_train_faults(void)
{
    Suite *suite = suite_create("train_faults");
    TCase *tcase = tcase_create("train_faults");
    tcase_set_timeout(tcase, 300);
    tcase_add_loop_test(tcase, test_train_survives_any_failing_call, 0, N_WRITE_FAULTS);
    tcase_add_loop_test(tcase, test_train_crash_while_the_disk_fails_keeps_every_answered_step, 0,
                        N_WRITE_FAULTS);
    tcase_add_loop_test(tcase, test_train_checkpoint_that_cannot_be_read_is_not_begun_anew, 0,
                        N_CASES(read_faults));
    suite_add_tcase(suite, tcase);
    return suite;
}
