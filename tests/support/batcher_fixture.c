/* batcher_fixture.c: the batcher, its queue and its models. SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/batcher_fixture.h"

#include "server/metrics.h"
#include "tests/support/assert_tensor.h"
#include "tests/support/model_builder.h"
#include "tests/support/model_store.h"

struct batcher *batcher;
struct batch_queue *queue;
struct lstm_model *model, *other_model;
struct job_watch watch;

struct batch_queue *batcher_fixture_queue(const char *json, uint64_t seed, const char *label)
{
    struct lstm_error error = {.text = ""};
    struct batch_queue *made;
    assert_ok(batch_queue_create(batcher, create_model(json, seed), label, &made, &error), &error);
    return made;
}

void batcher_fixture_start(struct batcher_options options)
{
    struct lstm_error error = {.text = ""};
    metrics_reset();
    job_watch_init(&watch);
    assert_ok(batcher_create(&options, &batcher, &error), &error);
    queue = batcher_fixture_queue(model_any, 1, "m");
    model = create_model(model_any, 1);
    other_model = create_model(model_any, 2);
}

void batcher_fixture_stop(void)
{
    batch_queue_release(queue);
    batcher_destroy(batcher);
    lstm_model_destroy(model);
    lstm_model_destroy(other_model);
    job_watch_release(&watch);
}

void batcher_fixture_init_jobs(struct test_job *jobs, size_t n, size_t n_sequences)
{
    for (size_t i = 0; i < n; i++)
        test_job_init(&jobs[i], &watch, model, n_sequences, 10 * i);
}

void batcher_fixture_release_jobs(struct test_job *jobs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        test_job_release(&jobs[i]);
}
