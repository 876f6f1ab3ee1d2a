/* test_train_disk.c: a disk that fails costs nothing but the step. SPDX-License-Identifier:
 * Apache-2.0 */
#include <check.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/cases.h"
#include "tests/support/refusals.h"
#include "tests/support/train_daemon.h"

Suite *suite_train_disk(void);

static struct train_daemon *const d = &learner_daemon;
static struct lstm_trainer *expected; /* what the daemon should have learned */

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

/* That the daemon's head is what was expected to be learned. */
static void assert_head(void)
{
    train_get(M "/training");
    assert_answer_number("step", (double)lstm_trainer_n_steps(expected));
    assert_predicts_as(M ":predict", expected);
}

static char away[300], folder_of_m[300];

/* The longest file that the daemon may write. */
static void limit_files(rlim_t bytes)
{
    const struct rlimit limit = {.rlim_cur = bytes, .rlim_max = RLIM_INFINITY};
    ck_assert_int_eq(prlimit(d->server.pid, RLIMIT_FSIZE, &limit, NULL), 0);
}

static void break_by_limit(void)
{
    limit_files(256);
}

static void mend_by_limit(void)
{
    limit_files(RLIM_INFINITY);
}

static void break_by_file(void)
{
    snprintf(folder_of_m, sizeof folder_of_m, "%s/m", d->site.state);
    snprintf(away, sizeof away, "%s/away", d->site.state);
    ck_assert_int_eq(rename(folder_of_m, away), 0);
    temp_file_write(folder_of_m, "", 0);
}

static void mend_by_file(void)
{
    ck_assert_int_eq(unlink(folder_of_m), 0);
    ck_assert_int_eq(rename(away, folder_of_m), 0);
}

/* A folder is where the file that is to be renamed over it belongs. */
static void break_by_rename(void)
{
    snprintf(folder_of_m, sizeof folder_of_m, "%s/m/1.safetensors", d->site.state);
    snprintf(away, sizeof away, "%s/m/away", d->site.state);
    ck_assert_int_eq(rename(folder_of_m, away), 0);
    ck_assert_int_eq(mkdir(folder_of_m, 0755), 0);
}

static void mend_by_rename(void)
{
    ck_assert_int_eq(rmdir(folder_of_m), 0);
    ck_assert_int_eq(rename(away, folder_of_m), 0);
}

static const struct {
    void (*break_disk)(void), (*mend)(void);
    int status;
    const char *words;
} failures[] = {{break_by_limit, mend_by_limit, 507, "File too large"},
                {break_by_file, mend_by_file, 500, "expected a folder"},
                {break_by_rename, mend_by_rename, 500, "Is a directory"}};

START_TEST(test_train_step_that_cannot_be_saved_is_not_applied)
{
    train_daemon_start_sync("always");
    train_step(0, 200);
    train_on(expected, 0);
    failures[_i].break_disk();
    for (unsigned k = 1; k < 4; k++) {
        train_step(k, failures[_i].status);
        assert_refused("step", &d->answer, failures[_i].status, failures[_i].words);
        assert_head();
    }
    failures[_i].mend();
    assert_checkpoint_holds(expected);
    train_step(7, 200);
    train_on(expected, 7);
    assert_head();
    train_daemon_kill();
    assert_checkpoint_holds(expected);
}
END_TEST

START_TEST(test_train_first_step_that_cannot_be_saved_leaves_the_published_weights)
{
    train_daemon_start_sync("always");
    break_by_limit();
    train_step(0, 507);
    assert_head();
    mend_by_limit();
    train_step(1, 200);
    train_on(expected, 1);
    assert_head();
    train_daemon_kill();
    assert_checkpoint_holds(expected);
}
END_TEST

START_TEST(test_train_version_that_cannot_be_written_leaves_nothing_behind)
{
    train_daemon_start_sync("always");
    train_step(0, 200);
    train_on(expected, 0);
    break_by_limit();
    train_post(M ":publish", "");
    assert_refused("publish", &d->answer, 507, "File too large");
    ck_assert_uint_eq(train_site_count(&d->site), 1);
    assert_head();
    mend_by_limit();
    train_post(M ":publish", "");
    assert_answer_status(200);
    ck_assert_uint_eq(train_site_count(&d->site), 2);
    assert_predicts_as(M "/versions/2:predict", expected);
    train_daemon_stop();
}
END_TEST

/* Root may write anywhere, so the daemon becomes somebody else. */
START_TEST(test_train_publish_into_a_read_only_repository_is_a_conflict_and_serving_goes_on)
{
    const bool is_root = geteuid() == 0;
    const char *options[] = {"--state-dir", d->site.state, is_root ? "--user" : NULL, "nobody",
                             NULL};
    char folder[300];
    snprintf(folder, sizeof folder, "%s/m", d->site.models);
    ck_assert_int_eq(chmod(d->site.root.path, 0755), 0);
    ck_assert_int_eq(chmod(folder, 0555), 0);
    ck_assert_int_eq(mkdir(d->site.state, 0755), 0);
    const struct passwd *nobody = getpwnam("nobody");
    ck_assert_ptr_nonnull(nobody);
    if (is_root)
        ck_assert_int_eq(chown(d->site.state, nobody->pw_uid, nobody->pw_gid), 0);
    train_daemon_start(options);
    train_step(0, 200);
    train_on(expected, 0);
    train_post(M ":publish", "");
    assert_refused("publish", &d->answer, 409, "the model repository cannot be written to");
    assert_head();
    train_step(1, 200);
    train_on(expected, 1);
    assert_head();
    assert_checkpoint_holds(expected);
    train_daemon_stop();
    ck_assert_int_eq(chmod(folder, 0755), 0);
}
END_TEST

START_TEST(test_train_stop_that_cannot_save_says_so)
{
    train_daemon_start_sync("never");
    train_step(0, 200);
    break_by_limit();
    client_release(&d->client);
    ck_assert_int_eq(daemon_stop(&d->server), 1);
}
END_TEST

Suite *suite_train_disk(void)
{
    Suite *suite = suite_create("train_disk");
    TCase *tcase = tcase_create("train_disk");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, start, stop);
    tcase_add_loop_test(tcase, test_train_step_that_cannot_be_saved_is_not_applied, 0,
                        N_CASES(failures));
    tcase_add_test(tcase, test_train_first_step_that_cannot_be_saved_leaves_the_published_weights);
    tcase_add_test(tcase, test_train_version_that_cannot_be_written_leaves_nothing_behind);
    tcase_add_test(
        tcase, test_train_publish_into_a_read_only_repository_is_a_conflict_and_serving_goes_on);
    tcase_add_test(tcase, test_train_stop_that_cannot_save_says_so);
    suite_add_tcase(suite, tcase);
    return suite;
}
