/* cmd_bench.c: `lstmd bench`: times a model's batches, without HTTP.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Each thread runs batches on a runner of its own, as the daemon's workers do. The best of several
 * rounds is printed, as one line of JSON: what the machine can do, not what else it was doing. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/status.h"
#include "server/bench_config.h"
#include "server/clock.h"
#include "server/commands.h"
#include "server/repository.h"

enum { WARM_UP = 20, ROUNDS = 7, SAMPLES_PER_ROUND = 2000, LEAST_RUNS = 10, DEFAULT_STEPS = 28 };

#define FIELD(name) offsetof(struct bench_config, name)

const struct option bench_options[] = {
    {"batch", OPTION_INTEGER, FIELD(batch), "1", 1, 65536, .value = "N",
     .help = "sequences of one batch"},
    {"model", OPTION_TEXT, FIELD(model), "mnist", .value = "NAME",
     .help = "model to run, its newest version"},
    {"models", OPTION_TEXT, FIELD(models), "models", .value = "DIR", .help = "model repository"},
    {"parallel-iterations", OPTION_INTEGER, FIELD(parallel_iterations), "32", 1, 4096, .value = "N",
     .help = "time steps whose input products are computed at once"},
    {"steps", OPTION_INTEGER, FIELD(steps), "0", 0, 1000000, .value = "N",
     .help = "time steps of a sequence; 0: the model's, or 28"},
    {"threads", OPTION_INTEGER, FIELD(threads), "1", 1, 256, .value = "N",
     .help = "workers that run batches side by side"},
    {0}};

/* One worker: its runner, and a batch of random inputs. */
struct bench_worker {
    const struct lstm_model *model;
    struct lstm_runner *runner;
    struct lstm_sequence *sequences;
    float *memory;
    size_t batch, n_runs;
    enum lstm_status status;
    struct lstm_error error;
    pthread_t thread;
};

static enum lstm_status load_newest(const struct bench_config *config, struct lstm_model **model,
                                    struct lstm_error *error)
{
    struct repository_version *versions;
    char path[PATH_MAX];
    size_t n;
    enum lstm_status status =
        repository_versions(config->models, config->model, &versions, &n, error);
    if (status != LSTM_OK)
        return status;
    if (n == 0)
        status =
            lstm_fail(error, LSTM_NOT_FOUND, "%s/%s has no version", config->models, config->model);
    else if (snprintf(path, sizeof path, "%s/%s/%s", config->models, config->model,
                      versions[0].folder) >= (int)sizeof path)
        status = lstm_fail(error, LSTM_INVALID, "the path of %s is too long", config->model);
    else
        status = lstm_model_load(path, model, error);
    free(versions);
    return status;
}

static void fill_inputs(struct bench_worker *worker, size_t steps)
{
    const struct lstm_model_info *info = lstm_model_info(worker->model);
    const size_t inputs = steps * info->features;
    const size_t outputs = info->output_size * (info->output_is_sequence ? steps : 1);
    struct lstm_random random;
    lstm_random_init(&random, 1, 0);
    for (size_t i = 0; i < worker->batch * inputs; i++)
        worker->memory[i] = info->vocabulary > 0
                                ? (float)lstm_random_below(&random, info->vocabulary)
                                : (float)lstm_random_uniform(&random);
    for (size_t b = 0; b < worker->batch; b++)
        worker->sequences[b] =
            (struct lstm_sequence){.input = worker->memory + b * inputs,
                                   .steps = steps,
                                   .output = worker->memory + worker->batch * inputs + b * outputs};
}

static enum lstm_status prepare(struct bench_worker *worker, const struct bench_config *config,
                                const struct lstm_model *model, struct lstm_error *error)
{
    const struct lstm_model_info *info = lstm_model_info(model);
    const struct lstm_runner_options options = {.max_batch = (size_t)config->batch,
                                                .parallel_iterations =
                                                    (size_t)config->parallel_iterations};
    const size_t steps = info->steps > 0     ? info->steps
                         : config->steps > 0 ? (size_t)config->steps
                                             : DEFAULT_STEPS;
    const size_t n = steps * (info->features + info->output_size);
    *worker = (struct bench_worker){.model = model, .batch = (size_t)config->batch};
    worker->n_runs = SAMPLES_PER_ROUND / worker->batch;
    worker->n_runs = worker->n_runs > LEAST_RUNS ? worker->n_runs : LEAST_RUNS;
    worker->sequences = calloc(worker->batch, sizeof *worker->sequences);
    worker->memory = calloc(worker->batch * n, sizeof *worker->memory);
    if (worker->sequences == NULL || worker->memory == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "out of memory for a batch of %zu", worker->batch);
    fill_inputs(worker, steps);
    return lstm_runner_create(model, &options, &worker->runner, error);
}

static void *run_round(void *argument)
{
    struct bench_worker *worker = argument;
    worker->status = LSTM_OK;
    for (size_t i = 0; i < worker->n_runs && worker->status == LSTM_OK; i++)
        worker->status = lstm_runner_run(worker->runner, worker->model, worker->sequences,
                                         worker->batch, &worker->error);
    return NULL;
}

/* All workers at once; returns the microseconds until the last one is done. */
static enum lstm_status time_round(struct bench_worker *workers, size_t n, int64_t *us,
                                   struct lstm_error *error)
{
    const int64_t begin = monotonic_us();
    size_t n_started = 1;
    enum lstm_status status = LSTM_OK;
    while (n_started < n &&
           pthread_create(&workers[n_started].thread, NULL, run_round, &workers[n_started]) == 0)
        n_started++;
    if (n_started < n)
        status = lstm_fail(error, LSTM_IO, "cannot start thread %zu", n_started);
    run_round(&workers[0]);
    for (size_t i = 1; i < n_started; i++)
        pthread_join(workers[i].thread, NULL);
    *us = monotonic_us() - begin;
    for (size_t i = 0; i < n_started && status == LSTM_OK; i++)
        if (workers[i].status != LSTM_OK) {
            *error = workers[i].error;
            status = workers[i].status;
        }
    return status;
}

static enum lstm_status measure(struct bench_worker *workers, const struct bench_config *config,
                                struct lstm_error *error)
{
    const size_t n = (size_t)config->threads, n_runs = workers[0].n_runs;
    int64_t best = INT64_MAX, us;
    for (size_t i = 0; i < n; i++)
        workers[i].n_runs = WARM_UP;
    enum lstm_status status = time_round(workers, n, &us, error);
    for (size_t i = 0; i < n; i++)
        workers[i].n_runs = n_runs;
    for (int round = 0; round < ROUNDS && status == LSTM_OK; round++) {
        status = time_round(workers, n, &us, error);
        best = us < best ? us : best;
    }
    if (status != LSTM_OK)
        return status;
    const double per_batch = (double)best / (double)n_runs;
    printf("{\"model\":\"%s\",\"kernels\":\"%s\",\"threads\":%zu,\"batch\":%zu,"
           "\"us_per_batch\":%.1f,\"us_per_sample\":%.2f}\n",
           config->model, lstm_cpu_kernels(), n, workers[0].batch, per_batch,
           per_batch / (double)(workers[0].batch * n));
    return LSTM_OK;
}

int cmd_bench(const void *argument, size_t n_arguments, char *const *arguments)
{
    (void)n_arguments;
    (void)arguments;
    const struct bench_config *config = argument;
    struct lstm_error error;
    struct lstm_model *model = NULL;
    const size_t n = (size_t)config->threads;
    enum lstm_status status = load_newest(config, &model, &error);
    struct bench_worker *workers = calloc(n, sizeof *workers);
    if (status == LSTM_OK && workers == NULL)
        status = lstm_fail(&error, LSTM_NO_MEMORY, "out of memory for %zu workers", n);
    for (size_t i = 0; i < n && status == LSTM_OK; i++)
        status = prepare(&workers[i], config, model, &error);
    if (status == LSTM_OK)
        status = measure(workers, config, &error);
    for (size_t i = 0; workers != NULL && i < n; i++) {
        lstm_runner_destroy(workers[i].runner);
        free(workers[i].sequences);
        free(workers[i].memory);
    }
    free(workers);
    lstm_model_destroy(model);
    if (status == LSTM_OK)
        return EXIT_SUCCESS;
    fprintf(stderr, "lstmd: %s\n", error.text);
    return EXIT_FAILURE;
}
