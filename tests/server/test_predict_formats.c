/* test_predict_formats.c: octet bodies become sequences; outputs become answers.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <math.h>
#include <string.h>

#include "server/predict_call.h"
#include "tests/support/model_builder.h"

Suite *suite_predict_formats(void);

enum { FIXED, SEQUENCE, TOKENS, ANY_TOKENS, N_MODELS };

static const char *const model_texts[N_MODELS] = {
    [FIXED] = "{\"format\":\"lstmd-model-1\",\"input\":{\"steps\":2,\"features\":3,\"scale\":0.5},"
              "\"layers\":[{\"type\":\"lstm\",\"units\":2}]}",
    [SEQUENCE] = "{\"format\":\"lstmd-model-1\",\"input\":{\"features\":1},"
                 "\"layers\":[{\"type\":\"lstm\",\"units\":2,\"return_sequences\":true}]}",
    [TOKENS] = "{\"format\":\"lstmd-model-1\",\"input\":{\"steps\":3,\"features\":1},"
               "\"layers\":[{\"type\":\"embedding\",\"vocabulary\":10,\"units\":2},"
               "{\"type\":\"lstm\",\"units\":2}]}",
    [ANY_TOKENS] = "{\"format\":\"lstmd-model-1\",\"input\":{\"features\":1},"
                   "\"layers\":[{\"type\":\"embedding\",\"vocabulary\":10,\"units\":2},"
                   "{\"type\":\"lstm\",\"units\":2}]}",
};

static struct lstm_model *models[N_MODELS];
static const struct predict_limits limits = {.max_instances = 2, .max_steps = 30};

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

START_TEST(test_predict_decode_octets_reads_little_endian_floats)
{
    /* Two instances of 6 numbers, at an odd address. */
    unsigned char body[1 + 48] = {0};
    static const unsigned char one_and_a_half[] = {0, 0, 0xc0, 0x3f}, minus_two[] = {0, 0, 0, 0xc0};
    memcpy(body + 1, one_and_a_half, 4);
    memcpy(body + 1 + 44, minus_two, 4);
    struct predict_call call;
    ck_assert_int_eq(
        predict_decode_octets(models[FIXED], &limits, body + 1, 48, OCTET_FLOAT32, &call, NULL),
        LSTM_OK);
    ck_assert_uint_eq(call.n, 2);
    ck_assert_int_eq(call.form, PREDICT_ROW);
    ck_assert_uint_eq(call.sequences[1].steps, 2);
    ck_assert(call.sequences[0].input[0] == 1.5f);
    ck_assert(call.sequences[0].input[1] == 0.0f);
    ck_assert(call.sequences[1].input[5] == -2.0f);
    predict_call_release(&call);
}
END_TEST

START_TEST(test_predict_decode_octets_scales_bytes)
{
    static const unsigned char body[] = {0, 1, 2, 3, 128, 255};
    struct predict_call call;
    ck_assert_int_eq(
        predict_decode_octets(models[FIXED], &limits, body, sizeof body, OCTET_UINT8, &call, NULL),
        LSTM_OK);
    ck_assert_uint_eq(call.n, 1);
    for (size_t i = 0; i < sizeof body; i++)
        ck_assert(call.sequences[0].input[i] == (float)body[i] * 0.5f);
    predict_call_release(&call);
}
END_TEST

static const struct {
    int model;
    enum octet_type type;
    const char *body;
    size_t n;
    enum lstm_status status;
    const char *message;
} bad_octets[] = {
    {FIXED, OCTET_FLOAT32, "", 0, LSTM_SHAPE,
     "the body: expected a multiple of 24 bytes (2 steps of 3 float32), found 0 bytes"},
    {FIXED, OCTET_FLOAT32, "12345678901234567890123", 23, LSTM_SHAPE,
     "the body: expected a multiple of 24 bytes (2 steps of 3 float32), found 23 bytes"},
    {FIXED, OCTET_UINT8, "1234567", 7, LSTM_SHAPE,
     "the body: expected a multiple of 6 bytes (2 steps of 3 uint8), found 7 bytes"},
    {FIXED, OCTET_UINT8, "123456789012345678", 18, LSTM_INVALID,
     "the body: expected at most 2 instances, found 3"},
    {FIXED, OCTET_FLOAT32, "abcdabcdabcdabcdabcd\0\0\xc0\x7f", 24, LSTM_INVALID,
     "instance 0, number 5: expected a finite number, found nan"},
    {SEQUENCE, OCTET_UINT8, "123", 3, LSTM_INVALID,
     "a body of raw numbers needs a model of a fixed number of steps"},
    {TOKENS, OCTET_UINT8, "\1\2\3\4\5\12", 6, LSTM_INVALID,
     "instance 1, number 2: expected a whole number from 0 to 9, found 10"},
};

START_TEST(test_predict_decode_octets_names_what_does_not_fit)
{
    struct predict_call call;
    struct lstm_error error = {0};
    ck_assert_int_eq(predict_decode_octets(models[bad_octets[_i].model], &limits,
                                           bad_octets[_i].body, bad_octets[_i].n,
                                           bad_octets[_i].type, &call, &error),
                     bad_octets[_i].status);
    ck_assert_msg(strstr(error.text, bad_octets[_i].message) != NULL, "%s", error.text);
    ck_assert_ptr_null(call.sequences);
    predict_call_release(&call);
}
END_TEST

START_TEST(test_predict_decode_octets_refuses_a_model_of_too_many_steps)
{
    const struct predict_limits short_limits = {.max_instances = 2, .max_steps = 1};
    struct predict_call call;
    struct lstm_error error = {0};
    ck_assert_int_eq(predict_decode_octets(models[FIXED], &short_limits, "123456", 6, OCTET_UINT8,
                                           &call, &error),
                     LSTM_INVALID);
    ck_assert_msg(strstr(error.text, "has 2 steps, but the server takes at most 1") != NULL, "%s",
                  error.text);
}
END_TEST

/* A piece of a session, of a model that takes any number of steps. */
START_TEST(test_predict_decode_octets_names_the_number_of_a_piece_that_is_not_finite)
{
    const struct predict_limits pieces = {.max_instances = 1, .max_steps = 4, .takes_pieces = true};
    struct predict_call call;
    struct lstm_error error = {0};
    ck_assert_int_eq(predict_decode_octets(models[SEQUENCE], &pieces, "abcdabcd\0\0\x80\x7f", 12,
                                           OCTET_FLOAT32, &call, &error),
                     LSTM_INVALID);
    ck_assert_str_eq(error.text, "instance 0, number 2: expected a finite number, found inf");
    ck_assert_int_eq(
        predict_decode_octets(models[ANY_TOKENS], &pieces, "\1\12", 2, OCTET_UINT8, &call, &error),
        LSTM_INVALID);
    ck_assert_str_eq(error.text,
                     "instance 0, number 1: expected a whole number from 0 to 9, found 10");
}
END_TEST

static float outputs[] = {0.1f, 2.0f, -1e-7f, 0.0f, 5.5f, 1e10f};

static const struct {
    int model;
    enum predict_form form;
    size_t steps[2]; /* of two instances; the second's output follows the first's */
    size_t input_steps;
    bool time_major;
    const char *expected;
} answers[] = {
    {FIXED, PREDICT_ROW, {2, 2}, 2, false, "{\"predictions\":[[0.1,2.0],[-1e-07,0.0]]}"},
    {FIXED, PREDICT_COLUMN, {2, 2}, 2, false, "{\"outputs\":[[0.1,2.0],[-1e-07,0.0]]}"},
    {FIXED, PREDICT_COLUMN, {2, 2}, 2, true, "{\"outputs\":[[0.1,2.0],[-1e-07,0.0]]}"},
    {SEQUENCE,
     PREDICT_ROW,
     {1, 2},
     2,
     false,
     "{\"predictions\":[[[0.1,2.0]],[[-1e-07,0.0],[5.5,1e+10]]]}"},
    {SEQUENCE,
     PREDICT_COLUMN,
     {1, 2},
     2,
     false,
     "{\"outputs\":[[[0.1,2.0],[0.0,0.0]],[[-1e-07,0.0],[5.5,1e+10]]]}"},
    {SEQUENCE,
     PREDICT_COLUMN,
     {1, 2},
     2,
     true,
     "{\"outputs\":[[[0.1,2.0],[-1e-07,0.0]],[[0.0,0.0],[5.5,1e+10]]]}"},
    {SEQUENCE,
     PREDICT_COLUMN,
     {1, 1},
     2,
     false,
     "{\"outputs\":[[[0.1,2.0],[0.0,0.0]],[[-1e-07,0.0],[0.0,0.0]]]}"},
    {SEQUENCE, PREDICT_ROW, {0, 1}, 1, false, "{\"predictions\":[[],[[0.1,2.0]]]}"},
    {SEQUENCE, PREDICT_COLUMN, {0, 0}, 0, false, "{\"outputs\":[[],[]]}"},
    {SEQUENCE, PREDICT_COLUMN, {0, 0}, 0, true, "{\"outputs\":[]}"},
};

/* A call of two instances whose outputs are the floats above. */
static struct predict_call make_call(int i, struct lstm_sequence sequences[2])
{
    const size_t first = answers[i].model == FIXED ? 2 : 2 * answers[i].steps[0];
    sequences[0] = (struct lstm_sequence){.steps = answers[i].steps[0], .output = outputs};
    sequences[1] = (struct lstm_sequence){.steps = answers[i].steps[1], .output = outputs + first};
    return (struct predict_call){.form = answers[i].form,
                                 .time_major = answers[i].time_major,
                                 .steps = answers[i].input_steps,
                                 .sequences = sequences,
                                 .n = 2};
}

START_TEST(test_predict_encode_writes_the_answer)
{
    struct lstm_sequence sequences[2];
    const struct predict_call call = make_call(_i, sequences);
    struct buf out;
    buf_init(&out, 4096);
    ck_assert_int_eq(predict_encode(models[answers[_i].model], &call, &out, NULL), LSTM_OK);
    ck_assert_str_eq(out.data, answers[_i].expected);
    buf_release(&out);
}
END_TEST

START_TEST(test_predict_encode_refuses_what_json_cannot_say)
{
    static const float values[] = {NAN, INFINITY};
    struct lstm_sequence sequences[2];
    const struct predict_call call = make_call(0, sequences);
    float bad[] = {1, 2, 3, values[_i]};
    sequences[0].output = bad;
    sequences[1].output = bad + 2;
    struct buf out;
    struct lstm_error error = {0};
    buf_init(&out, 4096);
    ck_assert_int_eq(predict_encode(models[FIXED], &call, &out, &error), LSTM_NON_FINITE);
    ck_assert_msg(strstr(error.text, "output 1 of instance 1 is ") != NULL, "%s", error.text);
    buf_release(&out);
}
END_TEST

START_TEST(test_predict_encode_into_too_little_room_fails)
{
    struct lstm_sequence sequences[2];
    const struct predict_call call = make_call(0, sequences);
    for (size_t limit = 0; limit < strlen(answers[0].expected); limit++) {
        struct buf out;
        buf_init(&out, limit);
        ck_assert_int_eq(predict_encode(models[FIXED], &call, &out, NULL), LSTM_NO_MEMORY);
        buf_release(&out);
    }
}
END_TEST

START_TEST(test_predict_call_that_was_decoded_runs)
{
    static const char body[] = "{\"instances\":[[1,2,3],[],[4]]}";
    const struct predict_limits wide_limits = {.max_instances = 3, .max_steps = 3};
    const struct predict_outputs wanted = {.output = true, .max_work_bytes = 1024};
    struct predict_call call;
    struct lstm_runner *runner = NULL;
    struct buf out;
    buf_init(&out, 4096);
    ck_assert_int_eq(
        predict_decode_json(models[SEQUENCE], &wide_limits, body, sizeof body - 1, &call, NULL),
        LSTM_OK);
    ck_assert_int_eq(
        predict_call_add_outputs(&call, lstm_model_info(models[SEQUENCE]), &wanted, NULL), LSTM_OK);
    ck_assert_int_eq(lstm_runner_create(models[SEQUENCE], NULL, &runner, NULL), LSTM_OK);
    ck_assert_int_eq(lstm_runner_run(runner, models[SEQUENCE], call.sequences, call.n, NULL),
                     LSTM_OK);
    ck_assert_int_eq(predict_encode(models[SEQUENCE], &call, &out, NULL), LSTM_OK);
    size_t n_commas = 0;
    for (const char *c = out.data; *c != '\0'; c++)
        n_commas += *c == ',';
    ck_assert_uint_eq(n_commas, 2 + 5 + 1); /* between instances, and in rows of 3 and 1 steps */
    ck_assert_ptr_nonnull(strstr(out.data, "]],[],[["));
    lstm_runner_destroy(runner);
    buf_release(&out);
    predict_call_release(&call);
}
END_TEST

Suite *suite_predict_formats(void)
{
    Suite *const suite = suite_create("predict_formats");
    TCase *const tcase = tcase_create("predict_formats");
    tcase_add_unchecked_fixture(tcase, create_models, destroy_models);
    tcase_add_test(tcase, test_predict_decode_octets_reads_little_endian_floats);
    tcase_add_test(tcase, test_predict_decode_octets_scales_bytes);
    tcase_add_loop_test(tcase, test_predict_decode_octets_names_what_does_not_fit, 0,
                        (int)(sizeof bad_octets / sizeof *bad_octets));
    tcase_add_test(tcase, test_predict_decode_octets_refuses_a_model_of_too_many_steps);
    tcase_add_test(tcase,
                   test_predict_decode_octets_names_the_number_of_a_piece_that_is_not_finite);
    tcase_add_loop_test(tcase, test_predict_encode_writes_the_answer, 0,
                        (int)(sizeof answers / sizeof *answers));
    tcase_add_loop_test(tcase, test_predict_encode_refuses_what_json_cannot_say, 0, 2);
    tcase_add_test(tcase, test_predict_encode_into_too_little_room_fails);
    tcase_add_test(tcase, test_predict_call_that_was_decoded_runs);
    suite_add_tcase(suite, tcase);
    return suite;
}
