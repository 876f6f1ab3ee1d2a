/* test_keras_weights.c: files of Keras' weights alone: which layers there are, in which order, and
 * what they do not tell (tests/data/keras, made by tests/tools/make_keras_goldens.py).
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/assert_tensor.h"
#include "tests/support/cases.h"
#include "tests/support/import_golden.h"
#include "tests/support/suites.h"

Suite *suite_keras_weights(void);

static struct lstm_source *open_case(const char *name)
{
    char path[128];
    struct lstm_source *source;
    struct lstm_error error;
    snprintf(path, sizeof path, "tests/data/keras/%s", name);
    assert_ok(lstm_source_open(path, NULL, &source, &error), &error);
    return source;
}

static const struct {
    const char *name, *output_activation;
} cases[] = {
    {"cntk_gru_weights", "softmax"}, {"keras2_gru_no_bias", NULL},   {"keras3_weights", NULL},
    {"keras3_weights_cycle", NULL},  {"keras3_weights_mixed", NULL}, {"tf_gru_no_bias", NULL},
    {"tf_names_weights", NULL},      {"weights_only", NULL},
};

START_TEST(test_weights_of_keras_predict_as_keras)
{
    const struct lstm_import_options options = {.forget_bias = (double)NAN,
                                                .output_activation = cases[_i].output_activation};
    struct lstm_source *source = open_case(cases[_i].name);
    struct lstm_model *model;
    struct lstm_error error;
    assert_ok(lstm_source_model(source, &options, &model, &error), &error);
    import_golden_compare(model, "../keras/goldens.json", cases[_i].name);
    lstm_model_destroy(model);
    lstm_source_destroy(source);
}
END_TEST

static const struct {
    const char *name, *words;
} notes[] = {
    {"cntk_gru_weights", "hard_sigmoid"},
    {"weights_only", "--recurrent-activation"},
    {"weights_only", "last dense layer"},
    {"weights_only", "--return-sequences"},
    {"tf_names_weights", "merge_mode is taken to be concat"},
    {"tf_gru_no_bias", "reset_after is taken to be true"},
    {"keras2_gru_no_bias", "reset_after is taken to be false"},
    {"keras3_weights_cycle", "order of the layers: lstm,dense; the file does not say it"},
    {"keras3_weights_mixed", "order of the layers: lstm,gru,lstm_1;"},
    {"keras3_weights_cycle", "--layers"},
};

START_TEST(test_what_weights_of_keras_do_not_say_is_noted)
{
    struct lstm_source *source = open_case(notes[_i].name);
    struct lstm_error error;
    assert_ok(lstm_source_recognise(source, NULL, &error), &error);
    ck_assert_msg(import_golden_has_note(source, notes[_i].words), "no note has '%s'",
                  notes[_i].words);
    lstm_source_destroy(source);
}
END_TEST

/* ---- Order ---------------------------------------------------------------------------------- */

START_TEST(test_layers_are_in_the_order_of_layer_names)
{
    struct lstm_source *source = open_case("weights_only");
    ck_assert_str_eq(lstm_source_array(source, 0).name, "z_first/z_first/lstm_cell/kernel:0");
    ck_assert_str_eq(lstm_source_array(source, 3).name, "a_second/a_second/lstm_cell/kernel:0");
    lstm_source_destroy(source);
}
END_TEST

/* What a list of layers makes of a file of weights. */
static enum lstm_status try_layers(const char *name, const char *const *layers, size_t n,
                                   struct lstm_model **model, struct lstm_error *error)
{
    struct lstm_source *source = open_case(name);
    const struct lstm_import_options options = {
        .forget_bias = (double)NAN, .layers = layers, .n_layers = n};
    const enum lstm_status status = lstm_source_model(source, &options, model, error);
    if (status == LSTM_OK)
        ck_assert(!import_golden_has_note(source, "order of the layers"));
    lstm_source_destroy(source);
    return status;
}

START_TEST(test_layers_that_fit_in_two_orders_need_the_option)
{
    static const char *const layers[] = {"lstm", "layers/gru"};
    struct lstm_error error;
    struct lstm_model *model;
    ck_assert_int_eq(try_layers("keras3_weights_open", NULL, 0, &model, &error), LSTM_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(error.text, "--layers says it: gru,lstm, or another"));
    assert_ok(try_layers("keras3_weights_open", layers, 2, &model, &error), &error);
    import_golden_compare(model, "../keras/goldens.json", "keras3_weights_open");
    lstm_model_destroy(model);
}
END_TEST

/* lstm takes 3 values and gives 6, dense the other way round: both orders fit. */
static const struct {
    const char *layers[3];
    size_t n;
    enum lstm_status status;
    const char *words; /* of the error, or the name of the first layer */
} lists[] = {
    {{"dense", "lstm"}, 2, LSTM_OK, "dense"},
    {{"lstm", "dense"}, 2, LSTM_OK, "lstm"},
    {{"lstm"}, 1, LSTM_OK, "lstm"},
    {{"lstm", "lstm"}, 2, LSTM_INVALID, "names 'lstm' twice"},
    {{"lstm", "gru"}, 2, LSTM_INVALID, "'gru' is no layer of the file"},
    {{"lstm", "dense", "dense_1"}, 3, LSTM_INVALID, "names 3 layers; the file has 2"},
};

START_TEST(test_named_layers_run_in_their_order)
{
    struct lstm_error error;
    struct lstm_model *model;
    const enum lstm_status status =
        try_layers("keras3_weights_cycle", lists[_i].layers, lists[_i].n, &model, &error);
    ck_assert_int_eq(status, lists[_i].status);
    if (status != LSTM_OK) {
        ck_assert_msg(strstr(error.text, lists[_i].words) != NULL, "%s", error.text);
        return;
    }
    ck_assert_uint_eq(lstm_model_n_layers(model), lists[_i].n);
    ck_assert_str_eq(lstm_model_layer(model, 0).name, lists[_i].words);
    lstm_model_destroy(model);
}
END_TEST

START_TEST(test_named_layers_of_a_listed_order_may_be_a_part)
{
    static const char *const part[] = {"z_first", "a_second"}, *const wrong[] = {"z_first", "out"};
    struct lstm_error error;
    struct lstm_model *model;
    assert_ok(try_layers("weights_only", part, 2, &model, &error), &error);
    ck_assert_uint_eq(lstm_model_n_layers(model), 2);
    lstm_model_destroy(model);
    ck_assert_int_eq(try_layers("keras3_state_h", part, 2, &model, &error), LSTM_INVALID);
    ck_assert_ptr_nonnull(strstr(error.text, "--layers has nothing to change"));
    ck_assert_int_eq(try_layers("weights_only", wrong, 2, &model, &error), LSTM_SHAPE);
    ck_assert_ptr_nonnull(strstr(error.text, "do not follow each other"));
}
END_TEST

START_TEST(test_scope_without_layers_of_keras_is_refused)
{
    const struct lstm_import_options options = {.forget_bias = (double)NAN, .scope = "nowhere"};
    struct lstm_source *source = open_case("keras3_weights");
    struct lstm_error error;
    ck_assert_int_eq(lstm_source_recognise(source, &options, &error), LSTM_FORMAT);
    ck_assert_ptr_nonnull(strstr(error.text, "under --scope nowhere"));
    lstm_source_destroy(source);
}
END_TEST

Suite *suite_keras_weights(void)
{
    Suite *suite = suite_create("keras_weights");
    TCase *tcase = tcase_create("keras_weights");
    tcase_add_loop_test(tcase, test_weights_of_keras_predict_as_keras, 0, N_CASES(cases));
    tcase_add_loop_test(tcase, test_what_weights_of_keras_do_not_say_is_noted, 0, N_CASES(notes));
    tcase_add_test(tcase, test_layers_are_in_the_order_of_layer_names);
    tcase_add_test(tcase, test_layers_that_fit_in_two_orders_need_the_option);
    tcase_add_loop_test(tcase, test_named_layers_run_in_their_order, 0, N_CASES(lists));
    tcase_add_test(tcase, test_named_layers_of_a_listed_order_may_be_a_part);
    tcase_add_test(tcase, test_scope_without_layers_of_keras_is_refused);
    suite_add_tcase(suite, tcase);
    return suite;
}
