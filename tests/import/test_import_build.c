/* test_import_build.c: plans of made-up arrays become models. SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/import/build.h"
#include "core/import/fill.h"
#include "core/import/source.h"
#include "core/memory.h"
#include "tests/support/cases.h"
#include "tests/support/suites.h"

Suite *suite_import_build(void);

enum { INPUTS = 3, UNITS = 2, OUTPUTS = 5 };

/* Arrays whose every value says where it comes from. */
static float kernel[4 * UNITS][INPUTS], recurrent[4 * UNITS][UNITS];
static float bias[4 * UNITS], recurrent_bias[4 * UNITS], head[INPUTS + OUTPUTS][OUTPUTS];

static void fill(float *values, size_t n, float from)
{
    for (size_t i = 0; i < n; i++)
        values[i] = from + (float)i;
}

static struct import_array view(const char *name, size_t rows, size_t columns, const float *data)
{
    const size_t shape[] = {rows, columns};
    struct import_array array;
    ck_assert_int_eq(import_array_init(&array, name, IMPORT_F32, columns == 0 ? 1 : 2, shape,
                                       (const unsigned char *)data, SIZE_MAX / 2, NULL),
                     LSTM_OK);
    return array;
}

static struct import_layer layers[IMPORT_MAX_LAYERS];

static struct import_plan begin_plan(void)
{
    memset(layers, 0, sizeof layers);
    fill(&kernel[0][0], sizeof kernel / sizeof(float), 100);
    fill(&recurrent[0][0], sizeof recurrent / sizeof(float), 200);
    fill(bias, sizeof bias / sizeof(float), 300);
    fill(recurrent_bias, sizeof recurrent_bias / sizeof(float), 400);
    fill(&head[0][0], sizeof head / sizeof(float), 500);
    return (struct import_plan){.layers = layers};
}

/* As PyTorch lays it out: rows i, f, g, o; a kernel for x, one for h, two biases. */
static struct import_layer *add_torch_lstm(struct import_plan *plan)
{
    struct import_layer *layer;
    ck_assert_int_eq(import_add_layer(plan, IMPORT_LSTM, "rnn", &layer, NULL), LSTM_OK);
    struct import_cell *cell = &layer->cells[0];
    const struct import_array x = import_transpose(view("x", 4 * UNITS, INPUTS, &kernel[0][0]));
    const struct import_array h = import_transpose(view("h", 4 * UNITS, UNITS, &recurrent[0][0]));
    const struct import_array b = view("b", 4 * UNITS, 0, bias);
    const struct import_array b2 = view("b2", 4 * UNITS, 0, recurrent_bias);
    ck_assert_int_eq(import_split(x, 1, "ifgo", "igfo", cell->kernel, NULL), LSTM_OK);
    ck_assert_int_eq(import_split(h, 1, "ifgo", "igfo", cell->recurrent, NULL), LSTM_OK);
    ck_assert_int_eq(import_split(b, 0, "ifgo", "igfo", cell->bias, NULL), LSTM_OK);
    ck_assert_int_eq(import_split(b2, 0, "ifgo", "igfo", cell->recurrent_bias, NULL), LSTM_OK);
    return layer;
}

static enum lstm_status build(struct import_plan *plan, struct lstm_model **model,
                              struct lstm_error *error)
{
    struct spec *spec;
    *model = NULL;
    enum lstm_status status = import_describe(plan, NULL, 0, &spec, error);
    if (status == LSTM_OK)
        status = import_build(plan, spec, model, error);
    spec_release(spec);
    return status;
}

static void assert_same(float found, float expected)
{
    ck_assert_double_eq((double)found, (double)expected);
}

static const float *tensor(const struct lstm_model *model, const char *name)
{
    for (size_t k = 0; k < lstm_model_n_tensors(model); k++)
        if (strcmp(lstm_model_tensor(model, k).name, name) == 0)
            return lstm_model_tensor(model, k).data;
    ck_abort_msg("no tensor %s", name);
    return NULL;
}

START_TEST(test_import_build_lstm_of_other_order_becomes_one_kernel)
{
    static const size_t block_of[] = {0, 2, 1, 3}; /* where i, j, f, o lie among i, f, g, o */
    struct import_plan plan = begin_plan();
    struct lstm_model *model;
    add_torch_lstm(&plan);
    ck_assert_int_eq(build(&plan, &model, NULL), LSTM_OK);
    const float *made = tensor(model, "rnn/kernel"), *made_bias = tensor(model, "rnn/bias");
    for (size_t gate = 0; gate < 4; gate++)
        for (size_t u = 0; u < UNITS; u++) {
            const size_t from = block_of[gate] * UNITS + u, to = gate * UNITS + u;
            for (size_t d = 0; d < INPUTS; d++)
                assert_same(made[d * 4 * UNITS + to], kernel[from][d]);
            for (size_t d = 0; d < UNITS; d++)
                assert_same(made[(INPUTS + d) * 4 * UNITS + to], recurrent[from][d]);
            assert_same(made_bias[to], bias[from] + recurrent_bias[from]);
        }
    ck_assert_uint_eq(lstm_model_info(model)->features, INPUTS);
    lstm_model_destroy(model);
}
END_TEST

START_TEST(test_import_build_gru_separates_gates_from_candidate)
{
    struct import_plan plan = begin_plan();
    struct import_layer *layer;
    struct lstm_model *model;
    ck_assert_int_eq(import_add_layer(&plan, IMPORT_GRU, "", &layer, NULL), LSTM_OK);
    const struct import_array x = import_transpose(view("x", 3 * UNITS, INPUTS, &kernel[0][0]));
    const struct import_array h = import_transpose(view("h", 3 * UNITS, UNITS, &recurrent[0][0]));
    ck_assert_int_eq(import_split(x, 1, "zrh", "rzh", layer->cells[0].kernel, NULL), LSTM_OK);
    ck_assert_int_eq(import_split(h, 1, "zrh", "rzh", layer->cells[0].recurrent, NULL), LSTM_OK);
    ck_assert_int_eq(build(&plan, &model, NULL), LSTM_OK);
    const float *gates = tensor(model, "gru/gates/kernel");
    const float *candidate = tensor(model, "gru/candidate/kernel");
    assert_same(gates[0], kernel[UNITS][0]);
    assert_same(gates[UNITS], kernel[0][0]);
    assert_same(gates[INPUTS * 2 * UNITS + UNITS], recurrent[0][0]);
    assert_same(candidate[0], kernel[2 * UNITS][0]);
    assert_same(candidate[INPUTS * UNITS + 1], recurrent[2 * UNITS + 1][0]);
    assert_same(tensor(model, "gru/gates/bias")[0], 0);
    lstm_model_destroy(model);
}
END_TEST

/* Fills the weights in windows of so many rows of a tensor. */
static void fill_by_rows(const struct import_plan *plan, const struct spec *spec, size_t n_rows,
                         float *weights)
{
    const struct build_views views = {0};
    for (size_t k = 0; k < spec->n_tensors; k++) {
        const struct tensor_spec *tensor = &spec->tensors[k];
        const size_t columns = tensor->rank == 2 ? tensor->shape[1] : 1;
        for (size_t row = 0; row < tensor->shape[0]; row += n_rows) {
            const size_t left = tensor->shape[0] - row, n = left < n_rows ? left : n_rows;
            const size_t begin = tensor->offset + row * columns;
            const struct build_window window = {begin, begin + n * columns, weights + begin};
            ck_assert_int_eq(build_fill(plan, spec, &views, &window, NULL), LSTM_OK);
        }
    }
}

START_TEST(test_import_build_window_by_window_gives_the_same_weights)
{
    struct import_plan plan = begin_plan();
    struct import_layer *layer;
    struct spec *spec;
    struct lstm_model *model;
    add_torch_lstm(&plan);
    ck_assert_int_eq(import_add_layer(&plan, IMPORT_DENSE, "head", &layer, NULL), LSTM_OK);
    layer->kernel = view("head", UNITS, OUTPUTS, &head[0][0]);
    layer->bias = view("head_bias", OUTPUTS, 0, bias);
    ck_assert_int_eq(import_describe(&plan, NULL, 0, &spec, NULL), LSTM_OK);
    ck_assert_int_eq(import_build(&plan, spec, &model, NULL), LSTM_OK);
    float *weights = memory_floats(spec->n_weights);
    ck_assert_ptr_nonnull(weights);
    fill_by_rows(&plan, spec, (size_t)_i, weights);
    ck_assert_mem_eq(weights, model->weights, spec->n_weights * sizeof *weights);
    free(weights);
    lstm_model_destroy(model);
    spec_release(spec);
}
END_TEST

START_TEST(test_import_build_window_that_no_array_fills_is_refused)
{
    const struct build_views views = {0};
    struct import_plan plan = begin_plan();
    struct spec *spec;
    float values[4 * UNITS];
    add_torch_lstm(&plan);
    ck_assert_int_eq(import_describe(&plan, NULL, 0, &spec, NULL), LSTM_OK);
    plan.layers[0].cells[0].kernel[2].data = NULL;
    const struct build_window row = {0, 4 * UNITS, values};
    ck_assert_int_eq(build_fill(&plan, spec, &views, &row, NULL), LSTM_SHAPE);
    spec_release(spec);
}
END_TEST

START_TEST(test_import_build_names_become_unique_and_clean)
{
    struct import_plan plan = begin_plan();
    struct import_layer *layer;
    struct lstm_model *model;
    add_torch_lstm(&plan);
    for (size_t rows = UNITS, k = 0; k < 2; k++, rows = OUTPUTS) {
        ck_assert_int_eq(import_add_layer(&plan, IMPORT_DENSE, "my head", &layer, NULL), LSTM_OK);
        layer->kernel = view("head", rows, OUTPUTS, &head[0][0]);
    }
    ck_assert_int_eq(build(&plan, &model, NULL), LSTM_OK);
    assert_same(tensor(model, "my_head/kernel")[0], head[0][0]);
    assert_same(tensor(model, "my_head_1/kernel")[1], head[0][1]);
    lstm_model_destroy(model);
}
END_TEST

START_TEST(test_import_build_array_of_another_shape_is_named)
{
    struct import_plan plan = begin_plan();
    struct import_layer *layer;
    struct lstm_model *model;
    struct lstm_error error;
    add_torch_lstm(&plan);
    ck_assert_int_eq(import_add_layer(&plan, IMPORT_DENSE, "head", &layer, NULL), LSTM_OK);
    layer->kernel = view("fc.weight", UNITS + 1, OUTPUTS, &head[0][0]);
    ck_assert_int_eq(build(&plan, &model, &error), LSTM_SHAPE);
    ck_assert_ptr_null(model);
    ck_assert_ptr_nonnull(strstr(error.text, "fc.weight"));
    ck_assert_ptr_nonnull(strstr(error.text, "[2, 5], found [3, 5]"));
}
END_TEST

START_TEST(test_import_build_array_of_integers_is_refused)
{
    struct import_plan plan = begin_plan();
    struct lstm_model *model;
    add_torch_lstm(&plan)->cells[0].bias[2].dtype = IMPORT_I32;
    ck_assert_int_eq(build(&plan, &model, NULL), LSTM_UNSUPPORTED);
}
END_TEST

/* Readers list texts without their bytes. */
START_TEST(test_import_build_array_of_texts_is_refused_not_absent)
{
    struct import_plan plan = begin_plan();
    struct lstm_model *model;
    struct import_array *view = &add_torch_lstm(&plan)->cells[0].bias[2];
    view->dtype = IMPORT_TEXT;
    view->data = NULL;
    ck_assert_int_eq(build(&plan, &model, NULL), LSTM_UNSUPPORTED);
}
END_TEST

START_TEST(test_import_build_cell_without_recurrent_kernel_is_refused)
{
    struct import_plan plan = begin_plan();
    struct lstm_model *model;
    add_torch_lstm(&plan)->cells[0].recurrent[3] = (struct import_array){0};
    ck_assert_int_eq(build(&plan, &model, NULL), LSTM_FORMAT);
}
END_TEST

START_TEST(test_import_build_backward_cell_without_projection_is_refused)
{
    struct import_plan plan = begin_plan();
    struct lstm_model *model;
    struct lstm_error error;
    struct import_layer *layer = add_torch_lstm(&plan);
    layer->cells[1] = layer->cells[0];
    layer->cells[0].projection = view("p", UNITS, UNITS, &head[0][0]);
    snprintf(layer->bidirectional, sizeof layer->bidirectional, "concat");
    ck_assert_int_eq(build(&plan, &model, &error), LSTM_FORMAT);
    ck_assert_ptr_nonnull(strstr(error.text, "has no projection"));
}
END_TEST

/* ---- Filling -------------------------------------------------------------------------------- */

static const size_t turned_shapes[][2] = {{1, 1}, {3, 5}, {4, 4}, {16, 256}, {19, 7}, {33, 515}};

/* The view begins on an odd address and its memory has more columns than it. */
START_TEST(test_import_fill_matrix_of_turned_view_equals_value_by_value)
{
    enum { MOST = 40 * 520, STRIDE = 520 };
    static unsigned char bytes[MOST * sizeof(float) + 1];
    static float values[MOST], to[MOST];
    const size_t rows = turned_shapes[_i][0], columns = turned_shapes[_i][1], pitch = rows + 3;
    fill(values, MOST, 1);
    fill(to, MOST, -1e6f);
    memcpy(bytes + 1, values, sizeof values);
    struct import_array array = view("a", columns, pitch, values);
    array.data = bytes + 1;
    array = import_transpose(import_cut(array, 1, 2, rows));
    import_fill_matrix(&array, to, STRIDE);
    for (size_t r = 0; r < rows + 1; r++)
        for (size_t c = 0; c < STRIDE; c++) {
            const bool is_filled = r < rows && c < columns;
            const float expected =
                is_filled ? values[c * pitch + 2 + r] : -1e6f + (float)(r * STRIDE + c);
            ck_assert_msg(to[r * STRIDE + c] == expected, "row %zu, column %zu", r, c);
        }
}
END_TEST

START_TEST(test_import_fill_matrix_larger_than_the_caches_equals_value_by_value)
{
    enum { ROWS = 277, COLUMNS = 40, STRIDE = 4096 };
    static float values[ROWS * COLUMNS];
    _Alignas(64) static float to[ROWS * STRIDE];
    fill(values, ROWS * COLUMNS, 1);
    const struct import_array array = import_transpose(view("a", COLUMNS, ROWS, values));
    import_fill_matrix(&array, to, STRIDE);
    for (size_t i = 0; i < ROWS * STRIDE; i++) {
        const size_t r = i / STRIDE, c = i % STRIDE;
        ck_assert_msg(to[i] == (c < COLUMNS ? values[c * ROWS + r] : 0), "row %zu, %zu", r, c);
    }
}
END_TEST

START_TEST(test_import_add_layer_of_too_many_layers_is_refused)
{
    struct import_plan plan = begin_plan();
    struct import_layer *layer;
    for (size_t k = 0; k < IMPORT_MAX_LAYERS; k++)
        ck_assert_int_eq(import_add_layer(&plan, IMPORT_DROPOUT, "", &layer, NULL), LSTM_OK);
    ck_assert_int_eq(import_add_layer(&plan, IMPORT_DROPOUT, "", &layer, NULL), LSTM_UNSUPPORTED);
}
END_TEST

START_TEST(test_import_split_of_axis_that_does_not_divide_is_refused)
{
    struct import_array parts[4];
    ck_assert_int_eq(import_split(view("b", 6, 0, bias), 0, "ifgo", "igfo", parts, NULL),
                     LSTM_SHAPE);
    ck_assert_int_eq(import_split(view("b", 8, 0, bias), 1, "ifgo", "igfo", parts, NULL),
                     LSTM_SHAPE);
}
END_TEST

START_TEST(test_import_array_larger_than_its_bytes_is_refused)
{
    const size_t shape[] = {2, 3}, huge[] = {SIZE_MAX, 2};
    const unsigned char bytes[24] = {0};
    struct import_array array;
    ck_assert_int_eq(import_array_init(&array, "a", IMPORT_F32, 2, shape, bytes, 24, NULL),
                     LSTM_OK);
    ck_assert_int_eq(import_array_init(&array, "a", IMPORT_F32, 2, shape, bytes, 23, NULL),
                     LSTM_FORMAT);
    ck_assert_int_eq(import_array_init(&array, "a", IMPORT_F32, 2, huge, bytes, 24, NULL),
                     LSTM_FORMAT);
    ck_assert_int_eq(
        import_array_init(&array, "a", IMPORT_F32, IMPORT_MAX_RANK + 1, huge, bytes, 24, NULL),
        LSTM_FORMAT);
}
END_TEST

/* A source of two files in memory. */
static const struct lstm_source_file files[] = {{"folder/model", "0123456789", 10},
                                                {"folder/model.data", "abc", 3}};

START_TEST(test_import_source_memory_is_zeroed_aligned_and_bounded)
{
    struct import_source source;
    ck_assert_int_eq(source_init_files(&source, files, 2, NULL), LSTM_OK);
    const unsigned char *small = import_allocate(&source, 3);
    const unsigned char *large = import_allocate(&source, 1 << 20);
    ck_assert_ptr_nonnull(small);
    ck_assert_ptr_nonnull(large);
    ck_assert_uint_eq((uintptr_t)import_allocate(&source, 8) % 8, 0);
    ck_assert(large[0] == 0 && memcmp(large, large + 1, (1 << 20) - 1) == 0);
    ck_assert_ptr_null(import_allocate(&source, SIZE_MAX));
    ck_assert_ptr_null(import_allocate(&source, (size_t)128 << 20));
    ck_assert_str_eq(import_text(&source, "abcdef", 3), "abc");
    source_release(&source);
}
END_TEST

START_TEST(test_import_map_finds_neighbours_and_nothing_else)
{
    static const char *const outside[] = {"../folder/model.data", "/etc/passwd", "", "a/../../b"};
    struct import_source source;
    const unsigned char *bytes;
    size_t n;
    ck_assert_int_eq(source_init_files(&source, files, 2, NULL), LSTM_OK);
    ck_assert_int_eq(import_map(&source, "model.data", &bytes, &n, NULL), LSTM_OK);
    ck_assert_uint_eq(n, 3);
    ck_assert(import_has(&source, "model.data") && !import_has(&source, "model.none"));
    ck_assert_int_eq(import_map(&source, "model.none", &bytes, &n, NULL), LSTM_NOT_FOUND);
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++) {
        ck_assert_int_eq(import_map(&source, outside[i], &bytes, &n, NULL), LSTM_INVALID);
        ck_assert(!import_has(&source, outside[i]));
    }
    source_release(&source);
}
END_TEST

START_TEST(test_import_add_array_of_a_known_name_is_refused)
{
    static char names[1000][8];
    struct import_source source;
    ck_assert_int_eq(source_init_files(&source, files, 2, NULL), LSTM_OK);
    for (size_t i = 0; i < 1000; i++) {
        snprintf(names[i], sizeof names[i], "%zu", i * 7919 % 1000);
        const struct import_array array = view(names[i], i, 0, bias);
        ck_assert_int_eq(import_add_array(&source, &array, NULL), LSTM_OK);
    }
    const struct import_array twin = view("500", 1, 0, bias);
    ck_assert_int_eq(import_add_array(&source, &twin, NULL), LSTM_FORMAT);
    ck_assert_uint_eq(source.n_arrays, 1000);
    for (size_t i = 0; i < 1000; i++)
        ck_assert_uint_eq(import_find(&source, names[i])->shape[0], i);
    ck_assert_ptr_null(import_find(&source, "1000"));
    source_release(&source);
}
END_TEST

START_TEST(test_import_note_is_kept_once)
{
    struct import_source source;
    ck_assert_int_eq(source_init_files(&source, files, 2, NULL), LSTM_OK);
    for (size_t i = 0; i < 3 * IMPORT_MAX_NOTES; i++)
        import_note(&source, "note %zu", i / 2);
    ck_assert_uint_eq(source.n_notes, IMPORT_MAX_NOTES);
    ck_assert_str_eq(source.notes[1], "note 1");
    source_release(&source);
}
END_TEST

static const struct {
    struct lstm_source_file file;
    const char *words;
} strangers[] = {
    {{"a/arrays.npz", "PK\3\4", 4}, "save them as safetensors"},
    {{"a/model.pkl", "\x80\4K\1.", 5}, "torch.save(model.state_dict()"},
    {{"a/photo.jpg", "\xff\xd8\xff\xe0", 4}, "of no known format"},
    {{"a/nothing", "", 0}, "is empty"},
    {{"a/saved_model.pb", "\x08\x01", 2}, "give the folder"},
    {{"a/variables.data-00000-of-00001", "\0\0\0\0", 4}, "give the .index file"},
    {{"a", NULL, 0}, "the folder is no SavedModel"},
};

static const struct {
    struct lstm_source_file files[2];
    const char *words;
} folders[] = {
    {{{"variables", NULL, 0}, {"variables/variables.index", "", 0}}, "the folder around it"},
    {{{"mnist", NULL, 0}, {"mnist/1/model.json", "{}", 2}}, "give one of them"},
};

START_TEST(test_import_source_of_a_folder_tells_which_to_give)
{
    struct lstm_source *source;
    struct lstm_error error;
    ck_assert_int_eq(lstm_source_parse(folders[_i].files, 2, NULL, &source, &error),
                     LSTM_UNSUPPORTED);
    ck_assert_ptr_null(source);
    ck_assert_msg(strstr(error.text, folders[_i].words) != NULL, "%s", error.text);
}
END_TEST

START_TEST(test_import_source_of_no_format_tells_what_to_give)
{
    struct lstm_source *source;
    struct lstm_error error;
    ck_assert_int_eq(lstm_source_parse(&strangers[_i].file, 1, NULL, &source, &error),
                     LSTM_UNSUPPORTED);
    ck_assert_ptr_null(source);
    ck_assert_msg(strstr(error.text, strangers[_i].words) != NULL, "%s", error.text);
}
END_TEST

Suite *suite_import_build(void)
{
    Suite *suite = suite_create("import_build");
    TCase *tests = tcase_create("all");
    tcase_add_test(tests, test_import_build_lstm_of_other_order_becomes_one_kernel);
    tcase_add_test(tests, test_import_build_gru_separates_gates_from_candidate);
    tcase_add_test(tests, test_import_build_names_become_unique_and_clean);
    tcase_add_loop_test(tests, test_import_build_window_by_window_gives_the_same_weights, 1, 7);
    tcase_add_test(tests, test_import_build_window_that_no_array_fills_is_refused);
    tcase_add_test(tests, test_import_build_array_of_another_shape_is_named);
    tcase_add_test(tests, test_import_build_array_of_integers_is_refused);
    tcase_add_test(tests, test_import_build_array_of_texts_is_refused_not_absent);
    tcase_add_test(tests, test_import_build_cell_without_recurrent_kernel_is_refused);
    tcase_add_test(tests, test_import_build_backward_cell_without_projection_is_refused);
    tcase_add_loop_test(tests, test_import_fill_matrix_of_turned_view_equals_value_by_value, 0,
                        N_CASES(turned_shapes));
    tcase_add_test(tests, test_import_fill_matrix_larger_than_the_caches_equals_value_by_value);
    tcase_add_test(tests, test_import_add_layer_of_too_many_layers_is_refused);
    tcase_add_test(tests, test_import_split_of_axis_that_does_not_divide_is_refused);
    tcase_add_test(tests, test_import_array_larger_than_its_bytes_is_refused);
    tcase_add_test(tests, test_import_source_memory_is_zeroed_aligned_and_bounded);
    tcase_add_test(tests, test_import_map_finds_neighbours_and_nothing_else);
    tcase_add_test(tests, test_import_add_array_of_a_known_name_is_refused);
    tcase_add_test(tests, test_import_note_is_kept_once);
    tcase_add_loop_test(tests, test_import_source_of_no_format_tells_what_to_give, 0,
                        N_CASES(strangers));
    tcase_add_loop_test(tests, test_import_source_of_a_folder_tells_which_to_give, 0,
                        N_CASES(folders));
    suite_add_tcase(suite, tests);
    return suite;
}
