/* test_predict_codec.c: predict bodies become the sequences they describe, or the right sentence;
 * outputs become answers. SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/predict_call.h"
#include "tests/support/model_builder.h"

Suite *suite_predict_codec(void);

enum { FIXED, ANY, SCALAR, TOKENS, STACK, IMAGE, N_MODELS };

static const char *const model_texts[N_MODELS] = {
    [FIXED] = "{\"format\":\"lstmd-model-1\",\"input\":{\"steps\":2,\"features\":3,\"scale\":0.5},"
              "\"layers\":[{\"type\":\"lstm\",\"units\":2},{\"type\":\"dense\",\"units\":2}]}",
    [ANY] = "{\"format\":\"lstmd-model-1\",\"input\":{\"features\":2},"
            "\"layers\":[{\"type\":\"lstm\",\"units\":2,\"return_sequences\":true}]}",
    [SCALAR] = "{\"format\":\"lstmd-model-1\",\"input\":{\"features\":1},"
               "\"layers\":[{\"type\":\"gru\",\"units\":3}]}",
    [TOKENS] = "{\"format\":\"lstmd-model-1\",\"input\":{\"features\":1},"
               "\"layers\":[{\"type\":\"embedding\",\"vocabulary\":10,\"units\":2},"
               "{\"type\":\"lstm\",\"units\":2}]}",
    [STACK] = "{\"format\":\"lstmd-model-1\",\"input\":{\"features\":1},"
              "\"layers\":[{\"type\":\"lstm\",\"units\":1,\"return_sequences\":true},"
              "{\"type\":\"gru\",\"units\":2}]}",
    [IMAGE] = "{\"format\":\"lstmd-model-1\",\"input\":{\"steps\":28,\"features\":28},"
              "\"layers\":[{\"type\":\"lstm\",\"units\":100},{\"type\":\"dense\",\"units\":10}]}",
};

static struct lstm_model *models[N_MODELS];
static const struct predict_limits limits = {.max_instances = 4, .max_steps = 30};
static const struct predict_limits wide_limits = {.max_instances = 1000, .max_steps = 1000};

static void create_models(void)
{
    for (int i = 0; i < N_MODELS; i++)
        models[i] = create_model(model_texts[i], 1);
}

static void destroy_models(void)
{
    for (int i = 0; i < N_MODELS; i++)
        lstm_model_destroy(models[i]);
}

/* Writes the sequences as "steps of instance 0:values/state;steps of instance 1:...". */
static void write_call(const struct lstm_model_info *info, const struct predict_call *call,
                       struct buf *out)
{
    buf_text(out, call->form == PREDICT_ROW ? "row" : "column");
    for (size_t i = 0; i < call->n; i++) {
        const struct lstm_sequence *const sequence = &call->sequences[i];
        const size_t stride = sequence->step_stride > 0 ? sequence->step_stride : info->features;
        buf_printf(out, " %zu", sequence->steps);
        for (size_t t = 0; t < sequence->steps; t++)
            for (size_t k = 0; k < info->features; k++)
                buf_printf(out, "%c%g", t + k > 0 ? ',' : ':',
                           (double)sequence->input[t * stride + k]);
        for (size_t k = 0; sequence->initial_state != NULL && k < info->state_size; k++)
            buf_printf(out, "%c%g", k > 0 ? ',' : '/', (double)sequence->initial_state[k]);
    }
}

static const struct {
    int model;
    const char *body, *expected;
} good_cases[] = {
    {FIXED, "{\"instances\":[[[1,2,3],[4,5,6]]]}", "row 2:1,2,3,4,5,6"},
    {FIXED, "{\"instances\":[[1,2,3,4,5,6],[7,8,9,10,11,12]]}",
     "row 2:1,2,3,4,5,6 2:7,8,9,10,11,12"},
    {FIXED, "{\"instances\":[{\"input\":[[1,2,3],[4,5,6]]},{\"input\":[1,2,3,4,5,6]}]}",
     "row 2:1,2,3,4,5,6 2:1,2,3,4,5,6"},
    {FIXED, "{\"signature_name\":\"x\",\"other\":[1],\"instances\":[[1,2,3,4,5,6]]}",
     "row 2:1,2,3,4,5,6"},
    {FIXED,
     "{\"instances\":[{\"input\":[1,2,3,4,5,6]},{\"input\":[1,2,3,4,5,6],"
     "\"initial_state\":{\"h\":[3,4],\"c\":[1,2]}}]}",
     "row 2:1,2,3,4,5,6 2:1,2,3,4,5,6/1,2,3,4"},
    {FIXED, "{\"inputs\":[[[1,2,3],[4,5,6]]],\"time_major\":false}", "column 2:1,2,3,4,5,6"},
    {FIXED, "{\"inputs\":[[[1,2,3],[4,5,6]],[[7,8,9],[10,11,12]]],\"time_major\":true}",
     "column 2:1,2,3,7,8,9 2:4,5,6,10,11,12"},
    {FIXED, "{\"inputs\":{\"input\":[[1,2,3,4,5,6]],\"sequence_length\":[1]}}", "column 1:1,2,3"},
    {ANY, "{\"instances\":[[[1,2]],[],[[3,4],[5,6]]]}", "row 1:1,2 0 2:3,4,5,6"},
    {ANY, "{\"instances\":[[]]}", "row 0"},
    {ANY, "{\"inputs\":[[[1,2]],[[3,4],[5,6]]]}", "column 1:1,2 2:3,4,5,6"},
    {ANY, "{\"inputs\":{\"input\":[[[1,2],[3,4]],[[5,6],[7,8]]],\"sequence_length\":[2,0]}}",
     "column 2:1,2,3,4 0"},
    {ANY,
     "{\"time_major\":true,\"inputs\":{\"input\":[[[1,2],[3,4]],[[5,6],[7,8]]],"
     "\"sequence_length\":[2,1],\"initial_state\":{\"c\":[[1,2],[3,4]],\"h\":[[5,6],[7,8]]}}}",
     "column 2:1,2,5,6/1,2,5,6 1:3,4/3,4,7,8"},
    {SCALAR, "{\"instances\":[[1,2],[3]]}", "row 2:1,2 1:3"},
    {SCALAR, "{\"instances\":[[[1],[2]],[[3]]]}", "row 2:1,2 1:3"},
    {SCALAR, "{\"inputs\":[[1,2],[3,4],[5,6]],\"time_major\":true}", "column 3:1,3,5 3:2,4,6"},
    {SCALAR, "{\"instances\":[{\"input\":[1],\"initial_state\":{\"h\":[1,2,3]}}]}",
     "row 1:1/1,2,3"},
    {TOKENS, "{\"instances\":[[0,9],[5]]}", "row 2:0,9 1:5"},
    {STACK,
     "{\"instances\":[{\"input\":[7],\"initial_state\":[{\"c\":[1],\"h\":[2]},{\"h\":[3,4]}]}]}",
     "row 1:7/1,2,3,4"},
};

START_TEST(test_predict_decode_json_finds_the_sequences)
{
    const struct lstm_model *const model = models[good_cases[_i].model];
    const char *const body = good_cases[_i].body;
    struct predict_call call;
    struct lstm_error error = {0};
    ck_assert_msg(predict_decode_json(model, &limits, body, strlen(body), &call, &error) == LSTM_OK,
                  "%s: %s", body, error.text);
    struct buf found;
    buf_init(&found, 4096);
    write_call(lstm_model_info(model), &call, &found);
    ck_assert_str_eq(found.data, good_cases[_i].expected);
    buf_release(&found);
    predict_call_release(&call);
}
END_TEST

static const struct {
    int model;
    enum lstm_status status;
    const char *body, *message;
} bad_cases[] = {
    {FIXED, LSTM_SHAPE, "{\"instances\":[[[1,2,3]]]}",
     "instances[0]: expected 2 steps of 3 numbers, found 1 step"},
    {FIXED, LSTM_SHAPE, "{\"instances\":[[[1,2,3],[4,5]]]}",
     "instances[0][1]: expected 3 numbers, found 2"},
    {FIXED, LSTM_INVALID, "{\"instances\":[[],[],[],[],[]]}",
     "instances: expected at most 4 instances, found 5"},
    {FIXED, LSTM_INVALID, "{\"instances\":[{},{},{},{},{}]}",
     "instances: expected at most 4 instances, found 5"},
    {FIXED, LSTM_INVALID, "{\"time_major\":true,\"inputs\":[[1,2,3,4,5]]}",
     "inputs: expected at most 4 instances, found 5"},
    {ANY, LSTM_SHAPE, "{\"instances\":[[1,2]]}",
     "instances[0]: expected any number of steps of 2 numbers, found 2 numbers"},
    {ANY, LSTM_SHAPE, "{\"instances\":[[[]]]}", "instances[0][0]: expected 2 numbers, found 0"},
    {ANY, LSTM_INVALID, "{\"inputs\":[],\"time_major\":true}",
     "inputs: expected at least one instance, found none"},
    {ANY, LSTM_INVALID, "{\"inputs\":[[]],\"time_major\":true}",
     "inputs: expected at least one instance, found none"},
    {ANY, LSTM_INVALID,
     "{\"inputs\":{\"input\":[[[1,2]],[[3,4],[5,6]]],\"sequence_length\":[2,2]}}",
     "inputs.sequence_length[0]: expected a whole number from 0 to 1, found 2"},
    {SCALAR, LSTM_INVALID,
     "{\"instances\":[[1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7,8,9,0,1]]}",
     "instances[0]: expected at most 30 steps, found 31"},
    {SCALAR, LSTM_SHAPE, "{\"instances\":[[[1],[2,3]]]}",
     "instances[0][1]: expected 1 number, found 2"},
    {SCALAR, LSTM_INVALID,
     "{\"instances\":[{\"input\":[1],\"initial_state\":{\"c\":[1],\"h\":[1,2,3]}}]}",
     "instances[0].initial_state.c: unknown key; expected an object of h"},
    {SCALAR, LSTM_SHAPE, "{\"inputs\":[[[1]],[[2,2]]],\"time_major\":true}",
     "inputs[1][0]: expected 1 number, found 2"},
    {TOKENS, LSTM_INVALID, "{\"instances\":[[1],[2,10]]}",
     "instances[1][1]: expected a whole number from 0 to 9, found 10"},
    {TOKENS, LSTM_INVALID, "{\"instances\":[[[1],[-1]]]}",
     "instances[0][1][0]: expected a whole number from 0 to 9, found -1"},
    {TOKENS, LSTM_INVALID, "{\"instances\":[{\"input\":[2.5]}]}",
     "instances[0].input[0]: expected a whole number from 0 to 9, found 2.5"},
    {TOKENS, LSTM_INVALID, "{\"inputs\":[[1,2],[3,11]],\"time_major\":true}",
     "inputs[1][1]: expected a whole number from 0 to 9, found 11"},
    {STACK, LSTM_INVALID, "{\"instances\":[{\"input\":[7],\"initial_state\":{\"h\":[1]}}]}",
     "instances[0].initial_state: expected an array of 2 objects, one per recurrent layer, found "
     "an object"},
    {STACK, LSTM_INVALID,
     "{\"instances\":[{\"input\":[7],\"initial_state\":[{\"c\":[1],\"h\":[2]}]}]}",
     "instances[0].initial_state: expected an array of 2 objects, one per recurrent layer, found "
     "an array of another length"},
    {STACK, LSTM_SHAPE,
     "{\"instances\":[{\"input\":[7],\"initial_state\":[{\"c\":[1],\"h\":[2]},{\"h\":[3]}]}]}",
     "instances[0].initial_state[1].h: expected 2 numbers, found 1"},
};

static void check_refused(int model, const struct predict_limits *most, const char *body, size_t n,
                          const char *message, struct lstm_error *error)
{
    struct predict_call call;
    const enum lstm_status status = predict_decode_json(models[model], most, body, n, &call, error);
    ck_assert_msg(status != LSTM_OK, "accepted; expected %s", message);
    ck_assert_int_eq(status, error->status);
    ck_assert_msg(strstr(error->text, message) != NULL, "expected %s, found %s", message,
                  error->text);
    ck_assert_ptr_null(call.sequences);
    ck_assert_ptr_null(call.memory);
    predict_call_release(&call);
}

START_TEST(test_predict_decode_json_names_what_does_not_fit)
{
    struct lstm_error error = {0};
    const char *const body = bad_cases[_i].body;
    check_refused(bad_cases[_i].model, &limits, body, strlen(body), bad_cases[_i].message, &error);
    ck_assert_int_eq(error.status, bad_cases[_i].status);
}
END_TEST

static const char bad_folder[] = "tests/data/bad_predict/";

/* Reads line i of the folder's cases.txt: file, HTTP status and part of the sentence. */
static bool read_bad_case(int i, char file[64], int *http_status, char message[160])
{
    char path[128], line[256];
    snprintf(path, sizeof path, "%scases.txt", bad_folder);
    FILE *const cases = fopen(path, "r");
    if (cases == NULL)
        return false;
    bool found = false;
    for (int k = 0; k <= i; k++)
        found = fgets(line, sizeof line, cases) != NULL;
    fclose(cases);
    return found && sscanf(line, "%63s %d %159[^\n]", file, http_status, message) == 3;
}

START_TEST(test_predict_decode_json_refuses_a_malformed_body)
{
    char file[64], message[160], path[128];
    int http_status;
    ck_assert_msg(read_bad_case(_i, file, &http_status, message), "line %d is malformed", _i + 1);
    ck_assert_int_eq(http_status, 400);
    snprintf(path, sizeof path, "%s%s", bad_folder, file);
    FILE *const stream = fopen(path, "rb");
    ck_assert_msg(stream != NULL, "%s: cannot be opened", path);
    static char body[1 << 17];
    const size_t n = fread(body, 1, sizeof body, stream);
    fclose(stream);
    struct lstm_error error = {0};
    check_refused(IMAGE, &wide_limits, body, n, message, &error);
    for (const char *c = error.text; *c != '\0'; c++)
        ck_assert_msg(' ' <= *c && *c <= '~', "%s: unprintable byte in: %s", file, error.text);
}
END_TEST

START_TEST(test_predict_decode_json_copies_no_inputs)
{
    static const char body[] = "{\"instances\":[[[1,2],[3,4]],[[5,6]]]}";
    struct predict_call call;
    ck_assert_int_eq(predict_decode_json(models[ANY], &limits, body, sizeof body - 1, &call, NULL),
                     LSTM_OK);
    ck_assert_ptr_eq(call.sequences[1].input, call.sequences[0].input + 4);
    const struct predict_outputs wanted = {.output = true, .max_work_bytes = 1024};
    ck_assert_int_eq(predict_call_add_outputs(&call, lstm_model_info(models[ANY]), &wanted, NULL),
                     LSTM_OK);
    ck_assert_ptr_eq(call.sequences[1].output, call.sequences[0].output + 4);
    predict_call_release(&call);
    predict_call_release(&call);
}
END_TEST

Suite *suite_predict_codec(void)
{
    Suite *const suite = suite_create("predict_codec");
    TCase *const tcase = tcase_create("predict_codec");
    tcase_add_unchecked_fixture(tcase, create_models, destroy_models);
    tcase_add_loop_test(tcase, test_predict_decode_json_finds_the_sequences, 0,
                        (int)(sizeof good_cases / sizeof *good_cases));
    tcase_add_loop_test(tcase, test_predict_decode_json_names_what_does_not_fit, 0,
                        (int)(sizeof bad_cases / sizeof *bad_cases));
    int n_bad = 0, http_status;
    char file[64], message[160];
    while (read_bad_case(n_bad, file, &http_status, message))
        n_bad++;
    /* Without the table, its first line is missing: one failing test rather than none. */
    tcase_add_loop_test(tcase, test_predict_decode_json_refuses_a_malformed_body, 0,
                        n_bad > 0 ? n_bad : 1);
    tcase_add_test(tcase, test_predict_decode_json_copies_no_inputs);
    suite_add_tcase(suite, tcase);
    return suite;
}
