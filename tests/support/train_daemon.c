/* train_daemon.c: requests of training, and what they led to. SPDX-License-Identifier: Apache-2.0
 */
#include "tests/support/train_daemon.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/answer_text.h"
#include "tests/support/model_store.h"
#include "tests/support/toy_task.h"

struct train_daemon learner_daemon;

void train_daemon_start(const char *const *options)
{
    struct train_daemon *const d = &learner_daemon;
    daemon_start(&d->server, d->site.models, options);
    client_init(&d->client, d->server.url);
}

void train_daemon_start_sync(const char *sync)
{
    const char *const options[] = {"--train-sync", sync, "--state-dir", learner_daemon.site.state,
                                   NULL};
    train_daemon_start(options);
}

static void disconnect(void)
{
    client_answer_release(&learner_daemon.answer);
    client_release(&learner_daemon.client);
}

void train_daemon_stop(void)
{
    disconnect();
    ck_assert_int_eq(daemon_stop(&learner_daemon.server), 0);
}

void train_daemon_kill(void)
{
    disconnect();
    daemon_kill(&learner_daemon.server);
}

static void ask(const struct client_request *request)
{
    client_answer_release(&learner_daemon.answer);
    client_ask(&learner_daemon.client, request, &learner_daemon.answer);
}

void train_post(const char *path, const char *body)
{
    const struct client_request request = {
        .method = "POST", .path = path, .body = body, .body_bytes = strlen(body)};
    ask(&request);
}

void train_put(const char *path, const char *body)
{
    const struct client_request request = {
        .method = "PUT", .path = path, .body = body, .body_bytes = strlen(body)};
    ask(&request);
}

void train_get(const char *path)
{
    const struct client_request request = {.path = path};
    ask(&request);
}

void train_step(unsigned k, int status)
{
    struct train_batch batch;
    train_batch_make(&batch, k);
    train_post(M ":train-step", batch.body);
    assert_answer_status(status);
}

void assert_answer_status(int status)
{
    const struct client_answer *answer = &learner_daemon.answer;
    ck_assert_msg(answer->status == status, "expected %d, found %d %s", status, answer->status,
                  answer->body);
}

double answer_number(const char *key)
{
    char quoted[64];
    snprintf(quoted, sizeof quoted, "\"%s\":", key);
    const char *at = strstr(learner_daemon.answer.body, quoted);
    return at != NULL ? strtod(at + strlen(quoted), NULL) : (double)NAN;
}

void assert_answer_number(const char *key, double value)
{
    ck_assert_msg(answer_number(key) == value, "expected %s %.17g in %s", key, value,
                  learner_daemon.answer.body);
}

void assert_predicts_as(const char *path, const struct lstm_trainer *trainer)
{
    static const float input[] = {1, 2, 0.5f, -1};
    const struct lstm_sequence sequence = {.input = input, .steps = 2};
    float got[TRAIN_CLASSES], want[TRAIN_CLASSES];
    struct lstm_model *model = snapshot_trainer(trainer);
    model_store_run_alone(model, &sequence, want);
    lstm_model_destroy(model);
    train_post(path, "{\"instances\":[[[1,2],[0.5,-1]]]}");
    assert_answer_status(200);
    ck_assert_uint_eq(answer_numbers(learner_daemon.answer.body, "predictions", got, TRAIN_CLASSES),
                      TRAIN_CLASSES);
    for (size_t i = 0; i < TRAIN_CLASSES; i++)
        ck_assert_msg(got[i] == want[i], "%s: expected %.9g, found %.9g", path, (double)want[i],
                      (double)got[i]);
}

void assert_checkpoint_holds(const struct lstm_trainer *want)
{
    struct lstm_trainer *got = train_site_restore(&learner_daemon.site, "1");
    assert_same_training(got, want);
    lstm_trainer_destroy(got);
}
