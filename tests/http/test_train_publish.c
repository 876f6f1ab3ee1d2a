/* test_train_publish.c: `lstmd train` publishes once, however it ends. SPDX-License-Identifier:
 * Apache-2.0 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/daemon.h"
#include "tests/support/fault_plan.h"
#include "tests/support/temp_folder.h"

Suite *suite_train_publish(void);

static const char model_json[] =
    "{\"format\":\"lstmd-model-1\",\"input\":{\"steps\":28,\"features\":28,\"scale\":0.004},"
    "\"layers\":[{\"type\":\"lstm\",\"units\":4},"
    "{\"type\":\"dense\",\"units\":10,\"activation\":\"softmax\"}]}";

static struct temp_folder folder;
static char model[256], out[256], plan[256];
static struct daemon_run run;

static void start(void)
{
    temp_folder_create(&folder);
    temp_folder_path(&folder, "model.json", model);
    temp_folder_path(&folder, "m", out);
    temp_file_write(model, model_json, sizeof model_json - 1);
    fault_plan_begin(temp_folder_path(&folder, "plan", plan), out);
}

static void stop(void)
{
    fault_plan_end();
    temp_folder_remove(&folder);
}

/* flag: NULL for none. */
static void train(const char *flag)
{
    const char *const arguments[] = {"train", model,      "--data", "tests/data/mnist",  "--out",
                                     out,     "--epochs", "2",      "--validation-size", "50",
                                     flag,    NULL};
    daemon_run(arguments, &run);
}

static bool has(const char *name)
{
    char path[300];
    snprintf(path, sizeof path, "%s/%s", out, name);
    return access(path, F_OK) == 0;
}

static void assert_saved(const char *version)
{
    char line[300];
    snprintf(line, sizeof line, "Saved %s/%s\n", out, version);
    ck_assert_msg(run.exit_status == 0, "%s", run.log);
    ck_assert_msg(strstr(run.out, line) != NULL, "no '%s' in '%s'", line, run.out);
    ck_assert(!has(".training"));
}

/* As if it had been killed behind the renaming: nothing can be removed. */
START_TEST(test_train_killed_behind_its_publishing_does_not_publish_again)
{
    static const struct fault keeps_all = {"unlink", FAULT_UNLINK, EIO, true, false};
    fault_plan_arm(&keeps_all, 1);
    train(NULL);
    ck_assert(fault_plan_disarm());
    ck_assert(has("1/weights.safetensors"));
    ck_assert(has(".training/checkpoint.safetensors"));
    train("--resume");
    assert_saved("1");
    ck_assert(!has("2"));
    train("--resume");
    assert_saved("2");
}
END_TEST

START_TEST(test_train_that_cannot_publish_publishes_when_resumed)
{
    static const struct fault refuses = {"mkdir", FAULT_MAKE_FOLDER, ENOSPC, true, false};
    bool has_failed = false;
    for (unsigned n = 1; !has_failed; n++) {
        fault_plan_arm(&refuses, n);
        train(has(".training/checkpoint.safetensors") ? "--resume" : NULL);
        ck_assert(fault_plan_disarm());
        ck_assert_int_eq(run.exit_status, 1);
        ck_assert_ptr_nonnull(strstr(run.log, "No space left on device"));
        ck_assert(!has("1"));
        has_failed = has(".training/checkpoint.safetensors");
    }
    train("--resume");
    assert_saved("1");
    ck_assert(!has("2"));
}
END_TEST

Suite *suite_train_publish(void)
{
    Suite *suite = suite_create("train_publish");
    TCase *tcase = tcase_create("train_publish");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, start, stop);
    tcase_add_test(tcase, test_train_killed_behind_its_publishing_does_not_publish_again);
    tcase_add_test(tcase, test_train_that_cannot_publish_publishes_when_resumed);
    suite_add_tcase(suite, tcase);
    return suite;
}
