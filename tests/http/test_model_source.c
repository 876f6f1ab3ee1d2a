/* test_model_source.c: a daemon serves other programs' files as they are.
 * SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/cases.h"
#include "tests/support/client.h"
#include "tests/support/daemon.h"
#include "tests/support/golden.h"
#include "tests/support/temp_folder.h"

Suite *suite_model_source(void);

enum { BATCH = 2 };

static const struct {
    const char *name, *goldens;
} sources[] = {
    {"torch/safetensors", "../torch/goldens.json"},
    {"torch/legacy", "../torch/goldens.json"},
    {"torch/lstm_bidirectional", "../torch/goldens.json"},
    {"keras/keras3.keras", "../keras/goldens.json"},
    {"keras/tf_functional_masking", "../keras/goldens.json"},
};

static const json_t *member(const json_t *golden, size_t k, const char *key)
{
    const json_t *found =
        json_object_get(json_object_get(golden, strchr(sources[k].name, '/') + 1), key);
    ck_assert_ptr_nonnull(found);
    return found;
}

/* The body of a request with the golden's sequences. */
static char *make_body(const json_t *golden, size_t k)
{
    const size_t steps = (size_t)json_integer_value(member(golden, k, "steps"));
    const size_t features = (size_t)json_integer_value(member(golden, k, "features"));
    const json_t *inputs = member(golden, k, "inputs");
    json_t *instances = json_array();
    for (size_t b = 0, at = 0; b < BATCH; b++) {
        json_t *sequence = json_array();
        for (size_t t = 0; t < steps; t++) {
            json_t *step = json_array();
            for (size_t d = 0; d < features; d++)
                json_array_append(step, json_array_get(inputs, at++));
            json_array_append_new(sequence, step);
        }
        json_array_append_new(instances, sequence);
    }
    json_t *body = json_pack("{s:o}", "instances", instances);
    char *text = json_dumps(body, JSON_REAL_PRECISION(17));
    ck_assert_ptr_nonnull(text);
    json_decref(body);
    return text;
}

static void compare_answer(const char *text, const json_t *golden, size_t k)
{
    json_t *answer = json_loads(text, 0, NULL);
    const json_t *predictions = json_object_get(answer, "predictions");
    const json_t *outputs = member(golden, k, "outputs");
    const size_t n = json_array_size(outputs) / BATCH;
    ck_assert_msg(json_array_size(predictions) == BATCH, "%s", text);
    for (size_t i = 0; i < n * BATCH; i++) {
        const json_t *value = json_array_get(json_array_get(predictions, i / n), i % n);
        const double expected = json_number_value(json_array_get(outputs, i));
        ck_assert_msg(json_is_number(value) && fabs(json_number_value(value) - expected) <= 1e-5,
                      "value %zu: expected %g: %s", i, expected, text);
    }
    json_decref(answer);
}

START_TEST(test_file_given_to_the_daemon_is_served_as_its_program_computes)
{
    struct temp_folder folder;
    struct daemon server;
    struct client client;
    struct client_answer answer;
    char spec[128];
    snprintf(spec, sizeof spec, "mine=tests/data/%s", sources[_i].name);
    const char *const options[] = {"--model", spec, "--log-level", "off", NULL};
    json_t *golden = golden_load(sources[_i].goldens);
    char *body = make_body(golden, (size_t)_i);
    temp_folder_create(&folder);
    daemon_start(&server, folder.path, options);
    client_init(&client, server.url);
    client_post(&client, "/v1/models/mine:predict", body, &answer);
    ck_assert_msg(answer.status == 200, "%d: %s", answer.status, answer.body);
    compare_answer(answer.body, golden, (size_t)_i);
    client_answer_release(&answer);
    client_release(&client);
    ck_assert_int_eq(daemon_stop(&server), 0);
    temp_folder_remove(&folder);
    free(body);
    json_decref(golden);
}
END_TEST

static const struct {
    const char *spec, *words;
} refusals[] = {
    {"mine=tests/data/torch/refused/torchscript", "a TorchScript program"},
    {"mine=tests/data/keras/goldens.json", "its content is of no known format"},
    {"mine=tests/data/nothing", "tests/data/nothing"},
    {"tests/data/torch/legacy", "NAME=PATH"},
};

START_TEST(test_file_that_is_no_model_ends_the_start_with_a_sentence)
{
    static struct daemon_run run;
    struct temp_folder folder;
    temp_folder_create(&folder);
    const char *const arguments[] = {"serve",   "--port",          "0", "--models", folder.path,
                                     "--model", refusals[_i].spec, NULL};
    daemon_run(arguments, &run);
    ck_assert_int_ne(run.exit_status, EXIT_SUCCESS);
    ck_assert_msg(strstr(run.log, refusals[_i].words) != NULL, "%s", run.log);
    temp_folder_remove(&folder);
}
END_TEST

Suite *suite_model_source(void)
{
    Suite *suite = suite_create("model_source");
    TCase *tcase = tcase_create("model_source");
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, test_file_given_to_the_daemon_is_served_as_its_program_computes, 0,
                        N_CASES(sources));
    tcase_add_loop_test(tcase, test_file_that_is_no_model_ends_the_start_with_a_sentence, 0,
                        N_CASES(refusals));
    suite_add_tcase(suite, tcase);
    return suite;
}
