/* test_runner_allocation.c: running a model allocates nothing once the runner is made.
 * SPDX-License-Identifier: Apache-2.0
 *
 * What OpenBLAS asks for is not counted: its product of small matrices takes a few hundred bytes
 * for some widths (sgemm_small_kernel of 0.3.21), which nobody who calls it can prevent. */
#include <stdlib.h>

#include "tests/support/allocation_faults.h"
#include "tests/support/assert_tensor.h"
#include "tests/support/batch.h"
#include "tests/support/cases.h"
#include "tests/support/fill.h"
#include "tests/support/model_builder.h"

Suite *suite_runner_allocation(void);

static const struct reference_network networks[] = {
    {.features = 4,
     .n_layers = 2,
     .layers = {{.kind = REFERENCE_LSTM, .name = "a", .units = 100, .forget_bias = 1},
                {.kind = REFERENCE_DENSE, .name = "out", .units = 10, .activation = "softmax"}}},
    {.features = 1,
     .n_layers = 4,
     .layers = {{.kind = REFERENCE_EMBEDDING, .name = "words", .units = 6, .vocabulary = 9},
                {.kind = REFERENCE_GRU, .name = "a", .units = 33, .return_sequences = true},
                {.kind = REFERENCE_LSTM, .name = "b", .units = 17, .return_sequences = true},
                {.kind = REFERENCE_DENSE, .name = "out", .units = 5, .activation = "tanh"}}},
};

START_TEST(test_counting_sees_an_allocation)
{
    void *volatile memory;
    bool hit;
    allocation_faults_arm(0, false);
    memory = malloc(1);
    free(memory);
    memory = calloc(1, 1);
    memory = realloc(memory, 100);
    free(memory);
    memory = aligned_alloc(64, 64);
    const unsigned n_seen = allocation_faults_disarm(&hit);
    free(memory);
    ck_assert_uint_eq(n_seen, 4);
}
END_TEST

/* The first run counts as well: nothing may be put off until then. */
START_TEST(test_runner_run_allocates_nothing)
{
    struct reference_network network = networks[_i];
    reference_init(&network, 111);
    struct lstm_model *model = build_model(&network, NULL);
    struct lstm_runner *runner = create_runner(model, 50, 0);
    size_t lengths[50];
    struct batch batch;
    struct lstm_error error;
    bool hit;
    batch_lengths(lengths, 50, 70, 112);
    batch_init(&batch, &network, 50, lengths, true, 113);
    allocation_faults_arm(0, false);
    enum lstm_status status = lstm_runner_run(runner, model, batch.sequences, 50, &error);
    if (status == LSTM_OK)
        status = lstm_runner_run(runner, model, batch.sequences + 7, 3, &error);
    const unsigned n_seen = allocation_faults_disarm(&hit);
    assert_ok(status, &error);
    ck_assert_uint_eq(n_seen, 0);
    batch_release(&batch);
    lstm_runner_destroy(runner);
    lstm_model_destroy(model);
    reference_release(&network);
}
END_TEST

START_TEST(test_dynamic_rnn_allocates_nothing)
{
    struct reference_network network = networks[0];
    reference_init(&network, 114);
    struct lstm_model *model = build_model(&network, NULL);
    struct lstm_runner *runner = create_runner(model, 8, 0);
    float *inputs = fill_new(20 * 9 * 4, 115, 1), *outputs = fill_new(20 * 9 * 100, 116, 0);
    struct lstm_dynamic_rnn_args args = {
        .batch = 20, .time = 9, .inputs = inputs, .outputs = outputs, .time_major = _i == 1};
    struct lstm_error error;
    bool hit;
    allocation_faults_arm(0, false);
    enum lstm_status status = lstm_dynamic_rnn(runner, model, &args, &error);
    const unsigned n_seen = allocation_faults_disarm(&hit);
    assert_ok(status, &error);
    ck_assert_uint_eq(n_seen, 0);
    free(inputs);
    free(outputs);
    lstm_runner_destroy(runner);
    lstm_model_destroy(model);
    reference_release(&network);
}
END_TEST

Suite *suite_runner_allocation(void)
{
    Suite *suite = suite_create("runner_allocation");
    TCase *run = tcase_create("run");
    suite_add_tcase(suite, run);
    if (!allocations_can_fail)
        return suite;
    tcase_add_test(run, test_counting_sees_an_allocation);
    tcase_add_loop_test(run, test_runner_run_allocates_nothing, 0, N_CASES(networks));
    tcase_add_loop_test(run, test_dynamic_rnn_allocates_nothing, 0, 2);
    return suite;
}
