/* golden.c: looks numbers up in the golden files by path. SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/golden.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

json_t *golden_load(const char *file)
{
    char path[256];
    json_error_t error;
    snprintf(path, sizeof path, "tests/data/golden/%s", file);
    json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    ck_assert_msg(root != NULL, "%s:%d: %s", path, error.line, error.text);
    return root;
}

static const json_t *step_into(const json_t *value, const char *key)
{
    if (json_is_array(value))
        return json_array_get(value, strtoul(key, NULL, 10));
    return json_object_get(value, key);
}

const json_t *golden_at(const json_t *root, const char *path)
{
    const json_t *value = root;
    for (const char *rest = path; value != NULL && *rest != '\0';) {
        char key[64];
        size_t n = strcspn(rest, "/");
        ck_assert_uint_lt(n, sizeof key);
        memcpy(key, rest, n);
        key[n] = '\0';
        value = step_into(value, key);
        rest += rest[n] == '/' ? n + 1 : n;
    }
    ck_assert_msg(value != NULL, "the golden file has no %s", path);
    return value;
}

double golden_number(const json_t *root, const char *path)
{
    const json_t *value = golden_at(root, path);
    ck_assert_msg(json_is_number(value), "%s is not a number", path);
    return json_number_value(value);
}

void golden_values(const json_t *root, const char *path, double *values, size_t n)
{
    const json_t *array = golden_at(root, path);
    ck_assert_msg(json_array_size(array) == n, "%s has %zu values, not %zu", path,
                  json_array_size(array), n);
    for (size_t k = 0; k < n; k++)
        values[k] = json_number_value(json_array_get(array, k));
}

void golden_floats(const json_t *root, const char *path, float *values, size_t n)
{
    const json_t *array = golden_at(root, path);
    ck_assert_msg(json_array_size(array) == n, "%s has %zu values, not %zu", path,
                  json_array_size(array), n);
    for (size_t k = 0; k < n; k++)
        values[k] = (float)json_number_value(json_array_get(array, k));
}
