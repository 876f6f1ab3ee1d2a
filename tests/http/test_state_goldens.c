/* test_state_goldens.c: a daemon asked for states gives the numbers that TensorFlow.js computed.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/assert_tensor.h"
#include "tests/support/client.h"
#include "tests/support/daemon.h"
#include "tests/support/fill.h"
#include "tests/support/golden_forward.h"
#include "tests/support/model_builder.h"
#include "tests/support/model_store.h"
#include "tests/support/temp_folder.h"
#include "tests/support/tensor_json.h"

Suite *suite_state_goldens(void);

enum {
    BATCH = GOLDEN_BATCH,
    TIME = GOLDEN_TIME,
    EMBED = GOLDEN_EMBED,
    UNITS = GOLDEN_UNITS,
    STATE = BATCH * UNITS /* c or h of the batch */
};

static const size_t input_shape[] = {BATCH, TIME, EMBED}, state_shape[] = {BATCH, UNITS},
                    trace_shape[] = {BATCH, TIME, UNITS};

static struct temp_folder folder;
static struct daemon server;
static json_t *golden;

static void start(void)
{
    temp_folder_create(&folder);
    golden = golden_load("tfjs_golden.json");
    for (size_t k = 0; k < N_GOLDEN_CASES; k++) {
        struct reference_network network = golden_network(golden, &golden_cases[k]);
        struct lstm_model *model = build_model(&network, NULL);
        model_store_save(folder.path, golden_cases[k].name, "1", model);
        lstm_model_destroy(model);
        reference_release(&network);
    }
    daemon_start(&server, folder.path, NULL);
}

static void stop(void)
{
    ck_assert_int_eq(daemon_stop(&server), 0);
    json_decref(golden);
    temp_folder_remove(&folder);
}

/* Posts a body, which it takes, to a model's :state. The answer is new. */
static json_t *ask(const char *model, json_t *body)
{
    struct client client;
    struct client_answer answer;
    char path[128];
    char *text = json_dumps(body, 0);
    snprintf(path, sizeof path, "/v1/models/%s:state", model);
    client_init(&client, server.url);
    client_post(&client, path, text, &answer);
    ck_assert_msg(answer.status == 200, "%d: %s", answer.status, answer.body);
    json_t *root = json_loads(answer.body, 0, NULL);
    ck_assert_ptr_nonnull(root);
    client_answer_release(&answer);
    client_release(&client);
    free(text);
    json_decref(body);
    return root;
}

START_TEST(test_state_outputs_of_the_last_step_are_h)
{
    float inputs[BATCH * TIME * EMBED], outputs[BATCH * TIME * UNITS], c[STATE], h[STATE];
    fill_values(inputs, BATCH * TIME * EMBED, 1, 1);
    json_t *answer =
        ask("single", json_pack("{s:o}", "inputs", tensor_json(inputs, 3, input_shape)));
    tensor_json_read(answer, "outputs", 3, trace_shape, outputs);
    tensor_json_read(answer, "state/c", 2, state_shape, c);
    tensor_json_read(answer, "state/h", 2, state_shape, h);
    for (size_t b = 0; b < BATCH; b++)
        assert_tensor_identical("outputs[:,-1,:]", outputs + (b * TIME + TIME - 1) * UNITS,
                                h + b * UNITS, UNITS);
    ck_assert_uint_eq(json_object_size(answer), 2);
    json_decref(answer);
}
END_TEST

static json_t *golden_body(const struct golden_case *this_case)
{
    float x[BATCH * TIME * EMBED], c0[STATE], h0[STATE];
    golden_floats(golden, "x", x, BATCH * TIME * EMBED);
    golden_floats(golden, "c0", c0, STATE);
    golden_floats(golden, "h0", h0, STATE);
    json_t *inputs = json_pack("{s:o}", "input", tensor_json(x, 3, input_shape));
    if (this_case->initial_state)
        json_object_set_new(inputs, "initial_state",
                            json_pack("{s:o,s:o}", "c", tensor_json(c0, 2, state_shape), "h",
                                      tensor_json(h0, 2, state_shape)));
    if (this_case->masked)
        json_object_set_new(inputs, "sequence_length",
                            json_pack("[i,i,i]", (int)golden_lengths[0], (int)golden_lengths[1],
                                      (int)golden_lengths[2]));
    return json_pack("{s:o,s:b}", "inputs", inputs, "trace", 1);
}

/* A part of a cell, in the trace and at the end; TensorFlow copies a finished sequence's state from
 * step to step. */
static void compare_part(const json_t *answer, const struct golden_case *this_case, size_t cell,
                         const char *part)
{
    float trace[BATCH * TIME * UNITS], last[STATE];
    char path[32], cell_path[16] = "";
    if (this_case->n_cells > 1)
        snprintf(cell_path, sizeof cell_path, "%zu/", cell);
    snprintf(path, sizeof path, "trace/%s%s", cell_path, part);
    tensor_json_read(answer, path, 3, trace_shape, trace);
    snprintf(path, sizeof path, "state/%s%s", cell_path, part);
    tensor_json_read(answer, path, 2, state_shape, last);
    for (size_t t = 0; t < TIME; t++) {
        double want[STATE];
        golden_state(golden, this_case, t, part, cell, want);
        for (size_t b = 0; b < BATCH; b++)
            assert_tensor(part, trace + (b * TIME + t) * UNITS, want + b * UNITS, UNITS, 1e-6, 0);
        if (t + 1 == TIME)
            assert_tensor(path, last, want, STATE, 1e-6, 0);
    }
}

START_TEST(test_state_gives_the_numbers_of_tensorflow_js)
{
    const struct golden_case *this_case = &golden_cases[_i];
    float outputs[BATCH * TIME * UNITS];
    json_t *answer = ask(this_case->name, golden_body(this_case));
    for (size_t cell = 0; cell < this_case->n_cells; cell++) {
        compare_part(answer, this_case, cell, "c");
        compare_part(answer, this_case, cell, "h");
    }
    tensor_json_read(answer, "outputs", 3, trace_shape, outputs);
    for (size_t t = 0; t < TIME; t++) {
        double want[STATE];
        golden_output(golden, this_case, t, want);
        for (size_t b = 0; b < BATCH; b++)
            assert_tensor("outputs", outputs + (b * TIME + t) * UNITS, want + b * UNITS, UNITS,
                          1e-6, 0);
    }
    json_decref(answer);
}
END_TEST

Suite *suite_state_goldens(void)
{
    Suite *suite = suite_create("state_goldens");
    TCase *tcase = tcase_create("state_goldens");
    tcase_set_timeout(tcase, 60);
    tcase_add_unchecked_fixture(tcase, start, stop);
    tcase_add_test(tcase, test_state_outputs_of_the_last_step_are_h);
    tcase_add_loop_test(tcase, test_state_gives_the_numbers_of_tensorflow_js, 0, N_GOLDEN_CASES);
    suite_add_tcase(suite, tcase);
    return suite;
}
