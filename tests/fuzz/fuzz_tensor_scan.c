/* fuzz_tensor_scan.c: the scan and jansson agree on every text. SPDX-License-Identifier: Apache-2.0
 *
 * What the scan accepts, rest and tensors together, jansson reads from the whole text, to the bit.
 * Of what jansson reads, the scan refuses just what its header says: arrays of numbers that are not
 * uniform, too deep or beyond float32. */
#include <jansson.h>
#include <math.h>
#include <stdint.h>
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

/* ---- What the scan refuses ------------------------------------------------------------------- */

/* Numbers from here on round to infinity as float32. */
static const double first_infinite = 0x1.ffffffp127;

/* Whether what follows the opening brackets of an array makes it a tensor. */
static bool is_numeric(const json_t *array)
{
    while (json_is_array(array) && json_array_size(array) > 0)
        array = json_array_get(array, 0);
    return json_is_array(array) || json_is_number(array);
}

/* The depth at which the first number lies, arrays counted; 0: there is none. */
static size_t leaf_depth(const json_t *value)
{
    if (json_is_number(value))
        return 1;
    for (size_t i = 0; json_is_array(value) && i < json_array_size(value); i++) {
        const size_t depth = leaf_depth(json_array_get(value, i));
        if (depth > 0)
            return depth + 1;
    }
    return 0;
}

/* Whether value is numbers of float32 at this depth and nothing else; empty arrays may lie above.
 */
static bool is_uniform(const json_t *value, size_t depth)
{
    if (depth == 0)
        return json_is_number(value) && fabs(json_number_value(value)) < first_infinite;
    if (!json_is_array(value))
        return false;
    for (size_t i = 0; i < json_array_size(value); i++)
        if (!is_uniform(json_array_get(value, i), depth - 1))
            return false;
    return true;
}

/* How many arrays lie in one another at most. */
static size_t array_depth(const json_t *value)
{
    size_t deepest = 0;
    if (!json_is_array(value))
        return 0;
    for (size_t i = 0; i < json_array_size(value); i++) {
        const size_t depth = array_depth(json_array_get(value, i));
        deepest = depth > deepest ? depth : deepest;
    }
    return deepest + 1;
}

/* Whether a numeric array can be a tensor; `around` arrays and objects are open around it. */
static bool is_tensor(const json_t *array, size_t around)
{
    const size_t depth = array_depth(array), leaf = leaf_depth(array);
    return depth <= TENSOR_MAX_RANK && around + depth <= SCAN_MAX_DEPTH &&
           is_uniform(array, leaf > 0 ? leaf - 1 : depth);
}

/* Whether the scan has to accept a text that jansson reads as this. */
static bool is_scannable(const json_t *value, size_t around)
{
    if (json_is_array(value) && is_numeric(value))
        return is_tensor(value, around);
    if ((json_is_array(value) || json_is_object(value)) && around == SCAN_MAX_DEPTH)
        return false;
    for (size_t i = 0; json_is_array(value) && i < json_array_size(value); i++)
        if (!is_scannable(json_array_get(value, i), around + 1))
            return false;
    const char *key;
    json_t *member;
    json_object_foreach((json_t *)(uintptr_t)value, key,
                        member) if (!is_scannable(member, around + 1)) return false;
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
        require(whole == NULL || is_scannable(whole, 0));
        json_t *const rest =
            scan.rest.n > 0 ? json_loadb(scan.rest.data, scan.rest.n, flags, NULL) : NULL;
        require((whole == NULL) == (rest == NULL));
        if (whole != NULL)
            compare(&scan, whole, rest);
        json_decref(rest);
    } else {
        require(error.status == LSTM_INVALID && error.text[0] != '\0');
        require(whole == NULL || size > SCAN_MAX_REST || !is_scannable(whole, 0));
    }
    tensor_scan_release(&scan);
    json_decref(whole);
    return 0;
}
