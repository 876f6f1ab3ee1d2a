/* model_store.c: small models, their folders, and what they give.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/model_store.h"

#include <check.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/version_folder.h"
#include "tests/support/assert_tensor.h"
#include "tests/support/model_builder.h"
#include "tests/support/temp_folder.h"

#define MODEL(input, layers)                                                                       \
    "{\"format\":\"lstmd-model-1\",\"input\":{" input "},\"layers\":[" layers "]}"

const char model_any[] =
    MODEL("\"features\":2", "{\"type\":\"lstm\",\"units\":5},"
                            "{\"type\":\"dense\",\"units\":3,\"activation\":\"softmax\"}");
const char model_fixed[] =
    MODEL("\"steps\":3,\"features\":2,\"scale\":0.5",
          "{\"type\":\"lstm\",\"units\":4},{\"type\":\"dense\",\"units\":2}");
const char model_rows[] =
    MODEL("\"features\":2", "{\"type\":\"lstm\",\"units\":4,\"return_sequences\":true}");
const char model_backwards[] =
    MODEL("\"features\":2", "{\"type\":\"lstm\",\"units\":4,\"bidirectional\":\"concat\"}");
const char model_pooled[] =
    MODEL("\"features\":2", "{\"type\":\"lstm\",\"units\":4,\"return_sequences\":true},"
                            "{\"type\":\"pooling\",\"reduce\":\"mean\"}");
const char model_digits[] = MODEL("\"steps\":28,\"features\":28,\"scale\":0.00392156862745098",
                                  "{\"type\":\"lstm\",\"units\":100},"
                                  "{\"type\":\"dense\",\"units\":10,\"activation\":\"softmax\"}");

static void make_path(char path[PATH_MAX], const char *folder, const char *name,
                      const char *version)
{
    ck_assert_int_lt(snprintf(path, PATH_MAX, "%s/%s/%s", folder, name, version), PATH_MAX);
}

void model_store_save(const char *folder, const char *name, const char *version,
                      const struct lstm_model *model)
{
    char path[PATH_MAX];
    struct lstm_error error = {.text = ""};
    make_path(path, folder, name, version);
    assert_ok(folder_make(path, &error), &error);
    assert_ok(lstm_model_save(model, path, &error), &error);
}

void model_store_add(const char *folder, const char *name, const char *version, const char *json,
                     uint64_t seed)
{
    struct lstm_model *model = create_model(json, seed);
    model_store_save(folder, name, version, model);
    lstm_model_destroy(model);
}

void model_store_add_broken(const char *folder, const char *name, const char *version)
{
    char path[PATH_MAX], file[PATH_MAX + 32];
    struct lstm_error error = {.text = ""};
    make_path(path, folder, name, version);
    assert_ok(folder_make(path, &error), &error);
    snprintf(file, sizeof file, "%s/model.json", path);
    temp_file_write(file, "{\"format\":", 10);
    snprintf(file, sizeof file, "%s/weights.safetensors", path);
    temp_file_write(file, "", 0);
}

void model_store_spoil(const char *folder, const char *name, const char *version)
{
    static const unsigned char nan_bytes[] = {0, 0, 0xc0, 0x7f};
    char path[PATH_MAX], file[PATH_MAX + 32];
    size_t n;
    make_path(path, folder, name, version);
    snprintf(file, sizeof file, "%s/weights.safetensors", path);
    char *bytes = temp_file_read(file, &n);
    memcpy(bytes + n - sizeof nan_bytes, nan_bytes, sizeof nan_bytes);
    temp_file_write(file, bytes, n);
    free(bytes);
}

void model_store_remove(const char *folder, const char *name, const char *version)
{
    char path[PATH_MAX];
    make_path(path, folder, name, version);
    folder_remove(path);
    ck_assert_int_ne(access(path, F_OK), 0);
}

void model_store_run_alone(const struct lstm_model *model, const struct lstm_sequence *sequence,
                           float *output)
{
    struct lstm_error error = {.text = ""};
    struct lstm_sequence alone = *sequence;
    struct lstm_runner *runner = create_runner(model, 1, 0);
    alone.output = output;
    assert_ok(lstm_runner_run(runner, model, &alone, 1, &error), &error);
    lstm_runner_destroy(runner);
}
