/* test_safetensors.c: weights files, good and malformed, as lstm_model_parse() takes them.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/assert_tensor.h"
#include "tests/support/cases.h"
#include "tests/support/model_builder.h"

Suite *suite_safetensors(void);

/* One LSTM of 1 feature and 1 unit: a/kernel [2, 4], a/bias [4]. */
static const char model_json[] = "{\"format\":\"lstmd-model-1\",\"input\":{\"features\":1},"
                                 "\"layers\":[{\"type\":\"lstm\",\"name\":\"a\",\"units\":1}]}";

static const float values[12] = {1, 2, 3, 4, 5, 6, 7, 8, -1, -2, -3, -4};

#define KERNEL "\"a/kernel\":{\"dtype\":\"F32\",\"shape\":[2,4],\"data_offsets\":[0,32]}"
#define BIAS   "\"a/bias\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[32,48]}"
/* A bias of other text, behind the good kernel. */
#define OTHER_BIAS(text) "{" KERNEL ",\"a/bias\":{" text "}}"

static enum lstm_status parse(struct weights_bytes bytes, struct lstm_model **model,
                              struct lstm_error *error)
{
    /* An allocation of the exact size, so that a sanitizer sees a read beyond the end. */
    uint8_t *exact = malloc(bytes.size + (bytes.size == 0));
    ck_assert_ptr_nonnull(exact);
    if (bytes.size > 0)
        memcpy(exact, bytes.data, bytes.size);
    enum lstm_status status =
        lstm_model_parse(model_json, sizeof model_json - 1, exact, bytes.size, model, error);
    free(exact);
    return status;
}

static const struct {
    const char *header;
    size_t n_data; /* bytes behind the header */
} good_cases[] = {
    {"{" KERNEL "," BIAS "}", 48},
    {"{" BIAS "," KERNEL "}", 48},
    {" \n\t{" KERNEL "," BIAS "}   \n", 48},
    {"{\"__metadata__\":{\"format\":\"pt\",\"\":\"\"}," KERNEL "," BIAS "}", 48},
    {"{\"__metadata__\":{}," KERNEL "," BIAS "}", 48},
    {"{" KERNEL "," BIAS "} ", 48},
    {"{" KERNEL "," BIAS "}  ", 48},
    {"{" KERNEL "," BIAS "}   ", 48},
    {"{\"a\\/kernel\":{\"shape\":[2,4],\"data_offsets\":[0,32],\"dtype\":\"F32\"}," BIAS "}", 48},
};

START_TEST(test_good_file_is_read)
{
    struct weights_bytes bytes =
        weights_compose(good_cases[_i].header, values, good_cases[_i].n_data);
    struct lstm_model *model = NULL;
    struct lstm_error error;
    assert_ok(parse(bytes, &model, &error), &error);
    assert_tensor_identical("kernel", lstm_model_tensor(model, 0).data, values, 8);
    assert_tensor_identical("bias", lstm_model_tensor(model, 1).data, values + 8, 4);
    lstm_model_destroy(model);
    free(bytes.data);
}
END_TEST

/* A malformed header or a wrong number of data bytes, and words of the error. */
static const struct {
    const char *header;
    size_t n_data;
    const char *words;
} bad_cases[] = {
    {"", 0, "header"},
    {"{", 48, "header"},
    {"null", 48, "header"},
    {"[]", 48, "header"},
    {"{" KERNEL "," BIAS "}{}", 48, "header"},
    {"{" KERNEL "," BIAS ",}", 48, "header"},
    {"{" KERNEL "," BIAS "}\x01", 48, "header"},
    {"{\"a\xff\":1," KERNEL "," BIAS "}", 48, "decode"},
    {"{" KERNEL "," BIAS "," BIAS "}", 48, "a/bias"},
    {"{\"__metadata__\":{},\"__metadata__\":{}," KERNEL "," BIAS "}", 48, "__metadata__"},
    {"{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}," KERNEL "," BIAS "}", 48, "k"},
    {"{\"__metadata__\":{\"k\":1}," KERNEL "," BIAS "}", 48, "__metadata__"},
    {"{\"__metadata__\":{\"k\":{\"x\":\"1\"}}," KERNEL "," BIAS "}", 48, "__metadata__"},
    {"{\"__metadata__\":\"text\"," KERNEL "," BIAS "}", 48, "__metadata__"},
    {"{\"__metadata__\":[]," KERNEL "," BIAS "}", 48, "__metadata__"},
    {OTHER_BIAS("\"dtype\":\"F31\",\"shape\":[4],\"data_offsets\":[32,48]"), 48, "dtype"},
    {OTHER_BIAS("\"dtype\":\"f32\",\"shape\":[4],\"data_offsets\":[32,48]"), 48, "dtype"},
    {OTHER_BIAS("\"dtype\":1,\"shape\":[4],\"data_offsets\":[32,48]"), 48, "dtype"},
    {OTHER_BIAS("\"shape\":[4],\"data_offsets\":[32,48]"), 48, "dtype"},
    {OTHER_BIAS("\"dtype\":\"F32\",\"data_offsets\":[32,48]"), 48, "shape"},
    {OTHER_BIAS("\"dtype\":\"F32\",\"shape\":[4]"), 48, "data_offsets"},
    {"{" KERNEL ",\"a/bias\":4}", 48, "a/bias"},
    {"{" KERNEL ",\"a/bias\":null}", 48, "a/bias"},
    {OTHER_BIAS("\"dtype\":\"F32\",\"shape\":4,\"data_offsets\":[32,48]"), 48, "shape"},
    {OTHER_BIAS("\"dtype\":\"F32\",\"shape\":[-4],\"data_offsets\":[32,48]"), 48, "shape"},
    {OTHER_BIAS("\"dtype\":\"F32\",\"shape\":[4.0],\"data_offsets\":[32,48]"), 48, "shape"},
    {OTHER_BIAS("\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[48]"), 48, "data_offsets"},
    {OTHER_BIAS("\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[32,48,64]"), 48, "data_offsets"},
    {OTHER_BIAS("\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[32.0,48]"), 48, "data_offsets"},
    {OTHER_BIAS("\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[-16,48]"), 48, "data_offsets"},
    {OTHER_BIAS("\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[48,32]"), 48, "a/bias"},
    /* A hole, an overlap, a gap at the beginning. */
    {OTHER_BIAS("\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[36,52]"), 52, "a/bias"},
    {OTHER_BIAS("\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[28,44]"), 44, "a/bias"},
    {OTHER_BIAS("\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]"), 32, ""},
    {"{\"a/kernel\":{\"dtype\":\"F32\",\"shape\":[2,4],\"data_offsets\":[4,36]},"
     "\"a/bias\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[36,52]}}",
     52, "a/kernel"},
    /* Shapes whose product, or whose size in bits, overflows 64 bits. */
    {OTHER_BIAS("\"dtype\":\"F32\",\"shape\":[4294967296,4294967297],\"data_offsets\":[32,48]"), 48,
     "overflow"},
    {OTHER_BIAS("\"dtype\":\"F32\",\"shape\":[2305843009213693953],\"data_offsets\":[32,48]"), 48,
     "overflow"},
    {OTHER_BIAS("\"dtype\":\"F32\",\"shape\":[18446744073709551616],\"data_offsets\":[32,48]"), 48,
     ""},
    {OTHER_BIAS("\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[32,9223372036854775807]"), 48,
     "a/bias"},
    /* Sizes that do not fit the offsets; bits that fill no byte. */
    {OTHER_BIAS("\"dtype\":\"F32\",\"shape\":[5],\"data_offsets\":[32,48]"), 48, "a/bias"},
    {OTHER_BIAS("\"dtype\":\"F64\",\"shape\":[4],\"data_offsets\":[32,48]"), 48, "a/bias"},
    {OTHER_BIAS("\"dtype\":\"F4\",\"shape\":[3],\"data_offsets\":[32,33]"), 33, "a/bias"},
    /* Data cut short, data appended, no data. */
    {"{" KERNEL "," BIAS "}", 47, "data"},
    {"{" KERNEL "," BIAS "}", 49, "data"},
    {"{" KERNEL "," BIAS "}", 0, "data"},
    {"{}", 4, "data"},
    /* Good files that are not this model's. */
    {"{}", 0, "a/kernel"},
    {"{" KERNEL "}", 32, "a/bias"},
    {"{\"a/bias\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]}}", 16, "a/kernel"},
    {"{" KERNEL "," BIAS ",\"b/bias\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[48,52]}}",
     52, "b/bias"},
    {"{" KERNEL "," BIAS ",\"e\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[48,48]}}", 48,
     "e"},
    {"{" KERNEL "," BIAS ",\"s\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[48,52]}}", 52,
     "s"},
    {"{\"a/kernel\":{\"dtype\":\"F32\",\"shape\":[4,2],\"data_offsets\":[0,32]}," BIAS "}", 48,
     "[4, 2]"},
    {"{\"a/kernel\":{\"dtype\":\"F32\",\"shape\":[8],\"data_offsets\":[0,32]}," BIAS "}", 48,
     "[8]"},
    {"{\"a/kernel\":{\"dtype\":\"F32\",\"shape\":[2,4,1],\"data_offsets\":[0,32]}," BIAS "}", 48,
     "a/kernel"},
    {OTHER_BIAS("\"dtype\":\"F32\",\"shape\":[1,4],\"data_offsets\":[32,48]"), 48, "a/bias"},
    {OTHER_BIAS("\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[32,36]"), 36, "a/bias"},
};

START_TEST(test_malformed_file_is_refused_with_a_sentence_that_names_the_fault)
{
    uint8_t data[64] = {0};
    struct weights_bytes bytes = weights_compose(bad_cases[_i].header, data, bad_cases[_i].n_data);
    struct lstm_model *model = NULL;
    struct lstm_error error;
    assert_failure(parse(bytes, &model, &error), LSTM_FORMAT, &error, bad_cases[_i].words);
    ck_assert_ptr_null(model);
    free(bytes.data);
}
END_TEST

/* Types that safetensors knows and weights may not have. */
static const struct {
    const char *dtype;
    size_t bytes;
} other_dtype_cases[] = {{"I64", 8},     {"U64", 8},     {"I32", 4},    {"U32", 4},  {"I16", 2},
                         {"U16", 2},     {"I8", 1},      {"U8", 1},     {"BOOL", 1}, {"C64", 8},
                         {"F8_E5M2", 1}, {"F8_E4M3", 1}, {"F8_E8M0", 1}};

START_TEST(test_weights_that_are_no_floats_are_refused_by_their_type)
{
    char header[256];
    uint8_t data[64] = {0};
    size_t end = 32 + 4 * other_dtype_cases[_i].bytes;
    snprintf(header, sizeof header,
             OTHER_BIAS("\"dtype\":\"%s\",\"shape\":[4],\"data_offsets\":[32,%zu]"),
             other_dtype_cases[_i].dtype, end);
    struct weights_bytes bytes = weights_compose(header, data, end);
    struct lstm_model *model = NULL;
    struct lstm_error error;
    enum lstm_status status = parse(bytes, &model, &error);
    ck_assert_ptr_null(model);
    assert_failure(status, LSTM_UNSUPPORTED, &error, other_dtype_cases[_i].dtype);
    ck_assert_ptr_nonnull(strstr(error.text, "a/bias"));
    free(bytes.data);
}
END_TEST

/* The length word: too short a file, absurd lengths, lengths beyond the file. */
static const struct {
    uint64_t length;
    size_t size; /* of the whole file */
    const char *words;
} length_cases[] = {
    {0, 0, "few"},
    {0, 7, "few"},
    {0, 8, "header"},
    {1, 8, "header"},
    {57, 64, "header"},
    {100000000, 64, "header"},
    {100000001, 64, "too large"},
    {UINT64_C(1) << 32, 64, "too large"},
    {UINT64_MAX, 64, "too large"},
    {UINT64_MAX - 7, 64, "too large"},
};

START_TEST(test_header_length_that_does_not_fit_the_file_is_refused)
{
    uint8_t file[64] = {0};
    for (size_t k = 0; k < 8; k++)
        file[k] = (uint8_t)(length_cases[_i].length >> (8 * k));
    struct weights_bytes bytes = {file, length_cases[_i].size};
    struct lstm_model *model = NULL;
    struct lstm_error error;
    assert_failure(parse(bytes, &model, &error), LSTM_FORMAT, &error, length_cases[_i].words);
}
END_TEST

START_TEST(test_every_truncation_of_a_file_is_refused)
{
    struct weights_bytes bytes = weights_compose("{" KERNEL "," BIAS "}", values, 48);
    for (size_t n = 0; n < bytes.size; n++) {
        struct lstm_model *model = NULL;
        struct lstm_error error;
        assert_failure(parse((struct weights_bytes){bytes.data, n}, &model, &error), LSTM_FORMAT,
                       &error, "");
    }
    free(bytes.data);
}
END_TEST

/* One value in each stored type, as bits, and as what it must become in float32. */
static const struct {
    const char *dtype;
    size_t bytes;
    uint64_t bits;
    double want;
} value_cases[] = {
    {"F32", 4, 0x3f9d70a4, (double)1.23F},
    {"F32", 4, 0x80000001, -0x1p-149},
    {"F32", 4, 0x7f800000, HUGE_VAL},
    {"F64", 8, 0x3ff3ae147ae147ae, (double)1.23F},
    {"F64", 8, 0xc000000000000000, -2},
    {"F64", 8, 0x7ff0000000000000, HUGE_VAL},
    {"F64", 8, 0x0000000000000001, 0},
    {"F16", 2, 0x3c00, 1},
    {"F16", 2, 0xc500, -5},
    {"F16", 2, 0x7bff, 65504},
    {"F16", 2, 0x0400, 0x1p-14},
    {"F16", 2, 0x0001, 0x1p-24},
    {"F16", 2, 0x83ff, -0x3ffp-24},
    {"F16", 2, 0x0000, 0},
    {"F16", 2, 0x8000, 0},
    {"F16", 2, 0xfc00, -HUGE_VAL},
    {"BF16", 2, 0x3f80, 1},
    {"BF16", 2, 0xc0a0, -5},
    {"BF16", 2, 0x0001, 0x1p-133},
    {"BF16", 2, 0x7f7f, 0x1.fep127},
    {"BF16", 2, 0x7f80, HUGE_VAL},
};

static struct weights_bytes bias_of_bits(const char *dtype, size_t bytes, uint64_t bits)
{
    char header[256];
    uint8_t data[64] = {0};
    snprintf(header, sizeof header,
             OTHER_BIAS("\"dtype\":\"%s\",\"shape\":[4],\"data_offsets\":[32,%zu]"), dtype,
             32 + 4 * bytes);
    for (size_t k = 0; k < 4; k++)
        for (size_t b = 0; b < bytes; b++)
            data[32 + k * bytes + b] = (uint8_t)(bits >> (8 * b));
    return weights_compose(header, data, 32 + 4 * bytes);
}

START_TEST(test_stored_value_becomes_the_float32_that_it_means)
{
    struct weights_bytes bytes =
        bias_of_bits(value_cases[_i].dtype, value_cases[_i].bytes, value_cases[_i].bits);
    struct lstm_model *model = NULL;
    struct lstm_error error;
    assert_ok(parse(bytes, &model, &error), &error);
    double want = value_cases[_i].want;
    assert_tensor("bias", lstm_model_tensor(model, 1).data,
                  ((const double[]){want, want, want, want}), 4, 0, 0);
    lstm_model_destroy(model);
    free(bytes.data);
}
END_TEST

static const struct {
    const char *dtype;
    size_t bytes;
    uint64_t bits;
} nan_cases[] = {{"F32", 4, 0x7fc00000},
                 {"F64", 8, 0x7ff8000000000000},
                 {"F64", 8, 0x7ff0000000000001},
                 {"F16", 2, 0x7e00},
                 {"F16", 2, 0x7c01},
                 {"BF16", 2, 0x7fc0}};

START_TEST(test_stored_nan_is_accepted_and_stays_nan)
{
    struct weights_bytes bytes =
        bias_of_bits(nan_cases[_i].dtype, nan_cases[_i].bytes, nan_cases[_i].bits);
    struct lstm_model *model = NULL;
    struct lstm_error error;
    assert_ok(parse(bytes, &model, &error), &error);
    for (size_t k = 0; k < 4; k++)
        ck_assert(isnan(lstm_model_tensor(model, 1).data[k]));
    lstm_model_destroy(model);
    free(bytes.data);
}
END_TEST

Suite *suite_safetensors(void)
{
    Suite *suite = suite_create("safetensors");
    TCase *good = tcase_create("good"), *bad = tcase_create("bad");
    suite_add_tcase(suite, good);
    suite_add_tcase(suite, bad);
    tcase_add_loop_test(good, test_good_file_is_read, 0, N_CASES(good_cases));
    tcase_add_loop_test(good, test_stored_value_becomes_the_float32_that_it_means, 0,
                        N_CASES(value_cases));
    tcase_add_loop_test(good, test_stored_nan_is_accepted_and_stays_nan, 0, N_CASES(nan_cases));
    tcase_add_loop_test(bad, test_malformed_file_is_refused_with_a_sentence_that_names_the_fault, 0,
                        N_CASES(bad_cases));
    tcase_add_loop_test(bad, test_weights_that_are_no_floats_are_refused_by_their_type, 0,
                        N_CASES(other_dtype_cases));
    tcase_add_loop_test(bad, test_header_length_that_does_not_fit_the_file_is_refused, 0,
                        N_CASES(length_cases));
    tcase_add_test(bad, test_every_truncation_of_a_file_is_refused);
    return suite;
}
