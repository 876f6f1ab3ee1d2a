/* test_names_tf1.c: which layers TensorFlow 1's names and shapes tell, in which order, and what is
 * refused instead of being left out. SPDX-License-Identifier: Apache-2.0
 *
 * A case's arrays are "name rows,columns; ..."; their values are zeros. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/lstm.h"
#include "tests/support/assert_tensor.h"
#include "tests/support/cases.h"

Suite *suite_names_tf1(void);

enum { MAX_LAYERS = 4, MAX_FILE = 1 << 14 };

#define CELL  "rnn/basic_lstm_cell/kernel 7,16; rnn/basic_lstm_cell/bias 16; " /* 3 to 4 */
#define EQUAL "rnn/lstm_cell/kernel 8,16; rnn/lstm_cell/bias 16; "             /* 4 to 4 */

/* Appends one tensor to the header of a safetensors file of float32. */
static size_t add_tensor(char *header, size_t n, const char *name, int n_name, const char *shape,
                         size_t *offset)
{
    size_t size = 4;
    for (const char *at = shape; *at >= '0' && *at <= '9';) {
        char *end;
        size *= strtoul(at, &end, 10);
        at = *end == ',' ? end + 1 : end;
    }
    const int n_shape = (int)strspn(shape, "0123456789,");
    n += (size_t)snprintf(
        header + n, MAX_FILE - n,
        "%s\"%.*s\":{\"dtype\":\"F32\",\"shape\":[%.*s],\"data_offsets\":[%zu,%zu]}",
        n > 1 ? "," : "", n_name, name, n_shape, shape, *offset, *offset + size);
    *offset += size;
    ck_assert_uint_lt(n, MAX_FILE - 1);
    return n;
}

/* A file of the arrays, new. */
static unsigned char *make_file(const char *arrays, size_t *n)
{
    char header[MAX_FILE] = "{";
    size_t length = 1, offset = 0;
    for (const char *at = arrays; *at != '\0';) {
        const size_t n_name = strcspn(at, " ");
        const char *const shape = at + n_name + (at[n_name] == ' ');
        length = add_tensor(header, length, at, (int)n_name, shape, &offset);
        at += strcspn(at, ";");
        at += strspn(at, "; ");
    }
    header[length++] = '}';
    *n = 8 + length + offset;
    unsigned char *file = calloc(1, *n);
    ck_assert_ptr_nonnull(file);
    for (size_t i = 0; i < 8; i++)
        file[i] = (unsigned char)(length >> (8 * i));
    memcpy(file + 8, header, length);
    return file;
}

/* What a case asks for beside its arrays. */
struct asked {
    const char *scope, *layers; /* "a,b"; NULL: not given */
    const char *hidden_activation;
};

static size_t cut_list(char *text, const char *names[2 * MAX_LAYERS])
{
    size_t n = 0;
    for (char *at = strtok(text, ","); at != NULL && n < 2 * MAX_LAYERS; at = strtok(NULL, ","))
        names[n++] = at;
    return n;
}

static struct lstm_source *recognise(const char *arrays, const struct asked *asked,
                                     unsigned char **file, enum lstm_status *status,
                                     struct lstm_error *error)
{
    char text[256] = "";
    const char *names[2 * MAX_LAYERS];
    struct lstm_source *source;
    struct lstm_source_file about = {.path = "x"};
    snprintf(text, sizeof text, "%s", asked->layers != NULL ? asked->layers : "");
    const struct lstm_import_options options = {.forget_bias = (double)NAN,
                                                .scope = asked->scope,
                                                .hidden_activation = asked->hidden_activation,
                                                .layers = names,
                                                .n_layers = cut_list(text, names)};
    *file = make_file(arrays, &about.n);
    about.data = *file;
    assert_ok(lstm_source_parse(&about, 1, "safetensors", &source, error), error);
    *status = lstm_source_recognise(source, &options, error);
    return source;
}

/* ---- Networks ------------------------------------------------------------------------------- */

static const struct {
    const char *arrays;
    struct asked asked;
    const char *layers[MAX_LAYERS]; /* "type name inputs units activation" */
} networks[] = {
    /* Candidate and gates of a GRU have an LSTM's shape, too. */
    {"rnn/gru_cell/gates/kernel 8,8; rnn/gru_cell/gates/bias 8; rnn/gru_cell/candidate/kernel 8,4; "
     "rnn/gru_cell/candidate/bias 4",
     {0},
     {"gru rnn/gru_cell 4 4 tanh"}},
    {"a/gates/kernel 8,8; a/gates/bias 8; a/candidate/kernel 8,4; a/candidate/bias 4",
     {0},
     {"gru a 4 4 tanh"}},
    /* A head of such a shape is no cell, whatever its scope. */
    {CELL "rnn/dense/kernel 4,8; rnn/dense/bias 8",
     {0},
     {"lstm rnn/basic_lstm_cell 3 4 tanh", "dense rnn/dense 4 8 softmax"}},
    {CELL "my_lstm/kernel 4,8; my_lstm/bias 8",
     {0},
     {"lstm rnn/basic_lstm_cell 3 4 tanh", "dense my_lstm 4 8 softmax"}},
    {"rnn/my_cell/kernel 7,16; rnn/my_cell/bias 16; rnn/out/kernel 4,8; rnn/out/bias 8",
     {0},
     {"lstm rnn/my_cell 3 4 tanh", "dense rnn/out 4 8 softmax"}},
    {"rnn/a/kernel 7,16; rnn/a/bias 16", {0}, {"lstm rnn/a 3 4 tanh"}},
    {"rnn/lstm_cell_1/kernel 7,16; rnn/lstm_cell_1/bias 16",
     {0},
     {"lstm rnn/lstm_cell_1 3 4 tanh"}},
    {"cudnn_lstm/kernel 7,16; cudnn_lstm/bias 16", {0}, {"lstm cudnn_lstm 3 4 tanh"}},
    {"multi_rnn_cell/cell_0/a/kernel 7,16; multi_rnn_cell/cell_0/a/bias 16; "
     "multi_rnn_cell/cell_1/lstm_cell/kernel 8,16; multi_rnn_cell/cell_1/lstm_cell/bias 16",
     {0},
     {"lstm multi_rnn_cell/cell_0/a 3 4 tanh", "lstm multi_rnn_cell/cell_1/lstm_cell 4 4 tanh"}},
    {"stack_bidirectional_rnn/cell_0/bidirectional_rnn/fw/lstm_cell/kernel 7,16; "
     "stack_bidirectional_rnn/cell_0/bidirectional_rnn/fw/lstm_cell/bias 16; "
     "stack_bidirectional_rnn/cell_0/bidirectional_rnn/bw/lstm_cell/kernel 7,16; "
     "stack_bidirectional_rnn/cell_0/bidirectional_rnn/bw/lstm_cell/bias 16; dense/kernel 8,2; "
     "dense/bias 2",
     {0},
     {"lstm stack_bidirectional_rnn/cell_0/bidirectional_rnn 3 4 tanh", "dense dense 8 2 softmax"}},

    /* Embeddings. */
    {EQUAL "embedding 9,4; softmax_w 4,9; softmax_b 9",
     {0},
     {"embedding embedding 1 4 linear", "lstm rnn/lstm_cell 4 4 tanh", "dense dense 4 9 softmax"}},
    {CELL "words 9,3; softmax_w 4,7; softmax_b 7",
     {0},
     {"embedding embedding 1 3 linear", "lstm rnn/basic_lstm_cell 3 4 tanh",
      "dense dense 4 7 softmax"}},
    {CELL "embedding 9,5; W_in 5,3; b_in 3",
     {0},
     {"embedding embedding 1 5 linear", "dense dense 5 3 linear",
      "lstm rnn/basic_lstm_cell 3 4 tanh"}},
    {CELL "front/kernel 9,3", {0}, {"dense front 9 3 linear", "lstm rnn/basic_lstm_cell 3 4 tanh"}},
    {EQUAL "words 9,4; W 4,9; b 9",
     {.layers = "words,rnn/lstm_cell,W"},
     {"embedding embedding 1 4 linear", "lstm rnn/lstm_cell 4 4 tanh", "dense dense 4 9 softmax"}},

    /* Dense layers: their order, their biases, their activations. */
    {CELL "a_out/kernel 4,4; a_out/bias 4; hidden/kernel 4,4; hidden/bias 4",
     {0},
     {"lstm rnn/basic_lstm_cell 3 4 tanh", "dense hidden 4 4 relu", "dense a_out 4 4 softmax"}},
    {CELL "dense_10/kernel 4,4; dense_10/bias 4; dense_9/kernel 4,4; dense_9/bias 4",
     {.hidden_activation = "sigmoid"},
     {"lstm rnn/basic_lstm_cell 3 4 tanh", "dense dense_9 4 4 sigmoid",
      "dense dense_10 4 4 softmax"}},
    {CELL "a/kernel 2,5; a/bias 5; b/kernel 4,2; b/bias 2",
     {0},
     {"lstm rnn/basic_lstm_cell 3 4 tanh", "dense b 4 2 relu", "dense a 2 5 softmax"}},
    {EQUAL "first/kernel 4,4; first/bias 4; next/kernel 4,4; next/bias 4",
     {.layers = "next,rnn/lstm_cell,first"},
     {"dense next 4 4 linear", "lstm rnn/lstm_cell 4 4 tanh", "dense first 4 4 softmax"}},
    {CELL "Wout 4,1; bout 1", {0}, {"lstm rnn/basic_lstm_cell 3 4 tanh", "dense dense 4 1 linear"}},
    {CELL "known 4,2", {0}, {"lstm rnn/basic_lstm_cell 3 4 tanh", "dense dense 4 2 softmax"}},
    {CELL "theta 4,2; bias 2",
     {0},
     {"lstm rnn/basic_lstm_cell 3 4 tanh", "dense dense 4 2 softmax"}},
    {CELL "a/Variable 4,2; a/Variable_1 2,2; a/Variable_2 2; a/Variable_3 2",
     {0},
     {"lstm rnn/basic_lstm_cell 3 4 tanh", "dense a 4 2 relu", "dense a_1 2 2 softmax"}},
    {CELL "Variable 9,3; Variable_1 4,3; Variable_2 3",
     {0},
     {"embedding embedding 1 3 linear", "lstm rnn/basic_lstm_cell 3 4 tanh",
      "dense dense 4 3 softmax"}},

    /* What is no weight, and what was not asked for. */
    {CELL "global_step; train/beta1_power; learning_rate; "
          "opt/rnn/basic_lstm_cell/kernel/Adam_1 7,16; rnn/basic_lstm_cell/bias/mine 16; "
          "rnn/basic_lstm_cell/bias/ExponentialMovingAverage/biased 16",
     {0},
     {"lstm rnn/basic_lstm_cell 3 4 tanh"}},
    {CELL "conv1d/kernel 3,3,3; conv1d/bias 3",
     {.scope = "rnn"},
     {"lstm rnn/basic_lstm_cell 3 4 tanh"}},
    {CELL "conv1d/kernel 3,3,3; conv1d/bias 3; dense/kernel 4,2; dense/bias 2",
     {.layers = "rnn/basic_lstm_cell,dense"},
     {"lstm rnn/basic_lstm_cell 3 4 tanh", "dense dense 4 2 softmax"}},
    {"enc/lstm_cell/kernel 8,16; enc/lstm_cell/bias 16; dec/lstm_cell/kernel 8,16; "
     "dec/lstm_cell/bias 16",
     {.layers = "enc/lstm_cell,dec/lstm_cell"},
     {"lstm enc/lstm_cell 4 4 tanh", "lstm dec/lstm_cell 4 4 tanh"}},
    {"enc/lstm_cell/kernel 8,16; enc/lstm_cell/bias 16; dec/lstm_cell/kernel 8,16; "
     "dec/lstm_cell/bias 16",
     {.scope = "enc"},
     {"lstm enc/lstm_cell 4 4 tanh"}},
    {"b/fw/lstm_cell/kernel 7,16; b/fw/lstm_cell/bias 16; b/bw/lstm_cell/kernel 7,16; "
     "b/bw/lstm_cell/bias 16; W 8,1; b 1",
     {.layers = "b,W"},
     {"lstm b 3 4 tanh", "dense dense 8 1 linear"}},
    {"b/fw/lstm_cell/kernel 7,16; b/fw/lstm_cell/bias 16",
     {.layers = "b/fw/lstm_cell"},
     {"lstm b/fw/lstm_cell 3 4 tanh"}},
    /* Of one shape, a cell behind 3 values and a dense layer behind 7. */
    {"rnn/a/kernel 7,16; rnn/a/bias 16; in/kernel 2,3; in/bias 3",
     {.layers = "in,rnn/a"},
     {"dense in 2 3 linear", "lstm rnn/a 3 4 tanh"}},
    {"rnn/b/kernel 7,28; rnn/b/bias 28; rnn/a/kernel 7,16; rnn/a/bias 16; rnn/c/kernel 7,28",
     {.layers = "rnn/a"},
     {"lstm rnn/a 3 4 tanh"}},
    {CELL "rnn/a/kernel 4,8; rnn/a/bias 8",
     {.layers = "rnn/basic_lstm_cell,rnn/a"},
     {"lstm rnn/basic_lstm_cell 3 4 tanh", "dense rnn/a 4 8 softmax"}},
};

START_TEST(test_names_and_shapes_tell_the_network)
{
    struct lstm_error error;
    enum lstm_status status;
    unsigned char *file;
    struct lstm_source *source =
        recognise(networks[_i].arrays, &networks[_i].asked, &file, &status, &error);
    assert_ok(status, &error);
    size_t k = 0;
    for (; k < MAX_LAYERS && networks[_i].layers[k] != NULL; k++) {
        char text[200] = "none";
        if (k < lstm_source_n_layers(source)) {
            const struct lstm_layer_info layer = lstm_source_layer(source, k);
            snprintf(text, sizeof text, "%s %s %zu %zu %s", layer.type, layer.name, layer.inputs,
                     layer.units, layer.activation);
        }
        ck_assert_str_eq(text, networks[_i].layers[k]);
    }
    ck_assert_uint_eq(lstm_source_n_layers(source), k);
    lstm_source_destroy(source);
    free(file);
}
END_TEST

/* ---- Notes ---------------------------------------------------------------------------------- */

static const struct {
    const char *arrays;
    struct asked asked;
    const char *words;
} notes[] = {
    {CELL "b/kernel 4,4; b/bias 4; a/kernel 4,4; a/bias 4",
     {0},
     "in this order: rnn/basic_lstm_cell, a, b; --layers"},
    {CELL "b/kernel 4,4; b/bias 4; a/kernel 4,4; a/bias 4",
     {0},
     "hidden dense layers is taken to be relu"},
    {CELL "a/kernel 2,3; a/bias 3", {0}, "in front of the cells is taken to be linear"},
    {CELL "words 9,3", {0}, "'words' is taken to be an embedding of 9 words, by its shape"},
    {CELL "W_embed 9,3", {0}, "'W_embed' is taken to be an embedding of 9 words, by its name"},
    {CELL "W 4,2", {0}, "'W' is taken to be a dense layer without a bias"},
    {"rnn/a/kernel 7,16; rnn/a/bias 16", {0}, "'rnn/a' is taken to be an LSTM cell"},
    {"rnn/a/kernel 7,16; rnn/a/bias 16", {.layers = "rnn/a"}, "'rnn/a' is taken to be an LSTM"},
    {CELL "conv1d/kernel 3,3,3",
     {.layers = "rnn/basic_lstm_cell"},
     "left out: 1 variables that --layers does not name, 'conv1d/kernel' among them"},
};

START_TEST(test_what_names_do_not_say_is_noted)
{
    struct lstm_error error;
    enum lstm_status status;
    unsigned char *file;
    struct lstm_source *source =
        recognise(notes[_i].arrays, &notes[_i].asked, &file, &status, &error);
    assert_ok(status, &error);
    bool is_found = false;
    for (size_t k = 0; k < lstm_source_n_notes(source); k++)
        is_found |= strstr(lstm_source_note(source, k), notes[_i].words) != NULL;
    ck_assert_msg(is_found, "no note: %s", notes[_i].words);
    lstm_source_destroy(source);
    free(file);
}
END_TEST

/* ---- Refusals ------------------------------------------------------------------------------- */

static const struct {
    const char *arrays;
    struct asked asked;
    enum lstm_status status;
    const char *words;
} refusals[] = {
    {CELL "batch_normalization/gamma 4; batch_normalization/beta 4",
     {0},
     LSTM_UNSUPPORTED,
     "'batch_normalization/gamma' [4] belongs to no layer that lstmd knows (2 such variables)"},
    {CELL "conv1d/kernel 3,4,8", {0}, LSTM_UNSUPPORTED, "'conv1d/kernel' [3, 4, 8] belongs to no"},
    {CELL "memory_layer/kernel 4,4", {0}, LSTM_UNSUPPORTED, "'memory_layer/kernel'"},
    {CELL "memory/kernel 4,4; attention_v 4; dense/kernel 4,2; dense/bias 2",
     {0},
     LSTM_UNSUPPORTED,
     "belongs to no layer"},
    {CELL "temperature", {0}, LSTM_UNSUPPORTED, "'temperature' [] belongs to no layer"},
    {CELL "x/Adam 16", {0}, LSTM_UNSUPPORTED, "'x/Adam' [16] belongs to no layer"},
    {CELL "rnn/basic_lstm_cell/gamma 16", {0}, LSTM_UNSUPPORTED, "basic_lstm_cell/gamma"},
    {CELL "dense/kernel 4,4; dense/bias 4; transitions 4,4", {0}, LSTM_UNSUPPORTED, "transitions"},
    {CELL "dense/kernel 5,2; dense/bias 2",
     {0},
     LSTM_UNSUPPORTED,
     "'dense/kernel' [5, 2] chains with no other layer"},
    {CELL "dense/kernel 4,2; dense/bias 2; embedding 9,4",
     {0},
     LSTM_UNSUPPORTED,
     "'embedding' [9, 4] chains with no other layer"},
    {EQUAL "words 9,4; softmax_w 4,9; softmax_b 9",
     {0},
     LSTM_UNSUPPORTED,
     "'words' [9, 4] may be an embedding in front of the cells, or a dense layer behind them"},
    {CELL "Variable 4,2; Variable_1 2,2; Variable_2 2,2; Variable_3 2; Variable_4 2",
     {0},
     LSTM_UNSUPPORTED,
     "'Variable_4' [2] belongs to no layer"},
    {"enc/rnn/lstm_cell/kernel 8,16; enc/rnn/lstm_cell/bias 16; dec/rnn/lstm_cell/kernel 8,16; "
     "dec/rnn/lstm_cell/bias 16",
     {0},
     LSTM_UNSUPPORTED,
     "nothing joins the cells 'dec/rnn/lstm_cell' and 'enc/rnn/lstm_cell'"},
    {"a/multi_rnn_cell/cell_0/lstm_cell/kernel 8,16; a/multi_rnn_cell/cell_0/lstm_cell/bias 16; "
     "a/multi_rnn_cell/cell_0/lstm_cell_1/kernel 8,16; a/multi_rnn_cell/cell_0/lstm_cell_1/bias 16",
     {0},
     LSTM_UNSUPPORTED,
     "nothing joins"},
    {"b/fw/lstm_cell/kernel 7,16; b/fw/lstm_cell/bias 16",
     {0},
     LSTM_UNSUPPORTED,
     "a forward cell without its backward one"},
    {"b/bw/lstm_cell/kernel 7,16; b/bw/lstm_cell/bias 16",
     {0},
     LSTM_UNSUPPORTED,
     "a backward cell without its forward one"},
    {"rnn/a/kernel 7,16; rnn/a/bias 16; rnn/b/kernel 4,8; rnn/b/bias 8",
     {0},
     LSTM_UNSUPPORTED,
     "'rnn/a' and 'rnn/b' have names of no known cell"},
    {"rnn/basic_rnn_cell/kernel 7,4; rnn/basic_rnn_cell/bias 4",
     {0},
     LSTM_UNSUPPORTED,
     "no recurrent layer is known"},
    {CELL, {.scope = "other"}, LSTM_UNSUPPORTED, "no recurrent cell below the scope 'other'"},
    {CELL, {.layers = "other"}, LSTM_INVALID, "--layers: 'other' is no scope of a cell"},
    {CELL "dense/kernel 4,2", {.layers = "dense"}, LSTM_INVALID, "names no recurrent cell"},
    {CELL,
     {.layers = "rnn/basic_lstm_cell,rnn/basic_lstm_cell"},
     LSTM_INVALID,
     "names 'rnn/basic_lstm_cell' twice"},
    {CELL "a/kernel 5,2; a/bias 2",
     {.layers = "rnn/basic_lstm_cell,a"},
     LSTM_SHAPE,
     "expected a part of shape [4, 2]"},
    {CELL "dense/kernel 4,2; dense/bias 2",
     {.hidden_activation = "relu"},
     LSTM_INVALID,
     "--hidden-activation has nothing to change here"},
};

START_TEST(test_what_fits_no_layer_is_refused_by_its_name)
{
    struct lstm_error error = {.text = ""};
    enum lstm_status status;
    unsigned char *file;
    struct lstm_source *source =
        recognise(refusals[_i].arrays, &refusals[_i].asked, &file, &status, &error);
    assert_failure(status, refusals[_i].status, &error, refusals[_i].words);
    lstm_source_destroy(source);
    free(file);
}
END_TEST

/* More layers than any model has, of a shape that chains in every order. */
START_TEST(test_hostile_numbers_of_layers_are_refused)
{
    char *arrays = malloc(MAX_FILE);
    struct lstm_error error = {.text = ""};
    enum lstm_status status;
    unsigned char *file;
    ck_assert_ptr_nonnull(arrays);
    size_t n = (size_t)snprintf(arrays, MAX_FILE, "%s", CELL "odd/kernel 4,5; end/kernel 6,4; ");
    for (int k = 0; k < (_i == 0 ? 60 : 70); k++)
        n += (size_t)snprintf(arrays + n, MAX_FILE - n, "d%d/kernel 4,4; ", k);
    struct lstm_source *source = recognise(arrays, &(struct asked){0}, &file, &status, &error);
    assert_failure(status, LSTM_UNSUPPORTED, &error,
                   _i == 0 ? "chains with no other layer" : "more than 64 matrices");
    lstm_source_destroy(source);
    free(file);
    free(arrays);
}
END_TEST

START_TEST(test_more_names_of_layers_than_a_model_has_are_refused)
{
    const char *names[65];
    for (size_t k = 0; k < N_CASES(names); k++)
        names[k] = "rnn/basic_lstm_cell";
    const struct lstm_import_options options = {
        .forget_bias = (double)NAN, .layers = names, .n_layers = N_CASES(names)};
    struct lstm_source_file about = {.path = "x"};
    struct lstm_source *source;
    struct lstm_error error = {.text = ""};
    unsigned char *file = make_file(CELL, &about.n);
    about.data = file;
    assert_ok(lstm_source_parse(&about, 1, NULL, &source, &error), &error);
    assert_failure(lstm_source_recognise(source, &options, &error), LSTM_INVALID, &error,
                   "--layers names more than 64 layers");
    lstm_source_destroy(source);
    free(file);
}
END_TEST

Suite *suite_names_tf1(void)
{
    Suite *suite = suite_create("names_tf1");
    TCase *tcase = tcase_create("names");
    suite_add_tcase(suite, tcase);
    tcase_add_loop_test(tcase, test_names_and_shapes_tell_the_network, 0, N_CASES(networks));
    tcase_add_loop_test(tcase, test_what_names_do_not_say_is_noted, 0, N_CASES(notes));
    tcase_add_loop_test(tcase, test_what_fits_no_layer_is_refused_by_its_name, 0,
                        N_CASES(refusals));
    tcase_add_test(tcase, test_more_names_of_layers_than_a_model_has_are_refused);
    tcase_add_loop_test(tcase, test_hostile_numbers_of_layers_are_refused, 0, 2);
    return suite;
}
