/* test_core_allocations.c: every allocation of core fails, alone and with all behind it.
 * SPDX-License-Identifier: Apache-2.0
 *
 * For each operation the n-th allocation fails, n from 1 until none is left: it says that there is
 * no memory, leaves nothing behind, and the same call works again. A stride keeps the suite short;
 * TORTURE=full takes every n. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/allocation_faults.h"
#include "tests/support/assert_tensor.h"
#include "tests/support/cases.h"
#include "tests/support/model_builder.h"
#include "tests/support/model_store.h"
#include "tests/support/temp_folder.h"

Suite *suite_core_allocations(void);

enum { MOST_ROUNDS = 60, FEATURES = 2, STEPS = 3 };

static struct temp_folder folder;
static char checkpoint[256];
static struct lstm_model *model;     /* model_any */
static struct lstm_model *backwards; /* model_backwards */
static struct lstm_trainer *trainer; /* of model_any */

static const float input[STEPS * FEATURES] = {1, 2, 0.5f, -1, 3, -2};
static const struct lstm_sequence sequence = {.input = input, .steps = STEPS};

static void set_up(void)
{
    struct lstm_error error;
    temp_folder_create(&folder);
    temp_folder_path(&folder, "checkpoint", checkpoint);
    model = create_model(model_any, 1);
    backwards = create_model(model_backwards, 1);
    assert_ok(lstm_trainer_create(model, NULL, &trainer, &error), &error);
    assert_ok(lstm_trainer_save(trainer, checkpoint, "a note", &error), &error);
}

static void tear_down(void)
{
    lstm_trainer_destroy(trainer);
    lstm_model_destroy(backwards);
    lstm_model_destroy(model);
    temp_folder_remove(&folder);
}

/* ---- Operations: each releases what it makes --------------------------------------------------
 */

static enum lstm_status create(const char *json, struct lstm_error *error)
{
    struct lstm_model *made = NULL;
    const enum lstm_status status = lstm_model_create(json, strlen(json), 1, &made, error);
    lstm_model_destroy(made);
    return status;
}

static enum lstm_status load(const char *path, struct lstm_error *error)
{
    struct lstm_model *made = NULL;
    const enum lstm_status status = lstm_model_load(path, &made, error);
    lstm_model_destroy(made);
    return status;
}

static enum lstm_status save(const char *unused, struct lstm_error *error)
{
    (void)unused;
    return lstm_model_save(model, folder.path, error);
}

static enum lstm_status run_on(const struct lstm_model *which, struct lstm_error *error)
{
    float output[64];
    struct lstm_sequence own = sequence;
    struct lstm_runner *runner = NULL;
    own.output = output;
    enum lstm_status status = lstm_runner_create(which, NULL, &runner, error);
    if (status == LSTM_OK)
        status = lstm_runner_run(runner, which, &own, 1, error);
    lstm_runner_destroy(runner);
    return status;
}

static enum lstm_status run(const char *unused, struct lstm_error *error)
{
    (void)unused;
    return run_on(model, error);
}

static enum lstm_status run_backwards(const char *unused, struct lstm_error *error)
{
    (void)unused;
    return run_on(backwards, error);
}

/* With a model of the weights after the step. */
static enum lstm_status train(const char *swap_folder, struct lstm_error *error)
{
    static const float target[] = {0, 1, 0};
    const struct lstm_examples examples = {.sequences = &sequence, .targets = target, .n = 1};
    const struct lstm_trainer_options options = {.swap_folder = swap_folder};
    struct lstm_training_result result;
    struct lstm_trainer *made = NULL;
    struct lstm_model *learned = NULL;
    enum lstm_status status = lstm_trainer_create(model, &options, &made, error);
    if (status == LSTM_OK)
        status = lstm_trainer_step(made, &examples, &result, error);
    if (status == LSTM_OK)
        status = lstm_trainer_evaluate(made, &examples, &result, error);
    if (status == LSTM_OK)
        status = lstm_trainer_snapshot(made, &learned, error);
    lstm_model_destroy(learned);
    lstm_trainer_destroy(made);
    return status;
}

static enum lstm_status save_checkpoint(const char *unused, struct lstm_error *error)
{
    (void)unused;
    return lstm_trainer_save(trainer, checkpoint, "a note", error);
}

static enum lstm_status restore(const char *unused, struct lstm_error *error)
{
    char note[16];
    (void)unused;
    return lstm_trainer_restore(trainer, checkpoint, note, sizeof note, error);
}

static enum lstm_status convert(const char *path, struct lstm_error *error)
{
    struct lstm_source *source = NULL;
    struct lstm_model *made = NULL;
    enum lstm_status status = lstm_source_open(path, NULL, &source, error);
    if (status == LSTM_OK)
        status = lstm_source_model(source, NULL, &made, error);
    if (status == LSTM_OK)
        status = lstm_source_save(source, folder.path, error);
    lstm_model_destroy(made);
    lstm_source_destroy(source);
    return status;
}

static enum lstm_status load_idx(const char *path, struct lstm_error *error)
{
    struct lstm_idx idx = {0};
    const enum lstm_status status = lstm_idx_load(path, 1 << 24, &idx, error);
    lstm_idx_release(&idx);
    return status;
}

static const struct operation {
    enum lstm_status (*run)(const char *argument, struct lstm_error *error);
    const char *argument;
} operations[] = {
    {create, model_any},
    {create, model_backwards},
    {create, model_pooled},
    {create, model_digits},
    {load, "models/mnist/1"},
    {save, NULL},
    {run, NULL},
    {run_backwards, NULL},
    {train, NULL},
    {train, "/tmp"},
    {save_checkpoint, NULL},
    {restore, NULL},
    {load_idx, "tests/data/mnist/t10k-labels-idx1-ubyte.gz"},
    {convert, "models/mnist/1"},
    {convert, "tests/data/import/tf1/lstm_cell_0_12"},
    {convert, "tests/data/import/tf1/saved_model"},
    {convert, "tests/data/keras/keras3.keras"},
    {convert, "tests/data/keras/keras3_deflated.keras"},
    {convert, "tests/data/keras/tf_bidirectional"},
    {convert, "tests/data/keras/tf_functional_masking"},
    {convert, "tests/data/keras/weights_only"},
    {convert, "tests/data/torch/lstm"},
    {convert, "tests/data/torch/lstm_heads"},
    {convert, "tests/data/torch/legacy"},
    {convert, "tests/data/torch/safetensors"},
    {convert, "tests/data/onnx/torch_lstm_16.onnx"},
    {convert, "tests/data/onnx/classifier.onnx"},
    {convert, "tests/data/onnx/external.onnx"},
};

/* ---- What must hold ---------------------------------------------------------------------------
 */

static enum lstm_status attempt(const struct operation *operation, struct lstm_error *error)
{
    *error = (struct lstm_error){.text = ""};
    return operation->run(operation->argument, error);
}

/* The allocations of one run, the second: what is made once for all is there by then. */
static unsigned count_calls(const struct operation *operation)
{
    struct lstm_error error;
    bool hit;
    for (int k = 0; k < 2; k++) {
        allocation_faults_arm(0, false);
        const enum lstm_status status = attempt(operation, &error);
        const unsigned n_calls = allocation_faults_disarm(&hit);
        assert_ok(status, &error);
        if (k == 1)
            return n_calls;
    }
    return 0;
}

static void fail_nth(const struct operation *operation, unsigned n, bool lasts, bool *hit)
{
    struct lstm_error error;
    const long before = allocation_faults_live();
    allocation_faults_arm(n, lasts);
    const enum lstm_status status = attempt(operation, &error);
    allocation_faults_disarm(hit);
    const long after = allocation_faults_live();
    const char *argument = operation->argument != NULL ? operation->argument : "";
    const char *place = allocation_faults_place();
    ck_assert_msg(status == (*hit ? LSTM_NO_MEMORY : LSTM_OK), "%s, %u, %s: %d, %s", argument, n,
                  place, (int)status, error.text);
    ck_assert_msg(!*hit || error.text[0] != '\0', "%s, %u, %s: no sentence", argument, n, place);
    ck_assert_msg(after == before, "%s, %u, %s: %ld blocks are left", argument, n, place,
                  after - before);
    assert_ok(attempt(operation, &error), &error);
}

START_TEST(test_core_operation_without_memory_says_so_and_leaves_nothing)
{
    const struct operation *operation = &operations[_i];
    const unsigned n_calls = count_calls(operation);
    const unsigned stride = allocation_faults_stride(n_calls, MOST_ROUNDS);
    ck_assert_uint_gt(n_calls, 0);
    for (int lasts = 0; lasts <= 1; lasts++) {
        bool hit = true;
        unsigned n_hits = 0;
        for (unsigned n = 1; hit; n += stride) {
            fail_nth(operation, n, lasts, &hit);
            n_hits += hit;
        }
        ck_assert_uint_ge(n_hits, (n_calls + stride - 1) / stride);
    }
}
END_TEST

Suite *suite_core_allocations(void)
{
    Suite *suite = suite_create("core_allocations");
    TCase *tcase = tcase_create("core_allocations");
    suite_add_tcase(suite, tcase);
    if (!allocations_can_fail)
        return suite;
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_set_timeout(tcase, 300);
    tcase_add_loop_test(tcase, test_core_operation_without_memory_says_so_and_leaves_nothing, 0,
                        N_CASES(operations));
    return suite;
}
