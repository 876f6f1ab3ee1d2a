/* test_initializers.c: fresh weights: their distributions, and that a seed fixes them.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>

#include "tests/support/assert_tensor.h"
#include "tests/support/cases.h"
#include "tests/support/model_builder.h"

Suite *suite_initializers(void);

static struct lstm_model *create_from_layer(const char *layer, uint64_t seed)
{
    char json[1024];
    snprintf(json, sizeof json,
             "{\"format\":\"lstmd-model-1\",\"input\":{\"features\":28},\"layers\":[%s]}", layer);
    return create_model(json, seed);
}

static size_t count(const struct lstm_tensor *tensor)
{
    return tensor->shape[0] * (tensor->rank == 2 ? tensor->shape[1] : 1);
}

struct moments {
    double least, largest, mean, deviation;
};

static struct moments measure(const float *x, size_t n)
{
    struct moments m = {.least = HUGE_VAL, .largest = -HUGE_VAL};
    for (size_t k = 0; k < n; k++) {
        m.least = fmin(m.least, (double)x[k]);
        m.largest = fmax(m.largest, (double)x[k]);
        m.mean += (double)x[k] / (double)n;
    }
    for (size_t k = 0; k < n; k++)
        m.deviation += pow((double)x[k] - m.mean, 2) / (double)n;
    m.deviation = sqrt(m.deviation);
    return m;
}

static const char all_kinds[] =
    "{\"type\":\"lstm\",\"name\":\"a\",\"units\":20,\"return_sequences\":true},"
    "{\"type\":\"gru\",\"name\":\"b\",\"units\":10},"
    "{\"type\":\"dense\",\"name\":\"c\",\"units\":5,"
    "\"kernel_initializer\":{\"type\":\"truncated_normal\",\"stddev\":0.1}}";

START_TEST(test_same_seed_gives_the_same_bits)
{
    struct lstm_model *a = create_from_layer(all_kinds, 42), *b = create_from_layer(all_kinds, 42);
    for (size_t k = 0; k < lstm_model_n_tensors(a); k++) {
        struct lstm_tensor tensor = lstm_model_tensor(a, k);
        assert_tensor_identical(tensor.name, lstm_model_tensor(b, k).data, tensor.data,
                                count(&tensor));
    }
    lstm_model_destroy(a);
    lstm_model_destroy(b);
}
END_TEST

static const char *const kernel_names[] = {"a/kernel", "b/gates/kernel", "b/candidate/kernel",
                                           "c/kernel"};

START_TEST(test_other_seed_gives_other_kernels)
{
    struct lstm_model *a = create_from_layer(all_kinds, 42), *b = create_from_layer(all_kinds, 43);
    size_t k = find_tensor(a, kernel_names[_i]), n_same = 0;
    struct lstm_tensor x = lstm_model_tensor(a, k), y = lstm_model_tensor(b, k);
    for (size_t v = 0; v < count(&x); v++)
        n_same += x.data[v] == y.data[v];
    ck_assert_uint_lt(n_same, 3);
    lstm_model_destroy(a);
    lstm_model_destroy(b);
}
END_TEST

/* Two kernels of one shape and one seed must not be copies of each other. */
START_TEST(test_layers_of_one_model_draw_different_weights)
{
    struct lstm_model *model = create_from_layer(
        "{\"type\":\"lstm\",\"name\":\"a\",\"units\":28,\"return_sequences\":true},"
        "{\"type\":\"lstm\",\"name\":\"b\",\"units\":28}",
        5);
    struct lstm_tensor a = lstm_model_tensor(model, find_tensor(model, "a/kernel"));
    struct lstm_tensor b = lstm_model_tensor(model, find_tensor(model, "b/kernel"));
    size_t n_same = 0;
    for (size_t v = 0; v < count(&a); v++)
        n_same += a.data[v] == b.data[v];
    ck_assert_uint_lt(n_same, 3);
    lstm_model_destroy(model);
}
END_TEST

/* What a tensor must look like. For a uniform distribution the deviation is limit / sqrt(3); a
 * normal one cut at two deviations keeps 0.8796 of its deviation. */
static const struct {
    const char *layer, *tensor;
    double mean, limit, deviation;
} distribution_cases[] = {
    {"{\"type\":\"lstm\",\"name\":\"a\",\"units\":100}", "a/kernel", 0, 0.106600, 0.061546},
    {"{\"type\":\"lstm\",\"name\":\"a\",\"units\":100}", "a/bias", 0, 0, 0},
    {"{\"type\":\"gru\",\"name\":\"a\",\"units\":100}", "a/gates/kernel", 0, 0.135250, 0.078087},
    {"{\"type\":\"gru\",\"name\":\"a\",\"units\":100}", "a/gates/bias", 1, 0, 0},
    {"{\"type\":\"gru\",\"name\":\"a\",\"units\":100}", "a/candidate/kernel", 0, 0.162221,
     0.093659},
    {"{\"type\":\"gru\",\"name\":\"a\",\"units\":100}", "a/candidate/bias", 0, 0, 0},
    {"{\"type\":\"lstm\",\"units\":100},{\"type\":\"dense\",\"name\":\"a\",\"units\":50,"
     "\"kernel_initializer\":{\"type\":\"truncated_normal\",\"mean\":0,\"stddev\":0.1}}",
     "a/kernel", 0, 0.2, 0.087963},
    {"{\"type\":\"lstm\",\"units\":100},{\"type\":\"dense\",\"name\":\"a\",\"units\":50,"
     "\"kernel_initializer\":{\"type\":\"truncated_normal\",\"mean\":3,\"stddev\":2}}",
     "a/kernel", 3, 4, 1.759251},
    {"{\"type\":\"lstm\",\"units\":100},{\"type\":\"dense\",\"name\":\"a\",\"units\":50}",
     "a/kernel", 0, 0.2, 0.115470},
    {"{\"type\":\"lstm\",\"units\":100},{\"type\":\"dense\",\"name\":\"a\",\"units\":50,"
     "\"bias_initializer\":{\"type\":\"constant\",\"value\":0.1}}",
     "a/bias", 0.1, 0, 0},
    {"{\"type\":\"lstm\",\"name\":\"a\",\"units\":100,"
     "\"bias_initializer\":{\"type\":\"constant\",\"value\":-2}}",
     "a/bias", -2, 0, 0},
    {"{\"type\":\"gru\",\"name\":\"a\",\"units\":100,"
     "\"kernel_initializer\":{\"type\":\"glorot_uniform\"}}",
     "a/candidate/kernel", 0, 0.162221, 0.093659},
};

START_TEST(test_initializer_draws_from_its_distribution)
{
    struct lstm_model *model = create_from_layer(distribution_cases[_i].layer, 6);
    struct lstm_tensor tensor =
        lstm_model_tensor(model, find_tensor(model, distribution_cases[_i].tensor));
    struct moments got = measure(tensor.data, count(&tensor));
    double mean = distribution_cases[_i].mean, limit = distribution_cases[_i].limit;
    double deviation = distribution_cases[_i].deviation;
    double tolerance = 1e-6 * (1 + fabs(mean));
    ck_assert_double_ge(got.least, mean - limit - tolerance);
    ck_assert_double_le(got.largest, mean + limit + tolerance);
    /* The whole range is used: thousands of draws come within 2 % of both ends. */
    ck_assert_double_le(got.least, mean - 0.98 * limit + tolerance);
    ck_assert_double_ge(got.largest, mean + 0.98 * limit - tolerance);
    /* Four standard errors of the mean of n draws. */
    double mean_tolerance = 4 * deviation / sqrt((double)count(&tensor)) + tolerance;
    ck_assert_double_eq_tol(got.mean, mean, mean_tolerance);
    ck_assert_double_eq_tol(got.deviation, deviation, 0.03 * deviation + tolerance);
    lstm_model_destroy(model);
}
END_TEST

/* A normal distribution is denser in its middle than a uniform one: 0.7152 of it, against half,
 * lies within half of the limit of two deviations. */
START_TEST(test_truncated_normal_is_bell_shaped)
{
    struct lstm_model *model =
        create_from_layer("{\"type\":\"lstm\",\"name\":\"a\",\"units\":100,"
                          "\"kernel_initializer\":{\"type\":\"truncated_normal\",\"stddev\":0.1}}",
                          7);
    struct lstm_tensor tensor = lstm_model_tensor(model, find_tensor(model, "a/kernel"));
    size_t n_middle = 0, n = count(&tensor);
    for (size_t k = 0; k < n; k++)
        n_middle += fabsf(tensor.data[k]) < 0.1F;
    ck_assert_double_eq_tol((double)n_middle / (double)n, 0.7152, 0.01);
    lstm_model_destroy(model);
}
END_TEST

START_TEST(test_embeddings_are_glorot_uniform)
{
    static const char json[] =
        "{\"format\":\"lstmd-model-1\",\"input\":{\"features\":1},\"layers\":["
        "{\"type\":\"embedding\",\"name\":\"words\",\"units\":40,\"vocabulary\":500},"
        "{\"type\":\"gru\",\"name\":\"b\",\"units\":4}]}";
    struct lstm_model *model = create_model(json, 8);
    struct lstm_tensor tensor = lstm_model_tensor(model, find_tensor(model, "words/embeddings"));
    struct moments got = measure(tensor.data, count(&tensor));
    double limit = sqrt(6.0 / 540);
    ck_assert_uint_eq(tensor.shape[0], 500);
    ck_assert_uint_eq(tensor.shape[1], 40);
    ck_assert_double_eq_tol(got.largest, limit, 0.02 * limit);
    ck_assert_double_eq_tol(got.least, -limit, 0.02 * limit);
    lstm_model_destroy(model);
}
END_TEST

Suite *suite_initializers(void)
{
    Suite *suite = suite_create("initializers");
    TCase *weights = tcase_create("weights");
    suite_add_tcase(suite, weights);
    tcase_add_test(weights, test_same_seed_gives_the_same_bits);
    tcase_add_loop_test(weights, test_other_seed_gives_other_kernels, 0, N_CASES(kernel_names));
    tcase_add_test(weights, test_layers_of_one_model_draw_different_weights);
    tcase_add_loop_test(weights, test_initializer_draws_from_its_distribution, 0,
                        N_CASES(distribution_cases));
    tcase_add_test(weights, test_truncated_normal_is_bell_shaped);
    tcase_add_test(weights, test_embeddings_are_glorot_uniform);
    return suite;
}
