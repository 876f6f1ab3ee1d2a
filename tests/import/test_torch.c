/* test_torch.c: files of PyTorch give what PyTorch computes (tests/data/torch, made by
 * tests/tools/make_torch_goldens.py). SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/assert_tensor.h"
#include "tests/support/cases.h"
#include "tests/support/import_golden.h"
#include "tests/support/suites.h"
#include "tests/support/temp_folder.h"

Suite *suite_torch(void);

static const struct golden_case {
    const char *name;   /* file, and key of goldens.json */
    const char *format; /* that is recognised */
    bool return_sequences;
    const char *pooling;
} cases[] = {
    {"lstm", "pytorch", false, NULL},
    {"lstm_bare", "pytorch", false, NULL},
    {"lstm_layers", "pytorch", false, NULL},
    {"lstm_no_bias", "pytorch", false, NULL},
    {"lstm_sequence", "pytorch", true, NULL},
    {"lstm_heads", "pytorch", false, NULL},
    {"lstm_embedding", "pytorch", false, NULL},
    {"lstm_projection", "pytorch", false, NULL},
    {"lstm_bidirectional", "pytorch", false, NULL},
    {"lstm_projection_bidirectional", "pytorch", false, NULL},
    {"lstm_cells", "pytorch", false, NULL},
    {"gru", "pytorch", false, NULL},
    {"gru_layers", "pytorch", false, NULL},
    {"gru_bidirectional", "pytorch", true, NULL},
    {"gru_cells", "pytorch", false, NULL},
    {"nested", "pytorch", false, NULL},
    {"parameters", "pytorch", false, NULL},
    {"protocol_4", "pytorch", false, NULL},
    {"shared", "pytorch", false, NULL},
    {"half", "pytorch", false, NULL},
    {"bfloat16", "pytorch", false, NULL},
    {"double", "pytorch", false, NULL},
    {"legacy", "pytorch-legacy", false, NULL},
    {"legacy_half", "pytorch-legacy", false, NULL},
    {"legacy_shared", "pytorch-legacy", false, NULL},
    {"safetensors", "safetensors", false, NULL},
    {"safetensors_stack", "safetensors", false, NULL},
    {"safetensors_deep", "safetensors", false, NULL},
    {"safetensors_cells", "safetensors", false, NULL},
    {"safetensors_language", "safetensors", false, NULL},
    {"language", "pytorch", false, NULL},
    {"projected", "pytorch", false, NULL},
    {"surrounded", "pytorch", false, NULL},
    {"two_directions_first", "pytorch", false, NULL},
    {"beside_objects", "pytorch", false, NULL},
    {"legacy_protocol_4", "pytorch-legacy", false, NULL},
    {"lstm_both_last", "pytorch", false, "last"},
    {"gru_mean", "pytorch", false, "mean"},
    {"lstm_both_max", "pytorch", false, "max"},
};

static struct lstm_source *open_case(const char *name)
{
    char path[128];
    struct lstm_source *source;
    struct lstm_error error;
    snprintf(path, sizeof path, "tests/data/torch/%s", name);
    assert_ok(lstm_source_open(path, NULL, &source, &error), &error);
    return source;
}

START_TEST(test_file_of_pytorch_predicts_as_pytorch)
{
    const struct golden_case *this_case = &cases[_i];
    const struct lstm_import_options options = {.forget_bias = (double)NAN,
                                                .return_sequences = this_case->return_sequences,
                                                .pooling = this_case->pooling};
    struct lstm_source *source = open_case(this_case->name);
    struct lstm_model *model;
    struct lstm_error error;
    ck_assert_str_eq(lstm_source_name(source), this_case->format);
    assert_ok(lstm_source_model(source, &options, &model, &error), &error);
    import_golden_compare(model, "../torch/goldens.json", this_case->name);
    ck_assert_uint_gt(lstm_source_n_notes(source), 0);
    lstm_model_destroy(model);
    lstm_source_destroy(source);
}
END_TEST

static const struct {
    const char *name, *layers[2], *note;
} chains[] = {
    {"actor_critic", {"rnn", "policy"}, "left out: 4 arrays beside the weights, 'value.weight'"},
    {"surrounded", {"rnn", "fc"}, "left out: 2 arrays beside the weights, 'mean' first"},
};

START_TEST(test_layers_make_a_chain_of_what_is_none)
{
    const struct lstm_import_options options = {
        .forget_bias = (double)NAN, .layers = chains[_i].layers, .n_layers = 2};
    struct lstm_source *source = open_case(chains[_i].name);
    struct lstm_model *model;
    struct lstm_error error;
    assert_ok(lstm_source_model(source, &options, &model, &error), &error);
    import_golden_compare(model, "../torch/goldens.json", chains[_i].name);
    ck_assert(import_golden_has_note(source, chains[_i].note));
    ck_assert(!import_golden_has_note(source, "one after another"));
    lstm_model_destroy(model);
    lstm_source_destroy(source);
}
END_TEST

START_TEST(test_arrays_of_a_checkpoint_are_named_by_its_dicts)
{
    static const char *const names[] = {"losses", "model/module.rnn.weight_ih_l0",
                                        "optimizer/state/0/exp_avg"};
    struct lstm_source *source = open_case("nested");
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        size_t found = 0;
        for (size_t i = 0; i < lstm_source_n_arrays(source); i++)
            found += strcmp(lstm_source_array(source, i).name, names[k]) == 0;
        ck_assert_msg(found == 1, "%s: %zu times", names[k], found);
    }
    lstm_source_destroy(source);
}
END_TEST

static const struct {
    const char *name, *words;
} notes[] = {
    {"lstm", "the activation of heads.0, the output layer, is taken to be linear"},
    {"lstm_heads", "the activation of heads.0 is taken to be relu"},
    {"projected", "the activation of input, in front of a recurrent layer, is taken to be linear"},
    {"lstm", "--return-sequences"},
    {"nested", "left out: "},
    {"safetensors", "one after another: rnn, heads.0, heads.1; --layers changes it"},
    {"safetensors_stack", "lstm1, lstm2, linear, classifier (another order fits as well)"},
    {"language", "decoder [7, 4] without a bias is taken for a linear layer, by its name"},
    {"projected", "input [6, 3] without a bias is taken for a linear layer, by its shape"},
    {"surrounded", "left out: 'mean', 'criterion.weight' (2 in all), which belong to no layer"},
    {"beside_objects", "what pathlib.PosixPath, datetime.datetime, "},
    {"lstm", "batch first"},
    {"lstm_bidirectional", "as h_n has them"},
    {"lstm_bidirectional", "--pooling last takes output[:, -1]"},
};

START_TEST(test_what_a_state_dict_does_not_say_is_noted)
{
    struct lstm_source *source = open_case(notes[_i].name);
    struct lstm_model *model;
    struct lstm_error error;
    assert_ok(lstm_source_model(source, NULL, &model, &error), &error);
    ck_assert_msg(import_golden_has_note(source, notes[_i].words), "no note has '%s'",
                  notes[_i].words);
    lstm_model_destroy(model);
    lstm_source_destroy(source);
}
END_TEST

static const struct {
    struct lstm_import_options options;
    const char *words;
} no_poolings[] = {
    {{.forget_bias = (double)NAN, .pooling = "sum"}, "expected mean, max or last, found 'sum'"},
    {{.forget_bias = (double)NAN, .pooling = "max", .return_sequences = true},
     "exclude each other"},
};

START_TEST(test_pooling_that_makes_no_sense_is_refused)
{
    struct lstm_source *source = open_case("lstm");
    struct lstm_error error;
    assert_failure(lstm_source_recognise(source, &no_poolings[_i].options, &error), LSTM_INVALID,
                   &error, no_poolings[_i].words);
    lstm_source_destroy(source);
}
END_TEST

START_TEST(test_options_name_the_activations_of_linear_layers)
{
    static const struct lstm_import_options options = {
        .forget_bias = (double)NAN, .hidden_activation = "tanh", .output_activation = "softmax"};
    struct lstm_source *source = open_case("lstm_heads");
    struct lstm_model *model;
    struct lstm_error error;
    struct temp_folder folder;
    char path[256];
    size_t n;
    assert_ok(lstm_source_model(source, &options, &model, &error), &error);
    temp_folder_create(&folder);
    assert_ok(lstm_model_save(model, folder.path, &error), &error);
    char *json = temp_file_read(temp_folder_path(&folder, "model.json", path), &n);
    ck_assert_ptr_nonnull(strstr(json, "tanh"));
    ck_assert_ptr_nonnull(strstr(json, "softmax"));
    ck_assert(!import_golden_has_note(source, "activation"));
    free(json);
    temp_folder_remove(&folder);
    lstm_model_destroy(model);
    lstm_source_destroy(source);
}
END_TEST

/* ---- Refusals ------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    enum lstm_status status;
    const char *words;
} refused[] = {
    {"batch_norm", LSTM_UNSUPPORTED, "'norm.running_mean' belongs to a batch normalisation"},
    {"big_endian", LSTM_UNSUPPORTED, "little-endian"},
    {"complex", LSTM_UNSUPPORTED, "ComplexFloatStorage"},
    {"convolution", LSTM_UNSUPPORTED, "'conv.weight' belongs to a convolution"},
    {"flattened", LSTM_UNSUPPORTED, "all steps at once"},
    {"integers", LSTM_UNSUPPORTED, "holds int64"},
    {"linear", LSTM_UNSUPPORTED, "none of the 2 arrays is a recurrent layer's"},
    {"../actor_critic", LSTM_UNSUPPORTED, "'norm.weight' belongs to a normalisation"},
    {"bilinear", LSTM_UNSUPPORTED, "nn.Bilinear"},
    {"missing_bias", LSTM_NOT_FOUND, "has no 'bias_ih_l0': the file is not whole"},
    {"missing_layer", LSTM_NOT_FOUND,
     "'weight_ih_l2' is there, but its module has no 'weight_ih_l1'"},
    {"missing_weight", LSTM_UNSUPPORTED, "'fc.bias' belongs to a module without a 'weight'"},
    {"module", LSTM_UNSUPPORTED, "torch.nn.modules.rnn.LSTM"},
    {"module_in_dict", LSTM_UNSUPPORTED, "torch.nn.modules.rnn.LSTM"},
    {"numpy", LSTM_UNSUPPORTED, "'weight_ih_l0' is no tensor that can be read (a NumPy array"},
    {"parametrized", LSTM_UNSUPPORTED, "remove_parametrizations()"},
    {"prelu", LSTM_UNSUPPORTED, "nn.PReLU"},
    {"quantised", LSTM_UNSUPPORTED, "dequantize()"},
    {"rnn", LSTM_UNSUPPORTED, "plain nn.RNN"},
    {"sparse", LSTM_UNSUPPORTED, "to_dense()"},
    {"spectral_norm", LSTM_UNSUPPORTED, "remove_spectral_norm()"},
    {"subclass", LSTM_UNSUPPORTED,
     "without what torch._tensor._rebuild_from_type_v2 and others would make, as nothing is run: "
     "'fc.weight'"},
    {"torchscript", LSTM_UNSUPPORTED, "TorchScript"},
    {"traversal", LSTM_FORMAT, "no member 'traversal/data/../../../secret'"},
    {"two_networks", LSTM_UNSUPPORTED, "--scope"},
    {"weight_norm", LSTM_UNSUPPORTED, "remove_weight_norm()"},
    {"weight_norm_all", LSTM_UNSUPPORTED, "'weight_ih_l0_g' belongs to a layer under weight norm"},
};

START_TEST(test_file_without_a_known_network_is_refused_with_what_it_is)
{
    char path[128];
    struct lstm_source *source = NULL;
    struct lstm_model *model = NULL;
    struct lstm_error error;
    snprintf(path, sizeof path, "tests/data/torch/refused/%s", refused[_i].name);
    enum lstm_status status = lstm_source_open(path, NULL, &source, &error);
    if (status == LSTM_OK)
        status = lstm_source_model(source, NULL, &model, &error);
    assert_failure(status, refused[_i].status, &error, refused[_i].words);
    ck_assert_ptr_null(model);
    lstm_source_destroy(source);
}
END_TEST

START_TEST(test_scope_picks_one_of_two_networks)
{
    static const struct lstm_import_options options = {.forget_bias = (double)NAN,
                                                       .scope = "last/"};
    struct lstm_source *source = open_case("refused/two_networks");
    struct lstm_model *model;
    struct lstm_error error;
    assert_ok(lstm_source_model(source, &options, &model, &error), &error);
    ck_assert(import_golden_has_note(source,
                                     "left out: 4 arrays beside the weights, 'best/weight_ih_l0'"));
    lstm_model_destroy(model);
    lstm_source_destroy(source);
}
END_TEST

static const struct {
    const char *name, *layers[65];
    size_t n_layers;
    enum lstm_status status;
    const char *words;
} bad_layers[] = {
    {"actor_critic", {"rnn", "polic"}, 2, LSTM_INVALID, "no module is named 'polic'"},
    {"actor_critic", {"policy", "value"}, 2, LSTM_UNSUPPORTED, "'value' takes 4 values"},
    {"actor_critic", {"policy"}, 1, LSTM_INVALID, "none of the modules that --layers names is rec"},
    {"actor_critic", {"rnn", "rnn"}, 2, LSTM_INVALID, "--layers names 'rnn' twice"},
    {"actor_critic", {"rnn"}, 65, LSTM_UNSUPPORTED, "--layers names more than 64 modules"},
    {"actor_critic", {"rnn", "norm"}, 2, LSTM_UNSUPPORTED, "belongs to a normalisation"},
    {"refused/two_networks", {"lstm"}, 1, LSTM_INVALID, "no module is named 'lstm'"},
};

START_TEST(test_layers_that_are_no_chain_of_modules_are_refused)
{
    const struct lstm_import_options options = {.forget_bias = (double)NAN,
                                                .layers = bad_layers[_i].layers,
                                                .n_layers = bad_layers[_i].n_layers};
    struct lstm_source *source = open_case(bad_layers[_i].name);
    struct lstm_error error;
    assert_failure(lstm_source_recognise(source, &options, &error), bad_layers[_i].status, &error,
                   bad_layers[_i].words);
    lstm_source_destroy(source);
}
END_TEST

/* A module without a name is named by the dict that it is in. */
START_TEST(test_layers_name_a_module_of_one_of_two_networks)
{
    static const char *const layers[] = {"best"};
    static const struct lstm_import_options options = {
        .forget_bias = (double)NAN, .layers = layers, .n_layers = 1};
    struct lstm_source *source = open_case("refused/two_networks");
    struct lstm_error error;
    assert_ok(lstm_source_recognise(source, &options, &error), &error);
    ck_assert_uint_eq(lstm_source_n_layers(source), 1);
    ck_assert(import_golden_has_note(source, "'last/weight_ih_l0' first"));
    lstm_source_destroy(source);
}
END_TEST

/* Only the last recurrent layer's outputs are those of a step. */
START_TEST(test_direction_of_a_layer_in_front_of_another_is_not_noted)
{
    struct lstm_source *source = open_case("two_directions_first");
    struct lstm_error error;
    assert_ok(lstm_source_recognise(source, NULL, &error), &error);
    ck_assert(!import_golden_has_note(source, "two directions"));
    lstm_source_destroy(source);
}
END_TEST

/* ---- Damage --------------------------------------------------------------------------------- */

static const char *const damaged[] = {
    "lstm",          "lstm_heads",        "nested",        "protocol_4", "legacy",
    "legacy_shared", "legacy_protocol_4", "beside_objects"};

START_TEST(test_file_cut_at_any_byte_is_refused)
{
    char path[128];
    size_t n;
    snprintf(path, sizeof path, "tests/data/torch/%s", damaged[_i]);
    char *bytes = temp_file_read(path, &n);
    for (size_t cut = 0; cut < n; cut++) {
        char *part = malloc(cut + 1); /* so that sanitizers see where it ends */
        memcpy(part, bytes, cut);
        const struct lstm_source_file file = {"weights", part, cut};
        struct lstm_source *source = NULL;
        struct lstm_error error = {.text = ""};
        ck_assert_msg(lstm_source_parse(&file, 1, NULL, &source, &error) != LSTM_OK,
                      "%zu of %zu bytes are taken", cut, n);
        ck_assert_ptr_null(source);
        ck_assert_str_ne(error.text, "");
        free(part);
    }
    free(bytes);
}
END_TEST

START_TEST(test_file_with_a_changed_byte_crashes_nothing)
{
    char path[128];
    size_t n;
    snprintf(path, sizeof path, "tests/data/torch/%s", damaged[_i]);
    struct lstm_error error;
    char *bytes = temp_file_read(path, &n);
    for (size_t k = 0; k < n; k++) {
        static const unsigned char flips[] = {0x01, 0x80, 0xff};
        for (size_t i = 0; i < sizeof flips; i++) {
            bytes[k] = (char)(bytes[k] ^ (char)flips[i]);
            (void)import_golden_try(bytes, n, &error);
            bytes[k] = (char)(bytes[k] ^ (char)flips[i]);
        }
    }
    free(bytes);
}
END_TEST

Suite *suite_torch(void)
{
    Suite *suite = suite_create("torch");
    TCase *goldens = tcase_create("goldens"), *damage = tcase_create("damage");
    suite_add_tcase(suite, goldens);
    suite_add_tcase(suite, damage);
    tcase_add_loop_test(goldens, test_file_of_pytorch_predicts_as_pytorch, 0, N_CASES(cases));
    tcase_add_loop_test(goldens, test_layers_make_a_chain_of_what_is_none, 0, N_CASES(chains));
    tcase_add_test(goldens, test_arrays_of_a_checkpoint_are_named_by_its_dicts);
    tcase_add_loop_test(goldens, test_what_a_state_dict_does_not_say_is_noted, 0, N_CASES(notes));
    tcase_add_loop_test(goldens, test_pooling_that_makes_no_sense_is_refused, 0,
                        N_CASES(no_poolings));
    tcase_add_test(goldens, test_options_name_the_activations_of_linear_layers);
    tcase_add_loop_test(goldens, test_file_without_a_known_network_is_refused_with_what_it_is, 0,
                        N_CASES(refused));
    tcase_add_test(goldens, test_scope_picks_one_of_two_networks);
    tcase_add_loop_test(goldens, test_layers_that_are_no_chain_of_modules_are_refused, 0,
                        N_CASES(bad_layers));
    tcase_add_test(goldens, test_layers_name_a_module_of_one_of_two_networks);
    tcase_add_test(goldens, test_direction_of_a_layer_in_front_of_another_is_not_noted);
    tcase_set_timeout(damage, 120);
    tcase_add_loop_test(damage, test_file_cut_at_any_byte_is_refused, 0, N_CASES(damaged));
    tcase_add_loop_test(damage, test_file_with_a_changed_byte_crashes_nothing, 0, N_CASES(damaged));
    return suite;
}
