/* test_cell_parameters.c: each parameter of the cells: num_units, forget_bias, activation, name,
 * reuse, dtype, and of dynamic_rnn: swap_memory. SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/assert_tensor.h"
#include "tests/support/batch.h"
#include "tests/support/cases.h"
#include "tests/support/model_builder.h"
#include "tests/support/temp_folder.h"

Suite *suite_cell_parameters(void);

/* A description with this one layer, or these layers. */
static char *describe(const char *layers)
{
    static const char format[] =
        "{\"format\":\"lstmd-model-1\",\"input\":{\"features\":3},\"layers\":[%s]}";
    size_t n = sizeof format + strlen(layers);
    char *json = malloc(n);
    ck_assert_ptr_nonnull(json);
    snprintf(json, n, format, layers);
    return json;
}

static struct lstm_model *create_from_layers(const char *layers)
{
    char *json = describe(layers);
    struct lstm_model *model = create_model(json, 7);
    free(json);
    return model;
}

static const char plain_layer[] = "{\"type\":\"lstm\",\"name\":\"a\",\"units\":4}";

/* The final state of three steps of 0.5, -0.25, 1 from a state of 0.25s. */
static void final_state(const struct lstm_model *model, float *state)
{
    static const float input[] = {0.5F, -0.25F, 1, 0.5F, -0.25F, 1, 0.5F, -0.25F, 1};
    float initial[64];
    for (size_t k = 0; k < lstm_model_info(model)->state_size; k++)
        initial[k] = 0.25F;
    struct lstm_runner *runner = create_runner(model, 1, 0);
    struct lstm_sequence sequence = {
        .input = input, .steps = 3, .initial_state = initial, .final_state = state};
    struct lstm_error error;
    assert_ok(lstm_runner_run(runner, model, &sequence, 1, &error), &error);
    lstm_runner_destroy(runner);
}

static const struct {
    const char *layer;
    bool same;
} default_cases[] = {
    {"{\"type\":\"lstm\",\"name\":\"a\",\"units\":4,\"forget_bias\":1.0}", true},
    {"{\"type\":\"lstm\",\"name\":\"a\",\"units\":4,\"forget_bias\":0.0}", false},
    {"{\"type\":\"lstm\",\"name\":\"a\",\"units\":4,\"activation\":\"tanh\"}", true},
    {"{\"type\":\"lstm\",\"name\":\"a\",\"units\":4,\"activation\":\"relu\"}", false},
    {"{\"type\":\"lstm\",\"name\":\"a\",\"units\":4,\"activation\":\"sigmoid\"}", false},
    {"{\"type\":\"lstm\",\"name\":\"a\",\"units\":4,\"activation\":\"linear\"}", false},
    {"{\"type\":\"lstm\",\"name\":\"b\",\"units\":4}", true},
    {"{\"type\":\"lstm\",\"name\":\"a\",\"units\":4,\"return_sequences\":true}", true},
    {"{\"type\":\"lstm\",\"name\":\"a\",\"units\":4,\"reuse\":false}", true},
};

START_TEST(test_lstm_parameters_default_to_forget_bias_1_and_tanh)
{
    struct lstm_model *plain = create_from_layers(plain_layer);
    struct lstm_model *other = create_from_layers(default_cases[_i].layer);
    float a[8], b[8];
    final_state(plain, a);
    final_state(other, b);
    ck_assert_msg((memcmp(a, b, sizeof a) == 0) == default_cases[_i].same, "%s gives %s state",
                  default_cases[_i].layer, default_cases[_i].same ? "another" : "the same");
    lstm_model_destroy(plain);
    lstm_model_destroy(other);
}
END_TEST

static const size_t unit_cases[] = {1, 2, 5, 100};

START_TEST(test_num_units_gives_the_tensors_and_the_state_their_shapes)
{
    size_t units = unit_cases[_i];
    char layer[128];
    snprintf(layer, sizeof layer, "{\"type\":\"lstm\",\"name\":\"a\",\"units\":%zu}", units);
    struct lstm_model *model = create_from_layers(layer);
    struct lstm_tensor kernel = lstm_model_tensor(model, 0), bias = lstm_model_tensor(model, 1);
    ck_assert_uint_eq(kernel.rank, 2);
    ck_assert_uint_eq(kernel.shape[0], 3 + units);
    ck_assert_uint_eq(kernel.shape[1], 4 * units);
    ck_assert_uint_eq(bias.rank, 1);
    ck_assert_uint_eq(bias.shape[0], 4 * units);
    ck_assert_uint_eq(lstm_model_info(model)->state_size, 2 * units);
    ck_assert_uint_eq(lstm_model_info(model)->output_size, units);
    ck_assert_uint_eq(lstm_model_info(model)->gates_size, 4 * units);
    lstm_model_destroy(model);
}
END_TEST

/* The layer, and the name of its last tensor: the default names are TensorFlow 1's. */
static const struct {
    const char *layers, *tensor;
} name_cases[] = {
    {"{\"type\":\"lstm\",\"units\":2}", "rnn/basic_lstm_cell/bias"},
    {"{\"type\":\"gru\",\"units\":2}", "rnn/gru_cell/candidate/bias"},
    {"{\"type\":\"lstm\",\"units\":2,\"name\":\"rnn/multi_rnn_cell/cell_0/basic_lstm_cell\"}",
     "rnn/multi_rnn_cell/cell_0/basic_lstm_cell/bias"},
    {"{\"type\":\"lstm\",\"units\":2,\"name\":\"x\"}", "x/bias"},
    {"{\"type\":\"gru\",\"units\":2,\"name\":\"sec_gru/rnn/gru_cell\"}",
     "sec_gru/rnn/gru_cell/candidate/bias"},
    {"{\"type\":\"lstm\",\"units\":2},{\"type\":\"dense\",\"units\":2,\"name\":\"logits\"}",
     "logits/bias"},
};

START_TEST(test_name_is_the_prefix_of_the_tensors)
{
    struct lstm_model *model = create_from_layers(name_cases[_i].layers);
    size_t last = lstm_model_n_tensors(model) - 1;
    ck_assert_str_eq(lstm_model_tensor(model, last).name, name_cases[_i].tensor);
    lstm_model_destroy(model);
}
END_TEST

START_TEST(test_reuse_shares_the_weights_of_the_layer_of_that_name)
{
    struct lstm_model *model = create_from_layers(
        "{\"type\":\"dense\",\"name\":\"in\",\"units\":4},"
        "{\"type\":\"lstm\",\"name\":\"cell\",\"units\":4,\"return_sequences\":true},"
        "{\"type\":\"lstm\",\"name\":\"cell\",\"units\":4,\"reuse\":true}");
    ck_assert_uint_eq(lstm_model_n_tensors(model), 4);
    ck_assert_uint_eq(lstm_model_info(model)->n_parameters, 12 + 4 + 8 * 16 + 16);
    ck_assert_uint_eq(lstm_model_info(model)->n_recurrent, 2);
    ck_assert_uint_eq(lstm_model_info(model)->state_size, 16);
    lstm_model_destroy(model);
}
END_TEST

START_TEST(test_reuse_computes_with_one_weight_set_twice)
{
    struct reference_network network = {
        .features = 3,
        .n_layers = 2,
        .layers = {{.kind = REFERENCE_GRU, .name = "cell", .units = 3, .return_sequences = true},
                   {.kind = REFERENCE_GRU, .name = "cell", .units = 3, .reuse = true}},
    };
    reference_init(&network, 71);
    batch_check(&network, 2, (const size_t[]){5, 3}, true, 72);
    reference_release(&network);
}
END_TEST

static const struct {
    const char *layers, *words;
} reuse_error_cases[] = {
    {"{\"type\":\"lstm\",\"name\":\"a\",\"units\":3,\"return_sequences\":true},"
     "{\"type\":\"lstm\",\"name\":\"a\",\"units\":3}",
     "a/kernel already exists"},
    {"{\"type\":\"lstm\",\"name\":\"a\",\"units\":3,\"return_sequences\":true},"
     "{\"type\":\"lstm\",\"name\":\"a\",\"units\":3,\"reuse\":false}",
     "reuse"},
    {"{\"type\":\"lstm\",\"name\":\"a\",\"units\":3,\"reuse\":true}", "a/kernel"},
    {"{\"type\":\"lstm\",\"name\":\"a\",\"units\":3,\"return_sequences\":true},"
     "{\"type\":\"lstm\",\"name\":\"a\",\"units\":4,\"reuse\":true}",
     "[7, 16]"},
    {"{\"type\":\"lstm\",\"name\":\"a\",\"units\":3},"
     "{\"type\":\"dense\",\"name\":\"a\",\"units\":3}",
     "a/kernel already exists"},
};

START_TEST(test_reuse_that_is_missing_or_misplaced_is_refused)
{
    char *json = describe(reuse_error_cases[_i].layers);
    struct lstm_model *model = NULL;
    struct lstm_error error;
    assert_failure(lstm_model_create(json, strlen(json), 1, &model, &error), LSTM_INVALID, &error,
                   reuse_error_cases[_i].words);
    ck_assert_ptr_null(model);
    free(json);
}
END_TEST

static const struct {
    const char *dtype;
    size_t bytes;
    double precision; /* largest relative error of one rounding */
} dtype_cases[] = {{"F32", 4, 0}, {"F64", 8, 0}, {"F16", 2, 0x1p-11}, {"BF16", 2, 0x1p-8}};

static struct lstm_model *save_and_load(const struct lstm_model *model,
                                        const struct temp_folder *folder)
{
    struct lstm_model *loaded = NULL;
    struct lstm_error error;
    assert_ok(lstm_model_save(model, folder->path, &error), &error);
    assert_ok(lstm_model_load(folder->path, &loaded, &error), &error);
    return loaded;
}

START_TEST(test_dtype_is_how_weights_are_stored)
{
    char json[256], path[256], entry[64];
    snprintf(json, sizeof json,
             "{\"format\":\"lstmd-model-1\",\"input\":{\"features\":3},\"dtype\":\"%s\","
             "\"layers\":[{\"type\":\"lstm\",\"name\":\"a\",\"units\":5}]}",
             dtype_cases[_i].dtype);
    struct lstm_model *model = create_model(json, 3);
    struct temp_folder folder;
    temp_folder_create(&folder);
    struct lstm_model *once = save_and_load(model, &folder);
    size_t size;
    char *file = temp_file_read(temp_folder_path(&folder, "weights.safetensors", path), &size);
    size_t n_header = 0;
    for (size_t k = 8; k-- > 0;)
        n_header = n_header << 8 | (uint8_t)file[k];
    ck_assert_uint_eq(size, 8 + n_header + (8 * 20 + 20) * dtype_cases[_i].bytes);
    snprintf(entry, sizeof entry, "\"dtype\":\"%s\"", dtype_cases[_i].dtype);
    ck_assert_ptr_nonnull(memmem(file + 8, n_header, entry, strlen(entry)));
    struct lstm_model *twice = save_and_load(once, &folder);
    const float *original = lstm_model_tensor(model, 0).data;
    const float *rounded = lstm_model_tensor(once, 0).data;
    assert_tensor_float("kernel", rounded, original, 8 * 20, 1e-7, dtype_cases[_i].precision);
    ck_assert((memcmp(rounded, original, 8 * 20 * sizeof *rounded) == 0) ==
              (dtype_cases[_i].precision == 0));
    assert_tensor_identical("kernel", lstm_model_tensor(twice, 0).data, rounded, 8 * 20);
    free(file);
    temp_folder_remove(&folder);
    lstm_model_destroy(model);
    lstm_model_destroy(once);
    lstm_model_destroy(twice);
}
END_TEST

static void train(const struct lstm_model *model, const char *swap_folder,
                  const struct lstm_examples *examples, struct lstm_model **trained)
{
    struct lstm_trainer_options options = {.swap_folder = swap_folder};
    struct lstm_trainer *trainer = NULL;
    struct lstm_training_result result;
    struct lstm_error error;
    assert_ok(lstm_trainer_create(model, &options, &trainer, &error), &error);
    for (int step = 0; step < 3; step++)
        assert_ok(lstm_trainer_step(trainer, examples, &result, &error), &error);
    assert_ok(lstm_trainer_snapshot(trainer, trained, &error), &error);
    lstm_trainer_destroy(trainer);
}

START_TEST(test_swap_memory_trains_to_the_same_bits)
{
    struct reference_network network = {
        .features = 3,
        .n_layers = 3,
        .layers = {{.kind = REFERENCE_LSTM,
                    .name = "a",
                    .units = 9,
                    .forget_bias = 1,
                    .return_sequences = true},
                   {.kind = REFERENCE_GRU, .name = "b", .units = 5},
                   {.kind = REFERENCE_DENSE, .name = "out", .units = 3, .activation = "softmax"}},
    };
    reference_init(&network, 73);
    struct lstm_model *model = build_model(&network, NULL), *swapped = NULL, *kept = NULL;
    struct batch batch;
    struct temp_folder folder;
    temp_folder_create(&folder);
    batch_init(&batch, &network, 4, (const size_t[]){30, 7, 1, 12}, true, 74);
    struct lstm_examples examples = batch_examples(&batch);
    train(model, folder.path, &examples, &swapped);
    train(model, NULL, &examples, &kept);
    for (size_t k = 0; k < lstm_model_n_tensors(model); k++) {
        struct lstm_tensor tensor = lstm_model_tensor(kept, k);
        size_t n = tensor.shape[0] * (tensor.rank == 2 ? tensor.shape[1] : 1);
        assert_tensor_identical(tensor.name, lstm_model_tensor(swapped, k).data, tensor.data, n);
    }
    temp_folder_remove(&folder);
    batch_release(&batch);
    lstm_model_destroy(kept);
    lstm_model_destroy(swapped);
    lstm_model_destroy(model);
    reference_release(&network);
}
END_TEST

START_TEST(test_swap_memory_into_a_folder_that_is_not_there_is_an_error)
{
    struct lstm_model *model =
        create_from_layers("{\"type\":\"lstm\",\"units\":4},{\"type\":\"dense\",\"units\":2,"
                           "\"activation\":\"softmax\"}");
    struct lstm_trainer_options options = {.swap_folder = "/nonexistent/folder"};
    struct lstm_trainer *trainer = NULL;
    struct lstm_training_result result;
    struct lstm_error error;
    const float input[] = {1, 2, 3}, target[] = {0, 1};
    struct lstm_sequence sequence = {.input = input, .steps = 1};
    struct lstm_examples examples = {&sequence, target, NULL, 1};
    enum lstm_status status = lstm_trainer_create(model, &options, &trainer, &error);
    if (status == LSTM_OK)
        status = lstm_trainer_step(trainer, &examples, &result, &error);
    assert_failure(status, LSTM_IO, &error, "/nonexistent/folder");
    lstm_trainer_destroy(trainer);
    lstm_model_destroy(model);
}
END_TEST

Suite *suite_cell_parameters(void)
{
    Suite *suite = suite_create("cell_parameters");
    TCase *parameters = tcase_create("parameters");
    suite_add_tcase(suite, parameters);
    tcase_add_loop_test(parameters, test_lstm_parameters_default_to_forget_bias_1_and_tanh, 0,
                        N_CASES(default_cases));
    tcase_add_loop_test(parameters, test_num_units_gives_the_tensors_and_the_state_their_shapes, 0,
                        N_CASES(unit_cases));
    tcase_add_loop_test(parameters, test_name_is_the_prefix_of_the_tensors, 0, N_CASES(name_cases));
    tcase_add_test(parameters, test_reuse_shares_the_weights_of_the_layer_of_that_name);
    tcase_add_test(parameters, test_reuse_computes_with_one_weight_set_twice);
    tcase_add_loop_test(parameters, test_reuse_that_is_missing_or_misplaced_is_refused, 0,
                        N_CASES(reuse_error_cases));
    tcase_add_loop_test(parameters, test_dtype_is_how_weights_are_stored, 0, N_CASES(dtype_cases));
    tcase_add_test(parameters, test_swap_memory_trains_to_the_same_bits);
    tcase_add_test(parameters, test_swap_memory_into_a_folder_that_is_not_there_is_an_error);
    return suite;
}
