/* test_source_save.c: networks go from a source to a model's files without a model in memory.
 * SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "core/import/build.h"
#include "tests/support/assert_tensor.h"
#include "tests/support/cases.h"
#include "tests/support/suites.h"
#include "tests/support/temp_folder.h"

Suite *suite_source_save(void);

static struct temp_folder folder;
static struct lstm_error error;

static void set_up(void)
{
    temp_folder_create(&folder);
}

static void tear_down(void)
{
    temp_folder_remove(&folder);
}

static size_t count_files(void)
{
    size_t n = 0;
    DIR *const opened = opendir(folder.path);
    ck_assert_ptr_nonnull(opened);
    for (const struct dirent *entry; (entry = readdir(opened)) != NULL;)
        n += entry->d_name[0] != '.';
    closedir(opened);
    return n;
}

static void assert_same_models(const struct lstm_model *a, const struct lstm_model *b)
{
    ck_assert(lstm_model_same_architecture(a, b));
    for (size_t k = 0; k < lstm_model_n_tensors(a); k++) {
        const struct lstm_tensor x = lstm_model_tensor(a, k), y = lstm_model_tensor(b, k);
        const size_t n = x.shape[0] * (x.rank == 2 ? x.shape[1] : 1);
        ck_assert_str_eq(x.name, y.name);
        ck_assert_mem_eq(x.data, y.data, n * sizeof *x.data);
    }
}

static const char *const sources[] = {
    "models/mnist/1",
    "tests/data/import/tf1/example",
    "tests/data/import/tf1/graph_model",
    "tests/data/keras/keras3.keras",
    "tests/data/keras/tf_bidirectional",
    "tests/data/keras/tf_gru_reset_after",
    "tests/data/onnx/lstm_peepholes.onnx",
    "tests/data/onnx/stacked.onnx",
    "tests/data/torch/lstm_projection_bidirectional",
    "tests/data/torch/gru_layers",
    "tests/data/torch/bfloat16",
};

START_TEST(test_source_saved_is_the_model_that_it_gives)
{
    struct lstm_source *source;
    struct lstm_model *model, *saved;
    assert_ok(lstm_source_open(sources[_i], NULL, &source, &error), &error);
    assert_ok(lstm_source_model(source, NULL, &model, &error), &error);
    assert_ok(lstm_source_recognise(source, NULL, &error), &error);
    ck_assert_uint_eq(lstm_source_n_layers(source), lstm_model_n_layers(model));
    ck_assert_str_eq(lstm_source_layer(source, 0).name, lstm_model_layer(model, 0).name);
    assert_ok(lstm_source_save(source, folder.path, &error), &error);
    assert_ok(lstm_model_load(folder.path, &saved, &error), &error);
    assert_same_models(saved, model);
    lstm_model_destroy(saved);
    lstm_model_destroy(model);
    lstm_source_destroy(source);
}
END_TEST

START_TEST(test_source_without_a_network_is_not_saved)
{
    struct lstm_source *source;
    assert_ok(lstm_source_open(sources[1], NULL, &source, &error), &error);
    const struct lstm_import_options options = {.activation = "unheard_of"};
    assert_failure(lstm_source_save(source, folder.path, &error), LSTM_INVALID, &error,
                   "no network was recognised");
    ck_assert_int_ne(lstm_source_recognise(source, &options, &error), LSTM_OK);
    ck_assert_uint_eq(lstm_source_n_layers(source), 0);
    assert_failure(lstm_source_save(source, folder.path, &error), LSTM_INVALID, &error,
                   "no network was recognised");
    ck_assert_uint_eq(count_files(), 0);
    lstm_source_destroy(source);
}
END_TEST

START_TEST(test_source_saved_where_no_folder_is_names_the_file)
{
    struct lstm_source *source;
    assert_ok(lstm_source_open(sources[1], NULL, &source, &error), &error);
    assert_ok(lstm_source_recognise(source, NULL, &error), &error);
    assert_failure(lstm_source_save(source, "/nonexistent", &error), LSTM_IO, &error,
                   "/nonexistent/weights.safetensors");
    lstm_source_destroy(source);
}
END_TEST

/* ---- More weights than a piece has ---------------------------------------------------------- */

enum { INPUTS = 512, UNITS = 128, GATES = 4 };

struct large {
    struct import_layer layers[IMPORT_MAX_LAYERS];
    struct import_plan plan;
    struct spec *spec;
    float kernel[GATES * UNITS][INPUTS], recurrent[GATES * UNITS][UNITS];
};

static struct import_array turned(const char *name, size_t columns, const float *data)
{
    const size_t shape[] = {GATES * UNITS, columns};
    struct import_array array;
    assert_ok(import_array_init(&array, name, IMPORT_F32, 2, shape, (const unsigned char *)data,
                                shape[0] * columns * sizeof *data, &error),
              &error);
    return import_transpose(array);
}

/* As PyTorch lays it out; every value is another. */
static struct large *make_large(void)
{
    struct large *large = calloc(1, sizeof *large);
    struct import_layer *layer;
    ck_assert_ptr_nonnull(large);
    for (size_t row = 0; row < GATES * UNITS; row++)
        for (size_t i = 0; i < INPUTS + UNITS; i++)
            *(i < INPUTS ? &large->kernel[row][i] : &large->recurrent[row][i - INPUTS]) =
                (float)(row * (INPUTS + UNITS) + i);
    large->plan.layers = large->layers;
    assert_ok(import_add_layer(&large->plan, IMPORT_LSTM, "rnn", &layer, &error), &error);
    struct import_cell *cell = &layer->cells[0];
    assert_ok(import_split(turned("x", INPUTS, &large->kernel[0][0]), 1, "ifgo", "igfo",
                           cell->kernel, &error),
              &error);
    assert_ok(import_split(turned("h", UNITS, &large->recurrent[0][0]), 1, "ifgo", "igfo",
                           cell->recurrent, &error),
              &error);
    assert_ok(import_describe(&large->plan, NULL, 0, &large->spec, &error), &error);
    return large;
}

static void destroy_large(struct large *large)
{
    spec_release(large->spec);
    free(large);
}

START_TEST(test_source_saved_in_pieces_has_every_row_in_its_place)
{
    struct large *large = make_large();
    struct lstm_model *whole, *saved;
    assert_ok(import_build(&large->plan, large->spec, &whole, &error), &error);
    assert_ok(import_save(&large->plan, large->spec, folder.path, &error), &error);
    assert_ok(lstm_model_load(folder.path, &saved, &error), &error);
    assert_same_models(saved, whole);
    lstm_model_destroy(saved);
    lstm_model_destroy(whole);
    destroy_large(large);
}
END_TEST

START_TEST(test_source_that_leaves_weights_unset_leaves_no_file)
{
    struct large *large = make_large();
    large->layers[0].cells[0].recurrent[3].data = NULL;
    assert_failure(import_save(&large->plan, large->spec, folder.path, &error), LSTM_SHAPE, &error,
                   "fill");
    ck_assert_uint_eq(count_files(), 0);
    destroy_large(large);
}
END_TEST

Suite *suite_source_save(void)
{
    Suite *suite = suite_create("source_save");
    TCase *tests = tcase_create("tests");
    suite_add_tcase(suite, tests);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, test_source_saved_is_the_model_that_it_gives, 0, N_CASES(sources));
    tcase_add_test(tests, test_source_without_a_network_is_not_saved);
    tcase_add_test(tests, test_source_saved_where_no_folder_is_names_the_file);
    tcase_add_test(tests, test_source_saved_in_pieces_has_every_row_in_its_place);
    tcase_add_test(tests, test_source_that_leaves_weights_unset_leaves_no_file);
    return suite;
}
