/* test_train_durable.c: what a daemon has learned outlives it, however it ends.
 * SPDX-License-Identifier: Apache-2.0
 *
 * TRAIN_KILL_ROUNDS is how often it is killed in a storm of train-steps (20). */
#include <check.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/clock.h"
#include "tests/support/daemon_metrics.h"
#include "tests/support/model_store.h"
#include "tests/support/raw_client.h"
#include "tests/support/refusals.h"
#include "tests/support/train_daemon.h"

Suite *suite_train_durable(void);

enum { N_CLIENTS = 4, KILL_ROUNDS = 20, MAX_ROUND_STEPS = 4096 };

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

/* The step that an answer of 200 tells; 0 for another answer. May be called by any thread. */
static uint64_t step_of(const struct client_answer *answer)
{
    static const char begin[] = "{\"step\":";
    if (answer->status != 200 || strncmp(answer->body, begin, strlen(begin)) != 0)
        return 0;
    return strtoull(answer->body + strlen(begin), NULL, 10);
}

static void send_batch(struct client *client, const struct train_batch *batch,
                       struct client_answer *answer)
{
    const struct client_request request = {
        .path = M ":train-step", .body = batch->body, .body_bytes = strlen(batch->body)};
    client_try(client, &request, answer);
}

/* ---- Killed in a storm ---------------------------------------------------------------------- */

static struct storm {
    struct train_batch batch;               /* the same of all clients: their order is nothing */
    atomic_uint n_answers;                  /* of 200 */
    atomic_uchar answered[MAX_ROUND_STEPS]; /* how often, by step after `first` */
    uint64_t first;                         /* steps before the storm */
    atomic_bool is_wrong;                   /* an answer named a step that cannot be */
} storm;

static void *rage(void *argument)
{
    struct client client;
    struct client_answer answer;
    bool is_up = true;
    (void)argument;
    client_init(&client, d->server.url);
    while (is_up) {
        send_batch(&client, &storm.batch, &answer);
        const uint64_t step = step_of(&answer);
        is_up = step > 0;
        if (is_up && (step <= storm.first || step - storm.first >= MAX_ROUND_STEPS))
            atomic_store(&storm.is_wrong, true);
        else if (is_up)
            atomic_fetch_add(&storm.answered[step - storm.first], 1);
        atomic_fetch_add(&storm.n_answers, is_up);
        client_answer_release(&answer);
    }
    client_release(&client);
    return NULL;
}

/* Waits for that many answers, then some microseconds more. */
static void wait_for_moment(struct lstm_random *random)
{
    const unsigned n = (unsigned)lstm_random_below(random, 60);
    const int64_t patience_us = monotonic_us() + PATIENCE_US;
    while (atomic_load(&storm.n_answers) < n) {
        ck_assert_int_lt(monotonic_us(), patience_us);
        sched_yield();
    }
    const int64_t until_us = monotonic_us() + (int64_t)lstm_random_below(random, 3000);
    while (monotonic_us() < until_us)
        sched_yield();
}

/* Every step that was answered is there, none twice, and what is there is nothing else. */
static void assert_survived(void)
{
    unsigned last = 0;
    for (unsigned i = 1; i < MAX_ROUND_STEPS; i++) {
        ck_assert_uint_le(atomic_load(&storm.answered[i]), 1);
        last = atomic_load(&storm.answered[i]) > 0 ? i : last;
    }
    ck_assert(!atomic_load(&storm.is_wrong));
    train_daemon_start_sync("always");
    train_step(0, 200);
    const uint64_t now = step_of(&d->answer);
    ck_assert_uint_gt(now, storm.first + last);
    ck_assert_uint_le(now, storm.first + atomic_load(&storm.n_answers) + N_CLIENTS + 1);
    train_daemon_kill();
    while (lstm_trainer_n_steps(expected) < now)
        train_on(expected, 0);
    assert_checkpoint_holds(expected);
}

START_TEST(test_train_killed_at_any_moment_keeps_every_answered_step_once)
{
    const char *text = getenv("TRAIN_KILL_ROUNDS");
    const unsigned long n_rounds = text != NULL ? strtoul(text, NULL, 10) : KILL_ROUNDS;
    struct lstm_random random;
    lstm_random_init(&random, (uint64_t)monotonic_us(), 0);
    ck_assert_uint_gt(n_rounds, 0);
    for (unsigned long round = 0; round < n_rounds; round++) {
        pthread_t threads[N_CLIENTS];
        memset(&storm, 0, sizeof storm);
        train_batch_make(&storm.batch, 0);
        storm.first = lstm_trainer_n_steps(expected);
        train_daemon_start_sync("always");
        for (size_t i = 0; i < N_CLIENTS; i++)
            ck_assert_int_eq(pthread_create(&threads[i], NULL, rage, NULL), 0);
        wait_for_moment(&random);
        train_daemon_kill();
        for (size_t i = 0; i < N_CLIENTS; i++)
            pthread_join(threads[i], NULL);
        assert_survived();
    }
}
END_TEST

/* ---- Restarts ------------------------------------------------------------------------------- */

/* That the daemon's head is what was expected to be learned. */
static void assert_head(void)
{
    train_get(M "/training");
    assert_answer_number("step", (double)lstm_trainer_n_steps(expected));
    assert_predicts_as(M ":predict", expected);
}

static const char *const lazy_syncs[] = {"interval", "never"};

START_TEST(test_train_with_another_sync_is_kept_by_a_stop)
{
    train_daemon_start_sync(lazy_syncs[_i]);
    for (unsigned k = 0; k < 5; k++) {
        train_step(k, 200);
        train_on(expected, k);
    }
    train_daemon_stop();
    assert_checkpoint_holds(expected);
    train_daemon_start_sync(lazy_syncs[_i]);
    assert_head();
    train_daemon_stop();
}
END_TEST

/* A body that never comes keeps the drain from ending by itself. */
START_TEST(test_train_with_another_sync_is_kept_when_the_drain_is_cut)
{
    static struct raw_client slow;
    const char *const options[] = {
        "--train-sync", lazy_syncs[_i], "--state-dir", d->site.state, "--drain-seconds", "1", NULL};
    train_daemon_start(options);
    raw_client_connect(&slow, d->server.port);
    raw_client_send_text(&slow, "POST " M ":train-step HTTP/1.1\r\nHost: a\r\n"
                                "Content-Length: 9\r\n\r\n{");
    daemon_wait_in_flight(&d->client, 1);
    for (unsigned k = 0; k < 5; k++) {
        train_step(k, 200);
        train_on(expected, k);
    }
    client_release(&d->client);
    ck_assert_int_eq(daemon_stop(&d->server), 1);
    raw_client_close(&slow);
    assert_checkpoint_holds(expected);
}
END_TEST

START_TEST(test_train_interval_comes_to_disk_by_itself)
{
    char path[300];
    const int64_t patience_us = monotonic_us() + PATIENCE_US;
    train_daemon_start_sync("interval");
    train_step(0, 200);
    train_on(expected, 0);
    snprintf(path, sizeof path, "%s/m/1.safetensors", d->site.state);
    while (access(path, F_OK) != 0) {
        ck_assert_int_lt(monotonic_us(), patience_us);
        sched_yield();
    }
    train_daemon_kill();
    assert_checkpoint_holds(expected);
}
END_TEST

START_TEST(test_train_state_folder_is_one_daemons_alone)
{
    static struct daemon_run run;
    const char *const arguments[] = {"serve",        "--port",      "0",           "--models",
                                     d->site.models, "--state-dir", d->site.state, NULL};
    train_daemon_start_sync("always");
    daemon_run(arguments, &run);
    ck_assert_int_ne(run.exit_status, 0);
    ck_assert_ptr_nonnull(strstr(run.log, "another lstmd uses it"));
    train_daemon_stop();
}
END_TEST

START_TEST(test_train_damaged_checkpoint_is_not_used_and_not_overwritten)
{
    char path[300];
    size_t n;
    train_daemon_start_sync("always");
    train_step(0, 200);
    train_daemon_stop();
    snprintf(path, sizeof path, "%s/m/1.safetensors", d->site.state);
    char *bytes = temp_file_read(path, &n);
    bytes[n - 1] ^= 1;
    temp_file_write(path, bytes, n);
    train_daemon_start_sync("always");
    train_step(1, 500);
    assert_refused("damaged", &d->answer, 500, "the file is damaged; :reset removes it");
    size_t n_after;
    char *after = temp_file_read(path, &n_after);
    ck_assert_uint_eq(n_after, n);
    ck_assert_int_eq(memcmp(after, bytes, n), 0);
    train_post(M ":reset", "");
    assert_answer_status(200);
    train_step(1, 200);
    train_on(expected, 1);
    assert_head();
    assert_checkpoint_holds(expected);
    train_daemon_stop();
    free(bytes);
    free(after);
}
END_TEST

START_TEST(test_train_checkpoint_of_other_weights_with_the_number_is_not_used)
{
    train_daemon_start_sync("always");
    train_step(0, 200);
    train_daemon_stop();
    model_store_remove(d->site.models, "m", "1");
    model_store_add(d->site.models, "m", "1", model_any, 77);
    lstm_trainer_destroy(expected);
    expected = train_site_trainer(&d->site);
    train_daemon_start_sync("always");
    assert_predicts_as(M ":predict", expected);
    train_step(1, 500);
    assert_refused("other weights", &d->answer, 500, "learned on other weights");
    train_post(M ":reset", "");
    assert_answer_status(200);
    train_step(1, 200);
    train_on(expected, 1);
    assert_head();
    assert_checkpoint_holds(expected);
    train_daemon_stop();
}
END_TEST

/* What a daemon leaves that is killed while it publishes: a folder that nobody has locked. */
static void leave_unfinished(char path[300])
{
    char file[400];
    snprintf(path, 300, "%s/m/.unfinished-killed", d->site.models);
    snprintf(file, sizeof file, "%s/weights.safetensors", path);
    ck_assert_int_eq(mkdir(path, 0755), 0);
    temp_file_write(file, "half", 4);
}

START_TEST(test_train_killed_in_a_publish_leaves_nothing_behind_the_next_start_or_publish)
{
    char path[300];
    leave_unfinished(path);
    train_daemon_start_sync("always");
    ck_assert_int_ne(access(path, F_OK), 0);
    leave_unfinished(path);
    train_step(0, 200);
    train_post(M ":publish", "");
    assert_answer_status(200);
    ck_assert_int_ne(access(path, F_OK), 0);
    train_daemon_stop();
}
END_TEST

START_TEST(test_train_state_folder_without_training_is_a_mistake)
{
    static struct daemon_run run;
    const char *const arguments[] = {"serve",        "--port",      "0",           "--models",
                                     d->site.models, "--state-dir", d->site.state, "--training",
                                     "off",          NULL};
    daemon_run(arguments, &run);
    ck_assert_int_ne(run.exit_status, 0);
    ck_assert_ptr_nonnull(strstr(run.log, "--training is off"));
}
END_TEST

Suite *suite_train_durable(void)
{
    Suite *suite = suite_create("train_durable");
    TCase *storms = tcase_create("killed"), *tcase = tcase_create("durable");
    tcase_set_timeout(storms, 1200);
    tcase_add_checked_fixture(storms, start, stop);
    tcase_add_test(storms, test_train_killed_at_any_moment_keeps_every_answered_step_once);
    suite_add_tcase(suite, storms);
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, start, stop);
    tcase_add_loop_test(tcase, test_train_with_another_sync_is_kept_by_a_stop, 0, 2);
    tcase_add_loop_test(tcase, test_train_with_another_sync_is_kept_when_the_drain_is_cut, 0, 2);
    tcase_add_test(tcase, test_train_interval_comes_to_disk_by_itself);
    tcase_add_test(tcase, test_train_state_folder_is_one_daemons_alone);
    tcase_add_test(tcase, test_train_damaged_checkpoint_is_not_used_and_not_overwritten);
    tcase_add_test(tcase, test_train_checkpoint_of_other_weights_with_the_number_is_not_used);
    tcase_add_test(tcase,
                   test_train_killed_in_a_publish_leaves_nothing_behind_the_next_start_or_publish);
    tcase_add_test(tcase, test_train_state_folder_without_training_is_a_mistake);
    suite_add_tcase(suite, tcase);
    return suite;
}
