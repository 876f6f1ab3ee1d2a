/* training_fixture.c: registry, watcher and training in one process.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/training_fixture.h"

#include <check.h>
#include <pthread.h>

#include "server/log.h"
#include "tests/support/assert_tensor.h"

struct train_site site;
struct model_watcher *watcher;
struct training *training;
struct lstm_error error;

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned n;
} done = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void on_done(struct train_task *task)
{
    (void)task;
    pthread_mutex_lock(&done.lock);
    done.n++;
    pthread_cond_signal(&done.changed);
    pthread_mutex_unlock(&done.lock);
}

unsigned training_fixture_n_done(void)
{
    pthread_mutex_lock(&done.lock);
    const unsigned n = done.n;
    pthread_mutex_unlock(&done.lock);
    return n;
}

void training_fixture_wait(unsigned n)
{
    pthread_mutex_lock(&done.lock);
    while (done.n < n)
        pthread_cond_wait(&done.changed, &done.lock);
    pthread_mutex_unlock(&done.lock);
}

void training_fixture_start(void)
{
    const struct training_options options = {.state_dir = site.state,
                                             .models = site.models,
                                             .max_queued = MAX_QUEUED,
                                             .max_bytes = MAX_BYTES};
    log_init(LOG_LEVEL_OFF, LOG_FORMAT_LOGFMT);
    train_site_create(&site);
    batcher_fixture_start(
        (struct batcher_options){.n_workers = 1, .max_batch = 8, .max_queued = 100});
    assert_ok(registry_create(site.models, batcher, &registry, &error), &error);
    assert_ok(model_watcher_create(registry, 0, &watcher, &error), &error);
    assert_ok(training_create(&options, registry, watcher, &training, &error), &error);
    assert_ok(registry_scan(registry, &error), &error);
    assert_ok(model_watcher_start(watcher, &error), &error);
    done.n = 0;
}

void training_fixture_stop(void)
{
    ck_assert(training_stop(training, false));
    model_watcher_destroy(watcher);
    training_destroy(training);
    registry_destroy(registry);
    batcher_fixture_stop();
    train_site_remove(&site);
}

void training_fixture_run(void)
{
    assert_ok(training_start(training, &error), &error);
}

const struct lstm_model *training_fixture_shape(const struct served_version **version)
{
    assert_ok(registry_find_published(registry, "m", version, &error), &error);
    return batch_queue_model((*version)->queue);
}

struct train_task *training_fixture_task(struct training_task *task, enum train_action action,
                                         unsigned k, const struct lstm_model *shape)
{
    train_batch_make(&task->batch, k);
    task->task = (struct train_task){.action = action,
                                     .model = "m",
                                     .shape = shape,
                                     .examples = task->batch.examples,
                                     .clip_norm = -1,
                                     .done = on_done};
    return &task->task;
}

void training_fixture_submit(struct training_task *task, enum train_action action, unsigned k,
                             const struct lstm_model *shape)
{
    ck_assert_int_eq(training_submit(training, training_fixture_task(task, action, k, shape)),
                     TRAIN_QUEUED);
}
