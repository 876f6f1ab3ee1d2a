/* test_job.c: jobs that are watched. SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/test_job.h"

#include <check.h>
#include <stdlib.h>
#include <time.h>

#include "tests/support/assert_tensor.h"
#include "tests/support/fill.h"
#include "tests/support/model_store.h"
#include "tests/support/patience.h"

enum { PATIENCE_S = PATIENCE_MS / 1000, MOST_STEPS = 7 };

void job_watch_init(struct job_watch *watch)
{
    *watch = (struct job_watch){.n_done = 0};
    pthread_mutex_init(&watch->lock, NULL);
    pthread_cond_init(&watch->changed, NULL);
}

void job_watch_release(struct job_watch *watch)
{
    pthread_cond_destroy(&watch->changed);
    pthread_mutex_destroy(&watch->lock);
}

/* Waits for a change; false: none came in time. The lock is held. */
static bool wait_for_change(struct job_watch *watch)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_S;
    return pthread_cond_timedwait(&watch->changed, &watch->lock, &until) == 0;
}

bool job_watch_try(struct job_watch *watch, size_t n_done)
{
    bool in_time = true;
    pthread_mutex_lock(&watch->lock);
    while (in_time && watch->n_done < n_done)
        in_time = wait_for_change(watch);
    pthread_mutex_unlock(&watch->lock);
    return in_time;
}

void job_watch_wait(struct job_watch *watch, size_t n_done)
{
    ck_assert_msg(job_watch_try(watch, n_done), "%zu jobs are not done after %d s", n_done,
                  PATIENCE_S);
}

static void on_done(struct batch_job *job)
{
    struct job_watch *watch = ((struct test_job *)job)->watch;
    pthread_mutex_lock(&watch->lock);
    if (watch->n_done < WATCH_JOBS)
        watch->order[watch->n_done] = job;
    watch->n_done++;
    pthread_cond_broadcast(&watch->changed);
    pthread_mutex_unlock(&watch->lock);
}

/* Not on the test's thread: a gate that nobody opens ends the program. */
static void on_gate(struct batch_job *job)
{
    struct job_watch *watch = ((struct test_job *)job)->watch;
    pthread_mutex_lock(&watch->lock);
    watch->gate_reached = true;
    pthread_cond_broadcast(&watch->changed);
    while (!watch->gate_is_open)
        if (!wait_for_change(watch))
            abort();
    pthread_mutex_unlock(&watch->lock);
    on_done(job);
}

void test_job_init(struct test_job *test, struct job_watch *watch, const struct lstm_model *model,
                   size_t n, uint64_t seed)
{
    const struct lstm_model_info *info = lstm_model_info(model);
    const size_t per_input = MOST_STEPS * info->features;
    const size_t per_output = (info->output_is_sequence ? MOST_STEPS : 1) * info->output_size;
    *test = (struct test_job){.watch = watch,
                              .sequences = calloc(n, sizeof *test->sequences),
                              .inputs = fill_new(n * per_input, seed, 1),
                              .outputs = calloc(n * per_output, sizeof *test->outputs)};
    ck_assert(test->sequences != NULL && test->inputs != NULL && test->outputs != NULL);
    for (size_t i = 0; i < n; i++)
        test->sequences[i] =
            (struct lstm_sequence){.input = test->inputs + i * per_input,
                                   .steps = 1 + fill_bits(seed + 1, i) % MOST_STEPS,
                                   .output = test->outputs + i * per_output};
    test->job = (struct batch_job){.sequences = test->sequences, .n = n, .done = on_done};
}

void test_job_release(struct test_job *test)
{
    free(test->sequences);
    free(test->inputs);
    free(test->outputs);
}

void test_job_submit(struct test_job *test, struct batch_queue *queue)
{
    ck_assert_int_eq(batch_queue_submit(queue, &test->job), BATCH_QUEUED);
}

void test_gate_submit(struct test_job *test, struct batch_queue *queue)
{
    test->job.done = on_gate;
    test_job_submit(test, queue);
}

void test_gate_wait(struct job_watch *watch)
{
    bool in_time = true;
    pthread_mutex_lock(&watch->lock);
    while (in_time && !watch->gate_reached)
        in_time = wait_for_change(watch);
    pthread_mutex_unlock(&watch->lock);
    ck_assert_msg(in_time, "no worker came to the gate");
}

void test_gate_open(struct job_watch *watch)
{
    pthread_mutex_lock(&watch->lock);
    watch->gate_is_open = true;
    pthread_cond_broadcast(&watch->changed);
    pthread_mutex_unlock(&watch->lock);
}

bool test_job_is_of(const struct test_job *test, const struct lstm_model *model)
{
    const struct lstm_model_info *info = lstm_model_info(model);
    float *alone = calloc(MOST_STEPS * info->output_size, sizeof *alone);
    ck_assert_ptr_nonnull(alone);
    bool same = test->job.status == LSTM_OK;
    for (size_t i = 0; i < test->job.n; i++) {
        struct tensor_report report;
        const struct lstm_sequence *sequence = &test->sequences[i];
        const size_t rows = info->output_is_sequence ? sequence->steps : 1;
        model_store_run_alone(model, sequence, alone);
        same = same && tensor_is_near_float("output", sequence->output, alone,
                                            rows * info->output_size, 1e-5, 0, &report);
    }
    free(alone);
    return same;
}
