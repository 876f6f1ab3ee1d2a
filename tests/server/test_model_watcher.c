/* test_model_watcher.c: the thread that scans. SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <pthread.h>
#include <time.h>

#include "server/clock.h"
#include "server/model_watcher.h"
#include "server/reload.h"
#include "tests/support/assert_tensor.h"
#include "tests/support/model_store.h"
#include "tests/support/patience.h"
#include "tests/support/registry_fixture.h"

Suite *suite_model_watcher(void);

static struct model_watcher *watcher;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static unsigned n_done;
static struct watcher_task *last_done;

static void start(void)
{
    registry_fixture_start();
    n_done = 0;
    model_store_add(folder.path, "m", "1", model_any, 1);
    scan();
}

static void stop(void)
{
    model_watcher_destroy(watcher);
    registry_fixture_stop();
}

static void create(int64_t poll_seconds)
{
    struct lstm_error error = {.text = ""};
    assert_ok(model_watcher_create(registry, poll_seconds, &watcher, &error), &error);
}

static void run(void)
{
    struct lstm_error error = {.text = ""};
    assert_ok(model_watcher_start(watcher, &error), &error);
}

static void count(struct watcher_task *task)
{
    pthread_mutex_lock(&lock);
    n_done++;
    last_done = task;
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
}

static void wait_until_done(unsigned n)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_MS / 1000;
    pthread_mutex_lock(&lock);
    while (n_done < n)
        ck_assert_int_eq(pthread_cond_timedwait(&changed, &lock, &until), 0);
    pthread_mutex_unlock(&lock);
}

START_TEST(test_model_watcher_finds_a_new_version_by_itself)
{
    create(1);
    run();
    model_store_add(folder.path, "m", "2", model_any, 2);
    const int64_t until_us = monotonic_us() + PATIENCE_US;
    while (find_served("") != 2)
        ck_assert_int_lt(monotonic_us(), until_us);
}
END_TEST

START_TEST(test_model_watcher_without_polling_scans_when_it_is_asked)
{
    struct lstm_error error = {.text = ""};
    create(0);
    run();
    model_store_add(folder.path, "m", "2", model_any, 2);
    ck_assert_uint_eq(find_served(""), 1);
    assert_ok(model_watcher_scan(watcher, &error), &error);
    ck_assert_uint_eq(find_served(""), 2);
}
END_TEST

START_TEST(test_model_watcher_runs_tasks_in_the_order_in_which_they_come)
{
    struct watcher_task tasks[] = {{.run = registry_unload, .model = "m", .done = count},
                                   {.run = registry_load, .model = "none", .done = count},
                                   {.run = registry_load, .model = "m", .done = count}};
    create(0);
    for (size_t i = 0; i < 3; i++)
        ck_assert(model_watcher_submit(watcher, &tasks[i]));
    ck_assert_uint_eq(n_done, 0);
    run();
    wait_until_done(3);
    ck_assert_ptr_eq(last_done, &tasks[2]);
    ck_assert_int_eq(tasks[0].status, LSTM_OK);
    ck_assert_int_eq(tasks[1].status, LSTM_NOT_FOUND);
    ck_assert_int_eq(tasks[2].status, LSTM_OK);
    ck_assert_uint_eq(find_served(""), 1);
}
END_TEST

START_TEST(test_model_watcher_that_stops_finishes_its_tasks_and_takes_no_more)
{
    struct watcher_task task = {.run = registry_unload, .model = "m", .done = count};
    struct watcher_task late = {.run = registry_load, .model = "m", .done = count};
    struct lstm_error error = {.text = ""};
    create(0);
    run();
    ck_assert(model_watcher_submit(watcher, &task));
    model_watcher_stop(watcher);
    ck_assert_uint_eq(n_done, 1);
    ck_assert_int_eq(task.status, LSTM_OK);
    ck_assert(!model_watcher_submit(watcher, &late));
    assert_failure(model_watcher_scan(watcher, &error), LSTM_IO, &error, "stopped");
    model_watcher_stop(watcher);
    ck_assert_uint_eq(n_done, 1);
}
END_TEST

START_TEST(test_model_watcher_that_never_ran_refuses_its_tasks)
{
    struct watcher_task task = {.run = registry_unload, .model = "m", .done = count};
    create(1);
    ck_assert(model_watcher_submit(watcher, &task));
    model_watcher_stop(watcher);
    ck_assert_uint_eq(n_done, 1);
    ck_assert_int_eq(task.status, LSTM_IO);
    ck_assert_uint_eq(find_served(""), 1);
}
END_TEST

/* The watcher does not run yet: whoever waited for it would wait for ever. */
START_TEST(test_model_watcher_s_scan_is_not_waited_for_by_a_reload)
{
    struct front front = {.fd = -1};
    struct reload reload;
    create(0);
    reload_init(&reload, &front, watcher);
    model_store_add(folder.path, "m", "2", model_any, 2);
    for (unsigned k = 0; k < 3; k++)
        reload_run(&reload);
    ck_assert_uint_eq(find_served(""), 1);
    run();
    const int64_t until_us = monotonic_us() + PATIENCE_US;
    while (find_served("") != 2 || atomic_load(&reload.n_wanted) > 0)
        ck_assert_int_lt(monotonic_us(), until_us);
    model_store_add(folder.path, "m", "3", model_any, 3);
    reload_run(&reload);
    model_watcher_stop(watcher);
    ck_assert_uint_eq(find_served(""), 3);
}
END_TEST

Suite *suite_model_watcher(void)
{
    Suite *suite = suite_create("model_watcher");
    TCase *tcase = tcase_create("model_watcher");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, start, stop);
    tcase_add_test(tcase, test_model_watcher_finds_a_new_version_by_itself);
    tcase_add_test(tcase, test_model_watcher_without_polling_scans_when_it_is_asked);
    tcase_add_test(tcase, test_model_watcher_runs_tasks_in_the_order_in_which_they_come);
    tcase_add_test(tcase, test_model_watcher_that_stops_finishes_its_tasks_and_takes_no_more);
    tcase_add_test(tcase, test_model_watcher_that_never_ran_refuses_its_tasks);
    tcase_add_test(tcase, test_model_watcher_s_scan_is_not_waited_for_by_a_reload);
    suite_add_tcase(suite, tcase);
    return suite;
}
