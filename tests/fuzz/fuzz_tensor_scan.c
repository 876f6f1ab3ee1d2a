/* fuzz_tensor_scan.c: the scan and jansson agree on every text. SPDX-License-Identifier: Apache-2.0
 *
 * What the scan accepts, rest and tensors together, jansson reads from the whole text, to the bit;
 * and what jansson reads as an array of numbers that fits, the scan accepts. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/tensor_scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth)
{
    if (!truth)
        abort();
}

/* A tensor that is compared: where the next value and the next length of each level are. */
struct cursor {
    const struct scanned_tensor *tensor;
    size_t value, lengths[TENSOR_MAX_RANK];
};

static void compare_tensor(const json_t *array, struct cursor *at, size_t level)
{
    require(json_is_array(array) && level < at->tensor->rank);
    const size_t n = json_array_size(array);
    require(at->lengths[level] < at->tensor->n_lengths[level]);
    require(at->tensor->lengths[level][at->lengths[level]++] == n);
    for (size_t i = 0; i < n; i++) {
        const json_t *const element = json_array_get(array, i);
        if (json_is_array(element)) {
            compare_tensor(element, at, level + 1);
            continue;
        }
        require(json_is_real(element) && at->value < at->tensor->n_values);
        const float expected = (float)json_real_value(element);
        require(memcmp(&expected, &at->tensor->values[at->value++], sizeof expected) == 0);
    }
}

static void compare(const struct tensor_scan *scan, json_t *whole, json_t *rest)
{
    require(json_typeof(whole) == json_typeof(rest));
    if (json_is_array(rest) && json_is_number(json_array_get(rest, 0))) {
        const double k = json_number_value(json_array_get(rest, 0));
        require(json_array_size(rest) == 1 && k >= 0 && k < (double)scan->n_tensors);
        struct cursor at = {.tensor = &scan->tensors[(size_t)k]};
        compare_tensor(whole, &at, 0);
        require(at.value == at.tensor->n_values);
    } else if (json_is_array(rest)) {
        require(json_array_size(whole) == json_array_size(rest));
        for (size_t i = 0; i < json_array_size(rest); i++)
            compare(scan, json_array_get(whole, i), json_array_get(rest, i));
    } else if (json_is_object(rest)) {
        require(json_object_size(whole) == json_object_size(rest));
        const char *key;
        json_t *value;
        json_object_foreach(rest, key, value) compare(scan, json_object_get(whole, key), value);
    } else {
        require(json_equal(whole, rest));
    }
}

/* Whether value is numbers of float32 at depth `rank` and nothing else; empty arrays fit anywhere.
 */
static bool is_tensor(const json_t *value, size_t rank)
{
    if (rank == 0)
        return json_is_number(value) && fabs(json_number_value(value)) < 3.4e38;
    if (!json_is_array(value))
        return false;
    for (size_t i = 0; i < json_array_size(value); i++)
        if (!is_tensor(json_array_get(value, i), rank - 1))
            return false;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* jansson overlooks a NUL behind a number; json_body_parse() refuses it. */
    if (size > 0 && memchr(data, '\0', size) != NULL)
        return 0;
    const size_t flags = JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL | JSON_REJECT_DUPLICATES;
    const char *const text = (const char *)data;
    struct tensor_scan scan;
    struct lstm_error error;
    json_t *const whole = json_loadb(text, size, flags, NULL);
    if (tensor_scan(text, size, &scan, &error) == LSTM_OK) {
        json_t *const rest =
            scan.rest.n > 0 ? json_loadb(scan.rest.data, scan.rest.n, flags, NULL) : NULL;
        require((whole == NULL) == (rest == NULL));
        if (whole != NULL)
            compare(&scan, whole, rest);
        json_decref(rest);
    } else {
        require(error.status == LSTM_INVALID && error.text[0] != '\0');
        for (size_t rank = 1; whole != NULL && rank <= TENSOR_MAX_RANK; rank++)
            require(!is_tensor(whole, rank));
    }
    tensor_scan_release(&scan);
    json_decref(whole);
    return 0;
}
