/* test_runner_errors.c: what runners refuse, and that they work on afterwards.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>

#include "tests/support/assert_tensor.h"
#include "tests/support/cases.h"
#include "tests/support/model_builder.h"

Suite *suite_runner_errors(void);

static const char words_json[] =
    "{\"format\":\"lstmd-model-1\",\"input\":{\"features\":1},\"layers\":["
    "{\"type\":\"embedding\",\"name\":\"words\",\"units\":3,\"vocabulary\":10},"
    "{\"type\":\"gru\",\"name\":\"rnn\",\"units\":4}]}";

static const char lstm_json[] =
    "{\"format\":\"lstmd-model-1\",\"input\":{\"features\":1},\"layers\":["
    "{\"type\":\"lstm\",\"name\":\"rnn\",\"units\":4}]}";

static const char wider_json[] =
    "{\"format\":\"lstmd-model-1\",\"input\":{\"features\":1},\"layers\":["
    "{\"type\":\"lstm\",\"name\":\"rnn\",\"units\":5}]}";

START_TEST(test_runner_with_more_sequences_than_max_batch_is_refused)
{
    struct lstm_model *model = create_model(lstm_json, 1);
    struct lstm_runner *runner = create_runner(model, 2, 0);
    const float input[] = {1};
    struct lstm_sequence sequences[3] = {
        {.input = input, .steps = 1}, {.input = input, .steps = 1}, {.input = input, .steps = 1}};
    struct lstm_error error;
    assert_failure(lstm_runner_run(runner, model, sequences, 3, &error), LSTM_INVALID, &error, "3");
    assert_ok(lstm_runner_run(runner, model, sequences, 2, &error), &error);
    assert_ok(lstm_runner_run(runner, model, sequences, 0, &error), &error);
    lstm_runner_destroy(runner);
    lstm_model_destroy(model);
}
END_TEST

START_TEST(test_runner_for_more_than_any_batch_is_refused)
{
    static const struct lstm_runner_options too_large[] = {{(1 << 20) + 1, 1}, {1, SIZE_MAX}};
    struct lstm_model *model = create_model(lstm_json, 1);
    for (size_t k = 0; k < N_CASES(too_large); k++) {
        struct lstm_runner *runner;
        struct lstm_error error;
        assert_failure(lstm_runner_create(model, &too_large[k], &runner, &error), LSTM_INVALID,
                       &error, "max_batch may be at most 1048576");
    }
    lstm_model_destroy(model);
}
END_TEST

static const char *const other_architectures[] = {words_json, wider_json};

START_TEST(test_runner_of_another_architecture_is_refused)
{
    struct lstm_model *model = create_model(lstm_json, 1);
    struct lstm_model *other = create_model(other_architectures[_i], 1);
    struct lstm_runner *runner = create_runner(model, 2, 0);
    const float input[] = {1};
    struct lstm_sequence sequence = {.input = input, .steps = 1};
    struct lstm_error error;
    ck_assert(!lstm_model_same_architecture(model, other));
    assert_failure(lstm_runner_run(runner, other, &sequence, 1, &error), LSTM_INVALID, &error,
                   "architecture");
    lstm_runner_destroy(runner);
    lstm_model_destroy(other);
    lstm_model_destroy(model);
}
END_TEST

/* The runner's model has the larger state: its size must not be read from the smaller one's. */
START_TEST(test_dynamic_rnn_of_another_architecture_is_refused)
{
    struct lstm_model *model = create_model(wider_json, 1), *other = create_model(lstm_json, 1);
    struct lstm_runner *runner = create_runner(model, 2, 0);
    float *arrays = calloc(1 + 4 + 2 * 8, sizeof *arrays);
    ck_assert_ptr_nonnull(arrays);
    struct lstm_dynamic_rnn_args args = {.batch = 1,
                                         .time = 1,
                                         .inputs = arrays,
                                         .outputs = arrays + 1,
                                         .final_state = arrays + 1 + 4,
                                         .initial_state = arrays + 1 + 4 + 8};
    struct lstm_error error;
    assert_failure(lstm_dynamic_rnn(runner, other, &args, &error), LSTM_INVALID, &error,
                   "architecture");
    free(arrays);
    lstm_runner_destroy(runner);
    lstm_model_destroy(other);
    lstm_model_destroy(model);
}
END_TEST

START_TEST(test_runner_works_for_every_model_of_its_architecture)
{
    struct lstm_model *model = create_model(lstm_json, 1), *other = create_model(lstm_json, 2);
    struct lstm_runner *runner = create_runner(model, 2, 0), *own = create_runner(other, 2, 0);
    const float input[] = {1};
    float got[4], want[4];
    struct lstm_sequence sequence = {.input = input, .steps = 1, .output = want};
    struct lstm_error error;
    ck_assert(lstm_model_same_architecture(model, other));
    assert_ok(lstm_runner_run(own, other, &sequence, 1, &error), &error);
    lstm_model_destroy(model);
    sequence.output = got;
    assert_ok(lstm_runner_run(runner, other, &sequence, 1, &error), &error);
    assert_tensor_identical("output", got, want, 4);
    lstm_runner_destroy(own);
    lstm_runner_destroy(runner);
    lstm_model_destroy(other);
}
END_TEST

static const struct {
    float token;
    const char *words;
} bad_token_cases[] = {{10, "10"}, {-1, "-1"},     {0.5F, "0.5"},   {1e10F, ""},
                       {NAN, ""},  {INFINITY, ""}, {-INFINITY, ""}, {9.999F, "9.99"}};

START_TEST(test_runner_with_a_bad_token_id_is_refused)
{
    struct lstm_model *model = create_model(words_json, 1);
    ck_assert_uint_eq(lstm_model_info(model)->vocabulary, 10);
    struct lstm_runner *runner = create_runner(model, 2, 0);
    const float good[] = {0, 9, 0}, bad[] = {0, 9, bad_token_cases[_i].token};
    struct lstm_sequence sequences[2] = {{.input = good, .steps = 3}, {.input = bad, .steps = 3}};
    struct lstm_error error;
    assert_failure(lstm_runner_run(runner, model, sequences, 2, &error), LSTM_INVALID, &error,
                   bad_token_cases[_i].words);
    sequences[1].steps = 2;
    assert_ok(lstm_runner_run(runner, model, sequences, 2, &error), &error);
    lstm_runner_destroy(runner);
    lstm_model_destroy(model);
}
END_TEST

START_TEST(test_runner_with_an_infinite_input_answers_without_crashing)
{
    struct lstm_model *model = create_model(lstm_json, 1);
    struct lstm_runner *runner = create_runner(model, 2, 0);
    const float input[] = {INFINITY, NAN, -INFINITY};
    float output[4];
    struct lstm_sequence sequence = {.input = input, .steps = 3, .output = output};
    struct lstm_error error;
    assert_ok(lstm_runner_run(runner, model, &sequence, 1, &error), &error);
    for (size_t k = 0; k < 4; k++)
        ck_assert_msg(isnan(output[k]), "output[%zu] of a NaN input is %g", k, (double)output[k]);
    lstm_runner_destroy(runner);
    lstm_model_destroy(model);
}
END_TEST

/* Row 0's NaN must not reach row 1. */
START_TEST(test_row_with_nan_does_not_disturb_the_others_of_its_batch)
{
    struct lstm_model *model = create_model(lstm_json, 1);
    struct lstm_runner *runner = create_runner(model, 2, 0);
    const float bad[] = {NAN, NAN}, good[] = {0.5F, -0.25F};
    float together[4], alone[4];
    struct lstm_sequence sequences[2] = {{.input = bad, .steps = 2},
                                         {.input = good, .steps = 2, .output = together}};
    struct lstm_sequence single = {.input = good, .steps = 2, .output = alone};
    struct lstm_error error;
    assert_ok(lstm_runner_run(runner, model, sequences, 2, &error), &error);
    assert_ok(lstm_runner_run(runner, model, &single, 1, &error), &error);
    assert_tensor_float("output", together, alone, 4, 1e-6, 0);
    lstm_runner_destroy(runner);
    lstm_model_destroy(model);
}
END_TEST

START_TEST(test_destroying_null_does_nothing)
{
    lstm_model_destroy(NULL);
    lstm_runner_destroy(NULL);
    lstm_trainer_destroy(NULL);
}
END_TEST

Suite *suite_runner_errors(void)
{
    Suite *suite = suite_create("runner_errors");
    TCase *errors = tcase_create("errors");
    suite_add_tcase(suite, errors);
    tcase_add_test(errors, test_runner_with_more_sequences_than_max_batch_is_refused);
    tcase_add_test(errors, test_runner_for_more_than_any_batch_is_refused);
    tcase_add_loop_test(errors, test_runner_of_another_architecture_is_refused, 0,
                        N_CASES(other_architectures));
    tcase_add_test(errors, test_dynamic_rnn_of_another_architecture_is_refused);
    tcase_add_test(errors, test_runner_works_for_every_model_of_its_architecture);
    tcase_add_loop_test(errors, test_runner_with_a_bad_token_id_is_refused, 0,
                        N_CASES(bad_token_cases));
    tcase_add_test(errors, test_runner_with_an_infinite_input_answers_without_crashing);
    tcase_add_test(errors, test_row_with_nan_does_not_disturb_the_others_of_its_batch);
    tcase_add_test(errors, test_destroying_null_does_nothing);
    return suite;
}
