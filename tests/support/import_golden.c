/* import_golden.c: import_golden.h. SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/import_golden.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/assert_tensor.h"
#include "tests/support/golden.h"

enum { BATCH = 2, MAX_VALUES = 128 };

static size_t size_at(const json_t *golden, const char *name, const char *key)
{
    const json_t *value = json_object_get(json_object_get(golden, name), key);
    ck_assert_msg(json_is_integer(value), "%s has no %s", name, key);
    return (size_t)json_integer_value(value);
}

static void read_numbers(const json_t *golden, const char *name, const char *key, double *values,
                         size_t n)
{
    const json_t *list = json_object_get(json_object_get(golden, name), key);
    ck_assert_uint_eq(json_array_size(list), n);
    for (size_t k = 0; k < n; k++)
        values[k] = json_number_value(json_array_get(list, k));
}

void import_golden_compare(const struct lstm_model *model, const char *file, const char *name)
{
    json_t *golden = golden_load(file);
    const size_t steps = size_at(golden, name, "steps");
    const size_t features = size_at(golden, name, "features");
    const size_t values = size_at(golden, name, "values");
    double numbers[MAX_VALUES], want[MAX_VALUES];
    float inputs[MAX_VALUES], outputs[MAX_VALUES];
    ck_assert_uint_le(BATCH * steps * features, MAX_VALUES);
    ck_assert_uint_le(BATCH * values, MAX_VALUES);
    read_numbers(golden, name, "inputs", numbers, BATCH * steps * features);
    read_numbers(golden, name, "outputs", want, BATCH * values);
    for (size_t k = 0; k < BATCH * steps * features; k++)
        inputs[k] = (float)numbers[k];
    const struct lstm_model_info *info = lstm_model_info(model);
    ck_assert_uint_eq(info->features, features);
    ck_assert_uint_eq(info->output_size * (info->output_is_sequence ? steps : 1), values);
    struct lstm_sequence sequences[BATCH];
    for (size_t b = 0; b < BATCH; b++)
        sequences[b] = (struct lstm_sequence){
            .input = inputs + b * steps * features, .steps = steps, .output = outputs + b * values};
    struct lstm_runner *runner;
    struct lstm_error error;
    assert_ok(lstm_runner_create(model, NULL, &runner, &error), &error);
    assert_ok(lstm_runner_run(runner, model, sequences, BATCH, &error), &error);
    assert_tensor(name, outputs, want, BATCH * values, 1e-5, 0);
    lstm_runner_destroy(runner);
    json_decref(golden);
}

enum lstm_status import_golden_try(const void *bytes, size_t n, struct lstm_error *error)
{
    const struct lstm_source_file file = {"weights", bytes, n};
    struct lstm_source *source = NULL;
    struct lstm_model *model = NULL;
    *error = (struct lstm_error){.text = ""};
    enum lstm_status status = lstm_source_parse(&file, 1, NULL, &source, error);
    if (status == LSTM_OK)
        status = lstm_source_model(source, NULL, &model, error);
    ck_assert(status == LSTM_OK ? model != NULL : model == NULL && error->text[0] != '\0');
    lstm_model_destroy(model);
    lstm_source_destroy(source);
    return status;
}

bool import_golden_has_note(const struct lstm_source *source, const char *words)
{
    for (size_t k = 0; k < lstm_source_n_notes(source); k++)
        if (strstr(lstm_source_note(source, k), words) != NULL)
            return true;
    return false;
}
