/* toy_task.c: a task that a small network learns in a few steps. SPDX-License-Identifier:
 * Apache-2.0
 */
#include "tests/support/toy_task.h"

#include "tests/support/assert_tensor.h"
#include "tests/support/model_builder.h"

const struct reference_network toy_networks[N_TOY_NETWORKS] = {
    {.features = 2,
     .n_layers = 2,
     .layers = {{.kind = REFERENCE_LSTM, .name = "a", .units = 8, .forget_bias = 1},
                {.kind = REFERENCE_DENSE, .name = "out", .units = 2, .activation = "softmax"}}},
    {.features = 2,
     .n_layers = 4,
     .layers = {{.kind = REFERENCE_GRU, .name = "a", .units = 8, .return_sequences = true},
                {.kind = REFERENCE_DROPOUT, .rate = 0.1},
                {.kind = REFERENCE_GRU, .name = "b", .units = 8},
                {.kind = REFERENCE_DENSE, .name = "out", .units = 2, .activation = "softmax"}}},
};

struct lstm_trainer *toy_task_trainer(const struct toy_task *task)
{
    struct lstm_trainer *trainer = NULL;
    struct lstm_error error;
    assert_ok(lstm_trainer_create(task->model, NULL, &trainer, &error), &error);
    return trainer;
}

void toy_task_init(struct toy_task *task, const struct reference_network *network,
                   const char *training)
{
    size_t lengths[TOY_EXAMPLES];
    struct build_options options = {.training = training};
    for (size_t k = 0; k < TOY_EXAMPLES; k++)
        lengths[k] = 1 + k % 5;
    task->network = *network;
    reference_init(&task->network, 121);
    task->model = build_model(&task->network, &options);
    task->trainer = toy_task_trainer(task);
    batch_init(&task->batch, &task->network, TOY_EXAMPLES, lengths, false, 122);
    for (size_t k = 0; k < TOY_EXAMPLES; k++) {
        bool is_positive = task->batch.sequences[k].input[0] > 0;
        task->batch.targets[2 * k] = is_positive ? 0 : 1;
        task->batch.targets[2 * k + 1] = is_positive ? 1 : 0;
    }
    task->examples = batch_examples(&task->batch);
}

void toy_task_release(struct toy_task *task)
{
    batch_release(&task->batch);
    lstm_trainer_destroy(task->trainer);
    lstm_model_destroy(task->model);
    reference_release(&task->network);
}

void toy_task_step(struct toy_task *task, struct lstm_trainer *trainer)
{
    assert_ok(lstm_trainer_step(trainer, &task->examples, &task->result, &task->error),
              &task->error);
}

struct lstm_model *snapshot_trainer(const struct lstm_trainer *trainer)
{
    struct lstm_model *model = NULL;
    struct lstm_error error;
    assert_ok(lstm_trainer_snapshot(trainer, &model, &error), &error);
    return model;
}

void assert_same_weights(const struct lstm_model *got, const struct lstm_model *want)
{
    for (size_t k = 0; k < lstm_model_n_tensors(want); k++) {
        struct lstm_tensor tensor = lstm_model_tensor(want, k);
        size_t n = tensor.shape[0] * (tensor.rank == 2 ? tensor.shape[1] : 1);
        assert_tensor_identical(tensor.name, lstm_model_tensor(got, k).data, tensor.data, n);
    }
}

void assert_trainer_holds(const struct lstm_trainer *trainer, const struct lstm_model *want)
{
    struct lstm_model *now = snapshot_trainer(trainer);
    assert_same_weights(now, want);
    lstm_model_destroy(now);
}
