/* answer_text.c: answers read with jansson, metrics line by line.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/answer_text.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool collect(const json_t *value, float *out, size_t room, size_t *n)
{
    if (json_is_number(value)) {
        if (*n == room)
            return false;
        out[(*n)++] = (float)json_number_value(value);
        return true;
    }
    if (!json_is_array(value))
        return false;
    for (size_t i = 0; i < json_array_size(value); i++)
        if (!collect(json_array_get(value, i), out, room, n))
            return false;
    return true;
}

size_t answer_numbers(const char *json, const char *key, float *out, size_t room)
{
    size_t n = 0;
    json_t *root = json_loads(json, 0, NULL);
    const bool good = collect(json_object_get(root, key), out, room, &n);
    json_decref(root);
    return good ? n : 0;
}

double answer_metric(const char *metrics, const char *series)
{
    const size_t n = strlen(series);
    const char *line = metrics;
    while (line != NULL && (strncmp(line, series, n) != 0 || line[n] != ' ')) {
        line = strchr(line, '\n');
        line = line == NULL ? NULL : line + 1;
    }
    return line == NULL ? 0 : strtod(line + n, NULL);
}
