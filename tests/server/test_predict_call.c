/* test_predict_call.c: the room that a call makes for what is wanted of it.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>

#include "server/predict_call.h"
#include "tests/support/assert_tensor.h"
#include "tests/support/cases.h"
#include "tests/support/model_builder.h"

Suite *suite_predict_call(void);

static const char text[] = "{\"format\":\"lstmd-model-1\",\"input\":{\"features\":1},\"layers\":["
                           "{\"type\":\"lstm\",\"units\":1,\"return_sequences\":true},"
                           "{\"type\":\"gru\",\"units\":2,\"return_sequences\":true}]}";

static struct lstm_model *model;
static const struct predict_limits limits = {.max_instances = 4, .max_steps = 30};

static void create(void)
{
    model = create_model(text, 1);
}

static void destroy(void)
{
    lstm_model_destroy(model);
}

START_TEST(test_predict_call_outputs_that_are_wanted_do_not_overlap)
{
    static const char body[] = "{\"instances\":[[1,2,3],[],[4]]}";
    const struct predict_outputs wanted = {true, true, true, true, true, true, SIZE_MAX};
    const struct lstm_model_info *info = lstm_model_info(model);
    struct predict_call call;
    struct lstm_error error;
    assert_ok(predict_decode_json(model, &limits, body, sizeof body - 1, &call, &error), &error);
    ck_assert_uint_eq(call.steps, 3);
    assert_ok(predict_call_add_outputs(&call, info, &wanted, &error), &error);
    for (size_t i = 0; i < call.n; i++) {
        const struct lstm_sequence *sequence = &call.sequences[i];
        const size_t steps = sequence->steps;
        ck_assert_ptr_eq(sequence->rnn_output, sequence->output + steps * info->output_size);
        ck_assert_ptr_eq(sequence->final_state,
                         sequence->rnn_output + steps * info->rnn_output_size);
        ck_assert_ptr_eq(sequence->state_trace, sequence->final_state + info->state_size);
        ck_assert_ptr_eq(sequence->gates_trace, sequence->state_trace + steps * info->state_size);
        if (i + 1 < call.n)
            ck_assert_ptr_eq(call.sequences[i + 1].output,
                             sequence->gates_trace + steps * info->gates_size);
    }
    predict_call_release(&call);
}
END_TEST

/* A call of one sequence of few steps, and the steps that its answer is to have: numbers of 4 bytes
 * each in memory, and of up to 16 in the answer. */
enum { MOST_BYTES = 1 << 20, MOST = MOST_BYTES / 20 / 2 };
static const struct {
    size_t sequence_steps, call_steps;
    bool is_padded;
    enum lstm_status status;
} sizes[] = {
    {10, MOST_BYTES, false, LSTM_OK},
    {10, MOST_BYTES, true, LSTM_INVALID},
    {MOST, MOST, true, LSTM_OK},
    {MOST + 1, MOST + 1, true, LSTM_INVALID},
    {MOST + 1, MOST + 1, false, LSTM_INVALID},
    {SIZE_MAX, SIZE_MAX, false, LSTM_INVALID},
    {SIZE_MAX / 2 + 1, SIZE_MAX / 2 + 1, true, LSTM_INVALID},
};

START_TEST(test_predict_call_outputs_beyond_the_limit_are_refused)
{
    const struct predict_outputs wanted = {
        .rnn_output = true, .is_padded = sizes[_i].is_padded, .max_work_bytes = MOST_BYTES};
    struct predict_call call;
    struct lstm_error error;
    assert_ok(predict_call_init(&call, PREDICT_ROW, &error), &error);
    assert_ok(predict_call_add_sequences(&call, 1, &limits, "instances", &error), &error);
    call.sequences[0].steps = sizes[_i].sequence_steps;
    call.steps = sizes[_i].call_steps;
    ck_assert_int_eq(predict_call_add_outputs(&call, lstm_model_info(model), &wanted, &error),
                     sizes[_i].status);
    predict_call_release(&call);
}
END_TEST

Suite *suite_predict_call(void)
{
    Suite *suite = suite_create("predict_call");
    TCase *tcase = tcase_create("predict_call");
    tcase_add_unchecked_fixture(tcase, create, destroy);
    tcase_add_test(tcase, test_predict_call_outputs_that_are_wanted_do_not_overlap);
    tcase_add_loop_test(tcase, test_predict_call_outputs_beyond_the_limit_are_refused, 0,
                        N_CASES(sizes));
    suite_add_tcase(suite, tcase);
    return suite;
}
