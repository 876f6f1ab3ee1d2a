/* train_run.c: the training loop. SPDX-License-Identifier: Apache-2.0 */
#include "server/train_run.h"

#include <stdlib.h>

#include "core/status.h"
#include "server/clock.h"
#include "server/schedule.h"
#include "server/train_evaluate.h"

/* Images of one call when accuracies are measured. */
enum { EVALUATION_SIZE = 250 };

/* How far --augment goes. */
static const struct lstm_distortion distortion = {
    .max_degrees = 15, .min_scale = 0.85, .max_scale = 1.15, .max_shift = 2};

static enum lstm_status check_sizes(const struct train_config *config,
                                    const struct mnist_data *data, struct lstm_error *error)
{
    if (data->train.n < (size_t)config->batch_size)
        return lstm_fail(error, LSTM_INVALID,
                         "%zu training images do not fill one batch of %lld; choose a smaller "
                         "--batch-size",
                         data->train.n, (long long)config->batch_size);
    if (config->keep == KEEP_BEST && data->validation.n == 0)
        return lstm_fail(error, LSTM_INVALID,
                         "--keep best needs validation images; choose a --validation-size above 0");
    return LSTM_OK;
}

static enum lstm_status create_engines(struct train_run *run, const struct lstm_model *model,
                                       struct lstm_error *error)
{
    const struct lstm_trainer_options trainer_options = {
        .parallel_iterations = (size_t)run->config->parallel_iterations,
        .swap_folder = run->config->swap_memory,
        .seed = (uint64_t)run->config->seed,
    };
    const struct lstm_runner_options runner_options = {.max_batch = EVALUATION_SIZE};
    enum lstm_status status = lstm_trainer_create(model, &trainer_options, &run->trainer, error);
    if (status == LSTM_OK)
        status = lstm_runner_create(model, &runner_options, &run->runner, error);
    return status;
}

enum lstm_status train_run_init(struct train_run *run, const struct train_config *config,
                                const struct lstm_model *model, const struct mnist_data *data,
                                struct train_checkpoint *checkpoint, struct lstm_error *error)
{
    *run = (struct train_run){.config = config, .data = data, .checkpoint = checkpoint};
    enum lstm_status status = check_sizes(config, data, error);
    if (status != LSTM_OK)
        return status;
    const struct lstm_model_info *info = lstm_model_info(model);
    status = create_engines(run, model, error);
    if (status == LSTM_OK)
        status = mnist_batch_init(&run->batch, data, info, (size_t)config->batch_size, error);
    if (status == LSTM_OK)
        status = mnist_batch_init(&run->evaluation, data, info, EVALUATION_SIZE, error);
    if (status != LSTM_OK)
        return status;
    run->order = calloc(data->train.n, sizeof *run->order);
    if (run->order == NULL)
        return lstm_fail(error, LSTM_NO_MEMORY, "no memory for %zu images", data->train.n);
    run->n_batches = data->train.n / (size_t)config->batch_size;
    run->peak_rate =
        config->learning_rate > 0 ? config->learning_rate : info->training.learning_rate;
    return LSTM_OK;
}

void train_run_release(struct train_run *run)
{
    lstm_trainer_destroy(run->trainer);
    lstm_runner_destroy(run->runner);
    mnist_batch_release(&run->batch);
    mnist_batch_release(&run->evaluation);
    history_release(&run->history);
    free(run->order);
    *run = (struct train_run){0};
}

enum lstm_status train_run_resume(struct train_run *run, struct lstm_error *error)
{
    enum lstm_status status =
        train_checkpoint_load(run->checkpoint, run->trainer, &run->position, error);
    if (status == LSTM_OK && run->position.epoch > 0)
        status = history_read_csv(&run->history, run->checkpoint->history_path,
                                  (size_t)run->position.epoch, error);
    return status;
}

bool train_run_is_finished(const struct train_run *run)
{
    return run->position.epoch >= (double)run->config->epochs;
}

/* One optimizer step on the next batch of the epoch. */
static enum lstm_status train_batch(struct train_run *run, struct lstm_error *error)
{
    struct train_position *position = &run->position;
    const struct train_config *config = run->config;
    size_t epoch = (size_t)position->epoch, batch = (size_t)position->batch;
    uint64_t step = (uint64_t)epoch * run->n_batches + batch;
    struct mnist_augmentation augmentation = {distortion, config->augment_share, {{0}}};
    lstm_random_init(&augmentation.random, (uint64_t)config->seed, 2 * (step + 1));
    mnist_batch_pick(&run->batch, &run->data->train, run->order + batch * run->batch.max_n,
                     run->batch.max_n, config->augment ? &augmentation : NULL);

    struct lstm_training *settings = lstm_trainer_settings(run->trainer);
    settings->learning_rate = schedule_rate(config->schedule, run->peak_rate, step,
                                            (uint64_t)config->epochs * run->n_batches);
    if (config->clip_norm > 0)
        settings->clip_norm = config->clip_norm;
    const struct lstm_examples examples = {run->batch.sequences, run->batch.targets, NULL,
                                           run->batch.n};
    struct lstm_training_result result;
    enum lstm_status status = lstm_trainer_step(run->trainer, &examples, &result, error);
    if (status != LSTM_OK)
        return lstm_fail_in(error, status, "step %zu of epoch %zu", batch + 1, epoch + 1);
    position->batch++;
    position->loss_sum += result.loss * (double)run->batch.n;
    position->n_correct += (double)result.n_correct;
    progress_step(&run->progress, epoch, batch, result.loss);
    return LSTM_OK;
}

static enum lstm_status measure(struct train_run *run, struct history_row *row,
                                struct lstm_error *error)
{
    const struct train_position *position = &run->position;
    double n_images = position->batch * (double)run->batch.max_n;
    *row = (struct history_row){
        .epoch = position->epoch + 1,
        .steps = (double)lstm_trainer_n_steps(run->trainer),
        .learning_rate = lstm_trainer_settings(run->trainer)->learning_rate,
        .train_loss = position->loss_sum / n_images,
        .train_accuracy = position->n_correct / n_images,
    };
    enum lstm_status status =
        train_evaluate_trainer(run->trainer, &run->data->validation, &run->evaluation,
                               &row->validation_loss, &row->validation_accuracy, error);
    struct lstm_model *model = NULL;
    if (status == LSTM_OK)
        status = lstm_trainer_snapshot(run->trainer, &model, error);
    if (status == LSTM_OK)
        status = train_evaluate_model(run->runner, model, &run->data->test, &run->evaluation,
                                      &row->test_accuracy, error);
    lstm_model_destroy(model);
    return status;
}

static void report(struct train_run *run, const struct history_row *row)
{
    progress_clear(&run->progress);
    printf("Iter %.0f, Testing Accuracy= %.4f\n", row->epoch - 1, row->test_accuracy);
    fflush(stdout);
    fprintf(stderr, "epoch %.0f of %lld: training loss %.4f, accuracy %.4f", row->epoch,
            (long long)run->config->epochs, row->train_loss, row->train_accuracy);
    if (!isnan(row->validation_loss))
        fprintf(stderr, "; validation loss %.4f, accuracy %.4f", row->validation_loss,
                row->validation_accuracy);
    fprintf(stderr, "; %.1f s\n", row->seconds);
}

/* Measures, tells and keeps what the epoch that began at started_us came to. */
static enum lstm_status finish_epoch(struct train_run *run, int64_t started_us,
                                     struct lstm_error *error)
{
    struct train_position *position = &run->position;
    struct history_row row;
    enum lstm_status status = measure(run, &row, error);
    if (status != LSTM_OK)
        return status;
    row.seconds = position->seconds + seconds_since(started_us);
    report(run, &row);
    *position = (struct train_position){.epoch = position->epoch + 1,
                                        .best_epoch = position->best_epoch,
                                        .best_accuracy = position->best_accuracy};
    if (run->config->keep == KEEP_BEST &&
        (position->best_epoch < 1 || row.validation_accuracy > position->best_accuracy)) {
        position->best_epoch = row.epoch;
        position->best_accuracy = row.validation_accuracy;
        status = lstm_trainer_save(run->trainer, run->checkpoint->best_path, NULL, error);
    }
    if (status == LSTM_OK)
        status = history_add(&run->history, &row, error);
    if (status == LSTM_OK)
        status = history_write_csv(&run->history, run->checkpoint->history_path, error);
    if (status == LSTM_OK)
        status = train_checkpoint_save(run->checkpoint, run->trainer, position, error);
    return status;
}

enum lstm_status train_run_epochs(struct train_run *run, const volatile sig_atomic_t *stop,
                                  struct lstm_error *error)
{
    struct train_position *position = &run->position;
    enum lstm_status status = LSTM_OK;
    progress_begin(&run->progress, stderr, (size_t)run->config->epochs, run->n_batches,
                   lstm_trainer_n_steps(run->trainer));
    while (status == LSTM_OK && !train_run_is_finished(run) && !*stop) {
        const int64_t started_us = monotonic_us();
        mnist_shuffle(run->order, run->data->train.n, (uint64_t)run->config->seed,
                      (uint64_t)position->epoch);
        while (status == LSTM_OK && position->batch < (double)run->n_batches && !*stop)
            status = train_batch(run, error);
        if (status != LSTM_OK)
            break;
        if (position->batch >= (double)run->n_batches) {
            status = finish_epoch(run, started_us, error);
        } else {
            position->seconds += seconds_since(started_us);
            status = train_checkpoint_save(run->checkpoint, run->trainer, position, error);
        }
    }
    progress_clear(&run->progress);
    return status;
}

enum lstm_status train_run_result(struct train_run *run, struct lstm_model **model,
                                  struct lstm_error *error)
{
    *model = NULL;
    enum lstm_status status = LSTM_OK;
    if (run->config->keep == KEEP_BEST)
        status = lstm_trainer_restore(run->trainer, run->checkpoint->best_path, NULL, 0, error);
    if (status == LSTM_OK)
        status = lstm_trainer_snapshot(run->trainer, model, error);
    return status;
}
