/* test_directions.c: models that read backwards, skip steps or pool them, forward, against the
 * oracle. SPDX-License-Identifier: Apache-2.0 */
#include "core/direction.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/layer_pooling.h"
#include "tests/support/assert_tensor.h"
#include "tests/support/batch.h"
#include "tests/support/cases.h"
#include "tests/support/direction_networks.h"
#include "tests/support/model_builder.h"

Suite *suite_directions(void);

START_TEST(test_directions_compute_what_the_oracle_computes)
{
    struct reference_network network = direction_networks[_i];
    reference_init(&network, 31);
    batch_check(&network, 6, (const size_t[]){4, 1, 6, 0, 2, 6}, false, 32);
    batch_check(&network, 6, (const size_t[]){4, 1, 6, 0, 2, 6}, true, 33);
    batch_check(&network, 1, (const size_t[]){0}, true, 34);
    reference_release(&network);
}
END_TEST

/* Longer than a piece, more than a slice, and in every piece's size. */
START_TEST(test_directions_do_not_depend_on_pieces_and_slices)
{
    struct reference_network network = direction_networks[_i];
    reference_init(&network, 35);
    batch_check_cuts(&network, 20, 45, 36);
    reference_release(&network);
}
END_TEST

/* The room grows with the longest sequence; slices of long ones are narrower. */
START_TEST(test_directions_of_growing_sequences_are_computed)
{
    static const size_t steps[] = {3, 300, 5000, 10};
    struct reference_network network = direction_networks[_i == 0 ? 3 : 22];
    reference_init(&network, 38);
    struct lstm_model *model = build_model(&network, NULL);
    struct lstm_runner *runner = create_runner(model, 3, 0);
    for (size_t k = 0; k < N_CASES(steps); k++) {
        struct batch batch;
        batch_init(&batch, &network, 3, (const size_t[]){2, steps[k], steps[k] / 2}, true, 39);
        batch_run(&batch, runner, model);
        batch_compare(&batch, &network);
        batch_release(&batch);
    }
    lstm_runner_destroy(runner);
    lstm_model_destroy(model);
    reference_release(&network);
}
END_TEST

/* The final state may be written over the initial one, which skipped steps are given. */
START_TEST(test_directions_in_place_states_give_the_same)
{
    struct reference_network network = direction_networks[_i];
    reference_init(&network, 40);
    struct lstm_model *model = build_model(&network, NULL);
    struct lstm_runner *runner = create_runner(model, 4, 0);
    struct batch apart, in_place;
    const size_t lengths[] = {5, 3, 5, 1};
    batch_init(&apart, &network, 4, lengths, true, 41);
    batch_init(&in_place, &network, 4, lengths, true, 41);
    for (size_t k = 0; k < 4; k++) {
        struct lstm_sequence *sequence = &in_place.sequences[k];
        memcpy(sequence->final_state, sequence->initial_state, network.state_size * sizeof(float));
        free((void *)(uintptr_t)sequence->initial_state);
        sequence->initial_state = sequence->final_state;
    }
    batch_run(&apart, runner, model);
    batch_run(&in_place, runner, model);
    batch_compare_runs(&in_place, &apart, model, 0);
    for (size_t k = 0; k < 4; k++)
        in_place.sequences[k].initial_state = NULL;
    batch_release(&apart);
    batch_release(&in_place);
    lstm_runner_destroy(runner);
    lstm_model_destroy(model);
    reference_release(&network);
}
END_TEST

START_TEST(test_directions_states_are_named_after_their_cells)
{
    struct reference_network network = direction_networks[13];
    static const char *const names[] = {"a", "b/fw", "b/bw", "c", "d"};
    static const bool backwards[] = {false, false, true, false, true};
    reference_init(&network, 42);
    struct lstm_model *model = build_model(&network, NULL);
    const struct lstm_model_info *info = lstm_model_info(model);
    ck_assert_uint_eq(info->n_recurrent, N_CASES(names));
    ck_assert(info->reads_backwards);
    ck_assert_uint_eq(info->state_size, network.state_size);
    ck_assert_uint_eq(info->rnn_output_size, network.rnn_units);
    for (size_t k = 0; k < N_CASES(names); k++) {
        ck_assert_str_eq(lstm_model_state(model, k)->name, names[k]);
        ck_assert_int_eq(lstm_model_state(model, k)->reads_backwards, backwards[k]);
    }
    find_tensor(model, "b/fw/gates/kernel");
    find_tensor(model, "b/bw/candidate/bias");
    lstm_model_destroy(model);
    reference_release(&network);
}
END_TEST

START_TEST(test_direction_reverse_permutes_each_sequence_in_its_own_rows)
{
    /* Lengths 4, 2, 1; a row is named by its sequence and step. */
    static const size_t rows_at[] = {3, 2, 1, 1};
    static const size_t want[] = {6, 4, 2, 5, 1, 3, 0};
    const struct pack pack = {.n_steps = 4, .rows_at = rows_at, .rows = 7};
    const struct pack empty = {.rows_at = rows_at};
    size_t rows[7] = {0};
    direction_reverse(&pack, rows);
    for (size_t i = 0; i < 7; i++)
        ck_assert_uint_eq(rows[i], want[i]);
    direction_reverse(&empty, rows);
}
END_TEST

#define RECURRENT "{\"type\":\"lstm\",\"units\":3"
#define POOL(how) "{\"type\":\"pooling\",\"reduce\":\"" how "\"}"
static const struct {
    const char *layers, *words;
} refused_cases[] = {
    {RECURRENT ",\"bidirectional\":\"concat\",\"go_backwards\":true}", "exclude each other"},
    {RECURRENT ",\"bidirectional\":\"both\"}", "layers[0].bidirectional"},
    {RECURRENT ",\"go_backwards\":1}", "layers[0].go_backwards"},
    {RECURRENT ",\"return_sequences\":true},{\"type\":\"masking\"}", "must be the first layer"},
    {"{\"type\":\"masking\",\"mask_value\":\"0\"}," RECURRENT "}", "layers[0].mask_value"},
    {"{\"type\":\"masking\",\"units\":2}," RECURRENT "}", "units"},
    {"{\"type\":\"masking\"}", "at least one lstm or gru"},
    {RECURRENT "}," POOL("mean"), "layers[0].return_sequences: must be true, as layers[1] pools"},
    {RECURRENT ",\"return_sequences\":true}," POOL("mean") "," RECURRENT "}",
     "layers[1]: a pooling layer must be behind the last recurrent layer"},
    {RECURRENT ",\"return_sequences\":true}," POOL("mean") "," POOL("max"),
     "layers[2]: layers[1] makes one row of all steps already"},
    {RECURRENT ",\"return_sequences\":true}," POOL("min"), "layers[1].reduce"},
    {RECURRENT ",\"return_sequences\":true},{\"type\":\"pooling\"}", "reduce"},
};

START_TEST(test_description_of_directions_that_makes_no_sense_is_refused)
{
    char json[512];
    struct lstm_model *model = NULL;
    struct lstm_error error;
    snprintf(json, sizeof json,
             "{\"format\":\"lstmd-model-1\",\"input\":{\"features\":2},\"layers\":[%s]}",
             refused_cases[_i].layers);
    assert_failure(lstm_model_create(json, strlen(json), 1, &model, &error), LSTM_INVALID, &error,
                   refused_cases[_i].words);
}
END_TEST

/* Four models, each of one architecture with itself alone; destroys them. */
static void check_apart(struct lstm_model *const models[4])
{
    for (size_t k = 0; k < 16; k++)
        ck_assert_int_eq(lstm_model_same_architecture(models[k / 4], models[k % 4]),
                         k / 4 == k % 4);
    for (size_t k = 0; k < 4; k++)
        lstm_model_destroy(models[k]);
}

START_TEST(test_models_that_read_in_other_directions_are_not_of_one_architecture)
{
    static const char *const keys[] = {"", ",\"go_backwards\":true", ",\"bidirectional\":\"sum\"",
                                       ",\"bidirectional\":\"mul\""};
    struct lstm_model *models[4];
    for (size_t k = 0; k < 4; k++) {
        char json[256];
        snprintf(json, sizeof json,
                 "{\"format\":\"lstmd-model-1\",\"input\":{\"features\":2},\"layers\":[" RECURRENT
                 "%s}]}",
                 keys[k]);
        models[k] = create_model(json, 1);
    }
    check_apart(models);
}
END_TEST

START_TEST(test_models_that_pool_otherwise_are_not_of_one_architecture)
{
    static const char *const layers[] = {"", "," POOL("mean"), "," POOL("max"), "," POOL("last")};
    struct lstm_model *models[4];
    for (size_t k = 0; k < 4; k++) {
        char json[256];
        snprintf(json, sizeof json,
                 "{\"format\":\"lstmd-model-1\",\"input\":{\"features\":2},\"layers\":[" RECURRENT
                 ",\"return_sequences\":true}%s]}",
                 layers[k]);
        models[k] = create_model(json, 1);
        const struct lstm_model_info *info = lstm_model_info(models[k]);
        ck_assert_int_eq(info->pools_steps, k > 0);
        ck_assert_int_eq(info->needs_whole, k > 0);
        ck_assert_int_eq(info->output_is_sequence, k == 0);
        ck_assert_uint_eq(info->output_size, 3);
    }
    check_apart(models);
}
END_TEST

static const size_t pooled_rows_at[] = {2, 2, 1};
static const struct pack pooled_pack = {.n_steps = 3, .rows_at = pooled_rows_at, .rows = 5};

/* Sequences of 3 and 2 steps with two values a row: the first is the same twice. */
START_TEST(test_pooling_equal_maxima_share_the_gradient)
{
    static const float x[] = {4, 1, 0, -1, 4, 2, -3, -2, 0, 3};
    static const float pooled[] = {4, 3, 0, -1}, dy[] = {2, 5, 7, 11};
    static const float want[] = {1, 0, 7, 11, 1, 0, 0, 0, 0, 5};
    const struct layer layer = {.inputs = 2, .reduce = POOLING_MAX};
    float got[4] = {0}, dx[10];
    pooling_add(&layer, &pooled_pack, 0, x, got);
    for (size_t i = 0; i < N_CASES(got); i++)
        ck_assert(got[i] == pooled[i]);
    pooling_spread(&layer, &pooled_pack, x, pooled, dy, dx);
    for (size_t i = 0; i < N_CASES(dx); i++)
        ck_assert(dx[i] == want[i]);
}
END_TEST

START_TEST(test_pooling_keeps_what_is_no_number)
{
    static const int reductions[] = {POOLING_MEAN, POOLING_MAX};
    for (size_t k = 0; k < N_CASES(reductions); k++)
        for (size_t bad = 0; bad < 5; bad += 2) {
            const struct layer layer = {.inputs = 1, .reduce = reductions[k]};
            float x[] = {1, 2, 3, 4, 5}, got[2] = {0};
            x[bad] = NAN;
            pooling_add(&layer, &pooled_pack, 0, x, got);
            ck_assert(isnan(got[0]));
            ck_assert(!isnan(got[1]));
        }
}
END_TEST

Suite *suite_directions(void)
{
    Suite *suite = suite_create("directions");
    TCase *forward = tcase_create("forward"), *describe = tcase_create("describe");
    int n = N_DIRECTION_NETWORKS;
    suite_add_tcase(suite, forward);
    suite_add_tcase(suite, describe);
    tcase_set_timeout(forward, 30);
    tcase_add_loop_test(forward, test_directions_compute_what_the_oracle_computes, 0, n);
    tcase_add_loop_test(forward, test_directions_do_not_depend_on_pieces_and_slices, 0, n);
    tcase_add_loop_test(forward, test_directions_of_growing_sequences_are_computed, 0, 2);
    tcase_add_loop_test(forward, test_directions_in_place_states_give_the_same, 0, n);
    tcase_add_test(describe, test_directions_states_are_named_after_their_cells);
    tcase_add_test(describe, test_direction_reverse_permutes_each_sequence_in_its_own_rows);
    tcase_add_loop_test(describe, test_description_of_directions_that_makes_no_sense_is_refused, 0,
                        N_CASES(refused_cases));
    tcase_add_test(describe, test_models_that_read_in_other_directions_are_not_of_one_architecture);
    tcase_add_test(describe, test_models_that_pool_otherwise_are_not_of_one_architecture);
    tcase_add_test(forward, test_pooling_equal_maxima_share_the_gradient);
    tcase_add_test(forward, test_pooling_keeps_what_is_no_number);
    return suite;
}
