/* test_gru_variants.c: GRUCell with the reset gate behind the product, and with other activations,
 * against the oracle. SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/assert_tensor.h"
#include "tests/support/batch.h"
#include "tests/support/cases.h"
#include "tests/support/model_builder.h"

Suite *suite_gru_variants(void);

#define CELL(...)                                                                                  \
    {                                                                                              \
        .kind = REFERENCE_GRU, .name = "rnn/gru_cell", __VA_ARGS__                                 \
    }

static const struct reference_layer cells[] = {
    CELL(.units = 9, .reset_after = true),
    CELL(.units = 9, .reset_after = true, .recurrent_activation = "hard_sigmoid"),
    CELL(.units = 9, .reset_after = true, .activation = "relu"),
    CELL(.units = 9, .reset_after = true, .activation = "selu", .recurrent_activation = "softsign"),
    CELL(.units = 9, .recurrent_activation = "hard_sigmoid"),
    CELL(.units = 9, .recurrent_activation = "hard_sigmoid_keras3", .activation = "elu"),
};

static struct reference_network network_of(const struct reference_layer *cell)
{
    struct reference_network network = {.features = 3, .n_layers = 1, .layers = {*cell}};
    reference_init(&network, 51);
    return network;
}

START_TEST(test_gru_variant_computes_what_the_oracle_computes)
{
    struct reference_network network = network_of(&cells[_i]);
    batch_check(&network, 4, (const size_t[]){5, 5, 5, 5}, false, 52);
    reference_release(&network);
}
END_TEST

START_TEST(test_gru_variant_of_masked_sequences_computes_what_the_oracle_computes)
{
    struct reference_network network = network_of(&cells[_i]);
    batch_check(&network, 6, (const size_t[]){2, 0, 5, 1, 5, 3}, true, 53);
    reference_release(&network);
}
END_TEST

static const size_t unit_cases[] = {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 64, 100};

START_TEST(test_gru_reset_after_of_any_width_computes_what_the_oracle_computes)
{
    const struct reference_layer cell = CELL(.units = unit_cases[_i], .reset_after = true);
    struct reference_network network = network_of(&cell);
    batch_check(&network, 4, (const size_t[]){4, 1, 0, 3}, true, 54);
    reference_release(&network);
}
END_TEST

START_TEST(test_gru_reset_after_does_not_depend_on_how_the_runner_cuts_the_batch)
{
    struct reference_network network = network_of(&cells[0]);
    batch_check_cuts(&network, 40, 11, 55);
    reference_release(&network);
}
END_TEST

/* With one unit, a reset gate before or behind the product is the same but for the hidden bias. */
START_TEST(test_gru_reset_after_without_a_hidden_bias_and_with_one_unit_is_a_gru_cell)
{
    const struct reference_layer before = CELL(.units = 1),
                                 after = CELL(.units = 1, .reset_after = true);
    struct reference_network a = network_of(&before), b = network_of(&after);
    const struct reference_tensor *kernel = &a.layers[0].tensors[2];
    for (size_t k = 0; k < 3; k++)
        b.layers[0].tensors[2].data[k] = kernel->data[k];
    b.layers[0].tensors[3].data[0] = a.layers[0].tensors[3].data[0];
    b.layers[0].tensors[4].data[0] = kernel->data[3];
    b.layers[0].tensors[5].data[0] = 0;
    struct lstm_model *model = build_model(&a, NULL), *model_after = build_model(&b, NULL);
    struct lstm_runner *one = create_runner(model, 2, 0), *two = create_runner(model_after, 2, 0);
    const size_t lengths[] = {6, 2};
    struct batch want, got;
    batch_init(&want, &a, 2, lengths, true, 57);
    batch_init(&got, &b, 2, lengths, true, 57);
    batch_run(&want, one, model);
    batch_run(&got, two, model_after);
    batch_compare_runs(&got, &want, model, 1e-6);
    batch_release(&want);
    batch_release(&got);
    lstm_runner_destroy(one);
    lstm_runner_destroy(two);
    lstm_model_destroy(model);
    lstm_model_destroy(model_after);
    reference_release(&a);
    reference_release(&b);
}
END_TEST

Suite *suite_gru_variants(void)
{
    Suite *suite = suite_create("gru_variants");
    TCase *tcase = tcase_create("variants");
    suite_add_tcase(suite, tcase);
    tcase_add_loop_test(tcase, test_gru_variant_computes_what_the_oracle_computes, 0,
                        N_CASES(cells));
    tcase_add_loop_test(tcase,
                        test_gru_variant_of_masked_sequences_computes_what_the_oracle_computes, 0,
                        N_CASES(cells));
    tcase_add_loop_test(tcase, test_gru_reset_after_of_any_width_computes_what_the_oracle_computes,
                        0, N_CASES(unit_cases));
    tcase_add_test(tcase, test_gru_reset_after_does_not_depend_on_how_the_runner_cuts_the_batch);
    tcase_add_test(tcase,
                   test_gru_reset_after_without_a_hidden_bias_and_with_one_unit_is_a_gru_cell);
    return suite;
}
