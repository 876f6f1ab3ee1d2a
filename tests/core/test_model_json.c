/* test_model_json.c: descriptions of models: what they say, what is refused, and the round trip
 * through a folder. SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/assert_tensor.h"
#include "tests/support/cases.h"
#include "tests/support/model_builder.h"
#include "tests/support/temp_folder.h"

Suite *suite_model_json(void);

#define HEAD "{\"format\":\"lstmd-model-1\",\"input\":{\"features\":4},"
#define LSTM "{\"type\":\"lstm\",\"name\":\"a\",\"units\":3}"
#define SEQ  "{\"type\":\"lstm\",\"name\":\"a\",\"units\":3,\"return_sequences\":true}"
#define ONE  "\"layers\":[" LSTM "]"

/* A layer with these keys instead, alone. */
#define LAYER(text) HEAD "\"layers\":[{" text "}]}"
/* A whole input or training object, over one good layer. */
#define INPUT(text)    "{\"format\":\"lstmd-model-1\",\"input\":" text "," ONE "}"
#define TRAINING(text) HEAD ONE ",\"training\":" text "}"

/* A description, and what its error must say. */
static const struct {
    const char *json, *words;
} bad_cases[] = {
    {"", ""},
    {"{", "line 1"},
    {"null", "null"},
    {"[]", "an array"},
    {"\"lstm\"", ""},
    {"{}", "missing"},
    {HEAD ONE "} x", "line 1"},
    {HEAD ONE "}{}", "line 1"},
    {HEAD ONE "," ONE "}", "layers"},
    {"\xff\xfe", ""},
    {HEAD "\"labels\":[\"\xc3\x28\"]," ONE "}", "decode"},
    {"{\"input\":{\"features\":4}," ONE "}", "format"},
    {"{\"format\":\"lstmd-model-2\",\"input\":{\"features\":4}," ONE "}", "lstmd-model-2"},
    {"{\"format\":1,\"input\":{\"features\":4}," ONE "}", "format"},
    {"{\"format\":\"lstmd-model-1\"," ONE "}", "input"},
    {HEAD ONE ",\"inputs\":{}}", "inputs"},
    {HEAD ONE ",\"Labels\":[]}", "Labels"},
    {HEAD ONE ",\"dtype\":\"I8\"}", "I8"},
    {HEAD ONE ",\"dtype\":32}", "dtype"},
    {INPUT("[4]"), "input"},
    {INPUT("{}"), "features"},
    {INPUT("{\"features\":0}"), "features"},
    {INPUT("{\"features\":-4}"), "features"},
    {INPUT("{\"features\":4.0}"), "features"},
    {INPUT("{\"features\":\"4\"}"), "features"},
    {INPUT("{\"features\":null}"), "features"},
    {INPUT("{\"features\":99999999999999999999}"), ""},
    {INPUT("{\"features\":4,\"steps\":-1}"), "steps"},
    {INPUT("{\"features\":4,\"steps\":\"any\"}"), "steps"},
    {INPUT("{\"features\":4,\"steps\":2.5}"), "steps"},
    {INPUT("{\"features\":4,\"scale\":\"1/255\"}"), "scale"},
    {INPUT("{\"features\":4,\"scale\":1e300}"), "scale"},
    {INPUT("{\"features\":4,\"step\":28}"), "step"},
    {HEAD "\"layers\":[]}", "layers"},
    {HEAD "\"layers\":{}}", "layers"},
    {HEAD "\"layers\":[3]}", "layers[0]"},
    {HEAD "\"layers\":[{\"type\":\"dense\",\"units\":2}]}", "lstm or gru"},
    {LAYER("\"name\":\"a\",\"units\":3"), "type"},
    {LAYER("\"type\":\"rnn\",\"name\":\"a\",\"units\":3"), "type"},
    {LAYER("\"type\":7,\"name\":\"a\",\"units\":3"), "type"},
    {LAYER("\"type\":\"lstm\",\"name\":\"a\""), "units"},
    {LAYER("\"type\":\"lstm\",\"name\":\"a\",\"units\":0"), "units"},
    {LAYER("\"type\":\"lstm\",\"name\":\"a\",\"units\":-1"), "units"},
    {LAYER("\"type\":\"lstm\",\"name\":\"a\",\"units\":1.5"), "units"},
    {LAYER("\"type\":\"lstm\",\"name\":\"a\",\"units\":true"), "units"},
    {LAYER("\"type\":\"lstm\",\"name\":\"a\",\"units\":1000000000000"), "units"},
    {LAYER("\"type\":\"lstm\",\"name\":\"a\",\"units\":1000000"), "a/kernel"},
    {LAYER("\"type\":\"lstm\",\"units\":3,\"use_peepholes\":1"), "use_peepholes: expected true"},
    {LAYER("\"type\":\"lstm\",\"units\":3,\"num_proj\":-1"), "num_proj"},
    {LAYER("\"type\":\"lstm\",\"units\":3,\"num_proj\":1048577"), "num_proj"},
    {LAYER("\"type\":\"lstm\",\"units\":3,\"cell_clip\":-1"), "cell_clip: expected 0 to"},
    {LAYER("\"type\":\"lstm\",\"units\":3,\"cell_clip\":1e39"), "cell_clip"},
    {LAYER("\"type\":\"lstm\",\"units\":3,\"proj_clip\":2"),
     "layers[0].proj_clip: expected 0 or none, as without num_proj there is no projection to clip, "
     "found 2"},
    {LAYER("\"type\":\"lstm\",\"units\":3,\"reset_after\":true"), "reset_after: unknown key"},
    {LAYER("\"type\":\"lstm\",\"units\":3,\"recurrent_activation\":\"softmax\""), "softmax"},
    {LAYER("\"type\":\"gru\",\"units\":3,\"num_proj\":2"), "num_proj: unknown key"},
    {LAYER("\"type\":\"gru\",\"units\":3,\"reset_after\":\"yes\""), "reset_after"},
    {LAYER("\"type\":\"gru\",\"units\":3,\"recurrent_activation\":\"gelu\""),
     "'gelu' is unknown; expected one of: linear, tanh, sigmoid, relu, relu6, hard_sigmoid, "
     "hard_sigmoid_keras3, softsign, softplus, elu, selu, exponential"},
    {LAYER("\"type\":\"lstm\",\"name\":\"\",\"units\":3"), "name"},
    {LAYER("\"type\":\"lstm\",\"name\":null,\"units\":3"), "name"},
    {LAYER("\"type\":\"lstm\",\"name\":\"a b\",\"units\":3"), "a b"},
    {LAYER("\"type\":\"lstm\",\"name\":\"a\\\"b\",\"units\":3"), "name"},
    {LAYER("\"type\":\"lstm\",\"name\":\"a\\u0000b\",\"units\":3"), ""},
    {LAYER("\"type\":\"lstm\",\"name\":\"a\",\"units\":3,\"forget_bais\":1"), "forget_bais"},
    {LAYER("\"type\":\"lstm\",\"name\":\"a\",\"units\":3,\"forget_bias\":\"1\""), "forget_bias"},
    {LAYER("\"type\":\"lstm\",\"name\":\"a\",\"units\":3,\"forget_bias\":null"), "forget_bias"},
    {LAYER("\"type\":\"gru\",\"name\":\"a\",\"units\":3,\"forget_bias\":1"), "forget_bias"},
    {LAYER("\"type\":\"lstm\",\"name\":\"a\",\"units\":3,\"activation\":\"Tanh\""), "Tanh"},
    {LAYER("\"type\":\"lstm\",\"name\":\"a\",\"units\":3,\"activation\":\"softmax\""), "softmax"},
    {LAYER("\"type\":\"gru\",\"name\":\"a\",\"units\":3,\"activation\":\"softmax\""), "softmax"},
    {LAYER("\"type\":\"lstm\",\"name\":\"a\",\"units\":3,\"return_sequences\":1"),
     "return_sequences"},
    {LAYER("\"type\":\"lstm\",\"name\":\"a\",\"units\":3,\"reuse\":\"yes\""), "reuse"},
    {LAYER("\"type\":\"lstm\",\"name\":\"a\",\"units\":3,\"kernel_initializer\":\"zeros\""),
     "kernel_initializer"},
    {LAYER("\"type\":\"lstm\",\"name\":\"a\",\"units\":3,\"kernel_initializer\":{}"), "type"},
    {LAYER("\"type\":\"lstm\",\"name\":\"a\",\"units\":3,"
           "\"kernel_initializer\":{\"type\":\"zeros\"}"),
     "zeros"},
    {LAYER("\"type\":\"lstm\",\"name\":\"a\",\"units\":3,"
           "\"bias_initializer\":{\"type\":\"truncated_normal\",\"stddev\":-1}"),
     "stddev"},
    {LAYER("\"type\":\"lstm\",\"name\":\"a\",\"units\":3,"
           "\"bias_initializer\":{\"type\":\"constant\",\"valu\":1}"),
     "valu"},
    {HEAD "\"layers\":[" LSTM "," LSTM "]}", "layers[0].return_sequences"},
    {HEAD "\"layers\":[" LSTM ",{\"type\":\"gru\",\"name\":\"b\",\"units\":2}]}",
     "layers[0].return_sequences"},
    {HEAD "\"layers\":[" SEQ "," LSTM "]}", "a/kernel"},
    {HEAD "\"layers\":[" LSTM ",{\"type\":\"dense\",\"name\":\"d\"}]}", "layers[1].units"},
    {HEAD "\"layers\":[" LSTM ",{\"type\":\"dense\",\"units\":2,\"return_sequences\":true}]}",
     "return_sequences"},
    {HEAD "\"layers\":[" LSTM ",{\"type\":\"dense\",\"units\":2,\"activation\":\"gelu\"}]}",
     "gelu"},
    {HEAD "\"layers\":[" LSTM ",{\"type\":\"dropout\"}]}", "rate"},
    {HEAD "\"layers\":[" LSTM ",{\"type\":\"dropout\",\"rate\":1}]}", "rate"},
    {HEAD "\"layers\":[" LSTM ",{\"type\":\"dropout\",\"rate\":-0.1}]}", "rate"},
    {HEAD "\"layers\":[" LSTM ",{\"type\":\"dropout\",\"rate\":0.5,\"units\":3}]}", "units"},
    {HEAD "\"layers\":[" SEQ
          ",{\"type\":\"embedding\",\"name\":\"e\",\"units\":2,\"vocabulary\":9}]}",
     "embedding"},
    {HEAD "\"layers\":[{\"type\":\"embedding\",\"name\":\"e\",\"units\":2,\"vocabulary\":9}," LSTM
          "]}",
     "features"},
    {HEAD "\"layers\":[{\"type\":\"embedding\",\"name\":\"e\",\"units\":2}," LSTM "]}",
     "vocabulary"},
    {HEAD ONE ",\"labels\":{}}", "labels"},
    {HEAD ONE ",\"labels\":[\"a\",\"b\"]}", "labels"},
    {HEAD ONE ",\"labels\":[\"a\",\"b\",3]}", "labels[2]"},
    {TRAINING("[]"), "training"},
    {TRAINING("{\"loss\":\"hinge\"}"), "hinge"},
    {TRAINING("{\"optimizer\":\"rmsprop\"}"), "rmsprop"},
    {TRAINING("{\"learning_rate\":-1}"), "learning_rate"},
    {TRAINING("{\"learning_rate\":\"fast\"}"), "learning_rate"},
    {TRAINING("{\"beta1\":1}"), "beta1"},
    {TRAINING("{\"beta2\":1.5}"), "beta2"},
    {TRAINING("{\"epsilon\":-1e-8}"), "epsilon"},
    {TRAINING("{\"clip_norm\":-1}"), "clip_norm"},
    {TRAINING("{\"clipnorm\":1}"), "clipnorm"},
};

START_TEST(test_bad_description_is_refused_with_a_sentence_that_names_the_fault)
{
    const char *json = bad_cases[_i].json;
    struct lstm_model *model = NULL;
    struct lstm_error error = {.text = ""};
    enum lstm_status status = lstm_model_create(json, strlen(json), 1, &model, &error);
    ck_assert_msg(status != LSTM_OK, "accepted: %s", json);
    assert_failure(status, LSTM_INVALID, &error, bad_cases[_i].words);
    ck_assert_msg(error.text[0] != '\0', "no sentence for %s", json);
    ck_assert_ptr_null(model);
}
END_TEST

/* The error is optional. */
START_TEST(test_bad_description_without_an_error_to_fill_is_refused)
{
    struct lstm_model *model = NULL;
    const char *json = bad_cases[_i].json;
    ck_assert_int_eq(lstm_model_create(json, strlen(json), 1, &model, NULL), LSTM_INVALID);
    ck_assert_ptr_null(model);
}
END_TEST

static const char *const good_cases[] = {
    HEAD ONE "}",
    " \r\n\t" HEAD ONE "}\n ",
    INPUT("{\"steps\":null,\"features\":4,\"scale\":0.00392156862745098}"),
    INPUT("{\"steps\":28,\"features\":4}"),
    HEAD ONE ",\"dtype\":\"BF16\"}",
    HEAD ONE ",\"labels\":[\"\\u00e4\",\"\",\"c\"]}",
    TRAINING("{}"),
    HEAD "\"layers\":[" SEQ ",{\"type\":\"dropout\",\"rate\":0,\"name\":\"d\"}]}",
};

START_TEST(test_good_description_is_accepted)
{
    lstm_model_destroy(create_model(good_cases[_i], 1));
}
END_TEST

START_TEST(test_description_is_not_read_beyond_its_length)
{
    static const char json[] = HEAD ONE "}";
    size_t n = sizeof json - 1;
    char *exact = malloc(n);
    ck_assert_ptr_nonnull(exact);
    memcpy(exact, json, n);
    struct lstm_model *model = NULL;
    struct lstm_error error;
    assert_ok(lstm_model_create(exact, n, 1, &model, &error), &error);
    free(exact);
    lstm_model_destroy(model);
}
END_TEST

START_TEST(test_every_truncation_of_a_description_is_refused)
{
    static const char json[] = HEAD ONE ",\"training\":{\"loss\":\"mean_squared_error\"}}";
    for (size_t n = 0; n < sizeof json - 1; n++) {
        struct lstm_model *model = NULL;
        struct lstm_error error;
        assert_failure(lstm_model_create(json, n, 1, &model, &error), LSTM_INVALID, &error, "");
    }
}
END_TEST

static const char full_json[] =
    "{\"format\":\"lstmd-model-1\",\"input\":{\"steps\":6,\"features\":4,\"scale\":0.5},"
    "\"layers\":[" LSTM ",{\"type\":\"dense\",\"name\":\"d\",\"units\":2,"
    "\"activation\":\"softmax\"}],\"labels\":[\"no\",\"yes\"],"
    "\"training\":{\"loss\":\"softmax_cross_entropy_on_softmax\",\"optimizer\":\"sgd\","
    "\"learning_rate\":0.25,\"beta1\":0.5,\"beta2\":0.75,\"epsilon\":1e-4,\"clip_norm\":5}}";

static void check_full_info(const struct lstm_model_info *info)
{
    ck_assert_uint_eq(info->steps, 6);
    ck_assert_uint_eq(info->features, 4);
    ck_assert_uint_eq(info->vocabulary, 0);
    ck_assert(info->scale == 0.5F);
    ck_assert_uint_eq(info->output_size, 2);
    ck_assert(!info->output_is_sequence);
    ck_assert(info->output_is_softmax);
    ck_assert_uint_eq(info->rnn_output_size, 3);
    ck_assert_uint_eq(info->n_parameters, 7 * 12 + 12 + 6 + 2);
    ck_assert_uint_eq(info->n_labels, 2);
    ck_assert_str_eq(info->labels[0], "no");
    ck_assert_str_eq(info->labels[1], "yes");
    ck_assert_int_eq(info->training.loss, LSTM_SOFTMAX_CROSS_ENTROPY_ON_SOFTMAX);
    ck_assert_int_eq(info->training.optimizer, LSTM_SGD);
    ck_assert_double_eq(info->training.learning_rate, 0.25);
    ck_assert_double_eq(info->training.beta1, 0.5);
    ck_assert_double_eq(info->training.beta2, 0.75);
    ck_assert_double_eq(info->training.epsilon, 1e-4);
    ck_assert_double_eq(info->training.clip_norm, 5);
}

START_TEST(test_description_says_what_the_model_is)
{
    struct lstm_model *model = create_model(full_json, 1);
    check_full_info(lstm_model_info(model));
    lstm_model_destroy(model);
}
END_TEST

START_TEST(test_description_without_training_has_the_defaults_of_tensorflow)
{
    struct lstm_model *model = create_model(HEAD ONE "}", 1);
    const struct lstm_model_info *info = lstm_model_info(model);
    ck_assert_uint_eq(info->steps, 0);
    ck_assert(info->scale == 1.0F);
    ck_assert_uint_eq(info->n_labels, 0);
    ck_assert_int_eq(info->training.loss, LSTM_SOFTMAX_CROSS_ENTROPY);
    ck_assert_int_eq(info->training.optimizer, LSTM_ADAM);
    ck_assert_double_eq(info->training.learning_rate, 0.001);
    ck_assert_double_eq(info->training.beta1, 0.9);
    ck_assert_double_eq(info->training.beta2, 0.999);
    ck_assert_double_eq(info->training.epsilon, 1e-8);
    ck_assert_double_eq(info->training.clip_norm, 0);
    lstm_model_destroy(model);
}
END_TEST

START_TEST(test_model_saved_and_loaded_is_the_same_model)
{
    struct lstm_model *model = create_model(full_json, 1), *loaded = NULL;
    struct temp_folder folder;
    struct lstm_error error;
    temp_folder_create(&folder);
    assert_ok(lstm_model_save(model, folder.path, &error), &error);
    assert_ok(lstm_model_load(folder.path, &loaded, &error), &error);
    check_full_info(lstm_model_info(loaded));
    ck_assert(lstm_model_same_architecture(model, loaded));
    ck_assert_uint_eq(lstm_model_n_tensors(loaded), 4);
    for (size_t k = 0; k < 4; k++) {
        struct lstm_tensor want = lstm_model_tensor(model, k);
        size_t n = want.shape[0] * (want.rank == 2 ? want.shape[1] : 1);
        ck_assert_str_eq(lstm_model_tensor(loaded, k).name, want.name);
        assert_tensor_identical(want.name, lstm_model_tensor(loaded, k).data, want.data, n);
    }
    temp_folder_remove(&folder);
    lstm_model_destroy(model);
    lstm_model_destroy(loaded);
}
END_TEST

START_TEST(test_loading_from_a_folder_without_files_is_not_found)
{
    struct lstm_model *model = create_model(full_json, 1), *loaded = NULL;
    struct temp_folder folder;
    struct lstm_error error;
    char path[256];
    temp_folder_create(&folder);
    assert_failure(lstm_model_load(folder.path, &loaded, &error), LSTM_NOT_FOUND, &error,
                   "model.json");
    assert_ok(lstm_model_save(model, folder.path, &error), &error);
    ck_assert_int_eq(remove(temp_folder_path(&folder, "weights.safetensors", path)), 0);
    assert_failure(lstm_model_load(folder.path, &loaded, &error), LSTM_NOT_FOUND, &error,
                   "weights.safetensors");
    ck_assert_ptr_null(loaded);
    temp_folder_remove(&folder);
    assert_failure(lstm_model_load("/nonexistent", &loaded, &error), LSTM_NOT_FOUND, &error,
                   "/nonexistent");
    assert_failure(lstm_model_save(model, "/nonexistent", &error), LSTM_IO, &error, "/nonexistent");
    lstm_model_destroy(model);
}
END_TEST

Suite *suite_model_json(void)
{
    Suite *suite = suite_create("model_json");
    TCase *bad = tcase_create("bad"), *good = tcase_create("good");
    suite_add_tcase(suite, bad);
    suite_add_tcase(suite, good);
    tcase_add_loop_test(bad, test_bad_description_is_refused_with_a_sentence_that_names_the_fault,
                        0, N_CASES(bad_cases));
    tcase_add_loop_test(bad, test_bad_description_without_an_error_to_fill_is_refused, 0,
                        N_CASES(bad_cases));
    tcase_add_test(bad, test_every_truncation_of_a_description_is_refused);
    tcase_add_loop_test(good, test_good_description_is_accepted, 0, N_CASES(good_cases));
    tcase_add_test(good, test_description_is_not_read_beyond_its_length);
    tcase_add_test(good, test_description_says_what_the_model_is);
    tcase_add_test(good, test_description_without_training_has_the_defaults_of_tensorflow);
    tcase_add_test(good, test_model_saved_and_loaded_is_the_same_model);
    tcase_add_test(good, test_loading_from_a_folder_without_files_is_not_found);
    return suite;
}
