/* test_state_codec.c: options of state requests, and what their answers look like.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "server/state_codec.h"
#include "tests/support/assert_tensor.h"
#include "tests/support/cases.h"
#include "tests/support/model_builder.h"

Suite *suite_state_codec(void);

enum { SINGLE, GRU, STACK, N_MODELS };

#define MODEL(layers)                                                                              \
    "{\"format\":\"lstmd-model-1\",\"input\":{\"features\":1},\"layers\":[" layers "]}"

static const char *const model_texts[N_MODELS] = {
    [SINGLE] = MODEL("{\"type\":\"lstm\",\"units\":2},{\"type\":\"dense\",\"units\":1}"),
    [GRU] = MODEL("{\"type\":\"gru\",\"units\":2}"),
    [STACK] = MODEL("{\"type\":\"lstm\",\"units\":1,\"return_sequences\":true},"
                    "{\"type\":\"gru\",\"units\":1,\"return_sequences\":true}"),
};

static struct lstm_model *models[N_MODELS];
static const struct predict_limits limits = {.max_instances = 4, .max_steps = 30};

static void create_models(void)
{
    for (size_t k = 0; k < N_MODELS; k++)
        models[k] = create_model(model_texts[k], 1);
}

static void destroy_models(void)
{
    for (size_t k = 0; k < N_MODELS; k++)
        lstm_model_destroy(models[k]);
}

/* ---- Options --------------------------------------------------------------------------------- */

/* The options as text: "tuple trace gates predictions layers 0 2". */
static void write_options(const struct state_options *options, struct buf *out)
{
    buf_printf(out, "%s%s%s%s", options->state_is_tuple ? "tuple" : "array",
               options->trace ? " trace" : "", options->gates ? " gates" : "",
               options->predictions ? " predictions" : "");
    if (options->layers != NULL)
        buf_text(out, " layers");
    for (size_t k = 0; k < options->n_layers; k++)
        buf_printf(out, " %zu", options->layers[k]);
}

static void assert_options(struct state_options *options, const char *expected)
{
    struct buf found;
    buf_init(&found, 256);
    write_options(options, &found);
    ck_assert_str_eq(found.data, expected);
    buf_release(&found);
    state_options_release(options);
    state_options_release(options);
}

static const struct {
    const char *members, *query, *expected;
} good_options[] = {
    {"", "", "tuple"},
    {",\"trace\":true", "trace=true", "tuple trace"},
    {",\"gates\":true,\"trace\":false", "gates=true&trace=false", "tuple gates"},
    {",\"state_is_tuple\":true,\"predictions\":true", "state_is_tuple=true&predictions=true",
     "tuple predictions"},
    {",\"state_is_tuple\":false", "state_is_tuple=false", "array"},
    {",\"layers\":[0]", "layers=0", "tuple layers 0"},
    {",\"layers\":[1,0]", "layers=1,0", "tuple layers 1 0"},
    {",\"layers\":[1.0]", "layers=01", "tuple layers 1"},
};

START_TEST(test_state_options_are_keys_of_the_body)
{
    char body[128];
    struct predict_call call;
    struct state_options options;
    struct lstm_error error;
    const int n = snprintf(body, sizeof body, "{\"instances\":[[1]]%s}", good_options[_i].members);
    assert_ok(predict_decode_json(models[STACK], &limits, body, (size_t)n, &call, &error), &error);
    assert_ok(
        state_options_decode(models[STACK], &predict_call_memory(&call)->body, &options, &error),
        &error);
    assert_options(&options, good_options[_i].expected);
    predict_call_release(&call);
}
END_TEST

/* Reads request->path as a query. */
static const char *find_parameter(const struct request *request, const char *name)
{
    static char value[64];
    const size_t n = strlen(name);
    for (const char *at = request->path; *at != '\0'; at += strcspn(at, "&"), at += *at == '&') {
        if (strncmp(at, name, n) != 0 || at[n] != '=')
            continue;
        snprintf(value, sizeof value, "%.*s", (int)strcspn(at + n + 1, "&"), at + n + 1);
        return value;
    }
    return NULL;
}

START_TEST(test_state_options_are_parameters_of_the_query)
{
    const struct request request = {.path = good_options[_i].query, .query = find_parameter};
    struct state_options options;
    struct lstm_error error;
    assert_ok(state_options_read_query(models[STACK], &request, &options, &error), &error);
    assert_options(&options, good_options[_i].expected);
}
END_TEST

static const struct {
    const char *query, *words;
} bad_queries[] = {
    {"trace=TRUE", "trace: expected true or false, found 'TRUE'"},
    {"gates=", "gates: expected true or false, found ''"},
    {"layers=2", "layers[0]: expected the number of a recurrent layer, 0 to 1, found 2"},
    {"layers=0,1,1", "layers[2]: layer 1 is there already"},
    {"layers=0,1,0,1,0", "layers[2]: layer 0 is there already"},
    {"layers=-1", "layers: expected numbers of recurrent layers with commas between them"},
    {"layers=0 1", "found '0 1'"},
    {"layers=1e0", "found '1e0'"},
    {"layers=,0", "found ',0'"},
};

START_TEST(test_state_options_of_a_bad_query_name_the_parameter)
{
    const struct request request = {.path = bad_queries[_i].query, .query = find_parameter};
    struct state_options options;
    struct lstm_error error;
    assert_failure(state_options_read_query(models[STACK], &request, &options, &error),
                   LSTM_INVALID, &error, bad_queries[_i].words);
    ck_assert_ptr_null(options.layers);
}
END_TEST

/* ---- Answers --------------------------------------------------------------------------------- */

/* Two instances of 2 and of 1 steps; T is 2. What they give counts up from 1. */
struct given {
    struct lstm_sequence sequences[2];
    struct predict_call call;
    float memory[128];
};

static void give(struct given *given, size_t model, bool time_major)
{
    const struct lstm_model_info *info = lstm_model_info(models[model]);
    float *next = given->memory;
    for (size_t k = 0; k < sizeof given->memory / sizeof *given->memory; k++)
        given->memory[k] = (float)(k + 1);
    given->call = (struct predict_call){
        .time_major = time_major, .steps = 2, .sequences = given->sequences, .n = 2};
    for (size_t i = 0; i < 2; i++) {
        struct lstm_sequence *sequence = &given->sequences[i];
        *sequence = (struct lstm_sequence){.steps = 2 - i};
        sequence->rnn_output = next;
        sequence->final_state = sequence->rnn_output + sequence->steps * info->rnn_output_size;
        sequence->state_trace = sequence->final_state + info->state_size;
        sequence->gates_trace = sequence->state_trace + sequence->steps * info->state_size;
        sequence->output = sequence->gates_trace + sequence->steps * info->gates_size;
        next =
            sequence->output + (info->output_is_sequence ? sequence->steps : 1) * info->output_size;
    }
}

static size_t second_layer[] = {1};

static const struct {
    size_t model;
    bool time_major;
    struct state_options options;
    const char *expected;
} answers[] = {
    {SINGLE,
     false,
     {.state_is_tuple = true},
     "{\"outputs\":[[[1.0,2.0],[3.0,4.0]],[[34.0,35.0],[0.0,0.0]]],"
     "\"state\":{\"c\":[[5.0,6.0],[36.0,37.0]],\"h\":[[7.0,8.0],[38.0,39.0]]}}"},
    {SINGLE,
     true,
     {.state_is_tuple = false},
     "{\"outputs\":[[[1.0,2.0],[34.0,35.0]],[[3.0,4.0],[0.0,0.0]]],"
     "\"state\":[[5.0,6.0,7.0,8.0],[36.0,37.0,38.0,39.0]]}"},
    {SINGLE,
     false,
     {.state_is_tuple = true, .trace = true, .predictions = true},
     "{\"outputs\":[[[1.0,2.0],[3.0,4.0]],[[34.0,35.0],[0.0,0.0]]],"
     "\"state\":{\"c\":[[5.0,6.0],[36.0,37.0]],\"h\":[[7.0,8.0],[38.0,39.0]]},"
     "\"trace\":{\"c\":[[[9.0,10.0],[13.0,14.0]],[[40.0,41.0],[36.0,37.0]]],"
     "\"h\":[[[11.0,12.0],[15.0,16.0]],[[42.0,43.0],[38.0,39.0]]]},"
     "\"predictions\":[[33.0],[52.0]]}"},
    {SINGLE,
     true,
     {.state_is_tuple = false, .trace = true},
     "{\"outputs\":[[[1.0,2.0],[34.0,35.0]],[[3.0,4.0],[0.0,0.0]]],"
     "\"state\":[[5.0,6.0,7.0,8.0],[36.0,37.0,38.0,39.0]],"
     "\"trace\":[[[9.0,10.0,11.0,12.0],[40.0,41.0,42.0,43.0]],"
     "[[13.0,14.0,15.0,16.0],[36.0,37.0,38.0,39.0]]]}"},
    {GRU,
     false,
     {.state_is_tuple = true, .gates = true},
     "{\"outputs\":[[[1.0,2.0],[3.0,4.0]],[[25.0,26.0],[0.0,0.0]]],"
     "\"state\":{\"h\":[[5.0,6.0],[27.0,28.0]]},"
     "\"gates\":{\"r\":[[[11.0,12.0],[17.0,18.0]],[[31.0,32.0],[0.0,0.0]]],"
     "\"u\":[[[13.0,14.0],[19.0,20.0]],[[33.0,34.0],[0.0,0.0]]],"
     "\"c\":[[[15.0,16.0],[21.0,22.0]],[[35.0,36.0],[0.0,0.0]]]}}"},
    {STACK,
     false,
     {.state_is_tuple = true, .predictions = true},
     "{\"outputs\":[[[1.0],[2.0]],[[28.0],[0.0]]],"
     "\"state\":[{\"c\":[[3.0],[29.0]],\"h\":[[4.0],[30.0]]},{\"h\":[[5.0],[31.0]]}],"
     "\"predictions\":[[[26.0],[27.0]],[[42.0],[0.0]]]}"},
    {STACK,
     false,
     {.state_is_tuple = false, .layers = second_layer, .n_layers = 1, .trace = true},
     "{\"outputs\":[[[1.0],[2.0]],[[28.0],[0.0]]],\"state\":[[[5.0],[31.0]]],"
     "\"trace\":[[[[8.0],[11.0]],[[34.0],[31.0]]]]}"},
};

START_TEST(test_state_encode_writes_the_answer)
{
    struct given given;
    struct buf out;
    buf_init(&out, 4096);
    give(&given, answers[_i].model, answers[_i].time_major);
    ck_assert_int_eq(
        state_encode(models[answers[_i].model], &given.call, &answers[_i].options, &out, NULL),
        LSTM_OK);
    ck_assert_str_eq(out.data, answers[_i].expected);
    buf_release(&out);
}
END_TEST

START_TEST(test_state_encode_of_no_steps_has_none)
{
    struct lstm_sequence sequence = {.final_state = (float[]){1, 2}};
    const struct predict_call call = {.sequences = &sequence, .n = 1, .time_major = _i == 1};
    const struct state_options options = {.state_is_tuple = true, .trace = true, .gates = true};
    static const char *const expected[] = {
        "{\"outputs\":[[]],\"state\":{\"h\":[[1.0,2.0]]},\"trace\":{\"h\":[[]]},"
        "\"gates\":{\"r\":[[]],\"u\":[[]],\"c\":[[]]}}",
        "{\"outputs\":[],\"state\":{\"h\":[[1.0,2.0]]},\"trace\":{\"h\":[]},"
        "\"gates\":{\"r\":[],\"u\":[],\"c\":[]}}"};
    struct buf out;
    buf_init(&out, 4096);
    ck_assert_int_eq(state_encode(models[GRU], &call, &options, &out, NULL), LSTM_OK);
    ck_assert_str_eq(out.data, expected[_i]);
    buf_release(&out);
}
END_TEST

/* Places in the memory of a given SINGLE. */
static const struct {
    size_t place;
    const char *words;
} not_finite[] = {
    {34, "output 1 of instance 1 is nan"}, {7, "state 3 of instance 0 is nan"},
    {8, "state 0 of instance 0 is nan"},   {17, "gate 1 of instance 0 is nan"},
    {51, "output 0 of instance 1 is nan"},
};

START_TEST(test_state_encode_refuses_what_json_cannot_say)
{
    const struct state_options options = {.trace = true, .gates = true, .predictions = true};
    struct given given;
    struct lstm_error error;
    struct buf out;
    buf_init(&out, 4096);
    give(&given, SINGLE, false);
    given.memory[not_finite[_i].place] = NAN;
    assert_failure(state_encode(models[SINGLE], &given.call, &options, &out, &error),
                   LSTM_NON_FINITE, &error, not_finite[_i].words);
    buf_release(&out);
}
END_TEST

START_TEST(test_state_encode_into_too_little_room_fails)
{
    struct given given;
    give(&given, SINGLE, false);
    for (size_t limit = 0; limit < strlen(answers[2].expected); limit++) {
        struct buf out;
        buf_init(&out, limit);
        ck_assert_int_eq(state_encode(models[SINGLE], &given.call, &answers[2].options, &out, NULL),
                         LSTM_NO_MEMORY);
        buf_release(&out);
    }
}
END_TEST

Suite *suite_state_codec(void)
{
    Suite *suite = suite_create("state_codec");
    TCase *tcase = tcase_create("state_codec");
    tcase_add_unchecked_fixture(tcase, create_models, destroy_models);
    tcase_add_loop_test(tcase, test_state_options_are_keys_of_the_body, 0, N_CASES(good_options));
    tcase_add_loop_test(tcase, test_state_options_are_parameters_of_the_query, 0,
                        N_CASES(good_options));
    tcase_add_loop_test(tcase, test_state_options_of_a_bad_query_name_the_parameter, 0,
                        N_CASES(bad_queries));
    tcase_add_loop_test(tcase, test_state_encode_writes_the_answer, 0, N_CASES(answers));
    tcase_add_loop_test(tcase, test_state_encode_of_no_steps_has_none, 0, 2);
    tcase_add_loop_test(tcase, test_state_encode_refuses_what_json_cannot_say, 0,
                        N_CASES(not_finite));
    tcase_add_test(tcase, test_state_encode_into_too_little_room_fails);
    suite_add_tcase(suite, tcase);
    return suite;
}
