/* test_onnx_fold.c: operators on arrays that are known, element by element.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdint.h>
#include <string.h>

#include "core/import/onnx_fold.h"
#include "core/import/onnx_tensor.h"
#include "core/import/source.h"
#include "tests/support/assert_tensor.h"
#include "tests/support/cases.h"

Suite *suite_onnx_fold(void);

/* [3, 4]: the element of row r and column c is 10 r + c. */
enum { ROWS = 3, COLUMNS = 4 };
static float values[ROWS * COLUMNS];
static struct import_source source;
static struct import_array matrix;

static void set_up(void)
{
    static const struct lstm_source_file file = {"model.onnx", "", 0};
    static const size_t shape[] = {ROWS, COLUMNS};
    struct lstm_error error;
    for (int k = 0; k < ROWS * COLUMNS; k++)
        values[k] = (float)(10 * (k / COLUMNS) + k % COLUMNS);
    assert_ok(source_init_files(&source, &file, 1, &error), &error);
    assert_ok(import_array_init(&matrix, "matrix", IMPORT_F32, 2, shape,
                                (const unsigned char *)values, sizeof values, &error),
              &error);
}

static void tear_down(void)
{
    source_release(&source);
}

static void assert_elements(const struct import_array *array, const double *expected, size_t n)
{
    ck_assert_uint_eq(onnx_array_size(array), n);
    for (size_t k = 0; k < n; k++)
        ck_assert_double_eq(onnx_array_real(array, k), expected[k]);
}

static const struct {
    size_t axis;
    int64_t begin, end, step;
    size_t rows, columns;
    double expected[ROWS * COLUMNS];
} slices[] = {
    {1, 1, 3, 1, 3, 2, {1, 2, 11, 12, 21, 22}},
    {1, 0, INT64_MAX, 2, 3, 2, {0, 2, 10, 12, 20, 22}},
    {1, -1, INT64_MIN, -1, 3, 4, {3, 2, 1, 0, 13, 12, 11, 10, 23, 22, 21, 20}},
    {0, -1, INT64_MIN, -1, 3, 4, {20, 21, 22, 23, 10, 11, 12, 13, 0, 1, 2, 3}},
    {0, 2, 0, -2, 1, 4, {20, 21, 22, 23}},
    {1, 3, 0, -2, 3, 2, {3, 1, 13, 11, 23, 21}},
    {0, 2, 1, 1, 0, 4, {0}},
};

START_TEST(test_slice_takes_every_step_of_an_axis)
{
    struct import_array array = matrix;
    struct lstm_error error;
    assert_ok(onnx_fold_slice(&source, &array, slices[_i].axis, slices[_i].begin, slices[_i].end,
                              slices[_i].step, &error),
              &error);
    ck_assert_uint_eq(array.shape[0], slices[_i].rows);
    ck_assert_uint_eq(array.shape[1], slices[_i].columns);
    assert_elements(&array, slices[_i].expected, slices[_i].rows * slices[_i].columns);
}
END_TEST

START_TEST(test_slice_of_an_absurd_step_is_refused)
{
    static const int64_t steps[] = {0, COLUMNS + 1, -COLUMNS - 1, INT64_MIN};
    for (size_t k = 0; k < N_CASES(steps); k++) {
        struct import_array array = matrix;
        struct lstm_error error;
        ck_assert_int_eq(onnx_fold_slice(&source, &array, 1, 0, COLUMNS, steps[k], &error),
                         LSTM_FORMAT);
    }
}
END_TEST

START_TEST(test_array_may_take_its_own_shape)
{
    struct import_array array = import_transpose(matrix);
    struct lstm_error error;
    assert_ok(import_array_init(&array, "turned", IMPORT_F32, 2, array.shape, array.data,
                                sizeof values, &error),
              &error);
    ck_assert_uint_eq(array.shape[0], COLUMNS);
    ck_assert_uint_eq(array.shape[1], ROWS);
    ck_assert_uint_eq(array.stride[0], ROWS);
}
END_TEST

Suite *suite_onnx_fold(void)
{
    Suite *suite = suite_create("onnx_fold");
    TCase *tests = tcase_create("all");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, test_slice_takes_every_step_of_an_axis, 0, N_CASES(slices));
    tcase_add_test(tests, test_slice_of_an_absurd_step_is_refused);
    tcase_add_test(tests, test_array_may_take_its_own_shape);
    suite_add_tcase(suite, tests);
    return suite;
}
