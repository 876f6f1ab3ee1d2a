/* test_keras.c: whole models of every generation of Keras give what Keras computes
 * (tests/data/keras, made by tests/tools/make_keras_goldens.py). SPDX-License-Identifier:
 * Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/assert_tensor.h"
#include "tests/support/cases.h"
#include "tests/support/import_golden.h"
#include "tests/support/suites.h"
#include "tests/support/temp_folder.h"

Suite *suite_keras(void);

static const struct {
    const char *name, *format;
} cases[] = {
    {"cudnn_gru", "keras-h5"},
    {"keras3_state_h", "keras-h5"},
    {"keras3_mask_zero", "keras-h5"},
    {"keras3_masking", "keras-h5"},
    {"keras3_average_pooling", "keras-h5"},
    {"tf_max_pooling", "keras-h5"},
    {"tf_norm", "keras-h5"},
    {"keras3_norm.keras", "keras"},
    {"tf_names", "keras-h5"},
    {"tf_noise", "keras-h5"},
    {"tf_outputs_states", "keras-h5"},
    {"tf_state_h", "keras-h5"},
    {"cudnn_lstm", "keras-h5"},
    {"keras1_gru", "keras-h5"},
    {"keras1_lstm", "keras-h5"},
    {"keras2_lstm_layers", "keras-h5"},
    {"keras2_sigmoid", "keras-h5"},
    {"keras3.keras", "keras"},
    {"keras3_deflated.keras", "keras"},
    {"keras3_h5_split", "keras-h5"},
    {"packed_big_endian", "keras-h5"},
    {"tf_activation_layer", "keras-h5"},
    {"tf_backwards", "keras-h5"},
    {"tf_bidirectional", "keras-h5"},
    {"tf_embedding_masked", "keras-h5"},
    {"tf_functional_masking", "keras-h5"},
    {"tf_gru_reset_after", "keras-h5"},
    {"tf_gru_reset_before", "keras-h5"},
};

static struct lstm_source *open_case(const char *name)
{
    char path[128];
    struct lstm_source *source;
    struct lstm_error error;
    snprintf(path, sizeof path, "tests/data/keras/%s", name);
    assert_ok(lstm_source_open(path, NULL, &source, &error), &error);
    return source;
}

static struct lstm_model *model_of(struct lstm_source *source)
{
    struct lstm_model *model;
    struct lstm_error error;
    assert_ok(lstm_source_model(source, NULL, &model, &error), &error);
    return model;
}

START_TEST(test_file_of_keras_predicts_as_keras)
{
    struct lstm_source *source = open_case(cases[_i].name);
    ck_assert_str_eq(lstm_source_name(source), cases[_i].format);
    struct lstm_model *model = model_of(source);
    import_golden_compare(model, "../keras/goldens.json", cases[_i].name);
    lstm_model_destroy(model);
    lstm_source_destroy(source);
}
END_TEST

static const struct {
    const char *name, *words;
} notes[] = {
    {"cudnn_lstm", "CuDNN"},
    {"tf_outputs_states", "the first of 3 is served"},
    {"tf_noise", "layer channels (SpatialDropout1D) is for training only"},
    {"tf_noise", "layer noise (GaussianNoise) is for training only"},
    {"tf_noise", "layer factors (GaussianDropout) is for training only"},
    {"tf_noise", "layer alpha (AlphaDropout) is for training only"},
    {"tf_noise", "layer cost (ActivityRegularization) is for training only"},
    {"tf_noise", "layer groups (Dropout) is for training only"},
};

START_TEST(test_what_a_keras_file_does_not_say_is_noted)
{
    struct lstm_source *source = open_case(notes[_i].name);
    lstm_model_destroy(model_of(source));
    ck_assert_msg(import_golden_has_note(source, notes[_i].words), "no note has '%s'",
                  notes[_i].words);
    lstm_source_destroy(source);
}
END_TEST

/* ---- Refusals ------------------------------------------------------------------------------- */

/* A file's bytes with each `from` replaced by `to`, of the same length: new (free()). */
static char *changed(const char *name, const char *from, const char *to, size_t *n)
{
    char path[128];
    snprintf(path, sizeof path, "tests/data/keras/%s", name);
    char *bytes = temp_file_read(path, n);
    size_t found = 0;
    ck_assert_uint_eq(strlen(from), strlen(to));
    for (char *at = bytes; (at = memmem(at, *n - (size_t)(at - bytes), from, strlen(from))) != NULL;
         found++)
        memcpy(at, to, strlen(to));
    ck_assert_msg(found > 0, "%s has no %s", name, from);
    return bytes;
}

START_TEST(test_functional_model_without_outputs_gives_its_last_layer)
{
    size_t n;
    struct lstm_error error;
    char *bytes = changed("tf_state_h", "output_layers", "output_livers", &n);
    ck_assert_int_eq(import_golden_try(bytes, n, &error), LSTM_OK);
    free(bytes);
}
END_TEST

static const struct {
    const char *name, *from, *to;
    enum lstm_status status;
    const char *words;
} refusals[] = {
    {"keras2_sigmoid", "Dropout", "Flatten", LSTM_UNSUPPORTED, "'drop' (Flatten): lstmd has no"},
    {"keras2_sigmoid", "\"tanh\"", "\"gelu\"", LSTM_UNSUPPORTED, "activation 'gelu'"},
    {"keras2_sigmoid", "Sequential", "Subclassed", LSTM_UNSUPPORTED, "class 'Subclassed'"},
    {"keras2_sigmoid", "\"layers\"", "\"livers\"", LSTM_INVALID, "no list of layers"},
    {"keras2_sigmoid", "\"net\"", "\"net'", LSTM_INVALID, "model_config: not JSON"},
    {"keras2_sigmoid", "recurrent_kernel", "recurrent_kernal", LSTM_UNSUPPORTED, "has a weight"},
    {"tf_bidirectional", "concat", "stacks", LSTM_UNSUPPORTED, "merge_mode must be"},
    {"tf_activation_layer", "Softmax", "MaxNorm", LSTM_UNSUPPORTED, "(MaxNorm)"},
    {"tf_functional_masking", "[[\"masking\"", "[[\"input_1\"", LSTM_UNSUPPORTED, "feeds 2 others"},
    {"tf_functional_masking", "[[\"masking\"", "[[\"nowhere\"", LSTM_UNSUPPORTED, "feeds 0 others"},
    {"no_keras", "values", "arrays", LSTM_UNSUPPORTED, "it is no file of Keras"},
    {"weights_only", "recurrent_kernel", "recurrent_kernal", LSTM_UNSUPPORTED, "--layers"},
    {"tf_state_h", "[\"rnn\", 0, 1, {}]", "[\"rnn\", 0, 2, {}]", LSTM_UNSUPPORTED,
     "'rnn' (LSTM): the model goes on with tensor 2"},
    {"tf_state_h", "[\"rnn\", 0, 1, {}]", "[\"rnn\", 0, 3, {}]", LSTM_INVALID,
     "tensor 3 of layer 'rnn' (LSTM) is read, which gives 3"},
    {"tf_state_h", "[\"rnn\", 0, 1, {}]", "[\"rnn\", 1, 1, {}]", LSTM_UNSUPPORTED,
     "its call 1 is read"},
    {"tf_state_h", "return_state\": true", "return_stale\": true", LSTM_INVALID, "which gives 1"},
    {"tf_state_h", "[[\"out\", 0, 0]]", "[[\"rnn\", 0, 0]]", LSTM_UNSUPPORTED,
     "whose output is layer 'rnn', but whose last layer is 'out'"},
    {"tf_state_h", "[[\"out\", 0, 0]]", "[[           ]]", LSTM_INVALID, "names no layer"},
    {"tf_outputs_states", "[\"rnn\", 0, 1]", "[\"rnn\", 0, 0]", LSTM_UNSUPPORTED,
     "Keras model with 3 outputs; one is supported"},
    {"tf_outputs_states", "[\"rnn\", 0, 1]", "[\"nnn\", 0, 1]", LSTM_UNSUPPORTED,
     "Keras model with 3 outputs; one is supported"},
    {"tf_outputs_states", "[\"rnn\", 0, 0]", "[\"rnn\", 0, 2]", LSTM_UNSUPPORTED,
     "goes on with tensor 2"},
    {"keras3_state_h", "\"mask\": null", "\"mask\": [ 1]", LSTM_UNSUPPORTED,
     "is called with 'mask', which is not supported: put a Masking layer"},
    {"keras3_state_h", "\"mask\": null", "\"task\": true", LSTM_UNSUPPORTED,
     "is called with 'task', which is not supported: build the model without"},
    {"keras3_mask_zero", "\"mask_zero\": true", "\"mask_zerr\": true", LSTM_UNSUPPORTED,
     "'rnn' (LSTM) is called with 'mask'"},
    {"keras3_mask_zero", "}}, 0]", "}}, 1]", LSTM_UNSUPPORTED,
     "'rnn' (LSTM) is called with 'mask'"},
    {"keras3_mask_zero", "}}, 0]", "}},\"\"]", LSTM_UNSUPPORTED, "is called with 'mask'"},
    {"keras3_mask_zero", "[\"not_equal\"", "[\"not_there\"", LSTM_UNSUPPORTED,
     "is called with 'mask'"},
    {"keras3_mask_zero", "NotEqual", "Negative", LSTM_UNSUPPORTED, "is called with 'mask'"},
    {"keras3_masking", "\"axis\": -1", "\"axis\": 1 ", LSTM_UNSUPPORTED, "is called with 'mask'"},
    {"keras3_masking", "}}, -1.0]", "}}, -2.0]", LSTM_UNSUPPORTED, "is called with 'mask'"},
    {"keras3_masking", "\"keepdims\": false", "\"keepdims\": true ", LSTM_UNSUPPORTED,
     "is called with 'mask'"},
    {"keras3_average_pooling", "\"GlobalAveragePooling1D\"", "\"GlobalMaxPooling1D\"    ",
     LSTM_UNSUPPORTED, "'pool' (GlobalMaxPooling1D)"},
    {"tf_norm", "\"axis\": [-1]", "\"axis\": [-2]", LSTM_UNSUPPORTED, "only an axis of features"},
    {"tf_norm", "\"axis\": [-1]", "\"axis\": [2] ", LSTM_UNSUPPORTED, "only an axis of features"},
    {"tf_norm", "\"axis\": [-1]", "\"axis\": null", LSTM_UNSUPPORTED, "only an axis of features"},
    {"tf_norm", "moving_mean", "moving_meat", LSTM_FORMAT, "the file has no moving_mean of it"},
    {"tf_norm", "\"epsilon\": 0.01", "\"epsilon\": -9.0", LSTM_FORMAT, "is no variance"},
    {"tf_max_pooling", "channels_last", "channels_frst", LSTM_UNSUPPORTED, "data_format"},
    {"tf_max_pooling", "\"keepdims\": false", "\"keepdims\": true ", LSTM_UNSUPPORTED, "keepdims"},
    {"keras3_state_h", "keras_history", "keras_mystery", LSTM_UNSUPPORTED,
     "is called with values beside"},
    {"keras3.keras", "Dropout", "Flatten", LSTM_FORMAT, "checksum"},
    {"keras3.keras", "model.weights.h5", "model.weightz.h5", LSTM_UNSUPPORTED, "no known format"},
    {"keras3.keras", "config.json", "konfig.json", LSTM_FORMAT, "no config.json"},
    {"tf_backwards", "\"return_sequences\": false", "\"return_sequences\": true ", LSTM_UNSUPPORTED,
     "go_backwards with return_sequences"},
    {"tf_backwards", "TREE", "FREE", LSTM_FORMAT, "the tree of '/' is damaged"},
    {"tf_backwards", "SNOD", "KNOD", LSTM_FORMAT, "the symbol table of '/' is damaged"},
    {"tf_backwards", "HEAP", "LEAP", LSTM_FORMAT, "the heap of '/' is damaged"},
};

START_TEST(test_what_keras_files_cannot_have_is_refused_with_a_sentence)
{
    size_t n;
    struct lstm_error error;
    char *bytes = changed(refusals[_i].name, refusals[_i].from, refusals[_i].to, &n);
    ck_assert_int_eq(import_golden_try(bytes, n, &error), refusals[_i].status);
    ck_assert_msg(strstr(error.text, refusals[_i].words) != NULL, "%s: %s", refusals[_i].to,
                  error.text);
    free(bytes);
}
END_TEST

/* ---- Damage --------------------------------------------------------------------------------- */

static const char *const damaged[] = {"keras2_sigmoid",  "packed_big_endian",
                                      "keras3_h5_split", "keras3_weights",
                                      "keras3.keras",    "keras3_deflated.keras"};

/* Memory of exactly n bytes, so that the sanitizer sees a step beyond. */
START_TEST(test_cut_keras_file_is_refused)
{
    char path[128];
    size_t n;
    struct lstm_error error;
    snprintf(path, sizeof path, "tests/data/keras/%s", damaged[_i]);
    char *whole = temp_file_read(path, &n);
    for (size_t cut = 0; cut < n; cut += 61) {
        char *bytes = malloc(cut + (cut == 0));
        ck_assert_ptr_nonnull(bytes);
        memcpy(bytes, whole, cut);
        ck_assert_msg(import_golden_try(bytes, cut, &error) != LSTM_OK, "%s: %zu of %zu bytes",
                      damaged[_i], cut, n);
        free(bytes);
    }
    free(whole);
}
END_TEST

START_TEST(test_flipped_bits_of_a_keras_file_never_crash)
{
    char path[128];
    size_t n, n_refused = 0;
    struct lstm_error error;
    snprintf(path, sizeof path, "tests/data/keras/%s", damaged[_i]);
    char *bytes = temp_file_read(path, &n);
    for (size_t at = 0; at < n; at += 11) {
        const char was = bytes[at];
        bytes[at] = (char)(was ^ (1 << at % 8));
        n_refused += import_golden_try(bytes, n, &error) != LSTM_OK;
        bytes[at] = was;
    }
    ck_assert_uint_gt(n_refused, 0);
    free(bytes);
}
END_TEST

Suite *suite_keras(void)
{
    Suite *suite = suite_create("keras");
    TCase *tcase = tcase_create("keras");
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, test_file_of_keras_predicts_as_keras, 0, N_CASES(cases));
    tcase_add_loop_test(tcase, test_what_a_keras_file_does_not_say_is_noted, 0, N_CASES(notes));
    tcase_add_test(tcase, test_functional_model_without_outputs_gives_its_last_layer);
    tcase_add_loop_test(tcase, test_what_keras_files_cannot_have_is_refused_with_a_sentence, 0,
                        N_CASES(refusals));
    tcase_add_loop_test(tcase, test_cut_keras_file_is_refused, 0, N_CASES(damaged));
    tcase_add_loop_test(tcase, test_flipped_bits_of_a_keras_file_never_crash, 0, N_CASES(damaged));
    suite_add_tcase(suite, tcase);
    return suite;
}
