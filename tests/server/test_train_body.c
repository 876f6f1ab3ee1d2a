/* test_train_body.c: labels in all their forms. SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <string.h>

#include "server/train_body.h"
#include "tests/support/assert_tensor.h"
#include "tests/support/cases.h"
#include "tests/support/model_builder.h"
#include "tests/support/model_store.h"

Suite *suite_train_body(void);

#define MODEL(units, activation, training)                                                         \
    "{\"format\":\"lstmd-model-1\",\"input\":{\"features\":2},\"layers\":[{\"type\":\"lstm\","     \
    "\"units\":3},{\"type\":\"dense\",\"units\":" units activation "}]" training "}"

static const char softmax[] = MODEL("3", ",\"activation\":\"softmax\"", "");
static const char squares[] = MODEL("3", "", ",\"training\":{\"loss\":\"mean_squared_error\"}");
static const char single[] = MODEL("1", "", ",\"training\":{\"loss\":\"mean_squared_error\"}");

#define SEQUENCES(units, activation, training)                                                     \
    "{\"format\":\"lstmd-model-1\",\"input\":{\"features\":2},\"layers\":[{\"type\":\"lstm\","     \
    "\"units\":3,\"return_sequences\":true},{\"type\":\"dense\",\"units\":" units activation       \
    "}]" training "}"

static const char tags[] = SEQUENCES("2", ",\"activation\":\"softmax\"", "");
static const char series[] = SEQUENCES("1", "", ",\"training\":{\"loss\":\"mean_squared_error\"}");

/* Reads a body for two instances. */
static enum lstm_status decode(const char *model_json, const char *text, struct train_body *body,
                               struct lstm_error *error)
{
    struct json_body json;
    struct lstm_model *model = create_model(model_json, 1);
    assert_ok(json_body_parse(text, strlen(text), &json, error), error);
    /* What models that give sequences go by: lengths 2 and 1. */
    const struct lstm_sequence sequences[] = {{.steps = 2}, {.steps = 1}};
    const enum lstm_status status = train_body_decode(model, &json, sequences, 2, body, error);
    json_body_release(&json);
    lstm_model_destroy(model);
    return status;
}

static const struct {
    const char *model, *text;
    size_t n;
    float targets[6], weights[2];
    double learning_rate;
} good[] = {
    {softmax, "{\"labels\":[2,0]}", 6, {0, 0, 1, 1, 0, 0}, {0}, 0},
    {softmax, "{\"labels\":[[0,1,0],[0.25,0.25,0.5]]}", 6, {0, 1, 0, 0.25f, 0.25f, 0.5f}, {0}, 0},
    {squares, "{\"labels\":[[-1,2,3],[4,5.5,6]]}", 6, {-1, 2, 3, 4, 5.5f, 6}, {0}, 0},
    {single, "{\"labels\":[-1.5,7]}", 2, {-1.5f, 7}, {0}, 0},
    {single, "{\"labels\":[[-1.5],[7]]}", 2, {-1.5f, 7}, {0}, 0},
    {tags, "{\"labels\":[[1,0],[1]]}", 6, {0, 1, 1, 0, 0, 1}, {0}, 0},
    {tags, "{\"labels\":[[[0.5,0.5],[0,1]],[[1,0]]]}", 6, {0.5f, 0.5f, 0, 1, 1, 0}, {0}, 0},
    {series, "{\"labels\":[[-1.5,7],[3]]}", 3, {-1.5f, 7, 3}, {0}, 0},
    {series, "{\"labels\":[[[-1.5],[7]],[[3]]]}", 3, {-1.5f, 7, 3}, {0}, 0},
    {softmax,
     "{\"labels\":[2,0],\"sample_weight\":[0,2.5],\"learning_rate\":0.125}",
     6,
     {0, 0, 1, 1, 0, 0},
     {0, 2.5f},
     0.125},
};

START_TEST(test_train_body_reads_labels_weights_and_learning_rate)
{
    struct train_body body;
    struct lstm_error error;
    assert_ok(decode(good[_i].model, good[_i].text, &body, &error), &error);
    assert_tensor_identical("targets", body.targets, good[_i].targets, good[_i].n);
    ck_assert_int_eq(body.weights != NULL, good[_i].weights[1] > 0);
    if (body.weights != NULL)
        assert_tensor_identical("weights", body.weights, good[_i].weights, 2);
    ck_assert(body.learning_rate == good[_i].learning_rate);
    train_body_release(&body);
}
END_TEST

static const struct {
    const char *model, *text;
    enum lstm_status status;
    const char *words;
} bad[] = {
    {softmax, "{}", LSTM_INVALID, "labels: expected a class number or a row of probabilities"},
    {softmax, "{\"labels\":\"7\"}", LSTM_INVALID, "per instance, found a string"},
    {softmax, "{\"labels\":[\"7\",\"1\"]}", LSTM_INVALID, "labels: expected"},
    {softmax, "{\"labels\":[[[1]],[[1]]]}", LSTM_INVALID, "found arrays nested deeper"},
    {softmax, "{\"labels\":[]}", LSTM_SHAPE, "labels: expected one per instance (2), found 0"},
    {softmax, "{\"labels\":[1,2,0]}", LSTM_SHAPE, "expected one per instance (2), found 3"},
    {softmax, "{\"labels\":[1,-1]}", LSTM_INVALID,
     "labels[1]: expected a class number from 0 to 2"},
    {softmax, "{\"labels\":[0.5,1]}", LSTM_INVALID, "labels[0]: expected a class number"},
    {softmax, "{\"labels\":[[1,0],[0,1]]}", LSTM_SHAPE, "labels[0]: expected 3 numbers, found 2"},
    {softmax, "{\"labels\":[[1,0,0],[0,1]]}", LSTM_SHAPE, "labels[1]: expected 3 numbers, found 2"},
    {softmax, "{\"labels\":[[1,0,0],[2,-1,0]]}", LSTM_INVALID, "labels[1][1]: expected a prob"},
    {softmax, "{\"labels\":[[1,0,0],[0,0,0]]}", LSTM_INVALID, "that sum to 1, found a sum of 0"},
    {squares, "{\"labels\":[1,2]}", LSTM_SHAPE, "expected rows of 3 numbers, found single numbers"},
    {squares, "{}", LSTM_INVALID, "labels: expected a row of numbers per instance, found nothing"},
    {softmax, "{\"labels\":[0,1],\"sample_weight\":2}", LSTM_INVALID, "sample_weight: expected an"},
    {softmax, "{\"labels\":[0,1],\"sample_weight\":[2]}", LSTM_SHAPE,
     "sample_weight: expected one"},
    {softmax, "{\"labels\":[0,1],\"sample_weight\":[[1],[1]]}", LSTM_INVALID, "arrays within an"},
    {softmax, "{\"labels\":[0,1],\"sample_weight\":[1,-1]}", LSTM_INVALID, "sample_weight[1]: exp"},
    {softmax, "{\"labels\":[0,1],\"sample_weight\":[0,0]}", LSTM_INVALID, "at least one above 0"},
    {softmax, "{\"labels\":[0,1],\"learning_rate\":-1}", LSTM_INVALID, "learning_rate: expected a"},
    {softmax, "{\"labels\":[0,1],\"learning_rate\":1e39}", LSTM_INVALID, "learning_rate: expected"},
    {softmax, "{\"labels\":[0,1],\"learning_rate\":null}", LSTM_INVALID, "a number, found null"},
    {tags, "{\"labels\":[0,1]}", LSTM_INVALID, "a list, one for each time step"},
    {tags, "{\"labels\":[[[[1]]],[[[1]]]]}", LSTM_INVALID, "found arrays nested deeper"},
    {tags, "{\"labels\":[[0,1]]}", LSTM_SHAPE, "labels: expected one per instance (2), found 1"},
    {tags, "{\"labels\":[[0],[1]]}", LSTM_SHAPE, "labels[0]: expected one label for each of the"},
    {tags, "{\"labels\":[[0,1],[1,0]]}", LSTM_SHAPE, "1 time steps, as the model gives"},
    {tags, "{\"labels\":[[0,1],[2]]}", LSTM_INVALID, "labels[1][0]: expected a class number"},
    {tags, "{\"labels\":[[[0,1],[1]],[[1,0]]]}", LSTM_SHAPE, "labels[0][1]: expected 2 numbers"},
    {tags, "{\"labels\":[[[0,1],[1,1]],[[1,0]]]}", LSTM_INVALID, "labels[0][1]: expected prob"},
    {tags, "{\"labels\":[[[0,1],[-1,2]],[[1,0]]]}", LSTM_INVALID, "labels[0][1][0]: expected a"},
};

START_TEST(test_train_body_that_is_wrong_is_refused_with_its_path)
{
    struct train_body body;
    struct lstm_error error;
    assert_failure(decode(bad[_i].model, bad[_i].text, &body, &error), bad[_i].status, &error,
                   bad[_i].words);
    ck_assert_ptr_null(body.targets);
    train_body_release(&body);
}
END_TEST

static const char *query(const struct request *request, const char *name)
{
    (void)request;
    if (strcmp(name, "labels") == 0)
        return "2,1";
    return strcmp(name, "learning_rate") == 0 ? "0.5" : NULL;
}

static const char *broken_query(const struct request *request, const char *name)
{
    (void)request;
    return strcmp(name, "labels") == 0 ? "2],[" : NULL;
}

START_TEST(test_train_body_in_a_query_is_read_alike)
{
    static const float targets[] = {0, 0, 1, 0, 1, 0};
    struct lstm_model *model = create_model(softmax, 1);
    const struct request request = {.query = query}, broken = {.query = broken_query};
    struct train_body body;
    struct lstm_error error;
    assert_ok(train_body_read_query(model, &request, NULL, 2, &body, &error), &error);
    assert_tensor_identical("targets", body.targets, targets, 6);
    ck_assert(body.learning_rate == 0.5);
    ck_assert_ptr_null(body.weights);
    train_body_release(&body);
    ck_assert_int_eq(train_body_read_query(model, &broken, NULL, 2, &body, &error), LSTM_INVALID);
    lstm_model_destroy(model);
}
END_TEST

Suite *suite_train_body(void)
{
    Suite *suite = suite_create("train_body");
    TCase *tcase = tcase_create("train_body");
    tcase_add_loop_test(tcase, test_train_body_reads_labels_weights_and_learning_rate, 0,
                        N_CASES(good));
    tcase_add_loop_test(tcase, test_train_body_that_is_wrong_is_refused_with_its_path, 0,
                        N_CASES(bad));
    tcase_add_test(tcase, test_train_body_in_a_query_is_read_alike);
    suite_add_tcase(suite, tcase);
    return suite;
}
