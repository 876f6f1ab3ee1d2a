/* test_load_faults.c: every call that reads a version fails in turn. SPDX-License-Identifier:
 * Apache-2.0
 *
 * While a new version is loaded, the n-th call fails, is interrupted or moves a half, n from 1
 * until none is left. Predictions are those of the version before or of the new one, to the bit;
 * the same load works afterwards. */
#include <check.h>
#include <errno.h>
#include <string.h>

#include "tests/support/cases.h"
#include "tests/support/client.h"
#include "tests/support/daemon.h"
#include "tests/support/fault_plan.h"
#include "tests/support/model_store.h"
#include "tests/support/temp_folder.h"

Suite *suite_load_faults(void);

#define M    "/v1/models/m"
#define ROWS "{\"instances\":[[[1,2],[3,4.0625]],[[12345678.5,0.000123456789]]]}"

enum { MOST_CALLS = 60 };

static struct temp_folder folder;
static char models[256];
static struct daemon server;
static struct client client;
static struct client_answer before, after; /* predictions of version 1, of version 2 */

static const struct fault read_faults[] = {
    {"open: no more files", FAULT_OPEN, EMFILE, false, false},
    {"open: no more files for anybody", FAULT_OPEN, EMFILE, true, false},
    {"open: permission denied", FAULT_OPEN, EACCES, false, false},
    {"stat: permission denied", FAULT_STAT, EACCES, false, false},
    {"stat: I/O error", FAULT_STAT, EIO, false, false},
    {"stat: I/O errors", FAULT_STAT, EIO, true, false},
    {"read: I/O error", FAULT_READ, EIO, false, false},
    {"read: I/O errors", FAULT_READ, EIO, true, false},
    {"read: interrupted", FAULT_READ, EINTR, false, false},
    {"read: half of it", FAULT_READ, 0, false, true},
    {"read: half of it, then an I/O error", FAULT_READ, EIO, true, true},
};

static int load(void)
{
    struct client_answer answer;
    client_post(&client, M ":load", "", &answer);
    const int status = answer.status;
    client_answer_release(&answer);
    return status;
}

static void predict(struct client_answer *answer)
{
    client_post(&client, M ":predict", ROWS, answer);
    ck_assert_int_eq(answer->status, 200);
}

static bool predicts_as(const struct client_answer *expected)
{
    struct client_answer answer;
    predict(&answer);
    const bool is_same = strcmp(answer.body, expected->body) == 0;
    client_answer_release(&answer);
    return is_same;
}

static void begin(void)
{
    char plan[256];
    temp_folder_create(&folder);
    temp_folder_path(&folder, "models", models);
    model_store_add(models, "m", "1", model_any, 1);
    fault_plan_begin(temp_folder_path(&folder, "plan", plan), models);
    daemon_start(&server, models, (const char *const[]){"--model-poll-seconds", "0", NULL});
    client_init(&client, server.url);
    predict(&before);
    model_store_add(models, "m", "2", model_any, 2);
    ck_assert_int_eq(load(), 200);
    predict(&after);
    ck_assert_str_ne(before.body, after.body);
}

static void end(void)
{
    client_answer_release(&before);
    client_answer_release(&after);
    client_release(&client);
    ck_assert_int_eq(daemon_stop(&server), 0);
    fault_plan_end();
    temp_folder_remove(&folder);
}

/* Back to version 1, and forth while the n-th call fails; false: there is no n-th call. */
static bool load_with_fault(const struct fault *fault, unsigned n)
{
    model_store_remove(models, "m", "2");
    ck_assert_int_eq(load(), 200);
    ck_assert(predicts_as(&before));
    model_store_add(models, "m", "2", model_any, 2);
    fault_plan_arm(fault, n);
    const int status = load();
    const bool has_hit = fault_plan_disarm(), is_new = predicts_as(&after);
    const bool must_work = !has_hit || fault_is_harmless(fault);
    ck_assert_msg(is_new || predicts_as(&before), "%s, call %u: neither version", fault->name, n);
    ck_assert_msg(must_work ? status == 200 && is_new : status == 200 || status == 500,
                  "%s, call %u: %d", fault->name, n, status);
    ck_assert_int_eq(load(), 200);
    ck_assert(predicts_as(&after));
    return has_hit;
}

START_TEST(test_load_survives_any_failing_call_and_works_the_next_time)
{
    unsigned n = 1;
    while (load_with_fault(&read_faults[_i], n)) {
        ck_assert_uint_lt(n, MOST_CALLS);
        n++;
    }
    ck_assert_msg(n > 1, "%s: nothing fails", read_faults[_i].name);
}
END_TEST

Suite *suite_load_faults(void)
{
    Suite *suite = suite_create("load_faults");
    TCase *tcase = tcase_create("load_faults");
    tcase_set_timeout(tcase, 120);
    tcase_add_checked_fixture(tcase, begin, end);
    tcase_add_loop_test(tcase, test_load_survives_any_failing_call_and_works_the_next_time, 0,
                        N_CASES(read_faults));
    suite_add_tcase(suite, tcase);
    return suite;
}
