/* test_inspect.c: `lstmd inspect` tells what is in a file, for people and for programs.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/daemon.h"
#include "tests/support/model_builder.h"
#include "tests/support/temp_folder.h"

Suite *suite_inspect(void);

#define EXAMPLE "tests/data/import/tf1/example"

static struct daemon_run run;

static void inspect(const char *file, const char *option)
{
    daemon_run((const char *const[]){"inspect", file, option, NULL}, &run);
}

static const char *const lines[] = {
    "TensorFlow checkpoint (V2) (--format tf-checkpoint)\n\n",
    "\ntype       shape                       bytes  name\n",
    "\nfloat32    [3, 2]                         24  Variable\n",
    "\nfloat32    []                              4  beta1_power\n",
    "\nlstm       rnn/basic_lstm_cell                             4        3         96  tanh\n",
    "\ndense      dense                                           3        2          8  softmax\n",
    "\nnote: forget_bias is taken to be 1: ",
};

START_TEST(test_inspect_lists_arrays_layers_and_notes)
{
    inspect(EXAMPLE, NULL);
    ck_assert_msg(run.exit_status == 0, "%s", run.log);
    const char *at = run.out;
    for (size_t k = 0; k < sizeof lines / sizeof *lines; k++) {
        at = strstr(at, lines[k]);
        ck_assert_msg(at != NULL, "no line '%s' in its place:\n%s", lines[k], run.out);
    }
}
END_TEST

START_TEST(test_inspect_json_is_the_same_for_programs)
{
    const char *format, *title, *name, *dtype;
    int rows, columns, bytes, inputs, units, weights;
    json_t *arrays, *layers, *notes, *problem;
    inspect(EXAMPLE, "--json");
    ck_assert_msg(run.exit_status == 0, "%s", run.log);
    json_t *root = json_loads(run.out, 0, NULL);
    ck_assert_int_eq(json_unpack(root, "{s:s, s:s, s:o, s:o, s:o, s:o !}", "format", &format,
                                 "title", &title, "arrays", &arrays, "layers", &layers, "notes",
                                 &notes, "problem", &problem),
                     0);
    ck_assert_str_eq(format, "tf-checkpoint");
    ck_assert_str_eq(title, "TensorFlow checkpoint (V2)");
    ck_assert_uint_eq(json_array_size(arrays), 14);
    ck_assert_int_eq(json_unpack(json_array_get(arrays, 11), "{s:s, s:s, s:[i, i !], s:i !}",
                                 "name", &name, "dtype", &dtype, "shape", &rows, &columns, "bytes",
                                 &bytes),
                     0);
    ck_assert_str_eq(name, "rnn/basic_lstm_cell/kernel");
    ck_assert_str_eq(dtype, "float32");
    ck_assert_int_eq(rows * columns * 4, bytes);
    ck_assert_uint_eq(json_array_size(layers), 2);
    ck_assert_int_eq(json_unpack(json_array_get(layers, 0), "{s:s, s:s, s:i, s:i, s:i, s:s !}",
                                 "type", &name, "name", &title, "inputs", &inputs, "units", &units,
                                 "weights", &weights, "activation", &dtype),
                     0);
    ck_assert_int_eq(weights, (inputs + units + 1) * 4 * units);
    ck_assert_uint_eq(json_array_size(notes), 4);
    ck_assert(json_is_null(problem));
    json_decref(root);
}
END_TEST

/* Its names are shown, but do not reach the terminal as they are. */
START_TEST(test_inspect_of_a_file_without_a_network_shows_its_arrays_and_why)
{
    static const char header[] =
        "{\"a\\u001b[2Jb\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}";
    static const float value = 1;
    const struct weights_bytes weights = weights_compose(header, &value, sizeof value);
    struct temp_folder folder;
    char path[256];
    temp_folder_create(&folder);
    temp_file_write(temp_folder_path(&folder, "one.safetensors", path), weights.data, weights.size);
    inspect(path, NULL);
    ck_assert_msg(run.exit_status == 0, "%s", run.log);
    ck_assert_msg(strstr(run.out, "  a?[2Jb\n\nno model can be made of it: ") != NULL, "%s",
                  run.out);
    ck_assert_ptr_null(strchr(run.out, '\033'));
    inspect(path, "--json");
    json_t *root = json_loads(run.out, 0, NULL);
    ck_assert_uint_gt(json_string_length(json_object_get(root, "problem")), 0);
    ck_assert_uint_eq(json_array_size(json_object_get(root, "layers")), 0);
    json_decref(root);
    free(weights.data);
    temp_folder_remove(&folder);
}
END_TEST

START_TEST(test_inspect_of_no_model_file_says_so)
{
    inspect("tests/data/mnist/digit.json", NULL);
    ck_assert_int_eq(run.exit_status, 2);
    ck_assert_str_eq(run.out, "");
    ck_assert_ptr_eq(strstr(run.log, "lstmd inspect: "), run.log);
    inspect("/dev/null", NULL);
    ck_assert_int_eq(run.exit_status, 1);
    ck_assert_ptr_nonnull(strstr(run.log, "/dev/null is not a regular file"));
}
END_TEST

Suite *suite_inspect(void)
{
    Suite *suite = suite_create("inspect");
    TCase *tcase = tcase_create("inspect");
    tcase_add_test(tcase, test_inspect_lists_arrays_layers_and_notes);
    tcase_add_test(tcase, test_inspect_json_is_the_same_for_programs);
    tcase_add_test(tcase, test_inspect_of_a_file_without_a_network_shows_its_arrays_and_why);
    tcase_add_test(tcase, test_inspect_of_no_model_file_says_so);
    suite_add_tcase(suite, tcase);
    return suite;
}
