/* test_multi_rnn_cell.c: stacks of cells, and the layers around them, against the oracle.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "tests/support/assert_tensor.h"
#include "tests/support/batch.h"
#include "tests/support/cases.h"
#include "tests/support/model_builder.h"
#include "tests/support/reference_layers.h"

Suite *suite_multi_rnn_cell(void);

static const struct reference_network stacks[] = {
    {.features = 3, .n_layers = 2, .layers = {LSTM("a", 5, true), LSTM("b", 4, false)}},
    {.features = 3, .n_layers = 2, .layers = {GRU("a", 5, true), GRU("b", 7, false)}},
    {.features = 3, .n_layers = 2, .layers = {LSTM("a", 5, true), GRU("b", 4, false)}},
    {.features = 3,
     .n_layers = 3,
     .layers = {GRU("a", 2, true), LSTM("b", 9, true), GRU("c", 3, true)}},
    {.features = 2,
     .n_layers = 5,
     .layers = {LSTM("a", 4, true), LSTM("b", 4, true), LSTM("c", 4, true), LSTM("d", 4, false),
                DENSE("out", 3, "softmax")}},
    {.features = 2, .n_layers = 2, .layers = {LSTM("a", 6, true), DENSE("out", 3, "softmax")}},
    {.features = 2, .n_layers = 2, .layers = {GRU("a", 6, true), DENSE("out", 3, "tanh")}},
    {.features = 2,
     .n_layers = 4,
     .layers = {LSTM("a", 6, false), DENSE("d1", 9, "relu"), DENSE("d2", 5, "sigmoid"),
                DENSE("out", 2, "linear")}},
    {.features = 1,
     .n_layers = 3,
     .layers = {{.kind = REFERENCE_EMBEDDING, .name = "words", .units = 6, .vocabulary = 11},
                LSTM("a", 5, false),
                DENSE("out", 3, "softmax")}},
    {.features = 1,
     .n_layers = 3,
     .layers = {{.kind = REFERENCE_EMBEDDING, .name = "words", .units = 4, .vocabulary = 3},
                GRU("a", 5, true),
                LSTM("b", 5, true)}},
    {.features = 3,
     .n_layers = 4,
     .layers = {LSTM("a", 5, true),
                {.kind = REFERENCE_DROPOUT, .rate = 0.5},
                GRU("b", 4, false),
                {.kind = REFERENCE_DROPOUT, .rate = 0.9}}},
};

START_TEST(test_stack_computes_what_the_oracle_computes)
{
    struct reference_network network = stacks[_i];
    reference_init(&network, 21);
    batch_check(&network, 5, (const size_t[]){4, 1, 6, 2, 6}, false, 22);
    batch_check(&network, 5, (const size_t[]){4, 1, 6, 2, 6}, true, 23);
    reference_release(&network);
}
END_TEST

START_TEST(test_stack_with_empty_sequences_returns_their_initial_states)
{
    struct reference_network network = stacks[_i];
    reference_init(&network, 24);
    struct lstm_model *model = build_model(&network, NULL);
    struct lstm_runner *runner = create_runner(model, 3, 0);
    struct batch batch;
    batch_init(&batch, &network, 3, (const size_t[]){0, 3, 0}, true, 25);
    batch_run(&batch, runner, model);
    for (size_t k = 0; k < 3; k += 2)
        assert_tensor_identical("final_state", batch.sequences[k].final_state,
                                batch.sequences[k].initial_state, network.state_size);
    batch_release(&batch);
    lstm_runner_destroy(runner);
    lstm_model_destroy(model);
    reference_release(&network);
}
END_TEST

START_TEST(test_stack_tells_where_each_layer_keeps_its_state_and_gates)
{
    struct reference_network network = stacks[_i];
    reference_init(&network, 26);
    struct lstm_model *model = build_model(&network, NULL);
    size_t k = 0, state = 0, gates = 0;
    for (size_t l = 0; l < network.n_layers; l++) {
        const struct reference_layer *layer = &network.layers[l];
        if (layer->kind != REFERENCE_LSTM && layer->kind != REFERENCE_GRU)
            continue;
        const struct lstm_state_info *info = lstm_model_state(model, k++);
        bool lstm = layer->kind == REFERENCE_LSTM;
        ck_assert_str_eq(info->name, layer->name);
        ck_assert_int_eq(info->has_c, lstm);
        ck_assert_uint_eq(info->units, layer->units);
        if (lstm)
            ck_assert_uint_eq(info->c_offset, state);
        ck_assert_uint_eq(info->h_offset, state + (lstm ? layer->units : 0));
        ck_assert_uint_eq(info->gates_offset, gates);
        ck_assert_uint_eq(info->n_gates, lstm ? 4 : 3);
        ck_assert_str_eq(info->gate_names[0], lstm ? "i" : "r");
        ck_assert_str_eq(info->gate_names[1], lstm ? "j" : "u");
        ck_assert_str_eq(info->gate_names[2], lstm ? "f" : "c");
        if (lstm)
            ck_assert_str_eq(info->gate_names[3], "o");
        state += (lstm ? 2 : 1) * layer->units;
        gates += (lstm ? 4 : 3) * layer->units;
    }
    const struct lstm_model_info *info = lstm_model_info(model);
    ck_assert_uint_eq(info->n_recurrent, k);
    ck_assert_uint_eq(info->state_size, state);
    ck_assert_uint_eq(info->gates_size, gates);
    ck_assert_uint_eq(info->rnn_output_size, network.rnn_units);
    ck_assert_uint_eq(info->output_size, network.output_size);
    ck_assert_int_eq(info->output_is_sequence, network.output_is_sequence);
    lstm_model_destroy(model);
    reference_release(&network);
}
END_TEST

START_TEST(test_stack_lists_its_tensors_in_the_order_of_the_layers)
{
    struct reference_network network = stacks[_i];
    reference_init(&network, 27);
    struct lstm_model *model = build_model(&network, NULL);
    size_t k = 0, n_parameters = 0;
    for (size_t l = 0; l < network.n_layers; l++) {
        for (size_t t = 0; t < network.layers[l].n_tensors; t++) {
            const struct reference_tensor *want = &network.layers[l].tensors[t];
            ck_assert_uint_lt(k, lstm_model_n_tensors(model));
            struct lstm_tensor got = lstm_model_tensor(model, k++);
            char name[64];
            snprintf(name, sizeof name, "%s/%s", network.layers[l].name, want->suffix);
            ck_assert_str_eq(got.name, name);
            ck_assert_uint_eq(got.rank, want->rows ? 2 : 1);
            ck_assert_uint_eq(got.shape[0], want->rows ? want->rows : want->columns);
            if (want->rows)
                ck_assert_uint_eq(got.shape[1], want->columns);
            assert_tensor(name, got.data, want->data, want->n, 0, 0);
            n_parameters += want->n;
        }
    }
    ck_assert_uint_eq(lstm_model_n_tensors(model), k);
    ck_assert_uint_eq(lstm_model_info(model)->n_parameters, n_parameters);
    lstm_model_destroy(model);
    reference_release(&network);
}
END_TEST

Suite *suite_multi_rnn_cell(void)
{
    Suite *suite = suite_create("multi_rnn_cell");
    TCase *stack = tcase_create("stack");
    int n = N_CASES(stacks);
    suite_add_tcase(suite, stack);
    tcase_add_loop_test(stack, test_stack_computes_what_the_oracle_computes, 0, n);
    tcase_add_loop_test(stack, test_stack_with_empty_sequences_returns_their_initial_states, 0, n);
    tcase_add_loop_test(stack, test_stack_tells_where_each_layer_keeps_its_state_and_gates, 0, n);
    tcase_add_loop_test(stack, test_stack_lists_its_tensors_in_the_order_of_the_layers, 0, n);
    return suite;
}
