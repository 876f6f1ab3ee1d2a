/* test_bench.c: `lstmd bench` runs whole batches, and says so in one line of JSON.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <jansson.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/support/cases.h"
#include "tests/support/daemon.h"
#include "tests/support/model_store.h"
#include "tests/support/temp_folder.h"

Suite *suite_bench(void);

#define TOKENS                                                                                     \
    "{\"format\":\"lstmd-model-1\",\"input\":{\"features\":1},\"layers\":["                        \
    "{\"type\":\"embedding\",\"vocabulary\":9,\"units\":3},{\"type\":\"lstm\",\"units\":4}]}"

static struct temp_folder folder;
static struct daemon_run run;

static void set_up(void)
{
    temp_folder_create(&folder);
    model_store_add(folder.path, "any", "1", model_any, 1);
    model_store_add(folder.path, "fixed", "2", model_fixed, 1);
    model_store_add(folder.path, "rows", "1", model_rows, 1);
    model_store_add(folder.path, "tokens", "1", TOKENS, 1);
}

static void tear_down(void)
{
    temp_folder_remove(&folder);
}

static void bench(const char *model, const char *steps)
{
    daemon_run((const char *const[]){"bench", "--models", folder.path, "--model", model, "--steps",
                                     steps, "--batch", "200", "--threads", "2", NULL},
               &run);
}

static const char *const models[] = {"any", "fixed", "rows", "tokens"};

START_TEST(test_bench_prints_one_line_of_json)
{
    const char *name, *kernels;
    int threads, batch;
    double per_batch, per_sample;
    bench(models[_i], "3");
    ck_assert_msg(run.exit_status == 0, "%s", run.log);
    ck_assert_ptr_eq(strchr(run.out, '\n'), run.out + strlen(run.out) - 1);
    json_t *line = json_loads(run.out, 0, NULL);
    ck_assert_int_eq(json_unpack(line, "{s:s, s:s, s:i, s:i, s:F, s:F !}", "model", &name,
                                 "kernels", &kernels, "threads", &threads, "batch", &batch,
                                 "us_per_batch", &per_batch, "us_per_sample", &per_sample),
                     0);
    ck_assert_str_eq(name, models[_i]);
    ck_assert_str_eq(kernels, lstm_cpu_kernels());
    ck_assert_int_eq(threads, 2);
    ck_assert_int_eq(batch, 200);
    ck_assert_double_gt(per_batch, 0);
    ck_assert_double_eq_tol(per_sample, per_batch / 400, 0.006);
    json_decref(line);
}
END_TEST

START_TEST(test_bench_of_no_model_says_so)
{
    char path[256];
    bench("none", "3");
    ck_assert_int_eq(run.exit_status, 1);
    ck_assert_str_eq(run.out, "");
    ck_assert_msg(strstr(run.log, "lstmd: ") == run.log && strstr(run.log, "none") != NULL, "%s",
                  run.log);
    ck_assert_int_eq(mkdir(temp_folder_path(&folder, "empty", path), 0700), 0);
    bench("empty", "3");
    ck_assert_int_eq(run.exit_status, 1);
    ck_assert_msg(strstr(run.log, "empty has no version") != NULL, "%s", run.log);
}
END_TEST

Suite *suite_bench(void)
{
    Suite *suite = suite_create("bench");
    TCase *tcase = tcase_create("bench");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, test_bench_prints_one_line_of_json, 0, N_CASES(models));
    tcase_add_test(tcase, test_bench_of_no_model_says_so);
    suite_add_tcase(suite, tcase);
    return suite;
}
